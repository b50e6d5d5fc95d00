"""Whether a load generator kept up. What it measured while it did not says nothing about the target."""

from __future__ import annotations

from collections.abc import Iterator

from steersman.domain.load_result import LoadResult

BUSY = 0.9
"""Share of the cores that it can use, in its busiest second."""
DROPPED = 0.005
STARTED = 0.97
"""Share of the planned journeys that must have started."""
EDGE = 1
"""A journey at the edge of the measured time counts on either side."""
LATE_MS = 50.0
"""Journeys that start later than that on schedule bend the arrival process; k6's own tick takes some of it."""
LATE_SHARE = 0.5
"""...or half of the median latency, whichever is longer."""
STALLED = 0.02
"""Share of the users' time, in the closed model, that stalls have swallowed."""
STALL = 10.0
"""A request is a stall when it takes that many medians."""


def flaws(result: LoadResult) -> tuple[str, ...]:
    """Why the figures must not count; empty when they may."""
    if result.aborted:
        return tuple(_saturated(result))
    return (*_ended(result), *_saturated(result), *_omitted(result))


def _ended(result: LoadResult) -> Iterator[str]:
    health = result.health
    if health.stopped:
        yield f"the run was {health.stopped} before its end"
    if result.requests == 0:
        yield "nothing was sent in the measured time"
    if health.started and result.requests < 0.95 * health.started:
        yield f"{health.started} journeys began and only {result.requests} requests were counted: the script failed"


def _saturated(result: LoadResult) -> Iterator[str]:
    health = result.health
    if health.cpu_peak is not None and health.cpu_peak > BUSY * health.cores:
        yield f"the generator used {health.cpu_peak:.2f} of {health.cores:g} cores: it measured itself"


def _omitted(result: LoadResult) -> Iterator[str]:
    health = result.health
    due = health.started + health.dropped
    if due and health.dropped > DROPPED * due:
        yield f"{health.dropped} of {due} due journeys were dropped: raise `max_in_flight`, or the target is too slow"
    planned = result.planned_journeys
    if planned and health.started + health.dropped < STARTED * planned - EDGE:
        yield f"{health.started} of {planned:.0f} planned journeys were started: the generator could not keep the rate"
    if result.model == "open" and health.late_ms is not None and result.latency.count:
        most = max(LATE_MS, LATE_SHARE * result.latency.quantile_ms(0.5))
        if health.late_ms > most:
            yield f"journeys started up to {health.late_ms:.0f} ms late (p99): coordinated omission"
    if result.model == "closed" and (lost := _stalled(result)) > STALLED:
        yield f"{lost:.0%} of the users' time went into stalls, in which they sent nothing: coordinated omission"


def _stalled(result: LoadResult) -> float:
    """Users who wait for a stalled target do not send what would have met the stall, too."""
    latency = result.latency
    if not latency.count or not result.users or result.measured_s <= 0:
        return 0.0
    limit = STALL * latency.quantile_ms(0.5)
    lost_ms = latency.total_above(limit) - limit * latency.above(limit)
    return max(lost_ms, 0.0) / 1_000 / (result.users * result.measured_s)
