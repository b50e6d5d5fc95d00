"""Whether a scenario fits where it would be used: platform, tier, tools, and what is measured now."""

from __future__ import annotations

from typing import Literal

from steersman.domain.environment import Environment
from steersman.domain.fact import Fact, JsonObject
from steersman.domain.plan import Threshold
from steersman.domain.scenario import ConditionTemplate, Scenario
from steersman.domain.signal import SignalName
from steersman.knowledge.opposed import opposed
from steersman.knowledge.shelf import Entry
from steersman.knowledge.trust import distrust

TOOL_PENALTY = 0.1
HOLDS_BONUS = 0.08
LABEL_BONUS = 0.02
MERIT_WEIGHT = 0.06
"""Outcomes break near ties between scenarios that fit; they never make an unfit one fit."""


class Ask(Fact):
    """A request with what is known about the place where it would be done. Unknown parts filter nothing."""

    goal: str
    environment: Environment | None = None
    toolsets: frozenset[str] | None = None
    """Toolsets that are configured."""
    service: str | None = None
    parameters: JsonObject = {}
    signals: dict[SignalName, float] = {}
    """What is measured now, in the unit of each signal."""
    mode: Literal["read-only", "suggest", "review", "autonomous"] = "review"
    limit: int = 5


class Fit(Fact):
    """Whether it fits, what that adds to the score, and why."""

    fits: bool
    bonus: float = 0.0
    why: tuple[str, ...] = ()


def fit(entry: Entry, ask: Ask) -> Fit:
    """Filters by what makes a scenario impossible or forbidden; the rest only moves its score."""
    no = _excluded(entry, ask)
    if no:
        return Fit(fits=False, why=(no,))
    scenario = entry.scenario
    parts = [_labels(scenario, ask), _tools(scenario, ask), _signals(scenario, ask), _outcomes(entry)]
    return Fit(
        fits=True,
        bonus=sum(bonus for bonus, _ in parts),
        why=tuple(reason for _, reason in parts if reason),
    )


def required_toolsets(scenario: Scenario) -> frozenset[str]:
    """Toolsets that its typed method calls."""
    methods = scenario.method.methods if scenario.method else ()
    operations = [subtask.operation for method in methods for subtask in method.subtasks if subtask.operation]
    return frozenset(operation.partition(".")[0] for operation in operations)


def named_toolsets(scenario: Scenario) -> frozenset[str]:
    """Toolsets that its typed method calls or looks with."""
    methods = scenario.method.methods if scenario.method else ()
    probes = [test.probe.operation for method in methods for test in method.when if test.probe]
    return required_toolsets(scenario) | {probe.partition(".")[0] for probe in probes}


def _excluded(entry: Entry, ask: Ask) -> str:
    labels, environment = entry.scenario.labels, ask.environment
    if environment and labels.platforms and not labels.platforms & _platforms(ask, environment.kind):
        return f"made for {', '.join(sorted(labels.platforms))}, not for {environment.kind}"
    if environment and labels.tiers and environment.tier not in labels.tiers:
        return f"made for {', '.join(sorted(labels.tiers))}, not for {environment.tier}"
    distrusted = distrust(entry.scenario, builtin=entry.builtin) if ask.mode == "autonomous" else ""
    if no := distrusted or opposed(ask.goal, entry.scenario):
        return no
    unknown = set(ask.parameters) - {parameter.name for parameter in entry.scenario.parameters}
    if unknown and entry.scenario.parameters:
        return f"takes no parameter {', '.join(sorted(unknown))}"
    return ""


def _platforms(ask: Ask, kind: str) -> frozenset[str]:
    """What the environment is, and its systems: each is a platform that a scenario can be made for."""
    return frozenset({kind, *(name.replace("_", "-") for name in ask.toolsets or ()), *(ask.toolsets or ())})


def _labels(scenario: Scenario, ask: Ask) -> tuple[float, str]:
    if ask.environment and ask.environment.kind in scenario.labels.platforms:
        return LABEL_BONUS, f"same platform ({ask.environment.kind})"
    return 0.0, ""


def _tools(scenario: Scenario, ask: Ask) -> tuple[float, str]:
    if ask.toolsets is None:
        return 0.0, ""
    missing = sorted(required_toolsets(scenario) - ask.toolsets)
    return (-TOOL_PENALTY * len(missing), f"needs {', '.join(missing)}, not configured") if missing else (0.0, "")


def _signals(scenario: Scenario, ask: Ask) -> tuple[float, str]:
    conditions = (*scenario.conditions, *(scenario.method.conditions if scenario.method else ()))
    for condition in conditions:
        if isinstance(condition, ConditionTemplate) and _holds(condition, ask):
            return HOLDS_BONUS, f"condition {condition.signal} holds now ({ask.signals[condition.signal]:g})"
    shared = [signal for signal in scenario.signals if signal in ask.signals]
    return (HOLDS_BONUS / 2, f"about {', '.join(shared)}, which is measured now") if shared else (0.0, "")


def _holds(condition: ConditionTemplate, ask: Ask) -> bool:
    value, test = ask.signals.get(condition.signal), condition.test
    if value is None or not isinstance(test, Threshold):
        return False
    return {">": value > test.value, ">=": value >= test.value, "<": value < test.value, "<=": value <= test.value}[
        test.op
    ]


def _outcomes(entry: Entry) -> tuple[float, str]:
    merit, counts = entry.outcomes.merit, entry.outcomes
    if not counts.tried:
        return 0.0, ""
    return MERIT_WEIGHT * merit, f"{counts.succeeded} of {counts.tried} runs succeeded, {counts.undone} were undone"
