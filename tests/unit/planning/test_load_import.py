"""Recordings and API descriptions: what is understood is taken, the rest is told, secrets are left behind."""

import json

import pytest

from steersman.domain.errors import InputError
from steersman.planning.load_import import from_har, from_openapi


def har(*requests: tuple[str, str], headers: tuple[tuple[str, str], ...] = ()) -> str:
    entries = [
        {"request": {"method": m, "url": u, "headers": [{"name": n, "value": v} for n, v in headers]}}
        for m, u in requests
    ]
    return json.dumps({"log": {"entries": entries}})


def test_requests_of_one_origin_become_a_journey_without_credentials() -> None:
    text = har(
        ("GET", "http://shop:1/a?x=1 2"),
        ("POST", "http://shop:1/buy"),
        ("GET", "http://tracker.test/pixel"),
        headers=(("Cookie", "session=1"), ("Authorization", "Bearer x"), ("Accept", "text/html")),
    )
    found = from_har(text)
    assert found.origin == "http://shop:1"
    (journey,) = found.journeys
    assert [request.path for request in journey.requests] == ["/a?x=1%202"]
    assert [header.name for header in journey.requests[0].headers] == ["Accept"]
    assert len(found.left_out) == 2
    assert "session" not in found.model_dump_json()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"log": {"entries": 3}}', har(), har(("POST", "http://a/"))])
def test_a_recording_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        from_har(text)


OPENAPI = """
openapi: 3.0.3
servers: [{url: "http://shop:1/v1"}]
paths:
  /items/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: string, example: "a/b"}}
    get:
      operationId: item
      parameters:
        - {$ref: "#/components/parameters/page"}
    delete: {operationId: gone}
  /secret:
    get: {security: [{token: []}]}
  /blind/{x}:
    get:
      parameters: [{name: x, in: path, required: true, schema: {type: string}}]
components:
  parameters:
    page: {name: page, in: query, schema: {type: integer, default: 2}}
"""


def test_gets_with_examples_become_journeys_and_the_rest_is_told() -> None:
    found = from_openapi(OPENAPI)
    assert found.origin == "http://shop:1"
    assert [(j.name, j.requests[0].path) for j in found.journeys] == [("item", "/v1/items/a%2Fb?page=2")]
    assert len(found.left_out) == 2
    assert from_openapi(OPENAPI, origin="http://other:2").origin == "http://other:2"


@pytest.mark.parametrize("text", ["a: 1", "openapi: 2.0.0", "openapi: 3.1.0\nservers: [{url: http://a}]\npaths: {}"])
def test_no_description_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        from_openapi(text)
