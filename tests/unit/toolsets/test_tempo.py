import httpx
import pytest
from tests.unit.toolsets.calling import call_on
from tests.unit.toolsets.every_client import tempo
from tests.unit.toolsets.replaying import cassette, remote_of, replayed
from tests.unit.toolsets.times import CONTEXT

from steersman.domain.errors import InputError, ToolError
from steersman.domain.fact import JsonObject
from steersman.remote.exchange import Request
from steersman.toolsets.tempo import OPERATIONS

WINDOW: JsonObject = {"start": 1795387835, "end": 1795389290}
FULL = "8bfc8f1e6f6cda363475cf1dda8f9338"


def res(name: str) -> JsonObject:
    return {"scope": "resource", "name": name}


def span(name: str) -> JsonObject:
    return {"scope": "span", "name": name}


def own(name: str) -> JsonObject:
    return {"intrinsic": name}


def is_(field: JsonObject, op: str = "=", **value: object) -> JsonObject:
    return {"field": field, "op": op, **value}


def service(name: str) -> JsonObject:
    return is_(res("service.name"), text=name)


def spans(*conditions: JsonObject) -> JsonObject:
    return {"all_of": list(conditions)}


def find(*conditions: JsonObject, **more: object) -> JsonObject:
    return {"query": {"spans": spans(*conditions), **more}}


def rel(relation: str, *conditions: JsonObject) -> list[JsonObject]:
    return [{"relation": relation, "spans": spans(*conditions)}]


ERROR = is_(own("status"), status="error")
SERVER = is_(own("kind"), kind="server")
PAYMENTS = spans(service("payments"))
SLOW = {"function": "avg", "field": own("duration"), "op": ">", "duration_s": 0.4}
FRESH = {"start": 1795389403, "end": 1795389823}
GOOD: list[tuple[str, str, JsonObject]] = [
    ("search-errors", "search", {**find(ERROR, service("payments")), "limit": 5, **WINDOW}),
    ("search-empty", "search", {**find(service("ghost")), **WINDOW}),
    ("fresh-02-search", "search", {**find(is_(span("fresh.marker"), text="m1")), **FRESH}),
    ("fresh-03-search-later", "search", {**find(is_(span("fresh.marker"), text="m1")), **FRESH}),
    ("search-avg", "search", {**find(SERVER, aggregate=SLOW), "limit": 3, **WINDOW}),
    (
        "search-child",
        "search",
        {**find(service("checkout"), related=rel(">", service("payments"))), "limit": 3, **WINDOW},
    ),
    (
        "search-descendant",
        "search",
        {**find(service("front"), related=rel(">>", service("payments"), ERROR)), "limit": 3, **WINDOW},
    ),
    (
        "search-duration",
        "search",
        {**find(is_(own("duration"), ">", duration_s=0.5), SERVER), "limit": 5, "spans_per_trace": 1, **WINDOW},
    ),
    (
        "search-event",
        "search",
        {
            **find(
                is_(own("event:name"), text="exception"),
                is_({"scope": "event", "name": "exception.type"}, text="PoolTimeoutError"),
            ),
            "limit": 3,
            **WINDOW,
        },
    ),
    ("search-int-vs-string", "search", {**find(is_(span("http.response.status_code"), text="500")), **WINDOW}),
    ("search-last-seconds", "search", {**find(), "limit": 3, "start": 1795389315, "end": 1795389335}),
    ("search-limit-1", "search", {**find(), "limit": 1, **WINDOW}),
    ("search-no-window", "search", {**find(ERROR), "limit": 2}),
    (
        "search-regex",
        "search",
        {
            **find(
                is_(res("k8s.pod.name"), "=~", text="payments-.*"), is_(own("statusMessage"), "=~", text=".*pool.*")
            ),
            "limit": 2,
            **WINDOW,
        },
    ),
    (
        "search-route",
        "search",
        {
            **find(
                is_(span("http.route"), text="/cart/checkout"), is_(span("http.response.status_code"), ">=", number=500)
            ),
            "limit": 4,
            **WINDOW,
        },
    ),
    (
        "search-select",
        "search",
        {
            **find(ERROR, is_(own("name"), text="POST /charge"), select=[span("pool.in_use"), res("k8s.pod.name")]),
            "limit": 3,
            **WINDOW,
        },
    ),
    (
        "search-service-attr",
        "search",
        {
            **find(
                service("payments"),
                is_(span("payment.provider"), text="acme"),
                is_(res("service.version"), text="v2"),
            ),
            "limit": 3,
            **WINDOW,
        },
    ),
    ("search-window-empty", "search", {**find(), "start": 1795216535, "end": 1795217135}),
    ("trace-v2", "trace", {"trace_id": FULL}),
    ("fresh-01-trace-by-id", "trace", {"trace_id": "ab14971af7da96d0c7acb7bf1af2cf"}),
    ("tags-v2", "tags", WINDOW),
    ("tags-v2-scope", "tags", {"scope": "resource", **WINDOW}),
    ("tag-values-v2", "tag_values", {"field": res("service.name"), **WINDOW}),
    ("tag-values-v2-filtered", "tag_values", {"field": span("http.route"), "spans": PAYMENTS, **WINDOW}),
    ("tag-values-v2-intrinsic", "tag_values", {"field": own("status"), **WINDOW}),
    (
        "metrics-avg",
        "range",
        {
            "query": {
                "spans": spans(SERVER),
                "function": "avg_over_time",
                "field": own("duration"),
                "by": [res("service.name")],
            },
            "step": "120s",
            **WINDOW,
        },
    ),
    ("metrics-empty", "range", {"query": {"spans": spans(service("ghost"))}, "step": "60s", **WINDOW}),
    ("metrics-exemplars", "range", {"query": {"spans": PAYMENTS}, "step": "300s", "exemplars": 5, **WINDOW}),
    (
        "metrics-histogram",
        "range",
        {
            "query": {
                "spans": spans(service("payments"), SERVER),
                "function": "histogram_over_time",
                "field": own("duration"),
                "by": [res("service.version")],
            },
            "step": "300s",
            **WINDOW,
        },
    ),
    ("metrics-rate", "range", {"query": {"spans": PAYMENTS, "by": [own("status")]}, "step": "60s", **WINDOW}),
    (
        "metrics-quantile",
        "range",
        {
            "query": {
                "spans": spans(service("payments"), SERVER),
                "function": "quantile_over_time",
                "field": own("duration"),
                "quantiles": [0.5, 0.95, 0.99],
            },
            "step": "60s",
            **WINDOW,
        },
    ),
    ("metrics-topk", "range", {"query": {"by": [own("name")], "top": 3}, "step": "300s", **WINDOW}),
    ("metrics-instant", "query", {"query": {"spans": PAYMENTS, "by": [res("service.version")]}, **WINDOW}),
    ("buildinfo", "buildinfo", {}),
]


async def replay(verb: str, arguments: JsonObject, *names: str) -> JsonObject:
    remote, player = replayed("tempo", *names)
    answer = await call_on(tempo(remote), verb, arguments)
    assert len(player.asked) == len(names)
    return answer


@pytest.mark.parametrize(("name", "verb", "arguments"), GOOD, ids=[name for name, _, _ in GOOD])
async def test_a_recorded_exchange_is_asked_for_and_read(name: str, verb: str, arguments: JsonObject) -> None:
    answer = await replay(verb, arguments, name)
    if verb == "search":
        recorded = {trace["traceID"].rjust(32, "0") for trace in cassette("tempo", name).document["traces"]}
        assert {trace["trace_id"] for trace in answer["traces"]} == recorded


async def test_every_operation_is_bound_and_covered_by_a_recorded_exchange() -> None:
    assert tuple(b.operation for b in tempo(replayed("tempo", "echo")[0]).bindings()) == OPERATIONS
    assert {f"tempo.{verb}" for _, verb, _ in GOOD} == {operation.name for operation in OPERATIONS}


async def test_both_versions_of_the_api_give_the_same_trace() -> None:
    def older_server(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/api/v2/"):
            return httpx.Response(404, text="404 page not found\n")
        return cassette("tempo", "trace-v1").response()

    newer = await replay("trace", {"trace_id": FULL}, "trace-v2")
    binding = next(b for b in tempo(remote_of(older_server)).bindings() if b.operation.name == "tempo.trace")
    assert await binding.run({"trace_id": FULL}, CONTEXT) == newer
    root = newer["spans"][0]
    assert (root["trace_id"], root["parent_id"], root["error"]) == (FULL, "", True)
    assert root["status_message"] == "upstream 502"
    assert all(len(s["span_id"]) == 16 for s in newer["spans"])
    assert {s["parent_id"] for s in newer["spans"]} - {""} <= {s["span_id"] for s in newer["spans"]}


async def test_a_trace_that_is_not_there_is_an_answer() -> None:
    answer = await replay("trace", {"trace_id": "dead"}, "trace-v2-missing")
    assert (answer["found"], answer["spans"]) == (False, [])


async def test_ids_are_padded() -> None:
    answer = await replay(*GOOD[3][1:], "fresh-03-search-later")
    assert answer["traces"][0]["trace_id"] == "00ab14971af7da96d0c7acb7bf1af2cf"


async def test_a_zero_that_is_left_out_is_a_zero() -> None:
    answer = await replay("range", next(a for n, _, a in GOOD if n == "metrics-empty"), "metrics-empty")
    assert {value for _, value in answer["series"][0]["points"]} == {0.0}


REFUSED: list[tuple[str, str, JsonObject]] = [
    ("error-bad-limit", "search", {"limit": "many"}),
    ("error-range-too-long", "search", {"start": 1790000000, "end": 1795389290}),
    ("error-start-after-end", "search", {"start": 1795389290, "end": 1795387835}),
    ("error-traceql-type", "search", find(is_(own("duration"), text="x"))),
    ("error-traceql-unknown-intrinsic", "search", find(is_(own("colour"), text="x"))),
    ("metrics-range-too-long", "range", {"query": {}, "start": 1795130135, "end": 1795389335, "step": "60s"}),
    ("metrics-search-query", "range", {"query": spans(ERROR), "step": "60s", **WINDOW}),
    ("trace-bad-id", "trace", {"trace_id": "not-hex"}),
]


@pytest.mark.parametrize(("name", "verb", "arguments"), REFUSED, ids=[name for name, _, _ in REFUSED])
async def test_what_the_server_would_refuse_is_refused_before_it_is_sent(
    name: str, verb: str, arguments: JsonObject
) -> None:
    remote, player = replayed("tempo", name)
    binding = next(b for b in tempo(remote).bindings() if b.operation.name == f"tempo.{verb}")
    with pytest.raises(InputError):
        await binding.run(arguments, CONTEXT)
    assert not player.asked


ERRORS = [
    *(name for name, _, _ in REFUSED),
    "error-traceql-syntax",
    "error-traceql-unquoted",
    "metrics-bad",
    "metrics-summary-gone",
    "trace-v1-missing",
]


@pytest.mark.parametrize("name", ERRORS)
async def test_every_recorded_error_becomes_a_typed_one(name: str) -> None:
    exchange = cassette("tempo", name)
    remote, _ = replayed("tempo", name)
    with pytest.raises(ToolError) as caught:
        await remote.json(Request(exchange.method, exchange.path, query=exchange.query))
    assert "\n" not in str(caught.value)
