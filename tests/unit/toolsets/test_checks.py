"""Checks of URLs and names: on the list only, never where credentials lie, honest about what is wrong."""

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from tests.unit.toolsets.calling import call_on

from steersman.domain.environment import Environment
from steersman.domain.errors import ToolError, UnavailableError
from steersman.domain.fact import JsonObject
from steersman.domain.ports import CallContext, Toolset
from steersman.remote.addresses import Reach, allows, parsed, refusal
from steersman.remote.exchange import Remote
from steersman.testing.clock import FakeClock
from steersman.testing.toolset_conformance import ToolsetConformance
from steersman.toolsets.dns import DnsToolset, Records
from steersman.toolsets.http import HttpToolset, Pinned
from steersman.toolsets.tls import TlsToolset

WHERE = Environment(kind="http", name="test", uid="h1", url="", tier="lab")
Server = Callable[[httpx.Request], httpx.Response]
HOSTS = (
    "93.184.216.34",
    "10.1.2.3",
    "127.0.0.1",
    "169.254.169.254",
    "[::1]",
    "metadata.google.internal",
    "100.100.100.200",
)
BODY = b'{"status": "healthy", "version": "2.0.1"}'


def http(server: Server, clock: FakeClock | None = None, **reach: object) -> HttpToolset:
    allowed = Reach(hosts=HOSTS, **reach)
    client = httpx.AsyncClient(transport=Pinned(allowed, httpx.MockTransport(server)))
    return HttpToolset(Remote("http", client), allowed, WHERE, clock or FakeClock())


def healthy(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=BODY)


class TestHttp(ToolsetConformance):
    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Toolset]:
        yield http(healthy)

    @asynccontextmanager
    async def unreachable(self) -> AsyncIterator[Toolset]:
        yield http(healthy)


class TestTls(ToolsetConformance):
    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Toolset]:
        yield TlsToolset(Reach(HOSTS), WHERE.model_copy(update={"kind": "tls"}), FakeClock())

    unreachable = opened


class Zone:
    def __init__(self, **records: tuple[str, ...]) -> None:
        self.records = records

    async def ask(self, name: str, kind: str) -> Records:
        if name == "down.shop.test":
            raise UnavailableError("no answer")
        found = self.records.get(kind, ())
        return Records(found, 300, "" if found else "NXDOMAIN")


def dns(zone: Zone, clock: FakeClock | None = None) -> DnsToolset:
    return DnsToolset(zone, ("shop.test", "*.shop.test"), WHERE, clock or FakeClock())


class TestDns(ToolsetConformance):
    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Toolset]:
        yield dns(Zone(A=("10.0.0.1",)))

    unreachable = opened


URL = "https://93.184.216.34/health"


@pytest.mark.parametrize(
    ("more", "ok", "why"),
    [
        ({}, True, ""),
        ({"status": 200}, True, ""),
        ({"status": 204}, False, "status is 200"),
        ({"contains": "healthy"}, True, ""),
        ({"contains": "sick"}, False, "does not hold"),
        ({"pattern": '"version": "2\\.0\\.[0-9]+"'}, True, ""),
        ({"pattern": "^healthy"}, False, "matches"),
        ({"digest": f"sha256:{hashlib.sha256(BODY).hexdigest()}"}, True, ""),
        ({"digest": "sha256:" + "0" * 64}, False, "digest is"),
        ({"max_latency_ms": 60_000}, True, ""),
    ],
)
async def test_an_answer_is_held_against_what_it_should_be(more: JsonObject, ok: bool, why: str) -> None:
    found = await call_on(http(healthy), "check", {"url": URL, **more})
    assert found["ok"] is ok
    assert why in found["why"]


async def test_it_asks_again_within_the_budget_until_it_is_so() -> None:
    clock = FakeClock()
    answers = iter([httpx.ConnectError("refused"), httpx.Response(503), httpx.Response(200)])

    def starting(_: httpx.Request) -> httpx.Response:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    run = http(starting, clock).bindings()[0].run
    context = CallContext(key="k", deadline=clock.now() + timedelta(hours=1))
    assert (await run({"url": URL, "wait_s": 60}, context))["ok"] is True
    assert clock.monotonic() == 4
    assert (await http(lambda _: httpx.Response(503), clock).bindings()[0].run({"url": URL, "wait_s": 60}, context))[
        "why"
    ] == "the status is 503, not 200 to 299"
    assert clock.monotonic() == 64


async def test_the_address_that_was_checked_is_the_one_that_is_asked_under_its_own_name() -> None:
    seen: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    async def lookup(host: str, port: int) -> list[str]:
        assert (host, port) == ("localhost", 8443)
        return ["127.0.0.1", "::1"]

    reach = Reach(hosts=("localhost",), loopback=True, lookup=lookup)
    client = httpx.AsyncClient(transport=Pinned(reach, httpx.MockTransport(server)))
    await call_on(
        HttpToolset(Remote("http", client), reach, WHERE, FakeClock()), "check", {"url": "https://localhost:8443/x"}
    )
    assert seen[0].url.host in ("127.0.0.1", "::1")
    assert seen[0].headers["host"] == "localhost:8443"
    assert seen[0].extensions["sni_hostname"] == "localhost"
    assert "authorization" not in seen[0].headers


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://evil.test/", "not on the list"),
        ("http://169.254.169.254/latest/meta-data", "credentials"),
        ("http://100.100.100.200/", "credentials"),
        ("http://metadata.google.internal/", "metadata service"),
        ("http://METADATA.google.internal./", "metadata service"),
        ("http://127.0.0.1:8080/", "this machine"),
        ("http://[::1]/", "this machine"),
        ("http://user:pw@93.184.216.34/", "no credentials"),
    ],
)
async def test_what_must_not_be_asked_is_not_asked(url: str, said: str) -> None:
    asked: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200)

    with pytest.raises(ToolError, match=said):
        await call_on(http(server), "check", {"url": url})
    assert asked == []


@pytest.mark.parametrize("private", [True, False])
async def test_private_addresses_are_asked_where_the_operator_says_so(private: bool) -> None:
    tools = http(healthy, private=private)
    if private:
        assert (await call_on(tools, "check", {"url": "http://10.1.2.3/"}))["ok"]
        return
    with pytest.raises(ToolError, match="private"):
        await call_on(tools, "check", {"url": "http://10.1.2.3/"})


@pytest.mark.parametrize(
    "target",
    [
        "http://evil.test/",
        "http://169.254.169.254/",
        "//metadata.google.internal/",
        "file:///etc/passwd",
        "http://93.184.216.34/",
    ],
)
async def test_redirects_lead_to_nothing_that_could_not_be_asked_itself(target: str) -> None:
    asked: list[str] = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(302, headers={"location": target})

    with pytest.raises(ToolError):
        await call_on(http(server), "check", {"url": URL})
    assert asked == ["/health"]


async def test_redirects_on_the_list_are_followed_and_end() -> None:
    def server(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/end":
            return httpx.Response(200)
        return httpx.Response(307, headers={"location": "/loop" if "loop" in request.url.path else "/end"})

    assert (await call_on(http(server), "check", {"url": URL}))["url"] == "https://93.184.216.34/end"
    assert (await call_on(http(server), "check", {"url": URL, "status": 307}))["ok"]
    with pytest.raises(ToolError, match="redirects more than"):
        await call_on(http(server), "check", {"url": "https://93.184.216.34/loop"})


@pytest.mark.parametrize("pattern", ["(", "(?=a)b", "(a)\\1", "a{1000000000}"])
async def test_patterns_that_could_take_for_ever_are_refused(pattern: str) -> None:
    with pytest.raises(ToolError, match="linear time"):
        await call_on(http(healthy), "check", {"url": URL, "pattern": pattern})


@pytest.mark.parametrize(
    "answers", [["93.184.216.34", "169.254.169.254"], ["::ffff:127.0.0.1"], ["fd00:ec2::254"], ["0.0.0.0"]]
)
async def test_a_name_on_the_list_that_leads_to_a_forbidden_address_is_not_asked(answers: list[str]) -> None:
    async def lookup(_: str, __: int) -> list[str]:
        return answers

    reach = Reach(hosts=("rebound.shop.test",), lookup=lookup)
    client = httpx.AsyncClient(transport=Pinned(reach, httpx.MockTransport(healthy)))
    with pytest.raises(ToolError, match="not asked"):
        await call_on(
            HttpToolset(Remote("http", client), reach, WHERE, FakeClock()),
            "check",
            {"url": "http://rebound.shop.test/"},
        )


async def test_a_pattern_is_looked_for_in_linear_time() -> None:
    server = lambda _: httpx.Response(200, content=b"a" * 200_000 + b"b")  # noqa: E731
    assert (await call_on(http(server), "check", {"url": URL, "pattern": "(a+)+$"}))["ok"] is False


async def test_a_name_resolves_to_what_is_expected() -> None:
    zone = Zone(A=("10.0.0.1", "10.0.0.2"))
    found = await call_on(dns(zone), "resolve", {"name": "pay.shop.test"})
    assert (found["resolved"], found["values"], found["ttl_s"]) == (True, ["10.0.0.1", "10.0.0.2"], 300)
    wrong = await call_on(dns(zone), "resolve", {"name": "shop.test", "expected": "10.0.0.9"})
    assert (wrong["resolved"], wrong["why"]) == (False, "'10.0.0.9' is not among the answers")
    assert (await call_on(dns(zone), "resolve", {"name": "shop.test", "kind": "MX"}))["why"] == "NXDOMAIN"


async def test_a_name_that_is_not_on_the_list_is_not_asked_for() -> None:
    for name in ("secret-data.evil.test", "notshop.test", "shop.test.evil.test"):
        with pytest.raises(ToolError, match="not on the list"):
            await call_on(dns(Zone()), "resolve", {"name": name})


async def test_a_name_is_waited_for() -> None:
    clock, zone = FakeClock(), Zone()
    clock.on_sleep = lambda: zone.records.update(A=("10.0.0.1",))
    context = CallContext(key="k", deadline=clock.now() + timedelta(hours=1))
    found = await dns(zone, clock).bindings()[0].run({"name": "shop.test", "wait_s": 10}, context)
    assert (found["resolved"], clock.monotonic()) == (True, 2)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("::ffff:169.254.169.254", "169.254.169.254"),
        ("64:ff9b::a9fe:a9fe", "169.254.169.254"),
        ("[fe80::1%eth0]", "fe80::1"),
        ("2002:a9fe:a9fe::", "169.254.169.254"),
    ],
)
def test_addresses_in_disguise_are_seen_through(text: str, plain: str) -> None:
    assert str(parsed(text)) == plain
    assert refusal(parsed(text), private=True, loopback=True)


def test_a_pattern_of_hosts_matches_whole_labels() -> None:
    assert allows(("*.shop.test",), "a.b.shop.test")
    assert not allows(("*.shop.test",), "shop.test")
    assert not allows(("*.shop.test",), "ashop.test")
    assert not allows((), "shop.test")
    assert not allows(("*",), "shop.test")


async def test_a_certificate_authority_that_is_not_there_is_a_configuration_error(tmp_path: Path) -> None:
    from steersman.domain.errors import ConfigError

    tools = TlsToolset(Reach(("93.184.216.34",)), WHERE, FakeClock(), ca_file=tmp_path / "none.pem")
    with pytest.raises(ConfigError, match="ca_file"):
        await tools.bindings()[0].run({"host": "93.184.216.34"}, CallContext(key="k", deadline=FakeClock().now()))
