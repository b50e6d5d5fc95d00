"""A successful run becomes a proposed scenario: its steps with the parameters taken out, its evidence attached.

A proposal is a text for review. Nothing enters the knowledge base by itself, and what is unreviewed is never used in
autonomous mode.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import JsonValue

from steersman.domain.errors import InputError
from steersman.domain.expression import is_expression
from steersman.domain.fact import Fact, Instant, JsonObject, digest
from steersman.domain.ids import ScenarioId
from steersman.domain.plan import Check, Condition, Plan, Step
from steersman.domain.run import Run
from steersman.domain.scenario import (
    ConditionTemplate,
    FactTest,
    HoldTemplate,
    Labels,
    Method,
    MethodSet,
    Parameter,
    Scenario,
    ScenarioProvenance,
    Subtask,
)
from steersman.knowledge.language import language_of
from steersman.knowledge.outcomes import Outcomes

_SHORTEST = 2
"""Characters: a shorter value would be found inside of everything."""
_WORD = re.compile(r"[a-z0-9]+")


class Proposal(Fact):
    """A scenario to review, and what speaks for it."""

    scenario: Scenario
    outcomes: Outcomes
    evidence: tuple[str, ...]
    """Run, plan digest and verdicts that it rests on."""
    generalised: tuple[str, ...]
    """Parameters that stand for values of the run."""


def learn(run: Run, *, outcomes: Outcomes | None = None, now: Instant) -> Proposal:
    """A proposed scenario. Raises InputError for a run that did not reach its goal: that is no example to follow."""
    if run.state != "done":
        raise InputError(f"run {run.run_id!r} is {run.state!r}; only a run that is done can be learned from")
    plan = run.plan
    values = _parameters(plan)
    used: set[str] = set()
    subtasks = tuple(_subtask(step, values, used) for step in plan.steps)
    conditions = tuple(_condition(condition, values, used) for condition in plan.conditions)
    method = Method(
        name="as-run", task="goal", when=_present(plan, values, used), subtasks=subtasks, why=f"as in run {run.run_id}"
    )
    parameters = tuple(_parameter(name, plan.parameters[name]) for name in plan.parameters if name in used)
    scenario = Scenario(
        id=_identity(plan),
        goal=_general_text(plan.goal, values, used),
        steps=tuple(step.why or step.operation for step in plan.steps),
        tools=tuple(dict.fromkeys(step.operation.partition(".")[0] for step in plan.steps)),
        rollback="inverse of each step, in reverse order",
        method=MethodSet(root="goal", methods=(method,), phases=plan.phases, conditions=conditions),
        parameters=parameters,
        labels=Labels(platforms=frozenset({plan.environment.kind})),
        signals=tuple(dict.fromkeys(condition.signal for condition in plan.conditions)),
        provenance=ScenarioProvenance(author=f"learned by {run.requester.id}", created_at=now, run_id=run.run_id),
        lang=language_of(plan.goal),
    )
    verdicts = tuple(f"verdict {verdict.result}: {verdict.reason}" for verdict in run.verdicts)
    return Proposal(
        scenario=scenario,
        outcomes=(outcomes or Outcomes()).after(run.state),
        evidence=(f"run {run.run_id}", f"plan {plan.digest()}", *verdicts),
        generalised=tuple(sorted(used)),
    )


def _parameters(plan: Plan) -> Mapping[str, JsonValue]:
    """Values to take out, longest first: `payments-green` before `payments`."""
    plain = {name: value for name, value in plan.parameters.items() if isinstance(value, str | int | float)}
    texts = {name: value for name, value in plain.items() if not isinstance(value, str) or len(value) >= _SHORTEST}
    return dict(sorted(texts.items(), key=lambda item: -len(str(item[1]))))


def _general(value: JsonValue, values: Mapping[str, JsonValue], used: set[str]) -> JsonValue:
    if isinstance(value, dict):
        if is_expression(value):
            return value
        return {_general_text(key, values, used): _general(item, values, used) for key, item in value.items()}
    if isinstance(value, list):
        return [_general(item, values, used) for item in value]
    if isinstance(value, str):
        return _general_text(value, values, used)
    if isinstance(value, bool) or value is None:
        return value
    same = [name for name, held in values.items() if held == value and not isinstance(held, str)]
    if len(same) != 1:
        return value
    used.add(same[0])
    return f"{{{same[0]}}}"


def _general_text(text: str, values: Mapping[str, JsonValue], used: set[str]) -> str:
    for name, value in values.items():
        if isinstance(value, str):
            pattern = re.compile(rf"(?<![A-Za-z0-9{{]){re.escape(value)}(?![A-Za-z0-9}}])")
            if pattern.search(text):
                text = pattern.sub(lambda _, name=name: f"{{{name}}}", text)  # type: ignore[misc]  # bound at once
                used.add(name)
    return text


def _general_fact(fact: Fact, values: Mapping[str, JsonValue], used: set[str]) -> JsonObject:
    found = _general(fact.model_dump(mode="json"), values, used)
    return found if isinstance(found, dict) else {}


def _subtask(step: Step, values: Mapping[str, JsonValue], used: set[str]) -> Subtask:
    def checks(held: tuple[Check, ...]) -> tuple[Check, ...]:
        return tuple(Check.model_validate(_general_fact(check, values, used)) for check in held)

    arguments = _general(step.arguments, values, used)
    hold = step.hold
    return Subtask(
        id=step.id,
        operation=step.operation,
        arguments=arguments if isinstance(arguments, dict) else {},
        phase=step.phase,
        after=step.needs,
        preconditions=checks(step.preconditions),
        postconditions=checks(step.postconditions),
        hold=HoldTemplate(conditions=hold.conditions, for_s=hold.for_s, max_s=hold.max_s) if hold else None,
        retry=step.retry,
        timeout_s=step.timeout_s,
        why=_general_text(step.why, values, used),
    )


def _condition(condition: Condition, values: Mapping[str, JsonValue], used: set[str]) -> ConditionTemplate:
    plain = condition.model_dump(mode="json")
    plain["selector"] = _general(plain["selector"], values, used)
    return ConditionTemplate.model_validate(plain)


def _present(plan: Plan, values: Mapping[str, JsonValue], used: set[str]) -> tuple[FactTest, ...]:
    """What was there, and what was not, when the plan was made: the method's preconditions."""
    return tuple(
        FactTest.model_validate(
            {
                "probe": _general_fact(seen.probe, values, used),
                "test": {"path": "/exists", "op": "==", "value": seen.exists},
                "why": _general_text(f"{seen.resource} is not as it was in the run", values, used),
            }
        )
        for seen in plan.observations
        if "exists" in seen.state
    )


def _parameter(name: str, value: JsonValue) -> Parameter:
    kind = {"bool": "boolean", "int": "integer", "float": "number"}.get(type(value).__name__, "string")
    known = name if name in ("service", "version", "weights") else None
    return Parameter.model_validate({"name": name, "kind": known, "schema": {"type": kind}, "why": f"was {value!r}"})


def _identity(plan: Plan) -> ScenarioId:
    """`learned-`, what it grew out of, and eight digits of the plan's digest: stable for the same plan."""
    source = plan.scenario_id or "-".join(_WORD.findall(plan.goal.lower())[:5]) or "run"
    return ScenarioId(f"learned-{source[:80]}-{digest(plan).removeprefix('sha256:')[:8]}")
