"""Points of a series that can be counted on: finite, complete, in time; and what is missing of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from steersman.domain.fact import Instant
from steersman.domain.signal import Series, SignalName

ABSURD = 1e18
"""No signal reaches this in its unit: whoever says so is broken, and NaN is no smaller."""
SILENCE_POINTS = 10
SILENCE_SHARE = 0.25
MOST_MISSING = 0.5
ENOUGH_REQUESTS: dict[SignalName, float] = {"latency_p50": 2, "latency_p95": 5, "latency_p99": 20}
"""A quantile of fewer requests than this is little more than their maximum, and lies below the true one."""

LOPSIDED, FAIR = 2, 5
"""From which ratio of requests on quantiles of unequal arms do not compare, and how many times more then do."""


@dataclass(frozen=True, slots=True)
class Points:
    """Parallel tuples, rising in time. `counts` is empty when the source knows none."""

    times: tuple[float, ...]
    values: tuple[float, ...]
    counts: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.times)

    @property
    def requests(self) -> float:
        """Requests behind all points; 0 when unknown."""
        return sum(self.counts)

    @property
    def typical_requests(self) -> float:
        """Requests behind the middle point; infinite when unknown."""
        return sorted(self.counts)[len(self.counts) // 2] if self.counts else math.inf

    def at(self, keep: list[int]) -> Points:
        """Some of the points, by position."""
        counts = tuple(self.counts[i] for i in keep) if self.counts else ()
        return Points(tuple(self.times[i] for i in keep), tuple(self.values[i] for i in keep), counts)


def clean(series: Series, at: Instant, point_s: float) -> Points:
    """The points that were finished by `at`, with a number in them and, where counts are known, a request."""
    raw = Points(series.times, series.values, series.counts)
    until = at.timestamp() + point_s / 1000
    keep = [
        i
        for i, (time, value) in enumerate(zip(series.times, series.values, strict=True))
        if abs(value) < ABSURD and time + point_s <= until and (not series.counts or series.counts[i] > 0)
    ]
    return raw.at(keep)


def pairs(left: Points, right: Points, point_s: float) -> tuple[Points, Points]:
    """The points of both that lie at the same time: what moves both arms alike cancels out."""
    places = {round(time / point_s): i for i, time in enumerate(right.times)}
    both = [(i, places[place]) for i, time in enumerate(left.times) if (place := round(time / point_s)) in places]
    return left.at([i for i, _ in both]), right.at([j for _, j in both])


def missing(points: Points, at: Instant, point_s: float) -> str | None:
    """Why what is there must not count as "all is well"; None when nothing of note is missing."""
    if not points.times:
        return "there are no data"
    span = points.times[-1] - points.times[0] + point_s
    silent = at.timestamp() - points.times[-1] - point_s
    if silent > max(SILENCE_POINTS * point_s, SILENCE_SHARE * span):
        return f"the last point is {silent:.3g} s old"
    expected = round(span / point_s)
    if not points.counts and len(points) < (1 - MOST_MISSING) * expected:
        return f"{expected - len(points)} of {expected} points are missing"
    return None


def thin(signal: SignalName, points: Points) -> str | None:
    """Why the quantiles of these points say little; None when there are requests enough, or nobody counts them."""
    wanted = ENOUGH_REQUESTS.get(signal, 0)
    if points.typical_requests < wanted:
        return f"a point holds {points.typical_requests:.3g} requests and {signal} needs {wanted:g}"
    return None


def unequal(signal: SignalName, points: Points, baseline: Points) -> str | None:
    """Why a quantile of few requests looks better than the same one of many; None when the two compare."""
    here, there = points.typical_requests, baseline.typical_requests
    wanted = FAIR * ENOUGH_REQUESTS.get(signal, 0)
    if here < wanted and here * LOPSIDED < there:
        return f"a point holds {here:.3g} requests against {there:.3g}, and {signal} then needs {wanted:g}"
    return None
