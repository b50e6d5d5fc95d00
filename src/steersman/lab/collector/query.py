"""Series out of rows: request signals from server spans, each counted when it ended; the rest from gauges."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from steersman.domain.signal import Selector, SignalName, Window
from steersman.lab.collector.store import Row, Store

GAUGES: Mapping[SignalName, str] = {
    "cpu": "process.cpu.utilization",
    "memory": "process.memory.usage",
    "queue_depth": "messaging.queue.depth",
    "pool_usage": "http.client.pool.usage",
    "restarts": "container.restarts",
    "up": "up",
}
LONGEST_NS = 60 * 1_000_000_000
"""No request of the lab takes longer."""
LAG_S = 1.2
"""How long telemetry takes to arrive at most; younger points are not shown, because they are not whole yet."""


@dataclass(frozen=True, slots=True)
class Points:
    """Columns of a series."""

    times: list[float]
    values: list[float]
    counts: list[float]


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of sorted values, which must not be empty."""
    return sorted_values[max(0, math.ceil(share * len(sorted_values)) - 1)]


def range_of(store: Store, signal: SignalName, selector: Selector, window: Window, *, now_s: float) -> Points:
    """One signal over a window; buckets without data are left out."""
    if signal in GAUGES:
        return _gauges(store, GAUGES[signal], selector, window)
    kinds = ("db",) if signal == "disk_latency" else ("server", "unanswered")
    rows = _spans(store, kinds, selector, window)
    whole = now_s - LAG_S
    buckets = {at: rows for at, rows in _bucketed(rows, window).items() if at + window.step_s <= whole}
    if signal == "request_rate":
        times = [float(at) for at in _whole_buckets(store, selector, window, whole)]
        counts = [float(len(buckets.get(at, ()))) for at in times]
        return Points(times, [count / window.step_s for count in counts], counts)
    measure = _MEASURES[signal]
    times = sorted(buckets)
    return Points(times, [measure(buckets[at]) for at in times], [float(len(buckets[at])) for at in times])


def conditions(selector: Selector) -> tuple[str, list[str]]:
    """The SQL of a selector, and its parameters."""
    fields = {name: value for name, value in selector.model_dump(exclude={"namespace"}).items() if value is not None}
    return "".join(f" AND {name} = ?" for name in fields), [str(value) for value in fields.values()]


def bounds(window: Window) -> tuple[int, int]:
    """The window in nanoseconds."""
    return int(window.start.timestamp() * 1e9), int(window.end.timestamp() * 1e9)


def _spans(store: Store, kinds: tuple[str, ...], selector: Selector, window: Window) -> list[Row]:
    where, parameters = conditions(selector)
    marks = ",".join("?" * len(kinds))
    start, end = bounds(window)
    # By their end, as counters in production: a point is whole once its time is over, however long requests take.
    bounded = f"kind IN ({marks}) AND start_ns >= ? AND start_ns < ? AND start_ns + duration_ns >= ?"
    bounded += f" AND start_ns + duration_ns < ?{where}"
    sql = f"SELECT start_ns + duration_ns, duration_ns, error FROM spans WHERE {bounded}"  # noqa: S608 - marks and column names
    return store.ask(sql, (*kinds, start - LONGEST_NS, end, start, end, *parameters))


def _bucketed(rows: Sequence[Row], window: Window) -> dict[float, list[Row]]:
    start = window.start.timestamp()
    found: dict[float, list[Row]] = defaultdict(list)
    for row in rows:
        number = int((row[0] / 1e9 - start) / window.step_s)
        found[start + number * window.step_s].append(row)
    return found


def _whole_buckets(store: Store, selector: Selector, window: Window, whole: float) -> list[float]:
    """Every bucket while the selected thing was up: no requests are a rate of zero, but only of what runs."""
    ups = _gauges(store, GAUGES["up"], selector, window)
    return [at for at, up in zip(ups.times, ups.values, strict=True) if up > 0 and at + window.step_s <= whole]


def _gauges(store: Store, name: str, selector: Selector, window: Window) -> Points:
    """Instances are added up within a moment for sums, and averaged over a bucket."""
    where, parameters = conditions(selector)
    sql = f"SELECT at_ns, value FROM points WHERE name = ? AND at_ns >= ? AND at_ns < ?{where}"  # noqa: S608 - column names
    rows = store.ask(sql, (name, *bounds(window), *parameters))
    found = _bucketed(rows, window)
    combine: Callable[[Sequence[float]], float] = max if name in _WORST else _mean
    times = sorted(found)
    return Points(times, [combine([row[1] for row in found[at]]) for at in times], [])


_WORST = frozenset({GAUGES["queue_depth"], GAUGES["pool_usage"], GAUGES["restarts"]})


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _errors(rows: Sequence[Row]) -> float:
    return float(sum(row[2] for row in rows)) / len(rows)


def _latency(share: float) -> Callable[[Sequence[Row]], float]:
    return lambda rows: percentile(sorted(row[1] / 1e9 for row in rows), share)


_MEASURES: Mapping[SignalName, Callable[[Sequence[Row]], float]] = {
    "error_rate": _errors,
    "latency_p50": _latency(0.50),
    "latency_p95": _latency(0.95),
    "latency_p99": _latency(0.99),
    "disk_latency": _latency(0.95),
}
