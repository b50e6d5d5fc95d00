import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from tests.unit.toolsets.calling import call_on
from tests.unit.toolsets.every_client import alertmanager
from tests.unit.toolsets.replaying import cassette, remote_of, replayed

from steersman.domain.errors import InputError, OutcomeUnknownError, ToolError, UnavailableError
from steersman.domain.expression import Scope, resolve
from steersman.domain.fact import JsonObject
from steersman.queries.matching import Matcher
from steersman.remote.exchange import Request
from steersman.toolsets.alertmanager import OPERATIONS, AlertmanagerClient
from steersman.toolsets.alertmanager.client import NewBody

SILENCE_ID = "6cbfef4c-9412-4cf7-84f8-f66a1e5cc26a"
NIGHT: JsonObject = {
    "name": "night",
    "matchers": {"alertname": {"op": "=", "value": "HighLatency"}, "service": {"op": "=~", "value": "front|catalog"}},
    "ends_at": "2026-11-23T00:19:16Z",
    "comment": 'deployment of "v2"',
}


def m(label: str, value: str, op: str = "=") -> JsonObject:
    return {"label": label, "op": op, "value": value}


GOOD: list[tuple[str, str, JsonObject]] = [
    ("alerts", "alerts", {}),
    (
        "alerts-filter",
        "alerts",
        {"filter": [m("severity", "critical"), m("alertname", "High.*", "=~")], "active": True},
    ),
    ("alerts-filter-none", "alerts", {"filter": [m("alertname", "Ghost")]}),
    ("alerts-silenced", "alerts", {"filter": [m("service", "front")], "silenced": True}),
    ("groups", "groups", {}),
    ("receivers", "receivers", {}),
    ("silences", "silences", {"filter": [m("alertname", "HighLatency")]}),
    ("silence-get", "silence", {"id": SILENCE_ID}),
    ("silence-expired-get", "silence", {"id": "44d4b33b-0cf4-4d85-9b78-731566520115"}),
    ("silence-missing", "silence", {"id": "00000000-0000-0000-0000-000000000000"}),
    ("status", "status", {}),
]


async def call(server: Callable[[httpx.Request], httpx.Response], verb: str, arguments: JsonObject) -> JsonObject:
    return await call_on(alertmanager(remote_of(server, "alertmanager")), verb, arguments)


@pytest.mark.parametrize(("name", "verb", "arguments"), GOOD, ids=[name for name, _, _ in GOOD])
async def test_a_recorded_exchange_is_asked_for_and_read(name: str, verb: str, arguments: JsonObject) -> None:
    _, player = replayed("alertmanager", name)
    answer = await call(player, verb, arguments)
    assert len(player.asked) == 1
    if verb == "alerts":
        recorded = [alert["fingerprint"] for alert in cassette("alertmanager", name).document]
        assert [alert["fingerprint"] for alert in answer["alerts"]] == recorded


async def test_a_silence_that_is_not_there_is_an_answer() -> None:
    _, player = replayed("alertmanager", "silence-missing")
    answer = await call(player, "silence", {"id": "00000000-0000-0000-0000-000000000000"})
    assert answer == {"found": False, "silence": None}


async def test_the_configuration_of_the_server_is_not_shown() -> None:
    _, player = replayed("alertmanager", "status")
    assert set(await call(player, "status", {})) == {"version", "cluster", "peers", "uptime_since"}


async def test_a_silence_is_sent_as_it_was_recorded() -> None:
    exchange = cassette("alertmanager", "silence-create")
    sent: list[Any] = []

    def server(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.path) == (exchange.method, exchange.path)
        sent.append(json.loads(request.content))
        return exchange.response()

    matchers = [
        Matcher(label="alertname", value="HighLatency"),
        Matcher(label="service", op="=~", value="front|catalog"),
    ]
    start = datetime(2026, 11, 22, 23, 19, 16, tzinfo=UTC)
    new = NewBody(matchers, start, "2026-11-23T00:19:16.000Z", "steersman", "recorded")
    assert await AlertmanagerClient(remote_of(server)).create(new) == SILENCE_ID
    recorded = json.loads(exchange.body or "")
    for matcher in recorded["matchers"]:
        matcher.setdefault("isEqual", True)
    assert sent == [recorded]


async def test_a_silence_is_expired_as_it_was_recorded() -> None:
    remote, player = replayed("alertmanager", "silence-expire")
    await AlertmanagerClient(remote).expire("44d4b33b-0cf4-4d85-9b78-731566520115")
    assert len(player.asked) == 1


class Fake:
    """Keeps silences as Alertmanager does: with ids of its own, also the expired ones."""

    def __init__(self) -> None:
        self.silences: list[dict[str, Any]] = []
        self.lose_answer = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=self.silences)
        if request.method == "DELETE":
            for silence in self.silences:
                if silence["id"] == request.url.path.split("/")[-1]:
                    silence["status"] = {"state": "expired"}
            return httpx.Response(200)
        body = json.loads(request.content)
        silence_id = f"00000000-0000-0000-0000-{len(self.silences):012}"
        self.silences.append({**body, "id": silence_id, "status": {"state": "active"}})
        if self.lose_answer:
            raise httpx.ReadTimeout("lost")
        return httpx.Response(200, json={"silenceID": silence_id})

    def active(self) -> list[dict[str, Any]]:
        return [s for s in self.silences if s["status"]["state"] == "active"]


async def test_what_a_write_promises_is_what_the_probe_shows_and_the_inverse_restores() -> None:
    server = Fake()
    create, expire = (
        next(o for o in OPERATIONS if o.name.endswith(verb)) for verb in ("create_silence", "expire_silence")
    )
    before = await call(server, "get_silence", {"name": "night"})
    assert before == {"exists": False}
    await call(server, "create_silence", NIGHT)
    made = await call(server, "get_silence", {"name": "night"})
    assert made == create.expected(NIGHT, before)
    await call(server, "expire_silence", {"name": "night"})
    gone = await call(server, "get_silence", {"name": "night"})
    assert gone == expire.expected({"name": "night"}, made) == before
    assert expire.inverse is not None
    again = resolve(expire.inverse.arguments, Scope(arguments={"name": "night"}, before=made))
    assert again == NIGHT
    await call(server, "create_silence", again)
    assert await call(server, "get_silence", {"name": "night"}) == made


async def test_the_same_silence_twice_is_one() -> None:
    server = Fake()
    first = await call(server, "create_silence", NIGHT)
    assert await call(server, "create_silence", NIGHT) == first
    assert len(server.active()) == 1


async def test_a_lost_answer_is_an_unknown_outcome_that_the_probe_settles() -> None:
    server = Fake()
    server.lose_answer = True
    with pytest.raises(OutcomeUnknownError):
        await call(server, "create_silence", NIGHT)
    assert (await call(server, "get_silence", {"name": "night"}))["exists"] is True
    server.lose_answer = False
    await call(server, "create_silence", NIGHT)
    assert len(server.active()) == 1


async def test_a_name_that_is_taken_by_another_content_is_refused() -> None:
    server = Fake()
    await call(server, "create_silence", NIGHT)
    with pytest.raises(ToolError, match="other content"):
        await call(server, "create_silence", {**NIGHT, "comment": "other"})


async def test_the_silences_of_others_are_never_expired() -> None:
    server = Fake()
    theirs = {"matchers": [], "startsAt": "", "endsAt": "", "createdBy": "ann", "comment": "mine [steersman:night]"}
    server.silences.append({**theirs, "id": "x", "status": {"state": "active"}})
    assert await call(server, "expire_silence", {"name": "night"}) == {"ids": []}
    assert len(server.active()) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"matchers": {}},
        {"matchers": {"alertname": {"op": "=~", "value": ".+"}}},
        {"matchers": {"alertname": {"op": "!=", "value": "x"}}},
        {"matchers": {"alertname": {"op": "=", "value": ""}}},
        {"matchers": {"alertname": {"value": "x"}}},
        {"ends_at": "2026-11-22T23:00:00Z"},
        {"ends_at": "2027-11-22T23:00:00Z"},
        {"ends_at": "2026-13-22T23:00:00Z"},
        {"ends_at": "tomorrow"},
        {"comment": ""},
        {"name": "a b]"},
    ],
)
async def test_a_silence_that_is_too_wide_too_long_or_unexplained_is_refused(wrong: JsonObject) -> None:
    server = Fake()
    with pytest.raises(InputError):
        await call(server, "create_silence", {**NIGHT, **wrong})
    assert not server.silences


ERRORS = [
    "alerts-filter-parse-error",
    "silence-bad-ends-past",
    "silence-bad-id",
    "silence-bad-matches-empty",
    "silence-bad-no-matchers",
    "silence-bad-type",
    "silence-delete-missing",
    "unknown-path",
]


@pytest.mark.parametrize("name", ERRORS)
async def test_every_recorded_error_becomes_a_typed_one_with_the_servers_words(name: str) -> None:
    exchange = cassette("alertmanager", name)
    remote = remote_of(lambda _: exchange.response(), "alertmanager")
    expected = UnavailableError if exchange.status >= 500 else ToolError
    with pytest.raises(expected) as caught:
        await remote.ask(Request(exchange.method, exchange.path, query=exchange.query))
    document = exchange.document
    assert (document if isinstance(document, str) else document["message"])[:40] in str(caught.value)


async def test_every_operation_is_bound() -> None:
    bound = [b.operation for b in alertmanager(replayed("alertmanager", "status")[0]).bindings()]
    assert tuple(bound) == OPERATIONS
