"""Scenarios of plain text made plannable by code: what is read with certainty becomes typed, the rest is named.

What a text leaves open becomes a parameter with a named default, which the plan shows as an assumption.
"""

from __future__ import annotations

from pydantic import JsonValue

from steersman.domain.fact import Fact
from steersman.domain.scenario import ConditionTemplate, Labels, MethodSet, Parameter, Scenario, ThresholdTemplate
from steersman.domain.signal import Selector
from steersman.knowledge.delivery import Delivery
from steersman.knowledge.phrases.condition import read_condition
from steersman.knowledge.phrases.step import ReadStep, read_step
from steersman.knowledge.phrases.vocabulary import Action

DELIVERY: frozenset[Action] = frozenset({"apply", "wait_ready", "shift_traffic", "check_signals", "watch", "rollback"})
"""Actions that this module knows how to put together; a scenario with others wants a typed method."""


class Left(Fact):
    """A text that stays text: a model or a person has to fill it, or it only informs."""

    field: str
    """`conditions.0`, `steps.2`."""
    text: str
    why: str
    blocks: bool
    """Without it there is no plan. A condition that stays text is not watched, and the plan says so."""


class Elaborated(Fact):
    """The scenario with all that code could read, and what it could not."""

    scenario: Scenario
    left: tuple[Left, ...] = ()

    @property
    def plannable(self) -> bool:
        """Whether it has a typed method now."""
        return self.scenario.method is not None


def elaborate(scenario: Scenario) -> Elaborated:
    """Reads conditions and steps of a scenario without a method. One that has a method stays as it is."""
    if scenario.method is not None:
        return Elaborated(scenario=scenario)
    conditions, parameters, left = _conditions(scenario)
    steps = [read_step(text) for text in scenario.steps]
    left += [
        Left(field=f"steps.{index}", text=step.text, why=_why_not(step), blocks=True)
        for index, step in enumerate(steps)
        if _why_not(step)
    ]
    if any(item.blocks for item in left) or not steps:
        return Elaborated(scenario=scenario, left=tuple(left))
    opened = _opened(steps, conditions)
    conditions += [condition for condition, _ in opened]
    parameters += [parameter for _, parameter in opened]
    delivery = Delivery(steps=tuple(steps), conditions=tuple(condition.id for condition in conditions))
    why = delivery.impossible(scenario.tools)
    if why:
        left.append(Left(field="steps", text="; ".join(scenario.steps)[:200], why=why, blocks=True))
        return Elaborated(scenario=scenario, left=tuple(left))
    method = MethodSet(root="deliver", methods=delivery.methods(), conditions=tuple(conditions))
    return Elaborated(scenario=_typed(scenario, method, (*delivery.parameters(), *parameters)), left=tuple(left))


def unread(scenario: Scenario) -> tuple[Left, ...]:
    """The conditions of a scenario, typed or not, that stay text: they inform, and nothing watches them."""
    texts = [(index, item) for index, item in enumerate(scenario.conditions) if isinstance(item, str)]
    read = [(index, text, read_condition(text)) for index, text in texts]
    return tuple(
        Left(field=f"conditions.{index}", text=text, why=found.why_text, blocks=False)
        for index, text, found in read
        if not found.conditions
    )


def _why_not(step: ReadStep) -> str:
    if step.action is None:
        return step.why_text
    if step.action not in DELIVERY:
        return f"no operation is chosen for {step.action!r} by itself; give the scenario a typed `method`"
    return ""


def _conditions(scenario: Scenario) -> tuple[list[ConditionTemplate], list[Parameter], list[Left]]:
    found: list[ConditionTemplate] = []
    parameters: list[Parameter] = []
    left: list[Left] = []
    for index, condition in enumerate(scenario.conditions):
        if isinstance(condition, ConditionTemplate):
            found.append(condition)
            continue
        read = read_condition(condition)
        if not read.conditions:
            left.append(Left(field=f"conditions.{index}", text=condition, why=read.why_text, blocks=False))
        for one in read.conditions:
            name = f"{one.id.replace('-', '_')}_window_s"
            if "window" in read.assumed:
                parameters.append(_default(name, 300.0, f"{condition!r} names no window"))
            window = f"{{{name}}}" if "window" in read.assumed else one.window_s
            found.append(one.model_copy(update={"window_s": window}))
    return _unique(found), parameters, left


def _unique(found: list[ConditionTemplate]) -> list[ConditionTemplate]:
    return list({condition.id: condition for condition in found}.values())


def _opened(steps: list[ReadStep], known: list[ConditionTemplate]) -> list[tuple[ConditionTemplate, Parameter]]:
    """`latency` in a step that checks metrics: watched as p99 against a named default."""
    words = {word for step in steps for word in step.open_signals}
    if "latency" not in words or any(condition.signal.startswith("latency") for condition in known):
        return []
    why = "the text says 'latency' without percentile and bound: p99, in seconds"
    condition = ConditionTemplate(
        id="latency-p99",
        signal="latency_p99",
        selector=Selector(service="{service}"),
        test=ThresholdTemplate(op=">", value="{latency_p99_bound_s}"),
        window_s=300.0,
        reaction="rollback",
        text="latency",
    )
    return [(condition, _default("latency_p99_bound_s", 1.0, why))]


def _default(name: str, value: JsonValue, why: str) -> Parameter:
    return Parameter.model_validate(
        {
            "name": name,
            "schema": {"type": "number", "exclusiveMinimum": 0},
            "default": value,
            "required": False,
            "why": why,
        }
    )


def _typed(scenario: Scenario, method: MethodSet, parameters: tuple[Parameter, ...]) -> Scenario:
    own = {parameter.name for parameter in scenario.parameters}
    labels = scenario.labels if scenario.labels.platforms else Labels(platforms=frozenset({"kubernetes"}))
    return scenario.model_copy(
        update={
            "method": method,
            "parameters": (*scenario.parameters, *(p for p in parameters if p.name not in own)),
            "signals": scenario.signals or tuple(dict.fromkeys(c.signal for c in method.conditions)),
            "labels": labels,
        }
    )
