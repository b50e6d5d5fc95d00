"""Metrics of services and their instances: levels that healthy stretches of the same length never reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from steersman.diagnosis.bundle import Bundle, Flags, Floats
from steersman.diagnosis.period import period
from steersman.diagnosis.statistics import surprise, trust
from steersman.diagnosis.symptom import Modality, Symptom
from steersman.domain.finding import FaultKind

USUAL = 2.5
"""Largest excess, in units of the healthy range, in healthy systems."""
USUAL_RESOURCE = 6.0
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
    typical: float = 0.0
    """Change that never counts, as a share of what the median service uses: an idle one is no cause."""


FAMILIES = (
    Family("node_", "series", "unknown", "", 0.0),
    Family("entrypoint", "series", "unknown", "", 0.0),
    Family("cpu", "resources", "cpu_burn", "CPU use", 0.25, typical=0.5),
    Family("memory", "resources", "memory_leak", "memory use", 0.1),
    Family("restart", "resources", "crash_loop", "restarts", 0.0, least=0.5),
    Family("queue", "resources", "queue_backlog", "queue depth", 0.5, least=5),
    Family("pool", "resources", "pool_exhaustion", "pool usage", 0.25),
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


def detect(bundle: Bundle) -> list[Symptom]:
    """The strongest symptom of each service in each family."""
    best: dict[tuple[int, str], Symptom] = {}
    for symptom, word in _all(bundle):
        key = (symptom.service, word)
        if key not in best or symptom.score > best[key].score:
            best[key] = symptom
    return list(best.values())


def _all(bundle: Bundle) -> Iterator[tuple[Symptom, str]]:
    metrics, when = bundle.metrics, period(bundle)
    incident = when.incident(metrics.time, metrics.reference)
    healthy = when.healthy(metrics.time, metrics.reference)
    finite = np.isfinite(metrics.value)
    typical = _typical(bundle, finite & healthy)
    for i, name in enumerate(metrics.name):
        known = family(name)
        if known is None or metrics.peer[i] >= 0 or metrics.service[i] < 0:
            continue
        part = slice(int(metrics.offsets[i]), int(metrics.offsets[i + 1]))
        value, ok = metrics.value[part], finite[part]
        before, after = value[ok & healthy[part]], value[ok & incident[part]]
        if len(before) < MIN_HEALTHY or not len(after):
            continue
        score, usual, level = excess(before, after, known, least=known.typical * typical.get(name, 0.0))
        if score > 0:
            yield _symptom(bundle, i, known, _Rise(score, usual, level, points=len(after))), known.word


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


def excess(before: Floats, after: Floats, known: Family, *, least: float = 0.0) -> tuple[float, float, float]:
    """(How far beyond usual, healthy median, level of the incident). Beyond: in units of the healthy range.

    The level is the mean of the upper half of the incident's points, and the range is that of the same figure over all
    healthy stretches of the same length, so that few points are not held against a quantile of single points.
    """
    sign = -1.0 if known.falls else 1.0
    size = -(-len(after) // BLOCKS)
    low, high = _blocks(sign * before, size), _blocks(sign * after, size)
    width = min(len(high), max(len(low) // 2, 1))
    median = float(np.median(low))
    level = float(_upper(high[None, :])[0])
    usual = _upper(sliding_window_view(low, width))
    reach = float(np.quantile(usual, 0.95)) - median
    floor = max(known.floor * abs(median), known.least, least, 1e-9)
    return (level - median) / max(reach, floor), sign * median, sign * level


def _blocks(values: Floats, size: int) -> Floats:
    whole = max(len(values) // size, 1)
    return np.array([part.mean() for part in np.array_split(values, whole)]) if size > 1 else values


def _upper(windows: Floats) -> Floats:
    """Mean of the upper half of each row."""
    width = windows.shape[1]
    return np.asarray(np.sort(windows, axis=1)[:, width // 2 :].mean(axis=1))


@dataclass(frozen=True, slots=True)
class _Rise:
    score: float
    usual: float
    level: float
    points: int


def _symptom(bundle: Bundle, series: int, known: Family, rise: _Rise) -> Symptom:
    metrics = bundle.metrics
    score = surprise(rise.score, USUAL)
    if known.modality == "resources":
        score = surprise(rise.score, USUAL_RESOURCE) * trust(rise.points, HALF_TRUST)
    service = int(metrics.service[series])
    return Symptom(
        service=service,
        modality=known.modality,
        kind=known.kind,
        score=score,
        text=f"Its {known.text} {'fell' if known.falls else 'rose'} from {rise.usual:.4g} to {rise.level:.4g}.",
        value=f"{rise.usual:.4g} -> {rise.level:.4g}, {rise.score:.1f} times the healthy range",
        query={"signal": metrics.name[series], "selector": {"service": bundle.services[service]}, "from": "metrics"},
        instance=int(metrics.instance[series]),
    )
