"""Vault against recorded answers of a real OpenBao 2.7.2, and against answers that are wrong."""

import json
from collections.abc import Callable

import httpx
import pytest
from pydantic import SecretStr
from tests.unit.toolsets.calling import call_on
from tests.unit.toolsets.replaying import cassette, remote_of
from tests.unit.toolsets.times import NOW

from steersman.domain.environment import Environment
from steersman.domain.errors import OutcomeUnknownError, ToolError, UnavailableError
from steersman.domain.reference import SecretPlace
from steersman.testing.clock import FakeClock
from steersman.toolsets.vault import OPERATIONS, AppRoleAuth, Session, TokenAuth, VaultToolset
from steersman.toolsets.vault.content import Content

VALUE = "hunter2-correct-horse"
Server = Callable[[httpx.Request], httpx.Response]
Auth = TokenAuth | AppRoleAuth


def vault(
    server: Server, auth: TokenAuth | AppRoleAuth | None = None, learned: list[str] | None = None
) -> VaultToolset:
    keep = learned if learned is not None else []
    given = auth or TokenAuth(token=SecretStr("t-0123"))
    session = Session(remote_of(server, "vault"), given, FakeClock(NOW), learn=keep.extend)
    where = Environment(kind="vault", name="test", uid="", url="http://server.test", tier="lab")
    return VaultToolset(session, where, b"k" * 32)


def routes(**answers: tuple[int, object]) -> Server:
    """Answers by a piece of the path, in the order given."""

    def server(request: httpx.Request) -> httpx.Response:
        for piece, (status, document) in answers.items():
            if piece.replace("__", "/") in request.url.path:
                return httpx.Response(status, json=document)
        return httpx.Response(404, json={"errors": []})

    return server


def history(*states: str) -> dict:
    gone = {
        "live": ("", False),
        "deleted": ("2026-11-20T00:00:00.1Z", False),
        "destroyed": ("2026-11-20T00:00:00Z", True),
    }
    versions = {
        str(n): {"created_time": "2026-11-19T00:00:00Z", "deletion_time": gone[s][0], "destroyed": gone[s][1]}
        for n, s in enumerate(states, 1)
    }
    return {"data": {"versions": versions, "current_version": len(states), "created_time": "2026-11-19T00:00:00Z"}}


def recorded(name: str) -> Server:
    return lambda _: cassette("openbao", name).response()


async def test_recorded_answers_are_read() -> None:
    assert (await vault(recorded("health")).environment()).uid == "760088ee-0e97-523f-38ce-eeac10c346c0/secret"
    assert (await call_on(vault(recorded("token-lookup-self")), "token", {}))["ttl_s"] == 1200
    key = await call_on(vault(recorded("transit-key-read")), "get_key", {"key": "orders"})
    assert key == {"exists": True, "latest_version": 2}
    names = await call_on(vault(recorded("kv-list-get")), "list_secrets", {"folder": ""})
    assert names == {"names": ["shop/"]}
    lease = {"lease": "database/creds/app/rEVqv62Cu3R8ZKa1Naj6wgyy"}
    assert (await call_on(vault(recorded("lease-lookup")), "describe_lease", lease))["ttl_s"] == 599


@pytest.mark.parametrize("name", ["kv-read-deleted", "kv-read-destroyed", "kv-read-missing"])
async def test_what_is_deleted_destroyed_or_missing_is_not_there(name: str) -> None:
    with pytest.raises(ToolError, match="nothing can be read"):
        await vault(recorded(name)).reveal(SecretPlace(path="shop/payments"))


async def test_a_sealed_server_is_unavailable() -> None:
    with pytest.raises(UnavailableError):
        await vault(recorded("sealed-health")).environment()
    with pytest.raises(UnavailableError, match="sealed"):
        await call_on(vault(recorded("sealed-read")), "get_secret", {"path": "shop/payments"})


async def test_the_first_version_with_the_current_content_is_in_force() -> None:
    contents = {1: {"p": "a"}, 2: {"p": "b"}, 3: {"p": "a"}}

    def server(request: httpx.Request) -> httpx.Response:
        if "metadata" in request.url.path:
            return httpx.Response(200, json=history("live", "live", "live"))
        number = int(request.url.params.get("version", 3))
        return httpx.Response(200, json={"data": {"data": contents[number]}})

    shown = await call_on(vault(server), "get_secret", {"path": "shop/db"})
    assert shown == {"exists": True, "version": 1, "digest": Content({"p": "a"}).digest(b"k" * 32)}
    described = await call_on(vault(server), "describe_secret", {"path": "shop/db"})
    assert (described["latest"], described["next_version"], described["reference"]) == (3, 4, "vault:shop/db?version=1")


async def test_a_destroyed_version_is_honest_about_it() -> None:
    tools = vault(routes(metadata=(200, history("destroyed", "live")), data=(200, {"data": {"data": {"p": "b"}}})))
    with pytest.raises(ToolError, match="destroyed"):
        await call_on(
            tools, "set_version", {"path": "a", "version": 1, "digest": Content({"p": "a"}).digest(b"k" * 32)}
        )


async def test_another_content_than_was_approved_is_not_put_in_force() -> None:
    tools = vault(routes(metadata=(200, history("live")), data=(200, {"data": {"data": {"p": VALUE}}})))
    wrong = Content({"p": "other"}).digest(b"k" * 32)
    with pytest.raises(ToolError, match="another content") as caught:
        await call_on(tools, "set_version", {"path": "a", "version": 1, "digest": wrong})
    assert VALUE not in str(caught.value)


async def test_a_conflict_of_check_and_set_writes_nothing() -> None:
    refusal = cassette("openbao", "kv-cas-conflict")
    staged = {"data": {"data": {"p": VALUE}}}

    def server(request: httpx.Request) -> httpx.Response:
        if "staged" not in request.url.path and "/data/" in request.url.path and request.method == "GET":
            return httpx.Response(404, json={})
        if request.method == "POST":
            assert json.loads(request.content)["options"] == {"cas": 1}
            return refusal.response()
        if "metadata" in request.url.path:
            return httpx.Response(200, json=history("live", "live"))
        return httpx.Response(200, json=staged)

    ask = {"path": "a", "name": "next", "version": 2, "digest": Content({"p": VALUE}).digest(b"k" * 32)}
    with pytest.raises(ToolError, match="somebody else has written"):
        await call_on(vault(server), "publish_staged", ask)


@pytest.mark.parametrize("status", [400, 403, 500])
async def test_a_server_that_quotes_what_was_sent_is_not_quoted(status: int) -> None:
    def server(request: httpx.Request) -> httpx.Response:
        if request.method == "POST" and "/data/" in request.url.path:
            return httpx.Response(status, json={"errors": [f"cannot store {request.content.decode()}"]})
        if "staged" in request.url.path and request.method == "GET":
            return httpx.Response(404, json={"errors": []})
        return httpx.Response(200, json={"data": {"data": {"old": VALUE}}})

    with pytest.raises((ToolError, OutcomeUnknownError)) as caught:
        await call_on(vault(server), "stage_password", {"path": "a", "name": "next"})
    assert VALUE not in str(caught.value)


async def test_an_approle_logs_in_once_and_again_when_its_token_is_over() -> None:
    logins, learned = [], []

    def server(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/login"):
            logins.append(json.loads(request.content))
            return httpx.Response(
                200, json={"auth": {"client_token": f"tok-{len(logins)}-abcdef", "lease_duration": 60}}
            )
        fresh = request.headers["x-vault-token"] == "tok-2-abcdef"
        if "lookup-self" in request.url.path and not fresh:
            return httpx.Response(403, json={"errors": ["permission denied"]})
        return httpx.Response(200 if fresh else 403, json={"data": {"ttl": 60, "keys": []}})

    auth = AppRoleAuth(role_id=SecretStr("r-id"), secret_id=SecretStr("s-id"))
    tools = vault(server, auth, learned)
    assert await call_on(tools, "list_secrets", {"folder": "a"}) == {"names": []}
    assert [login["secret_id"] for login in logins] == ["s-id", "s-id"]
    assert learned == ["tok-1-abcdef", "tok-2-abcdef"]


async def test_a_refused_login_says_so_without_its_credentials() -> None:
    auth = AppRoleAuth(role_id=SecretStr("r-secret-id"), secret_id=SecretStr("s-secret-id"))
    with pytest.raises(ToolError, match="refuses the login") as caught:
        await call_on(vault(recorded("approle-login-bad-secret"), auth), "token", {})
    assert "secret-id" not in str(caught.value)


def test_no_operation_has_room_for_a_value() -> None:
    for operation in OPERATIONS:
        fields = operation.output_schema["properties"]
        assert isinstance(fields, dict)
        assert not {"value", "data", "password", "plaintext", "token", "secret"} & set(fields), operation.name


def test_what_a_secret_holds_is_not_in_its_representation() -> None:
    assert repr(Content({"password": VALUE})) == "Content(['password'])"
    assert Content({"a": "1"}).digest(b"one") != Content({"a": "1"}).digest(b"two")
