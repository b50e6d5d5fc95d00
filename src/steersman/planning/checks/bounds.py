"""Rules of bounds: retries, budget, conditions and holds that can come to a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from steersman.domain.ids import ConditionId
from steersman.domain.plan import Comparison, Condition, Hold, Plan, Problem, Step, Threshold
from steersman.domain.signal import UNIT
from steersman.planning.checks.view import View, problem
from steersman.planning.graph import longest
from steersman.planning.names import nearest


def bounds(view: View) -> Iterator[Problem]:
    """All problems of bounds."""
    yield from _retries(view)
    yield from _budget(view)
    for index, condition in enumerate(view.plan.conditions):
        yield from _condition(view, index, condition)
    known = {condition.id: condition for condition in view.plan.conditions}
    for index, step in enumerate(view.plan.steps):
        if step.hold is not None:
            yield from _hold(index, step.hold, known)


def longest_s(step: Step) -> float:
    """The most seconds that a step may take: all its attempts, pauses and its hold."""
    retry = step.retry
    pauses = sum(retry.backoff_s * float(2**n) for n in range(retry.attempts - 1))
    return step.timeout_s * retry.attempts + pauses + (step.hold.max_s if step.hold else 0)


def most_calls(plan: Plan) -> int:
    """The most calls that a plan may take: attempts of steps, and their checks before and after."""
    checks = sum(len(step.preconditions) + len(step.postconditions) for step in plan.steps) + 2 * len(plan.invariants)
    return checks + sum(step.retry.attempts for step in plan.steps)


def _retries(view: View) -> Iterator[Problem]:
    for index, (step, operation) in enumerate(zip(view.plan.steps, view.operations, strict=True)):
        unsafe = operation is not None and operation.effect != "read" and operation.idempotent == "no"
        if unsafe and step.retry.attempts > 1:
            yield problem(
                "unsafe_retry",
                *("steps", index, "retry", "attempts"),
                reason=f"{step.operation!r} done twice is not the same as done once, and {step.id!r} may try "
                f"{step.retry.attempts} times",
                remedy="set attempts to 1: an unknown outcome is settled by its probe",
            )


def _budget(view: View) -> Iterator[Problem]:
    plan, budget = view.plan, view.plan.budget
    calls = most_calls(plan)
    if calls > budget.calls:
        yield problem(
            "budget",
            *("budget", "calls"),
            reason=f"steps and checks may take {calls} calls, and the budget is {budget.calls}",
            remedy="raise the budget, or lower the attempts",
        )
    seconds = longest(view.shape, view.needs, [longest_s(step) for step in plan.steps])
    if seconds > budget.seconds:
        yield problem(
            "budget",
            *("budget", "seconds"),
            reason=f"the longest path may take {seconds:g} s, and the budget is {budget.seconds:g} s",
            remedy="raise the budget, or lower timeouts, attempts and holds on that path",
        )
    undos = sum(step.inverse is not None for step in plan.steps)
    if undos > budget.undo_calls:
        yield problem(
            "budget",
            *("budget", "undo_calls"),
            reason=f"undo may take {undos} calls, and its reserve is {budget.undo_calls}",
            remedy="raise the reserve",
        )


def _condition(view: View, index: int, condition: Condition) -> Iterator[Problem]:
    path = ("conditions", index)
    if condition.signal not in view.world.signals:
        yield problem(
            "unmeasurable_signal",
            *(*path, "signal"),
            reason=f"no source here measures {condition.signal!r}, so {condition.id!r} would stay inconclusive",
            remedy=f"connect a source that does; {nearest(condition.signal, view.world.signals)}",
        )
    if condition.min_points * condition.point_s > condition.window_s:
        yield problem(
            "never_conclusive",
            *(*path, "min_points"),
            reason=f"{condition.min_points} points of {condition.point_s:g} s do not fit into the window of "
            f"{condition.window_s:g} s",
            remedy="lengthen the window, or shorten the points",
        )
    yield from _test(path, condition)


def _test(path: tuple[str | int, ...], condition: Condition) -> Iterator[Problem]:
    match condition.test:
        case Comparison(baseline=baseline) if baseline == condition.selector:
            yield problem(
                "bad_condition",
                *(*path, "test", "baseline"),
                reason=f"{condition.id!r} compares {baseline} with itself",
                remedy="select the baseline by another version or pool",
            )
        case Threshold(value=value) if UNIT[condition.signal] == "ratio" and not 0 <= value <= 1:
            yield problem(
                "bad_condition",
                *(*path, "test", "value"),
                reason=f"{condition.signal!r} is a ratio of 0 to 1, and the bound is {value:g}",
                remedy=f"write {value / 100:g} for {value:g} %",
            )
        case _:
            return


def _hold(index: int, hold: Hold, known: Mapping[ConditionId, Condition]) -> Iterator[Problem]:
    path = ("steps", index, "hold")
    if hold.for_s > hold.max_s:
        yield problem(
            "bad_hold",
            *(*path, "max_s"),
            reason=f"watches at least {hold.for_s:g} s and at most {hold.max_s:g} s",
            remedy="raise max_s above for_s",
        )
    for at, name in enumerate(hold.conditions):
        condition = known.get(name)
        if condition is None:
            yield problem(
                "unknown_condition",
                *(*path, "conditions", at),
                reason=f"{name!r} is no condition of the plan",
                remedy=nearest(name, known),
            )
        elif condition.min_points * condition.point_s > hold.max_s:
            yield problem(
                "never_conclusive",
                *(*path, "max_s"),
                reason=f"{name!r} needs {condition.min_points * condition.point_s:g} s of points, and the hold ends "
                f"after {hold.max_s:g} s",
                remedy="lengthen the hold, or ask for fewer or shorter points",
            )
