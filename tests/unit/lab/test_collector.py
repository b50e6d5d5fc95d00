"""Questions to the collector's store, and its page for Prometheus."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import HistogramDataPoint

from steersman.domain.signal import Selector, SignalName, Window
from steersman.lab.collector.exposition import text
from steersman.lab.collector.otlp import Point, Source
from steersman.lab.collector.query import percentile, range_of
from steersman.lab.collector.store import KEPT_S, Store

T0 = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
WINDOW = Window(start=T0, end=T0 + timedelta(seconds=10), step_s=1.0)
LATER = T0.timestamp() + 60


def at(seconds: float) -> int:
    return int((T0.timestamp() + seconds) * 1e9)


def span(seconds: float, *, kind: str = "server", pool: str = "blue", error: int = 0, took_s: float = 0.01) -> tuple:
    """A span that ends then."""
    who = ("payments", "payments-1", "v1", pool)
    return (at(seconds) - int(took_s * 1e9), int(took_s * 1e9), b"t", b"s", b"", *who, "POST /charges", kind, error, "")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "telemetry.sqlite")


def ask(store: Store, signal: SignalName, *, pool: str | None = None, now_s: float = LATER) -> tuple:
    found = range_of(store, signal, Selector(service="payments", pool=pool), WINDOW, now_s=now_s)
    offsets = [time - T0.timestamp() for time in found.times]
    return offsets, found.values, found.counts


def test_error_rate_is_exact_and_leaves_out_empty_points(store: Store) -> None:
    store.add("spans", [span(0.1, error=1), span(0.2), span(0.999), span(0.5, error=1), span(3.0), span(10.0)])
    assert ask(store, "error_rate") == ([0.0, 3.0], [0.5, 0.0], [4.0, 1.0])


def test_a_request_that_no_process_answered_counts_as_an_error_of_the_pool(store: Store) -> None:
    store.add("spans", [span(0.1, pool="green", kind="unanswered", error=1), span(0.2, pool="green", kind="client")])
    assert ask(store, "error_rate", pool="green") == ([0.0], [1.0], [1.0])
    assert ask(store, "error_rate", pool="blue") == ([], [], [])


def test_a_long_request_counts_when_it_ends(store: Store) -> None:
    store.add("spans", [span(3.5, took_s=3.4)])
    assert ask(store, "error_rate")[0] == [3.0]


def test_percentiles_are_nearest_rank(store: Store) -> None:
    store.add("spans", [span(2.0, took_s=number / 100) for number in range(1, 101)])
    assert ask(store, "latency_p50")[1] == [0.5]
    assert ask(store, "latency_p99")[1] == [0.99]
    assert percentile([1.0], 0.99) == 1.0


def test_no_requests_are_a_rate_of_zero_only_while_the_thing_is_up(store: Store) -> None:
    store.add("spans", [span(0.1), span(0.2)])
    up = ("up", "payments", "payments-1", "v1", "blue")
    store.add("points", [(at(0.3), *up, 1.0), (at(1.3), *up, 1.0), (at(2.3), *up, 0.0)])
    assert ask(store, "request_rate") == ([0.0, 1.0], [2.0, 0.0], [2.0, 0.0])


def test_points_that_may_still_grow_are_not_shown(store: Store) -> None:
    store.add("spans", [span(0.1), span(5.1)])
    assert ask(store, "error_rate", now_s=T0.timestamp() + 6.0)[0] == [0.0]
    assert ask(store, "error_rate", now_s=T0.timestamp() + 8.0)[0] == [0.0, 5.0]


def test_gauges_are_averaged_and_queues_show_their_worst(store: Store) -> None:
    who = ("payments", "payments-1", "v1", "blue")
    store.add("points", [(at(0.1 * n), "process.cpu.utilization", *who, 0.1 * n) for n in (1, 2, 3)])
    store.add("points", [(at(0.1 * n), "messaging.queue.depth", *who, float(n)) for n in (1, 2, 3)])
    assert ask(store, "cpu")[1] == [pytest.approx(0.2)]
    assert ask(store, "queue_depth")[1] == [3.0]


def test_an_hour_is_kept(store: Store) -> None:
    store.add("spans", [span(0.0), span(2.0)])
    store.forget(at(KEPT_S + 1))
    assert store.ask("SELECT count(*) FROM spans", ()) == [(1,)]


def test_prometheus_reads_names_units_and_hostile_labels() -> None:
    source = Source("payments", "payments-1", "v1", "blue")
    bins = HistogramDataPoint(count=3, sum=0.5, explicit_bounds=[0.1, 1.0], bucket_counts=[1, 1, 1])
    duration = "http.server.request.duration"
    page = text(
        [
            Point(0, duration, "histogram", "s", "", source, {"http.route": 'a"\n\\'}, 3.0, bins),
            Point(0, "process.memory.usage", "gauge", "By", "Resident memory", source, {}, 5.0),
            Point(0, "proxy.requests", "counter", "{request}", "", source, {}, 7.0),
        ]
    )
    who = 'job="payments",instance="payments-1",version="v1",pool="blue"'
    assert f"process_memory_usage_bytes{{{who}}} 5.0\n" in page
    assert f"proxy_requests_total{{{who}}} 7.0\n" in page
    assert f'http_server_request_duration_seconds_bucket{{{who},http_route="a\\"\\n\\\\",le="+Inf"}} 3\n' in page
    assert "# TYPE http_server_request_duration_seconds histogram\n" in page
    assert all(line.startswith("#") or line.count(" ") == 1 for line in page.splitlines())
