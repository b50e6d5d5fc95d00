import re
from datetime import UTC, datetime
from urllib.parse import parse_qs

import httpx
import pytest
from tests.unit.toolsets.replaying import remote_of

from steersman.domain.errors import InputError, NoSourceError, ToolError, UnavailableError
from steersman.domain.signal import Selector, SignalName, Window
from steersman.domain.source_operations import Citation, CiteQuery
from steersman.queries.signals import SignalSettings
from steersman.testing.clock import FakeClock
from steersman.toolsets.prometheus import Checker, PrometheusClient, PrometheusSource
from steersman.toolsets.prometheus.facts import Check, CheckAnswer

START = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
WINDOW = Window(start=START, end=START.replace(minute=5), step_s=60)
SERVICE = Selector(service="payments")
MATCHER = re.compile(r'(\w+)(=~|=)"((?:[^"\\]|\\.)*)"')


class Fake:
    """A server with some series; each range query is answered by the first rule that its text contains."""

    def __init__(self, series: list[dict[str, str]], rules: dict[str, list[tuple[float, str]]]) -> None:
        self.series = series
        self.rules = rules
        self.asked: list[str] = []
        self.instants: list[str] = []
        self.ranges: list[dict[str, list[str]]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        query = parse_qs(request.url.query.decode())
        self.asked.append(path)
        if path.endswith("/query_range"):
            self.ranges.append(query)
            return self.answer({"resultType": "matrix", "result": self.result(query["query"][0])})
        if path.endswith("/query"):
            self.instants.append(query["query"][0])
            value = next((v for words, v in self.rules.items() if words in query["query"][0]), None)
            rows = [] if value is None else [{"metric": {}, "value": list(value[0])}]
            return self.answer({"resultType": "vector", "result": rows})
        match = query["match[]"][0]
        found = [s for s in self.series if self.fits(s, match)]
        if path.endswith("/labels"):
            return self.answer(sorted({label for s in found for label in s}))
        label = path.split("/")[-2]
        return self.answer(sorted({s[label] for s in found if label in s}))

    def fits(self, series: dict[str, str], match: str) -> bool:
        name = match.partition("{")[0]
        named = not name or series["__name__"] == name
        pairs = MATCHER.findall(match)
        return named and all(
            re.fullmatch(value.replace("\\\\", "\\") if op == "=~" else re.escape(value), series.get(label, ""))
            for label, op, value in pairs
        )

    def result(self, query: str) -> list[dict[str, object]]:
        values = next((v for words, v in self.rules.items() if words in query), None)
        return [] if values is None else [{"metric": {}, "values": [[at, value] for at, value in values]}]

    @staticmethod
    def answer(data: object) -> httpx.Response:
        return httpx.Response(200, json={"status": "success", "data": data})


def http_series(**labels: str) -> list[dict[str, str]]:
    return [{"__name__": "http_requests_total", "code": "200", **labels}]


def source(fake: Fake, settings: SignalSettings | None = None) -> PrometheusSource:
    return PrometheusSource(PrometheusClient(remote_of(fake, "prometheus")), FakeClock(), settings)


def points(*values: str) -> list[tuple[float, str]]:
    first = START.timestamp() + 60
    return [(first + 60 * i, value) for i, value in enumerate(values)]


async def test_a_point_bears_the_time_of_its_start_and_what_is_no_number_is_left_out() -> None:
    fake = Fake(
        http_series(app="payments"), {"* $": [], "* 60": points("60", "60", "60"), "sum": points("0.5", "NaN", "+Inf")}
    )
    found = await source(fake).range("error_rate", SERVICE, WINDOW)
    assert (found.times, found.values, found.counts) == ((START.timestamp(),), (0.5,), (60.0,))
    asked = fake.ranges[0]
    assert (asked["start"], asked["end"]) == ([str(int(START.timestamp()) + 60)], [str(int(START.timestamp()) + 300)])


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"app": "payments"}, 'app="payments"'),
        ({"service": "payments", "app": "other"}, 'service="payments"'),
        ({"service": "http", "app": "payments"}, 'app="payments"'),
        ({"job": "shop/payments"}, 'job=~".+/payments"'),
        ({"pod": "payments-5b8c6d7f99-k2j8w"}, 'pod=~"payments-[a-z0-9]+(-[a-z0-9]+)?"'),
    ],
)
async def test_the_label_that_names_the_service_is_found(labels: dict[str, str], expected: str) -> None:
    text = await source(Fake(http_series(**labels), {})).query_of("request_rate", SERVICE, 15)
    assert text == f"sum(rate(http_requests_total{{{expected}}}[1m]))"


async def test_the_label_of_the_status_is_found() -> None:
    series = [{"__name__": "http_requests_total", "status": "500", "service": "payments"}]
    text = await source(Fake(series, {})).query_of("error_rate", SERVICE, 15)
    assert text is not None
    assert 'status=~"5.."' in text


async def test_a_service_that_is_in_no_metric_has_no_points() -> None:
    found = await source(Fake(http_series(app="other"), {})).range("error_rate", SERVICE, WINDOW)
    assert found.times == ()


async def test_a_version_is_picked_beside_the_service() -> None:
    fake = Fake(http_series(service="payments", version="v2"), {})
    assert await source(fake).query_of("request_rate", Selector(service="payments", version="v2"), 15) is not None
    assert await source(fake).query_of("request_rate", Selector(service="payments", version="v3"), 15) is None


async def test_a_signal_without_a_metric_is_an_error_that_says_what_was_looked_for() -> None:
    with pytest.raises(ToolError, match="process_cpu"):
        await source(Fake(http_series(), {})).range("cpu", SERVICE, WINDOW)


async def test_what_was_found_out_is_kept_for_a_while() -> None:
    fake = Fake(http_series(app="payments"), {})
    clock = FakeClock()
    eyes = PrometheusSource(PrometheusClient(remote_of(fake, "prometheus")), clock)
    await eyes.query_of("request_rate", SERVICE, 15)
    asked = len(fake.asked)
    await eyes.query_of("request_rate", SERVICE, 15)
    assert len(fake.asked) == asked
    clock.move(seconds=301)
    await eyes.query_of("request_rate", SERVICE, 15)
    assert len(fake.asked) == 2 * asked


async def test_the_operators_query_is_asked_instead() -> None:
    settings = SignalSettings(queries={"cpu": "max(my_cpu{$selector})"}, labels={"service": ("svc",)})
    fake = Fake([], {"my_cpu": points("0.25")})
    found = await source(fake, settings).range("cpu", SERVICE, WINDOW)
    assert found.values == (0.25,)
    assert fake.ranges[0]["query"] == ['max(my_cpu{svc="payments"})']


async def test_a_query_that_gives_several_series_is_refused() -> None:
    rows = [{"metric": {"a": str(i)}, "values": [[1, "1"]]} for i in range(2)]
    fake = Fake([], {})
    fake.result = lambda _: rows  # type: ignore[method-assign]
    with pytest.raises(ToolError, match="aggregate"):
        await source(fake, SignalSettings(queries={"cpu": "my_cpu{$selector}"})).range("cpu", SERVICE, WINDOW)


async def test_logs_spans_and_changes_name_who_has_them() -> None:
    eyes = source(Fake([], {}))
    with pytest.raises(NoSourceError, match="Loki"):
        await eyes.logs(SERVICE, WINDOW)
    with pytest.raises(NoSourceError, match="Tempo"):
        await eyes.spans(SERVICE, WINDOW)
    with pytest.raises(NoSourceError, match="Grafana"):
        await eyes.changes(WINDOW)


async def test_a_server_that_is_down_is_unavailable_not_a_group_of_errors() -> None:
    fake = Fake(http_series(app="payments"), {})

    def server(request: httpx.Request) -> httpx.Response:
        return httpx.Response(503) if request.url.path.endswith("query_range") else fake(request)

    eyes = PrometheusSource(PrometheusClient(remote_of(server, "prometheus")), FakeClock())
    with pytest.raises(UnavailableError):
        await eyes.range("error_rate", SERVICE, WINDOW)


async def test_the_error_budget_burns_when_both_windows_say_so() -> None:
    rules = {"[5m]": [(1, "0.5")], "[1h]": [(1, "0.02")], "[30m]": [(1, "0.001")], "[6h]": [(1, "NaN")]}
    fake = Fake(http_series(service="payments"), rules)
    fast, slow, slowest = await source(fake).burn_rates(SERVICE, slo=0.999, at=START)
    assert (fast.long, fast.short, fast.burns) == (pytest.approx(20.0), pytest.approx(500.0), True)
    assert (slow.long, slow.short, slow.burns) == (None, pytest.approx(1.0), None)
    assert slowest.burns is None
    assert len(fake.instants) == 5


async def test_the_budget_of_a_service_without_requests_is_not_known() -> None:
    found = await source(Fake(http_series(service="other"), {})).burn_rates(SERVICE, slo=0.99, at=START)
    assert [rate.burns for rate in found] == [None, None, None]


async def test_a_target_without_a_budget_is_refused() -> None:
    with pytest.raises(InputError, match="budget"):
        await source(Fake(http_series(service="payments"), {})).burn_rates(SERVICE, slo=1.0, at=START)


async def checked(fake: Fake, signal: SignalName, bound: float) -> CheckAnswer:
    clock = FakeClock(START.replace(minute=5))
    eyes = PrometheusSource(PrometheusClient(remote_of(fake, "prometheus")), clock)
    ask = Check(signal=signal, service="payments", window_s=300, bound=bound)
    return await Checker(eyes, clock).check(ask)


@pytest.mark.parametrize(("bound", "ok"), [(0.25, True), (0.15, False)])
async def test_a_signal_is_held_against_a_bound(bound: float, ok: bool) -> None:
    fake = Fake(http_series(service="payments"), {"rate(": points("0.1", "0.3")})
    answer = await checked(fake, "error_rate", bound)
    assert (answer.value, answer.points, answer.ok) == (pytest.approx(0.2), 2, ok)
    assert fake.ranges[0]["step"] == ["15"]


async def test_of_what_should_be_high_the_bound_is_the_least() -> None:
    fake = Fake([{"__name__": "up", "job": "payments"}], {"avg(up": points("1", "1")})
    assert (await checked(fake, "up", 0.9)).ok
    assert not (await checked(fake, "up", 1.1)).ok


async def test_no_data_keeps_no_bound_and_no_metric_is_no_answer() -> None:
    assert await checked(Fake(http_series(service="front"), {}), "error_rate", 1) == CheckAnswer(
        value=None, points=0, ok=False
    )
    with pytest.raises(NoSourceError):
        await checked(Fake([], {}), "error_rate", 1)


async def test_services_are_named_by_the_likeliest_label() -> None:
    fake = Fake([*http_series(service_name="payments", job="shop/x"), *http_series(service_name="front")], {})
    assert await source(fake).services(WINDOW) == ("front", "payments")
    assert await source(Fake(http_series(job="shop/payments"), {})).services(WINDOW) == ("payments",)
    assert await source(Fake([{"__name__": "up", "job": "node"}], {})).services(WINDOW) == ("node",)
    assert await source(Fake([], {})).services(WINDOW) == ()


class Graph(Fake):
    """Knows calls between services."""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = parse_qs(request.url.query.decode())
        if not request.url.path.endswith("/query"):
            return super().__call__(request)
        self.instants.append(query["query"][0])
        rows = [{"metric": {k: v for k, v in s.items() if k != "__name__"}, "value": [1, "3"]} for s in self.series]
        return self.answer({"resultType": "vector", "result": rows})


async def test_who_calls_whom_is_read_from_a_service_graph_or_a_mesh() -> None:
    tempo = Graph([{"__name__": "traces_service_graph_request_total", "client": "front", "server": "payments"}], {})
    assert await source(tempo).calls(WINDOW) == (("front", "payments"),)
    assert tempo.instants == ["sum by (client, server) (increase(traces_service_graph_request_total{}[5m])) > 0"]
    istio = {"source_workload": "front", "destination_service_name": "payments", "reporter": "source"}
    mesh = Graph([{"__name__": "istio_requests_total", **istio}], {})
    assert await source(mesh).calls(WINDOW) == (("front", "payments"),)
    assert 'reporter="source"' in mesh.instants[0]
    assert await source(Graph([], {})).calls(WINDOW) == ()


async def test_a_signal_is_cited_with_its_promql_and_a_link_to_it() -> None:
    fake = Fake(http_series(service="payments"), {})
    asked = CiteQuery(of="metrics", signal="request_rate", selector=Selector(service="payments"), window=WINDOW)
    cited = await source(fake).cite(asked)
    assert cited.query == 'sum(rate(http_requests_total{service="payments"}[1m]))'
    shown = parse_qs(cited.link.partition("?")[2])
    assert shown["g0.expr"] == [cited.query]
    assert shown["g0.end_input"] == ["2026-11-22 23:05:00"]
    assert cited.link.startswith("http://server.test:9090/graph?")
    assert await source(fake).cite(CiteQuery(of="logs", signal="cpu", window=WINDOW)) == Citation()
