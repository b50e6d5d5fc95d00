"""Registries over a strict double: token dance, pages, digests, redirects, tags that move."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from tests.unit.toolsets.calling import call_on

from steersman.domain.environment import Environment
from steersman.domain.errors import ToolError, UnavailableError
from steersman.domain.fact import JsonObject
from steersman.domain.ports import CallContext, Toolset
from steersman.remote.exchange import Remote
from steersman.testing.clock import FakeClock
from steersman.testing.registry import RegistryDouble
from steersman.testing.toolset_conformance import Example, ToolsetConformance
from steersman.toolsets.registry import Registries, RegistryClient, RegistryToolset
from steersman.toolsets.registry.auth import TokenAuth
from steersman.toolsets.registry.reference import image
from steersman.toolsets.registry.tags import newer

Server = Callable[[httpx.Request], httpx.Response]
WHERE = Environment(kind="registry", name="test", uid="r1", url="https://registry.test", tier="lab")
REVISION = "org.opencontainers.image.revision"


def double(**more: object) -> RegistryDouble:
    made = RegistryDouble(**more)
    made.image("shop/payments", "1.0.0", labels={REVISION: "abc123"})
    made.image("shop/payments", "1.0.1", labels={REVISION: "def456"})
    made.index("library/python", "3.12.7-slim", "linux/amd64", "linux/arm64")
    return made


def tools(
    server: Server,
    *,
    password: str = "pass-word-1",
    hosts: frozenset[str] = frozenset(),
    clock: FakeClock | None = None,
) -> RegistryToolset:
    auth = TokenAuth("steersman", SecretStr(password), token_hosts=hosts)
    transport = httpx.MockTransport(server)
    mine = httpx.AsyncClient(base_url="https://registry.test", transport=transport, auth=auth)
    plain = httpx.AsyncClient(transport=transport)
    client = RegistryClient(Remote("registry", mine), Remote("registry", plain))
    hosts_known = {"registry.test": client, "docker.io": client}
    return RegistryToolset(Registries(client, hosts_known), WHERE, clock or FakeClock())


DIGESTS = {tag: double().tags["shop/payments"][tag] for tag in ("1.0.0", "1.0.1")}
STABLE: JsonObject = {"repository": "shop/payments", "tag": "stable"}


def down(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("connection refused")


class TestRegistry(ToolsetConformance):
    examples = (
        Example("registry.create_tag", {**STABLE, "digest": DIGESTS["1.0.0"]}),
        Example(
            "registry.set_tag",
            {**STABLE, "digest": DIGESTS["1.0.1"]},
            before=(("registry.create_tag", {**STABLE, "digest": DIGESTS["1.0.0"]}),),
        ),
        Example(
            "registry.delete_tag", STABLE, before=(("registry.create_tag", {**STABLE, "digest": DIGESTS["1.0.0"]}),)
        ),
    )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Toolset]:
        yield tools(double())

    @asynccontextmanager
    async def unreachable(self) -> AsyncIterator[Toolset]:
        yield tools(down)


async def test_an_image_of_one_platform_says_what_it_was_built_from() -> None:
    there = double()
    found = await call_on(tools(there), "get_image", {"image": "registry.test/shop/payments:1.0.0"})
    assert found == {
        "exists": True,
        "digest": DIGESTS["1.0.0"],
        "platforms": ["linux/amd64"],
        "revision": "abc123",
        "base": "",
    }
    by_digest = await call_on(tools(there), "get_image", {"image": f"shop/payments@{DIGESTS['1.0.0']}"})
    assert by_digest == found


async def test_an_index_lists_its_platforms_and_no_attestations() -> None:
    found = await call_on(tools(double()), "get_image", {"image": "docker.io/python:3.12.7-slim"})
    assert found["platforms"] == ["linux/amd64", "linux/arm64"]


async def test_what_is_not_there_does_not_exist() -> None:
    there = tools(double())
    assert (await call_on(there, "get_image", {"image": "shop/payments:9"}))["exists"] is False
    assert (await call_on(there, "get_image", {"image": "shop/none:9"}))["exists"] is False
    assert await call_on(there, "tags", {"repository": "shop/none"}) == {"exists": False, "tags": [], "left_out": 0}


async def test_a_token_is_asked_for_once_for_each_repository_and_right() -> None:
    there = double()
    forge = tools(there)
    for _ in range(3):
        await call_on(forge, "get_image", {"image": "shop/payments:1.0.0"})
    assert sum(request.url.path == "/token" for request in there.routes.asked) == 1
    await call_on(forge, "create_tag", {**STABLE, "digest": DIGESTS["1.0.0"]})
    scopes = [r.url.params["scope"] for r in there.routes.asked if r.url.path == "/token"]
    assert scopes == ["repository:shop/payments:pull", "repository:shop/payments:pull,push,delete"]


async def test_a_token_that_has_expired_is_asked_for_again() -> None:
    there = double()
    forge = tools(there)
    await call_on(forge, "get_image", {"image": "shop/payments:1.0.0"})
    there.token = "another"
    assert (await call_on(forge, "get_image", {"image": "shop/payments:1.0.0"}))["exists"]


async def test_wrong_credentials_are_said_and_not_shown() -> None:
    with pytest.raises(ToolError, match="credentials") as caught:
        await call_on(tools(double(), password="hunter2-hunter2"), "get_image", {"image": "shop/payments:1"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "realm", ["https://evil.test/token", "https://registry.test.evil.io/t", "http://registry.test/t", "x"]
)
async def test_credentials_go_to_no_foreign_token_server(realm: str) -> None:
    asked: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(401, headers={"www-authenticate": f'Bearer realm="{realm}",service="r"'})

    with pytest.raises(ToolError):
        await call_on(tools(server), "get_image", {"image": "shop/payments:1"})
    assert {request.url.host for request in asked} == {"registry.test"}


async def test_a_named_token_server_is_trusted() -> None:
    there = double(url="https://auth.elsewhere.io")
    with pytest.raises(ToolError, match="token_hosts"):
        await call_on(tools(there), "get_image", {"image": "shop/payments:1.0.0"})
    trusting = tools(there, hosts=frozenset({"auth.elsewhere.io"}))
    assert (await call_on(trusting, "get_image", {"image": "shop/payments:1.0.0"}))["exists"]


async def test_tags_come_from_all_pages() -> None:
    there = double(page=2)
    for number in range(2, 9):
        there.image("shop/payments", f"1.0.{number}")
    found = await call_on(tools(there), "tags", {"repository": "shop/payments"})
    assert found["tags"] == [f"1.0.{number}" for number in range(9)]


async def test_bytes_that_are_not_those_of_the_digest_are_refused() -> None:
    there = double()
    kind, body = there.manifests["shop/payments"][DIGESTS["1.0.0"]]
    there.manifests["shop/payments"][DIGESTS["1.0.0"]] = (kind, body.replace(b"layers", b"lajers"))
    with pytest.raises(ToolError, match="not what its digest says"):
        await call_on(tools(there), "get_image", {"image": "shop/payments:1.0.0"})


async def test_a_blob_elsewhere_is_fetched_without_credentials() -> None:
    there = double(redirect="https://cdn.other.io/blobs")
    seen: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        if request.url.host == "cdn.other.io":
            seen.append(request)
            return httpx.Response(200, content=there.blobs[request.url.path.rsplit("/", 1)[1]])
        return there(request)

    assert (await call_on(tools(server), "get_image", {"image": "shop/payments:1.0.0"}))["revision"] == "abc123"
    assert "authorization" not in seen[0].headers


@pytest.mark.parametrize(
    "target",
    [
        "http://cdn.other.io",
        "https://169.254.169.254/latest",
        "https://[::ffff:169.254.169.254]/x",
        "https://metadata.google.internal",
        "https://127.0.0.1",
        "https://10.0.0.1",
        "https://[fe80::1]",
    ],
)
async def test_a_redirect_to_where_it_must_not_go_is_not_followed(target: str) -> None:
    there = double(redirect=target)
    with pytest.raises(ToolError, match="not followed"):
        await call_on(tools(there), "get_image", {"image": "shop/payments:1.0.0"})


async def test_a_tag_that_was_moved_meanwhile_stays_where_it_is() -> None:
    there = double()
    forge = tools(there)
    await call_on(forge, "create_tag", {**STABLE, "digest": DIGESTS["1.0.0"]})
    seen = await call_on(forge, "get_tag", STABLE)
    theirs = there.image("shop/payments", "stable", labels={"x": "theirs"})
    for verb, arguments in (("set_tag", {**STABLE, "digest": DIGESTS["1.0.1"]}), ("delete_tag", STABLE)):
        with pytest.raises(ToolError, match="moved meanwhile"):
            await call_on(forge, verb, arguments, before=seen)
    assert there.tags["shop/payments"]["stable"] == theirs


async def test_a_tag_keeps_the_image_byte_for_byte() -> None:
    there = double()
    await call_on(tools(there), "create_tag", {**STABLE, "digest": DIGESTS["1.0.0"]})
    assert there.tags["shop/payments"]["stable"] == DIGESTS["1.0.0"]


async def test_a_digest_of_another_repository_is_not_copied() -> None:
    with pytest.raises(ToolError, match="not copied"):
        await call_on(tools(double()), "create_tag", {**STABLE, "digest": "sha256:" + "0" * 64})


async def test_an_unknown_registry_is_named() -> None:
    with pytest.raises(ToolError, match=r"'ghcr\.io' is not configured"):
        await call_on(tools(double()), "get_image", {"image": "ghcr.io/a/b:1"})


async def test_an_image_is_waited_for_within_the_budget() -> None:
    there, clock = double(), FakeClock()
    forge = tools(there, clock=clock)
    watch = next(each for each in forge.bindings() if each.operation.name == "registry.watch_image")
    context = CallContext(key="k", deadline=clock.now() + timedelta(hours=1))
    found = await watch.run({"image": "shop/payments:2", "wait_s": 20}, context)
    assert (found["exists"], clock.monotonic()) == (False, 20)
    clock.on_sleep = lambda: there.image("shop/payments", "2")
    assert (await watch.run({"image": "shop/payments:2", "wait_s": 20}, context))["exists"]


async def test_newer_tags_are_of_the_same_flavour() -> None:
    there = double()
    for tag in ("3.12.11-slim", "3.12.12-slim", "3.12.13-slim-rc1", "3.12.12", "3.13.1-slim", "4.0.0-slim", "latest"):
        there.index("library/python", tag, "linux/amd64")
    found = await call_on(tools(there), "newer_tags", {"image": "docker.io/python:3.12.7-slim"})
    assert (found["patch"], found["minor"]) == ("3.12.12-slim", "3.13.1-slim")


@pytest.mark.parametrize(
    ("tag", "known", "patch", "minor"),
    [
        ("1.2.3", ["1.2.4", "1.2.10", "1.3.0", "2.0.0"], "1.2.10", "1.3.0"),
        ("v1.2.3", ["1.2.9", "v1.2.5"], "v1.2.5", "v1.2.5"),
        ("3.20", ["3.21", "3.20.3"], "3.20", "3.21"),
        ("latest", ["1.0.0"], "latest", "latest"),
        ("1.2.3", [], "1.2.3", "1.2.3"),
        ("15.4-bookworm", ["15.9-bookworm", "15.9-alpine", "16.1-bookworm"], "15.4-bookworm", "15.9-bookworm"),
    ],
)
def test_the_patched_tag_is_chosen_by_rule(tag: str, known: list[str], patch: str, minor: str) -> None:
    found = newer(tag, known)
    assert (found.patch, found.minor) == (patch, minor)


@given(st.lists(st.from_regex(r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,2}(-slim|-rc1)?", fullmatch=True), max_size=20))
def test_a_newer_tag_is_never_an_older_one_nor_of_another_flavour(known: list[str]) -> None:
    for each in newer("3.12.7-slim", known).all:
        assert each.endswith("-slim")
        assert tuple(int(part) for part in each.removesuffix("-slim").split(".")) > (3, 12, 7)


@pytest.mark.parametrize(
    "name", ["a b", "-x", "A/B", "a:1:2", "a@sha256:1", "a/../b", "a//b", "http://a/b", "a:" + "x" * 200]
)
def test_what_is_no_image_is_refused(name: str) -> None:
    with pytest.raises(ToolError):
        image(name)


async def test_a_registry_that_is_down_is_unavailable() -> None:
    with pytest.raises(UnavailableError):
        await call_on(tools(down), "tags", {"repository": "a/b"})
