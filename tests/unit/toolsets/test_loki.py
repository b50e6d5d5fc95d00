import httpx
import pytest
from tests.unit.toolsets.calling import call_on
from tests.unit.toolsets.every_client import ENDPOINT, loki
from tests.unit.toolsets.replaying import cassette, remote_of, replayed

from steersman.domain.errors import InputError, ToolError
from steersman.domain.fact import JsonObject
from steersman.remote.endpoint import identity
from steersman.remote.exchange import Request
from steersman.testing.clock import FakeClock
from steersman.toolsets.loki import OPERATIONS, LokiClient, LokiToolset

WINDOW: JsonObject = {"start": 1795387825, "end": 1795389295}


def m(label: str, value: str, op: str = "=") -> JsonObject:
    return {"label": label, "op": op, "value": value}


def q(*matchers: JsonObject, stages: list[JsonObject] | None = None) -> JsonObject:
    return {"matchers": list(matchers), "stages": stages or []}


PAYMENTS, FRONT, SHOP = m("service_name", "payments"), m("service_name", "front"), m("namespace", "shop")
JSON: JsonObject = {"kind": "parser", "name": "json"}
LOGFMT: JsonObject = {"kind": "parser", "name": "logfmt"}


def line(value: str, op: str = "|=") -> JsonObject:
    return {"kind": "line", "op": op, "value": value}


def where(label: str, op: str = "=", **value: object) -> JsonObject:
    return {"kind": "label", "label": label, "op": op, **value}


def count(of: JsonObject, range_s: float, **more: object) -> JsonObject:
    return {"kind": "count", "of": of, "range_s": range_s, **more}


POOL = q(PAYMENTS, stages=[line("pool exhausted")])
QUANTILE: JsonObject = {
    "kind": "number",
    "of": q(PAYMENTS, stages=[JSON]),
    "unwrap": "duration_ms",
    "function": "quantile_over_time",
    "quantile": 0.95,
    "range_s": 120,
    "by": ["version"],
}
RATE = {"function": "rate", "aggregation": "sum"}
SHOWN = {"kind": "format", "labels": ["msg", "amount_value"]}
GOOD: list[tuple[str, str, JsonObject]] = [
    ("query-range-backward", "logs", {"query": POOL, "limit": 6, "direction": "backward", **WINDOW}),
    ("query-range-forward", "logs", {"query": POOL, "limit": 6, "direction": "forward", **WINDOW}),
    ("query-range-categorize", "logs", {"query": q(PAYMENTS, stages=[JSON]), "limit": 3, **WINDOW}),
    (
        "query-range-default-window",
        "logs",
        {"query": q(m("service_name", "checkout"), m("level", "warn")), "limit": 2},
    ),
    (
        "query-range-json",
        "logs",
        {
            "query": q(
                PAYMENTS, stages=[JSON, where("level", text="error"), where("pool_in_use", ">", number=10), SHOWN]
            ),
            "limit": 4,
            **WINDOW,
        },
    ),
    (
        "query-range-logfmt",
        "logs",
        {
            "query": q(
                FRONT, stages=[LOGFMT, where("status", ">=", number=500), where("duration", ">", duration_s=0.8)]
            ),
            "limit": 5,
            **WINDOW,
        },
    ),
    (
        "query-range-long-line",
        "logs",
        {"query": q(m("service_name", "oddlines"), stages=[line("AAAAAAAA")]), "limit": 2, **WINDOW},
    ),
    (
        "query-range-odd-lines",
        "logs",
        {"query": q(m("service_name", "oddlines"), stages=[line("AAAAAAAA", "!=")]), "limit": 50, **WINDOW},
    ),
    (
        "query-range-page-01",
        "logs",
        {"query": q(m("service_name", "checkout")), "limit": 8, "direction": "backward", **WINDOW},
    ),
    ("query-range-parse-error-label", "logs", {"query": q(FRONT, stages=[JSON]), "limit": 3, **WINDOW}),
    (
        "query-range-structured-metadata",
        "logs",
        {
            "query": q(PAYMENTS, stages=[where("trace_id", "!=", text=""), where("version", text="v2")]),
            "limit": 3,
            **WINDOW,
        },
    ),
    (
        "query-range-matrix",
        "range",
        {"query": count(q(SHOP), 60, aggregation="sum", by=["service_name", "level"]), "step": 120, **WINDOW},
    ),
    ("query-range-matrix-unwrap", "range", {"query": QUANTILE, "step": "120s", **WINDOW}),
    (
        "query-range-step-alignment",
        "range",
        {"query": count(q(SHOP), 60, aggregation="sum"), "step": 240, "start": 1795388695, "end": 1795389325},
    ),
    (
        "query-instant-empty",
        "query",
        {"query": count(q(m("service_name", "ghost")), 300, **RATE), "time": 1795389295},
    ),
    (
        "query-instant-metric",
        "query",
        {"query": count(q(SHOP), 300, by=["service_name"], **RATE), "time": 1795389295},
    ),
    ("labels", "labels", WINDOW),
    ("labels-empty-window", "labels", {"start": 1795130125, "end": 1795130185}),
    ("label-values", "label_values", {"label": "service_name", **WINDOW}),
    ("label-values-query", "label_values", {"label": "pod", "query": q(PAYMENTS), **WINDOW}),
    ("series", "series", {"query": q(m("service_name", "payments|front", "=~")), **WINDOW}),
    ("series-no-match", "series", {"query": q(m("service_name", "ghost")), **WINDOW}),
    ("index-stats", "stats", {"query": q(SHOP), **WINDOW}),
    (
        "fresh-stats-zero",
        "stats",
        {"query": q(m("service_name", "freshly")), "start": 1795389105, "end": 1795389765},
    ),
    ("index-volume", "volume", {"query": q(SHOP), "limit": 10, **WINDOW}),
    ("index-volume-range", "volume_range", {"query": q(SHOP), "step": 600, "by": ["service_name"], **WINDOW}),
    (
        "patterns",
        "patterns",
        {"query": q(m("service_name", "catalog")), "step": "60s", "start": 1795385725, "end": 1795389325},
    ),
    ("detected-fields", "detected_fields", {"query": q(PAYMENTS), "line_limit": 200, **WINDOW}),
    ("detected-labels", "detected_labels", {"query": q(SHOP), **WINDOW}),
    ("buildinfo", "buildinfo", {}),
]


async def call(tools: LokiToolset, verb: str, arguments: JsonObject) -> JsonObject:
    return await call_on(tools, verb, arguments)


async def replay(name: str, verb: str, arguments: JsonObject) -> JsonObject:
    remote, player = replayed("loki", name)
    answer = await call(loki(remote), verb, arguments)
    assert len(player.asked) == 1
    return answer


def recorded_lines(name: str) -> list[tuple[str, str]]:
    result = cassette("loki", name).document["data"]["result"]
    return [(value[0], value[1]) for stream in result for value in stream["values"]]


@pytest.mark.parametrize(("name", "verb", "arguments"), GOOD, ids=[name for name, _, _ in GOOD])
async def test_a_recorded_exchange_is_asked_for_and_read(name: str, verb: str, arguments: JsonObject) -> None:
    answer = await replay(name, verb, arguments)
    if verb == "logs":
        shown = [(entry["at_ns"], entry["line"]) for entry in answer["lines"]]
        assert sorted(at for at, _ in shown) == sorted(at for at, _ in recorded_lines(name))


async def test_every_operation_is_bound_and_covered_by_a_recorded_exchange() -> None:
    assert tuple(b.operation for b in loki(replayed("loki", "ready")[0]).bindings()) == OPERATIONS
    polled = {"loki.tail", "loki.follow"}  # asks as `logs` does; speaks WebSocket, see test_loki_follow
    assert {f"loki.{verb}" for _, verb, _ in GOOD} == {operation.name for operation in OPERATIONS} - polled


async def test_streams_are_merged_by_time() -> None:
    forward = await replay(*next(g for g in GOOD if g[0] == "query-range-forward"))
    times = [int(entry["at_ns"]) for entry in forward["lines"]]
    assert times == sorted(times)
    backward = await replay(*next(g for g in GOOD if g[0] == "query-range-page-01"))
    times = [int(entry["at_ns"]) for entry in backward["lines"]]
    assert times == sorted(times, reverse=True)


async def test_structured_metadata_is_told_from_labels() -> None:
    answer = await replay(*next(g for g in GOOD if g[0] == "query-range-categorize"))
    assert answer["lines"][0]["metadata"]["version"] == "v2"
    assert "version" not in answer["lines"][0]["labels"]


async def test_a_long_line_is_cut_and_says_by_how_much() -> None:
    answer = await replay(*next(g for g in GOOD if g[0] == "query-range-long-line"))
    longest = answer["lines"][0]
    assert len(longest["line"]) == 2_000
    assert longest["cut_chars"] > 60_000


async def test_a_long_query_goes_in_the_body() -> None:
    remote, _ = replayed("loki", "query-range-post")
    where_ = identity("loki", "test", "lab", endpoint=ENDPOINT)
    tools = LokiToolset(LokiClient(remote, post_above_chars=1), where_, FakeClock())
    answer = await call(tools, "logs", {"query": q(FRONT, stages=[line("502")]), "limit": 3, **WINDOW})
    assert len(answer["lines"]) == 3


REFUSED: list[tuple[str, str, JsonObject]] = [
    ("error-empty-matcher", "logs", {"query": q(), **WINDOW}),
    ("error-matches-empty", "logs", {"query": q(m("service_name", ".*", "=~")), **WINDOW}),
    ("error-limit", "logs", {"query": q(PAYMENTS), "limit": 50000, **WINDOW}),
    ("error-range-too-long", "logs", {"query": q(PAYMENTS), "start": 1790205325, "end": 1795389325}),
    ("error-start-after-end", "logs", {"query": q(PAYMENTS), "start": 1795389325, "end": 1795388725}),
    (
        "error-too-many-points",
        "range",
        {"query": count(q(PAYMENTS), 60, function="rate"), "step": 1, "start": 1794784525, "end": 1795389325},
    ),
    ("error-no-query", "logs", dict(WINDOW)),
    ("error-promql-metric", "logs", {"query": "http_requests_total", **WINDOW}),
    ("query-instant-log", "query", {"query": q(PAYMENTS)}),
]


@pytest.mark.parametrize(("name", "verb", "arguments"), REFUSED, ids=[name for name, _, _ in REFUSED])
async def test_what_the_server_would_refuse_is_refused_before_it_is_sent(
    name: str, verb: str, arguments: JsonObject
) -> None:
    remote, player = replayed("loki", name)
    with pytest.raises(InputError):
        await call(loki(remote), verb, arguments)
    assert not player.asked


ERRORS = [*(name for name, _, _ in REFUSED), "error-regexp", "error-parse", "error-series-limit", "error-unwrap-log",
          "error-unwrap-not-number", "error-unknown-path", "rules-none"]  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
async def test_every_recorded_error_becomes_a_typed_one(name: str) -> None:
    exchange = cassette("loki", name)
    remote, _ = replayed("loki", name)
    with pytest.raises(ToolError) as caught:
        await remote.json(Request(exchange.method, exchange.path, query=exchange.query))
    assert "\n" not in str(caught.value)


def told(*times_s: float) -> dict[str, object]:
    values = [[str(round(at * 1e9)), f"line at {at:g}"] for at in times_s]
    return {
        "status": "success",
        "data": {"resultType": "streams", "result": [{"stream": {"app": "a"}, "values": values}]},
    }


async def test_new_lines_are_waited_for_and_each_is_told_once() -> None:
    clock = FakeClock()
    began = clock.now().timestamp()
    written = [began + at for at in (0.5, 2.5, 2.5, 7.5)]
    asked: list[float] = []

    def server(request: httpx.Request) -> httpx.Response:
        start, end = (int(request.url.params[name]) / 1e9 for name in ("start", "end"))
        asked.append(end - began)
        # One line comes in three seconds after its time, behind younger ones.
        there = [at for at in written if start <= at < end] + (
            [began + 1.25] if end >= began + 4 > start + 2.75 else []
        )
        return httpx.Response(200, json=told(*there))

    where_ = identity("loki", "test", "lab", endpoint=ENDPOINT)
    tools = LokiToolset(LokiClient(remote_of(server, "loki")), where_, clock)
    answer = await call(tools, "tail", {"query": q(PAYMENTS), "follow_s": 8})
    assert [entry["line"] for entry in answer["lines"]] == [f"line at {began + at:g}" for at in (0.5, 1.25, 2.5, 7.5)]
    assert answer["complete"]
    assert asked[-1] == 8
    fewer = await call(tools, "tail", {"query": q(PAYMENTS), "follow_s": 8, "limit": 1})
    assert fewer["lines"] == []
