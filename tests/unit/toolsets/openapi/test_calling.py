"""Requests as they leave, and answers as they are told."""

import json
from pathlib import Path

import httpx
import pytest
from tests.unit.toolsets.openapi.descriptions import CONTEXT, Server, described, one, opened, run

from steersman.domain.errors import InputError, OutcomeUnknownError, ToolError, UnavailableError

SECURED = {
    "securitySchemes": {
        "key": {"type": "apiKey", "in": "query", "name": "api_key"},
        "head": {"type": "apiKey", "in": "header", "name": "X-Key"},
        "cook": {"type": "apiKey", "in": "cookie", "name": "sid"},
        "user": {"type": "http", "scheme": "basic"},
        "token": {"type": "http", "scheme": "bearer"},
        "oauth": {
            "type": "oauth2",
            "flows": {"clientCredentials": {"tokenUrl": "https://api.example.com/token", "scopes": {}}},
        },
        "far": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://evil.example/t", "scopes": {}}}},
    }
}


def secured(*alternatives: dict) -> dict:
    return one("get", "/x", {"security": list(alternatives)}, components=SECURED)


def body_of(kind: str, schema: dict, **media: object) -> dict:
    return one("post", "/x", {"requestBody": {"content": {kind: {"schema": schema, **media}}}})


def test_path_query_header_and_cookie_land_where_they_belong(tmp_path: Path) -> None:
    parameters = [
        {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
        {"name": "tag", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
        {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
        {"name": "mode", "in": "cookie", "schema": {"type": "string"}},
    ]
    root = one("get", "/things/{id}", {"parameters": parameters})
    given = {"id": "group/project a", "tag": ["x", "y"], "X-Trace": "t1", "mode": "dark"}
    _, server = run(root, tmp_path, given)
    assert server.target == "/v1/things/group%2Fproject%20a?tag=x&tag=y"
    assert server.seen[0].headers["x-trace"] == "t1"
    assert server.seen[0].headers["cookie"] == "mode=dark"
    assert str(server.seen[0].url).startswith("https://api.example.com/")


def test_json_is_sent_as_it_was_given(tmp_path: Path) -> None:
    _, server = run(body_of("application/json", {"type": "object"}), tmp_path, {"body": {"a": [1, None, "한"]}})
    assert server.seen[0].headers["content-type"] == "application/json"
    assert json.loads(server.seen[0].content) == {"a": [1, None, "한"]}


def test_a_form_follows_its_encoding(tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {"meta": {"type": "object"}, "ids": {"type": "array"}, "o": {"type": "object"}},
    }
    root = body_of(
        "application/x-www-form-urlencoded", schema, encoding={"meta": {"style": "deepObject", "explode": True}}
    )
    _, server = run(root, tmp_path, {"body": {"meta": {"a": {"b": 1}}, "ids": [1, 2], "o": {"x": 1}}})
    assert server.seen[0].content == b"meta[a][b]=1&ids=1&ids=2&o=%7B%22x%22%3A%201%7D"


def test_multipart_carries_files_and_cannot_be_broken_out_of(tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {
            "file": {"type": "string", "format": "binary"},
            "note": {"type": "string"},
            "meta": {"type": "object"},
        },
    }
    evil = {"filename": 'a"\r\nX: 1', "base64": "AAEC"}
    _, server = run(
        body_of("multipart/form-data", schema), tmp_path, {"body": {"file": evil, "note": "n", "meta": {"a": 1}}}
    )
    sent = server.seen[0]
    mark = sent.headers["content-type"].partition("boundary=")[2].encode()
    parts = sent.content.split(b"--" + mark)
    assert len(parts) == 5
    assert b'filename="a%22%0D%0AX: 1"' in parts[1]
    assert parts[1].endswith(b"\r\n\r\n\x00\x01\x02\r\n")
    assert b'name="note"' in parts[2]
    assert b'Content-Type: application/json\r\n\r\n{"a": 1}' in parts[3]


def test_a_body_of_several_types_must_fit_the_one_that_is_chosen(tmp_path: Path) -> None:
    content = {
        "application/json-patch+json": {"schema": {"type": "array"}},
        "application/merge-patch+json": {"schema": {"type": "object"}},
    }
    root = one("patch", "/x", {"requestBody": {"content": content}})
    _, server = run(root, tmp_path, {"body": [], "content_type": "application/json-patch+json"})
    assert server.seen[0].headers["content-type"] == "application/json-patch+json"
    with pytest.raises(InputError, match="merge-patch"):
        run(root, tmp_path, {"body": []})


@pytest.mark.parametrize(
    ("scheme", "secret", "where", "sent"),
    [
        ("head", "s3cret", "x-key", "s3cret"),
        ("token", "s3cret", "authorization", "Bearer s3cret"),
        ("user", "a:b", "authorization", "Basic YTpi"),
        ("cook", "s;x", "cookie", "sid=s%3Bx"),
    ],
)
def test_credentials_go_where_the_scheme_says(tmp_path: Path, scheme: str, secret: str, where: str, sent: str) -> None:
    _, server = run(secured({scheme: []}), tmp_path, {}, secrets={scheme: secret})
    assert server.seen[0].headers[where] == sent


def test_a_key_in_the_query_is_in_no_message(tmp_path: Path) -> None:
    with pytest.raises(ToolError) as caught:
        run(secured({"key": []}), tmp_path, {}, httpx.Response(400, text="no"), secrets={"key": "s3cret value"})
    assert "s3cret" not in str(caught.value)
    _, server = run(secured({"key": []}), tmp_path, {}, secrets={"key": "s3cret value"})
    assert server.target == "/v1/x?api_key=s3cret%20value"


def test_the_first_alternative_that_has_credentials_is_used(tmp_path: Path) -> None:
    _, server = run(secured({"head": [], "user": []}, {"token": []}), tmp_path, {}, secrets={"head": "h", "token": "t"})
    assert server.seen[0].headers["authorization"] == "Bearer t"
    assert "x-key" not in server.seen[0].headers


def test_without_credentials_nothing_is_sent(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="--auth"):
        run(secured({"head": []}), tmp_path, {})
    _, server = run(secured({"head": []}, {}), tmp_path, {})
    assert "x-key" not in server.seen[0].headers


def test_an_oauth_client_gets_one_token_for_many_calls(tmp_path: Path) -> None:
    token = httpx.Response(200, json={"access_token": "tok", "expires_in": 3600})
    server = Server(token)

    async def twice() -> None:
        async with opened(secured({"oauth": []}), server, tmp_path, secrets={"oauth": "client:id:pw"}) as toolset:
            for _ in range(2):
                await toolset.bindings()[0].run({}, CONTEXT)

    import asyncio

    asyncio.run(twice())
    assert [request.url.path for request in server.seen] == ["/token", "/v1/x", "/v1/x"]
    assert server.seen[0].content == b"grant_type=client_credentials"
    assert server.seen[0].headers["authorization"] == "Basic aWQ6cHc="
    assert server.seen[2].headers["authorization"] == "Bearer tok"


def test_a_token_server_elsewhere_never_sees_the_client_secret(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="not on the list"):
        run(secured({"far": []}), tmp_path, {}, secrets={"far": "client:id:pw"})


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example/x",
        "http://api.example.com/x",
        "https://api.example.com:444/x",
        "//evil/x",
        "http://[::1]/",
    ],
)
def test_a_redirect_off_the_server_is_not_followed(tmp_path: Path, to: str) -> None:
    with pytest.raises(ToolError, match="not followed"):
        run(one("get", "/x", {}), tmp_path, {}, httpx.Response(302, headers={"location": to}))


def test_a_read_follows_on_its_own_server_and_not_for_ever(tmp_path: Path) -> None:
    moved = httpx.Response(301, headers={"location": "/v1/y"})
    _, server = run(one("get", "/x", {}), tmp_path, {}, moved)
    assert server.target == "/v1/y"
    with pytest.raises(ToolError, match="more than"):
        run(one("get", "/x", {}), tmp_path, {}, *[httpx.Response(301, headers={"location": "/v1/y"})] * 5)


def test_a_write_that_is_redirected_is_not_sent_again(tmp_path: Path) -> None:
    with pytest.raises(OutcomeUnknownError):
        run(one("post", "/x", {}), tmp_path, {}, httpx.Response(303, headers={"location": "/v1/x/1"}))
    with pytest.raises(ToolError) as caught:
        run(one("post", "/x", {}), tmp_path, {}, httpx.Response(307, headers={"location": "/v1/y"}))
    assert not isinstance(caught.value, OutcomeUnknownError)


def test_an_operation_s_own_server_must_be_on_the_list(tmp_path: Path) -> None:
    root = one("get", "/x", {"servers": [{"url": "https://uploads.example.com/u"}]})
    with pytest.raises(ToolError, match="not on the list"):
        run(root, tmp_path, {})
    _, server = run(root, tmp_path, {}, allowed=("https://uploads.example.com",))
    assert str(server.seen[0].url) == "https://uploads.example.com/u/x"
    relative = one("get", "/x", {"servers": [{"url": "/v1"}]})
    assert run(relative, tmp_path, {})[1].target == "/v1/x"


ANSWER = {
    "200": {
        "description": "x",
        "content": {
            "application/json": {
                "schema": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}
            }
        },
    }
}


@pytest.mark.parametrize(
    ("answer", "valid", "problem"),
    [
        (httpx.Response(200, json={"id": 1}), True, ""),
        (httpx.Response(200, json={"id": "1"}), False, "id"),
        (httpx.Response(200, content=b"{", headers={"content-type": "application/json"}), False, "JSON"),
        (httpx.Response(204), None, ""),
        (httpx.Response(200, text="hello"), None, ""),
    ],
)
def test_answers_are_compared_with_the_description(
    tmp_path: Path, answer: httpx.Response, valid: object, problem: str
) -> None:
    output, _ = run(one("get", "/x", {"responses": ANSWER}), tmp_path, {}, answer)
    assert output["valid"] is valid
    assert problem in output.get("problem", "")


@pytest.mark.parametrize(
    ("status", "error"), [(400, ToolError), (404, ToolError), (429, UnavailableError), (503, OutcomeUnknownError)]
)
def test_refusals_are_typed(tmp_path: Path, status: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        run(one("post", "/x", {}), tmp_path, {}, httpx.Response(status, json={"message": "no"}))


PAGED = [{"name": name, "in": "query", "schema": {}} for name in ("page", "per_page")]


def test_a_link_header_says_how_to_go_on_and_leads_nowhere_else(tmp_path: Path) -> None:
    link = '<https://evil.example/x?page=3&per_page=5&admin=1>; rel="next", <https://a/x?page=9>; rel="last"'
    output, _ = run(
        one("get", "/x", {"parameters": PAGED}), tmp_path, {}, httpx.Response(200, json=[], headers={"link": link})
    )
    assert output["next"] == {"page": "3", "per_page": "5"}


@pytest.mark.parametrize(
    ("name", "body", "more"),
    [
        ("pageToken", {"nextPageToken": "t"}, {"pageToken": "t"}),
        ("continue", {"metadata": {"continue": "c"}}, {"continue": "c"}),
        ("starting_after", {"has_more": True, "data": [{"id": "a"}, {"id": "b"}]}, {"starting_after": "b"}),
        ("starting_after", {"has_more": False, "data": [{"id": "a"}]}, None),
        ("cursor", {"meta": {"next_cursor": ""}}, None),
    ],
)
def test_tokens_in_answers_say_how_to_go_on(tmp_path: Path, name: str, body: dict, more: object) -> None:
    root = one("get", "/x", {"parameters": [{"name": name, "in": "query", "schema": {}}]})
    output, _ = run(root, tmp_path, {}, httpx.Response(200, json=body))
    assert output.get("next") == more


def test_the_description_cannot_choose_methods_or_hosts_by_argument(tmp_path: Path) -> None:
    root = described(
        {"/x/{id}": {"get": {"parameters": [{"name": "id", "in": "path", "schema": {}}], "responses": {}}}}
    )
    _, server = run(root, tmp_path, {"id": "@evil.example"})
    assert server.seen[0].url.host == "api.example.com"
