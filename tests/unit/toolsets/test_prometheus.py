import math

import httpx
import pytest
from tests.unit.toolsets.calling import call_on
from tests.unit.toolsets.every_client import prometheus
from tests.unit.toolsets.replaying import cassette, remote_of, replayed

from steersman.domain.errors import InputError, ToolError, UnavailableError
from steersman.domain.fact import JsonObject
from steersman.remote.endpoint import Endpoint, open_client
from steersman.remote.exchange import Remote, Request
from steersman.toolsets.prometheus import OPERATIONS, PrometheusToolset

AT = 1795389441
WINDOW = {"start": 1795387951, "end": 1795389441}
P99 = (
    "histogram_quantile(0.99, sum by (le, version) "
    '(rate(http_server_request_duration_seconds_bucket{service="payments"}[5m])))'
)
RATIO = (
    'sum by (service) (rate(http_requests_total{http_response_status_code=~"5.."}[5m])) '
    "/ sum by (service) (rate(http_requests_total[5m]))"
)
NO_TRAFFIC = (
    'sum(rate(http_requests_total{service="payments",http_response_status_code="599"}[5m])) '
    '/ sum(rate(http_requests_total{service="ghost"}[5m]))'
)
EXEMPLARS = 'http_server_request_duration_seconds_bucket{service="payments",http_response_status_code="500"}'
NATIVE_AT = 1795389581.8776503

GOOD: list[tuple[str, str, JsonObject]] = [
    ("query-vector", "query", {"query": 'sum by (service, version) (rate(http_requests_total{namespace="shop"}[5m]))'}),
    ("query-up", "query", {"query": "up"}),
    ("query-scalar", "query", {"query": "scalar(sum(up))"}),
    ("query-empty", "query", {"query": 'http_requests_total{service="ghost"}'}),
    ("query-div-by-zero", "query", {"query": NO_TRAFFIC}),
    ("query-error-ratio", "query", {"query": RATIO}),
    ("query-matrix", "query", {"query": 'queue_depth{service="payments"}[1m]'}),
    ("query-nan-inf", "query", {"query": "pool_ratio"}),
    ("query-old", "query", {"query": "up", "time": 1793661451}),
    ("native-histogram-vector", "query", {"query": "kv_request_duration_seconds", "time": NATIVE_AT}),
    (
        "native-histogram-quantile",
        "query",
        {"query": "histogram_quantile(0.9, sum by (job) (rate(kv_request_duration_seconds[1m])))", "time": NATIVE_AT},
    ),
    (
        "query-histogram-quantile",
        "query",
        {
            "query": "histogram_quantile(0.95, "
            "sum by (le, service) (rate(http_server_request_duration_seconds_bucket[5m])))"
        },
    ),
    (
        "query-range",
        "range",
        {"query": "sum by (service) (rate(http_requests_total[2m]))", "step": 60, **WINDOW},
    ),
    ("query-range-duration-step", "range", {"query": 'queue_depth{service="payments"}', "step": "2m", **WINDOW}),
    ("query-range-empty", "range", {"query": "ghost_metric", "step": 60, **WINDOW}),
    ("query-range-nan", "range", {"query": "pool_ratio", "step": 300, **WINDOW}),
    ("query-range-quantile", "range", {"query": P99, "step": 60, **WINDOW}),
    (
        "query-range-spanmetrics",
        "range",
        {
            "query": "sum by (service, status_code) (rate(traces_spanmetrics_calls_total[2m]))",
            "step": 120,
            **WINDOW,
        },
    ),
    ("series", "series", {"match": ['http_requests_total{service="payments"}'], **WINDOW}),
    ("series-no-match", "series", {"match": ["ghost"], **WINDOW}),
    ("labels", "labels", {"match": ["http_requests_total"], **WINDOW}),
    ("label-values", "label_values", {"label": "service", **WINDOW}),
    ("label-values-name", "label_values", {"label": "__name__", "match": ['{namespace="shop"}'], **WINDOW}),
    ("metadata", "metadata", {"metric": "up"}),
    ("metadata-limit", "metadata", {"limit": 3}),
    ("targets-down", "targets", {}),
    ("rules", "rules", {}),
    ("alerts", "alerts", {}),
    ("exemplars", "exemplars", {"query": EXEMPLARS, "start": 1795389211, "end": 1795389451}),
    ("exemplars-empty", "exemplars", {"query": "up", **WINDOW}),
    ("status-buildinfo", "buildinfo", {}),
]


def toolset(remote: Remote, **more: int) -> PrometheusToolset:
    return prometheus(remote, **more)


async def call(tools: PrometheusToolset, verb: str, arguments: JsonObject) -> JsonObject:
    return await call_on(tools, verb, arguments)


@pytest.mark.parametrize(("name", "verb", "arguments"), GOOD, ids=[name for name, _, _ in GOOD])
async def test_a_recorded_exchange_is_asked_for_and_read(name: str, verb: str, arguments: JsonObject) -> None:
    remote, player = replayed("prometheus", name)
    timed = {"time": AT, **arguments} if verb == "query" else arguments
    answer = await call(toolset(remote), verb, timed)
    assert len(player.asked) == 1
    recorded = cassette("prometheus", name).document["data"]
    if verb in {"query", "range"} and isinstance(recorded["result"], list) and answer["result_type"] != "scalar":
        assert [row["labels"] for row in answer["series"]] == [row["metric"] for row in recorded["result"]]


async def test_every_operation_is_bound_and_covered_by_a_recorded_exchange() -> None:
    bound = [b.operation for b in toolset(replayed("prometheus", "ready")[0]).bindings()]
    assert tuple(bound) == OPERATIONS
    by_source = {"prometheus.check_query"}  # asks what the source asks, see test_prometheus_source
    assert {f"prometheus.{verb}" for _, verb, _ in GOOD} == {operation.name for operation in OPERATIONS} - by_source


async def test_values_that_are_no_numbers_keep_their_words() -> None:
    remote, _ = replayed("prometheus", "query-nan-inf")
    answer = await call(toolset(remote), "query", {"query": "pool_ratio", "time": AT})
    values = {row["labels"]["kind"]: row["points"][0][1] for row in answer["series"]}
    assert {"NaN", "+Inf", "-Inf"} <= set(values.values())


async def test_a_ratio_has_no_row_for_a_service_without_errors() -> None:
    remote, _ = replayed("prometheus", "query-error-ratio")
    answer = await call(toolset(remote), "query", {"query": RATIO, "time": AT})
    assert "catalog" not in {row["labels"].get("service") for row in answer["series"]}


async def test_native_histograms_are_read_beside_plain_samples() -> None:
    remote, _ = replayed("prometheus", "native-histogram-vector")
    answer = await call(toolset(remote), "query", {"query": "kv_request_duration_seconds", "time": NATIVE_AT})
    assert all(row["histograms"][0]["count"] > 0 and not row["points"] for row in answer["series"])


async def test_what_is_left_out_is_counted() -> None:
    remote, _ = replayed("prometheus", "query-up")
    answer = await call(toolset(remote), "query", {"query": "up", "time": AT, "max_series": 2})
    assert (len(answer["series"]), answer["left_out_series"]) == (
        2,
        len(cassette("prometheus", "query-up").document["data"]["result"]) - 2,
    )


async def test_a_long_query_goes_in_the_body() -> None:
    remote, _ = replayed("prometheus", "query-post")
    answer = await call(toolset(remote, post_above_chars=1), "query", {"query": "sum(up)", "time": AT})
    assert answer["series"][0]["points"] == [[AT, 5.0]]


async def test_failing_rules_come_first_with_their_error() -> None:
    remote, _ = replayed("prometheus", "rules")
    answer = await call(toolset(remote), "rules", {})
    assert answer["rules"][0]["health"] == "err"
    assert answer["rules"][0]["last_error"]


async def test_a_target_that_is_down_comes_first_with_its_error() -> None:
    remote, _ = replayed("prometheus", "targets-down")
    answer = await call(toolset(remote), "targets", {})
    assert answer["targets"][0]["health"] == "down"
    assert answer["targets"][0]["last_error"]


REFUSED: list[tuple[str, str, JsonObject]] = [
    ("error-parse", "query", {"query": "sum(rate(up[5m])"}),
    ("error-type", "query", {"query": '"a" + 1'}),
    ("error-bad-regexp", "query", {"query": 'up{job=~"("}'}),
    ("error-no-query", "query", {"query": ""}),
    ("error-bad-time", "query", {"query": "up", "time": "noon"}),
    ("error-bad-step", "range", {"query": "up", "step": 0, **WINDOW}),
    ("error-too-many-points", "range", {"query": "up", "step": 1, "start": 1795303051, "end": 1795389451}),
    ("label-values-bad-name", "label_values", {"label": "bad-name", **WINDOW}),
    ("series-missing-match", "series", {"match": [], **WINDOW}),
    ("rules-bad-type", "rules", {"type": "magic"}),
    ("error-timeout", "query", {"query": "count_over_time(sum by (pod) (rate(http_requests_total[5m]))[1d:1s])"}),
]


@pytest.mark.parametrize(("name", "verb", "arguments"), REFUSED, ids=[name for name, _, _ in REFUSED])
async def test_what_the_server_would_refuse_is_refused_before_it_is_sent(
    name: str, verb: str, arguments: JsonObject
) -> None:
    remote, player = replayed("prometheus", name)
    with pytest.raises(InputError):
        await call(toolset(remote), verb, arguments)
    assert not player.asked


EVALUATION = [
    ("error-many-to-many", "http_requests_total / on(service) http_requests_total", AT, "duplicate series"),
    (
        "error-same-labelset",
        'rate({__name__=~"http_requests_total|http_server_request_duration_seconds_count"}[5m])',
        1795390041,
        "same labelset",
    ),
]


@pytest.mark.parametrize(("name", "query", "at", "words"), EVALUATION)
async def test_a_query_that_fails_in_evaluation_is_answered_with_the_servers_words(
    name: str, query: str, at: int, words: str
) -> None:
    remote, _ = replayed("prometheus", name)
    with pytest.raises(ToolError, match=words):
        await call(toolset(remote), "query", {"query": query, "time": at})


@pytest.mark.parametrize("name", [n for n, _, _ in REFUSED] + ["error-unknown-path"])
async def test_every_recorded_error_becomes_a_typed_one(name: str) -> None:
    exchange = cassette("prometheus", name)
    remote, _ = replayed("prometheus", name)
    expected = UnavailableError if exchange.status >= 500 else ToolError
    with pytest.raises(expected) as caught:
        await remote.json(Request(exchange.method, exchange.path, query=exchange.query))
    assert "\n" not in str(caught.value)


async def test_a_path_prefix_and_a_tenant_are_kept() -> None:
    def server(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/prometheus/api/v1/status/buildinfo"
        assert request.headers["X-Scope-OrgID"] == "team-a"
        return cassette("prometheus", "status-buildinfo").response()

    endpoint = Endpoint(url="http://server.test/prometheus/", tenant="team-a")
    async with open_client(endpoint, transport=httpx.MockTransport(server)) as client:
        tools = prometheus(Remote.at("prometheus", client, endpoint))
        assert (await tools.environment()).name == "test"


async def test_the_points_of_all_series_are_limited() -> None:
    values = [[i, "1"] for i in range(60_000)]
    rows = [{"metric": {"i": str(i)}, "values": values} for i in range(3)]
    document = {"status": "success", "data": {"resultType": "matrix", "result": rows}}
    remote = remote_of(lambda _: httpx.Response(200, json=document), "prometheus")
    answer = await call(toolset(remote), "query", {"query": "up", "time": AT})
    assert (sum(len(row["points"]) for row in answer["series"]), answer["left_out_points"]) == (100_000, 80_000)
    assert math.isfinite(answer["series"][0]["points"][0][1])
