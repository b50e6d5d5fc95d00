"""What a run's own journal knows of what went wrong: typed facts for the investigation of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from steersman.domain.event import CallIntended, Entry, RunMoved, VerdictGiven
from steersman.domain.fact import JsonObject
from steersman.domain.finding import Breach, Verdict
from steersman.domain.plan import Condition
from steersman.domain.run import Run
from steersman.domain.signal import Change, Window

LEAST_S = 5.0
"""Length of the shortest incident."""
HEALTHY_S = 30.0
"""Length of the shortest baseline: a canary may fail within seconds, which are too few requests to compare with."""
NAMES = ("service", "deployment", "rollout", "name")
"""Arguments that say what a step acts on."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Where to look, and what is known before looking."""

    window: Window
    baseline: Window
    breaches: tuple[Breach, ...]
    changes: tuple[Change, ...]

    @property
    def service(self) -> str:
        """The service whose condition was breached: as with a page, where it hurts, not yet what is to blame."""
        return next((breach.service for breach in self.breaches if breach.service), "")


def facts_of(run: Run, entries: Sequence[Entry], *, step_s: float) -> RunFacts:
    """The window from what was held last to the breach, or to where a step failed; the healthy one before any change.

    Another start would count a release's own smoke test, or the first customers of it, as healthy.
    """
    writes = [(e.at, e.event) for e in entries if isinstance(e.event, CallIntended) and e.event.direction == "do"]
    given = [(e.at, e.event.verdict) for e in entries if isinstance(e.event, VerdictGiven)]
    failed = [(at, verdict) for at, verdict in given if verdict.result == "fail"]
    undone = [e.at for e in entries if isinstance(e.event, RunMoved) and e.event.state == "undoing"]
    end = failed[0][0] if failed else undone[0] if undone else entries[-1].at
    held = {step.id for step in run.plan.steps if step.hold}
    shifts = [at for at, event in writes if event.step_id in held and at < end]
    first = writes[0][0] if writes else run.created_at
    start = shifts[0] if shifts else first
    end = max(end, start + timedelta(seconds=LEAST_S))
    healthy = max(timedelta(seconds=HEALTHY_S), end - start)
    return RunFacts(
        window=Window(start=start, end=end, step_s=step_s),
        baseline=Window(start=first - healthy, end=first, step_s=step_s),
        breaches=tuple(_breach(run, writes, verdict) for _, verdict in failed if verdict.condition),
        changes=tuple(_change(at, event) for at, event in writes),
    )


def _breach(run: Run, writes: Sequence[tuple[datetime, CallIntended]], verdict: Verdict) -> Breach:
    condition = next(each for each in run.plan.conditions if each.id == verdict.condition)
    service = condition.selector.service or ""
    return Breach(
        service=service,
        version=condition.selector.version or _version(condition, [event.arguments for _, event in writes]),
        instance=condition.selector.instance or "",
        signal=condition.signal,
        measured=verdict.measured,
        bound=verdict.bound,
        points=verdict.points,
        at=verdict.at,
    )


def _version(condition: Condition, arguments: Sequence[JsonObject]) -> str:
    """The version that the run put into the pool that the condition watches."""
    wanted = {"service": condition.selector.service, "pool": condition.selector.pool}
    for given in reversed(arguments):
        fits = all(value is None or given.get(name, value) == value for name, value in wanted.items())
        if fits and isinstance(given.get("version"), str):
            return str(given["version"])
    return ""


def _change(at: datetime, event: CallIntended) -> Change:
    given = event.arguments
    service = next((str(given[name]) for name in NAMES if isinstance(given.get(name), str)), "")
    brief = ", ".join(f"{name}={value}" for name, value in given.items() if isinstance(value, str | int | float))
    return Change(at=at, service=service, kind=_kind(given), what=f"{event.operation} {brief}".strip())


def _kind(given: JsonObject) -> Literal["deploy", "traffic", "scale", "config", "other"]:
    """What sort of change it is, by the arguments' names: every toolset's say it in the same words."""
    words: tuple[tuple[Literal["deploy", "traffic", "scale", "config"], tuple[str, ...]], ...] = (
        ("traffic", ("weights", "weight")),
        ("scale", ("replicas",)),
        ("deploy", ("version", "image", "digest", "revision")),
        ("config", ("settings", "config", "values", "data")),
    )
    return next((kind for kind, names in words if any(name in given for name in names)), "other")
