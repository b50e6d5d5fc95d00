"""Metrics of services and their instances: levels that healthy stretches of the same length never reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from steersman.diagnosis.bundle import Bundle, Flags, Floats
from steersman.diagnosis.period import period
from steersman.diagnosis.statistics import surprise, trust, without
from steersman.diagnosis.symptom import Modality, Symptom
from steersman.domain.finding import FaultKind

USUAL = 2.5
"""Largest excess, in units of the healthy range, in healthy systems."""
USUAL_RESOURCE = 4.0
"""The same for single instances, whose load is burstier than what a service's users see."""
HALF_TRUST = 1.0
"""Points of a resource at which its rise counts half."""
BLOCKS = 6
"""Points into which an incident is summed up, at most: bounds the cost of long windows."""
MIN_HEALTHY = 5
"""Healthy points below which a series says nothing."""


@dataclass(frozen=True, slots=True)
class Family:
    """How a metric is read, by a word in its name. The first that fits holds."""

    word: str
    modality: Modality
    kind: FaultKind
    text: str
    floor: float
    """Change that never counts, as a share of the healthy median."""
    least: float = 0.0
    """Change that never counts, in the metric's own unit."""
    falls: bool = False
    """Whether trouble shows in a fall."""
    reach: float = -np.inf
    """Level below which it does no harm: a pool hurts when it is used up."""
    typical: float = 0.0
    """Change that never counts, as a share of what the median service uses: an idle one is no cause."""


FAMILIES = (
    Family("node_", "series", "unknown", "", 0.0),
    Family("entrypoint", "series", "unknown", "", 0.0),
    Family("cpu", "resources", "cpu_burn", "CPU use", 0.25, typical=0.5),
    Family("memory", "resources", "memory_leak", "memory use", 0.1),
    Family("restart", "resources", "crash_loop", "restarts", 0.0, least=0.5),
    Family("queue", "resources", "queue_backlog", "queue depth", 0.5, least=5),
    Family("pool", "resources", "pool_exhaustion", "pool usage", 0.25, least=0.05, reach=0.9),
    Family("disk", "resources", "slow_disk", "disk latency", 0.5, least=0.002),
    Family("error", "errors", "error_bug", "share of failing requests", 0.0, least=0.01),
    Family("success", "errors", "error_bug", "success rate", 0.01, falls=True),
    Family("availability", "errors", "error_bug", "availability", 0.01, falls=True),
    Family("latency", "latency", "latency_regression", "latency", 0.25, least=0.002),
    Family("up", "resources", "crash_loop", "instances up", 0.1, falls=True),
)
IGNORED = frozenset({"node_", "entrypoint"})
"""A node's load is that of all of its pods, an entry's symptoms are those of all services: neither names one."""


def family(metric: str) -> Family | None:
    """The family of a metric; None for those that tell nothing about a fault's place."""
    for known in FAMILIES:
        if known.word in metric if known.word != "up" else metric == "up":
            return None if known.word in IGNORED else known
    return None


@dataclass(frozen=True, slots=True)
class _Rise:
    series: int
    known: Family
    score: float
    usual: float
    level: float
    points: int


def detect(bundle: Bundle) -> list[Symptom]:
    """The strongest symptom of each service in each family."""
    rises = list(_rises(bundle))
    best: dict[tuple[int, str], Symptom] = {}
    for rise, apart in zip(rises, _apart(bundle, rises), strict=True):
        if apart <= 0 or rise.level < rise.known.reach:
            continue
        symptom = _symptom(bundle, rise, apart)
        key = (symptom.service, rise.known.word)
        if key not in best or symptom.score > best[key].score:
            best[key] = symptom
    return list(best.values())


def _rises(bundle: Bundle) -> Iterator[_Rise]:
    """Series of one family and of equal lengths are looked at together: most systems sample all alike."""
    metrics, when = bundle.metrics, period(bundle)
    finite = np.isfinite(metrics.value)
    incident = when.incident(metrics.time, metrics.reference) & finite
    healthy = when.healthy(metrics.time, metrics.reference) & finite
    typical = _typical(bundle, healthy)
    alike: dict[tuple[Family, int, int], list[tuple[int, Floats, Floats, float]]] = {}
    for i, name in enumerate(metrics.name):
        known = family(name)
        if known is None or metrics.peer[i] >= 0 or metrics.service[i] < 0:
            continue
        part = slice(int(metrics.offsets[i]), int(metrics.offsets[i + 1]))
        before, after = metrics.value[part][healthy[part]], metrics.value[part][incident[part]]
        if len(before) >= MIN_HEALTHY and len(after):
            least = known.typical * typical.get(name, 0.0)
            alike.setdefault((known, len(before), len(after)), []).append((i, before, after, least))
    for (known, _, points), found in alike.items():
        series, before_all, after_all, least_all = zip(*found, strict=True)
        figures = excess(np.stack(before_all), np.stack(after_all), known, least=np.array(least_all))
        for i, score, usual, level in zip(series, *(figure.tolist() for figure in figures), strict=True):
            yield _Rise(i, known, score, usual, level, points)


def _apart(bundle: Bundle, rises: list[_Rise]) -> list[float]:
    """Each rise less what the other services' same metric shows: what rises everywhere is the machine, or the load."""
    metrics = bundle.metrics
    peers: dict[str, dict[int, float]] = {}
    for rise in rises:
        scores = peers.setdefault(metrics.name[rise.series], {})
        service = int(metrics.service[rise.series])
        scores[service] = max(scores.get(service, 0.0), rise.score)
    ordered = {name: np.sort(list(scores.values())) for name, scores in peers.items()}
    result = []
    for rise in rises:
        name, service = metrics.name[rise.series], int(metrics.service[rise.series])
        common = without(ordered[name], peers[name][service])
        result.append(rise.score - common)
    return result


def _typical(bundle: Bundle, rows: Flags) -> dict[str, float]:
    """Healthy median of each metric whose family asks for it, over all services."""
    metrics = bundle.metrics
    values: dict[str, list[float]] = {}
    for i, name in enumerate(metrics.name):
        known = family(name)
        part = slice(int(metrics.offsets[i]), int(metrics.offsets[i + 1]))
        if known is not None and known.typical and rows[part].any():
            values.setdefault(name, []).append(float(np.median(metrics.value[part][rows[part]])))
    return {name: float(np.median(found)) for name, found in values.items()}


def excess(before: Floats, after: Floats, known: Family, *, least: Floats) -> tuple[Floats, Floats, Floats]:
    """(How far beyond usual, healthy median, level of the incident) of each row. Beyond: in units of the healthy range.

    The level is the mean of the upper half of the incident's points, and the range is that of the same figure over all
    healthy stretches of the same length, so that few points are not held against a quantile of single points.
    least: change of each row that never counts.
    """
    sign = -1.0 if known.falls else 1.0
    size = -(-after.shape[1] // BLOCKS)
    low, high = _blocks(sign * before, size), _blocks(sign * after, size)
    width = min(high.shape[1], max(low.shape[1] // 2, 1))
    median = np.median(low, axis=1)
    level = _upper(high)
    reach = np.quantile(_upper(sliding_window_view(low, width, axis=1)), 0.95, axis=1) - median
    floor = np.maximum(np.maximum(known.floor * np.abs(median), np.maximum(least, known.least)), 1e-9)
    return (level - median) / np.maximum(reach, floor), sign * median, sign * level


def _blocks(rows: Floats, size: int) -> Floats:
    """Means of stretches of that many points; what is left over at the end counts as one."""
    if size == 1:
        return rows
    starts = np.arange(0, max(rows.shape[1] - size + 1, 1), size)
    sums = np.add.reduceat(rows, starts, axis=1)
    return np.asarray(sums / np.diff(np.append(starts, rows.shape[1])), np.float64)


def _upper(windows: Floats) -> Floats:
    """Mean of the upper half along the last axis."""
    width = windows.shape[-1]
    return np.asarray(np.sort(windows, axis=-1)[..., width // 2 :].mean(axis=-1), np.float64)


def _symptom(bundle: Bundle, rise: _Rise, apart: float) -> Symptom:
    metrics, known = bundle.metrics, rise.known
    score = surprise(apart, USUAL)
    if known.modality == "resources":
        score = surprise(apart, USUAL_RESOURCE) * trust(rise.points, HALF_TRUST)
    service, name = int(metrics.service[rise.series]), metrics.name[rise.series]
    return Symptom(
        service=service,
        modality=known.modality,
        kind=known.kind,
        score=score,
        text=f"Its {known.text} {'fell' if known.falls else 'rose'} from {rise.usual:.4g} to {rise.level:.4g}.",
        value=f"{rise.usual:.4g} -> {rise.level:.4g}, {apart:.1f} times the healthy range beyond its peers",
        query={"signal": name, "selector": {"service": bundle.services[service]}, "from": "metrics"},
        instance=int(metrics.instance[rise.series]),
    )
