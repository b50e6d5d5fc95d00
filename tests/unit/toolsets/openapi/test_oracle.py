"""Requests that we send, read by openapi-core: another implementation must accept what we accept, and nothing else."""

from pathlib import Path

import pytest
from tests.unit.toolsets.openapi.descriptions import one, run
from tests.unit.toolsets.openapi.test_compiling import arguments_of

pytest.importorskip("openapi_core", reason="openapi-core is a development dependency")
pytestmark = pytest.mark.filterwarnings("ignore")  # its own dependencies warn

STRINGS = {"type": "array", "items": {"type": "string"}}
BODY = {
    "type": "object",
    "required": ["kind"],
    "properties": {"kind": {"enum": ["a", "b"]}, "n": {"type": "integer", "nullable": True}, "list": STRINGS},
    "additionalProperties": False,
}
BODIES = [
    {"kind": "a"},
    {"kind": "b", "n": None, "list": ["x"]},
    {"kind": "a", "n": 3},
    {"kind": "c"},
    {},
    {"kind": "a", "n": "3"},
    {"kind": "a", "list": [1]},
    {"kind": "a", "more": 1},
    [],
    "a",
]


def errors(root: dict, server: object) -> list[object]:
    from openapi_core import OpenAPI
    from openapi_core.testing import MockRequest

    sent = server.seen[0]  # type: ignore[attr-defined]
    query = {key: sent.url.params.get_list(key) for key in sent.url.params}
    request = MockRequest(
        "https://api.example.com",
        sent.method.lower(),
        sent.url.path,
        args={key: values if len(values) > 1 else values[0] for key, values in query.items()},
        headers=dict(sent.headers),
        data=sent.content or None,
        content_type=sent.headers.get("content-type", "application/json"),
    )
    return list(OpenAPI.from_dict(root).unmarshal_request(request).errors)


@pytest.mark.parametrize("body", BODIES, ids=str)
def test_bodies_are_accepted_exactly_when_the_oracle_accepts_them(tmp_path: Path, body: object) -> None:
    root = one("post", "/x", {"requestBody": {"required": True, "content": {"application/json": {"schema": BODY}}}})
    _, server = run(root, tmp_path, {"body": body})
    assert arguments_of(root).is_valid({"body": body}) == (not errors(root, server))


@pytest.mark.parametrize(
    ("style", "explode", "schema", "value"),
    [
        ("form", True, {"type": "string"}, "a b&c"),
        ("form", True, {"type": "integer"}, 7),
        ("form", True, {"type": "boolean"}, True),
        ("form", True, STRINGS, ["a", "b"]),
        ("form", False, STRINGS, ["a", "b"]),
        ("deepObject", True, {"type": "object", "properties": {"R": {"type": "integer"}}}, {"R": 1}),
    ],
)
def test_queries_are_understood(tmp_path: Path, style: str, explode: bool, schema: dict, value: object) -> None:
    parameter = {"name": "c", "in": "query", "required": True, "style": style, "explode": explode, "schema": schema}
    root = one("get", "/x", {"parameters": [parameter]})
    _, server = run(root, tmp_path, {"c": value})
    assert errors(root, server) == []
