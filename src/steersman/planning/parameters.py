"""Parameters of a goal: given outright, read out of its text, or defaults; all faults named at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType

from pydantic import JsonValue

from steersman.domain.errors import InputError
from steersman.domain.fact import JsonObject
from steersman.domain.goal import Goal
from steersman.domain.plan import Assumption
from steersman.domain.scenario import Parameter, Scenario
from steersman.planning.goal_numbers import is_amount
from steersman.planning.goal_text import found_in, several_in, unread_numbers
from steersman.planning.names import nearest
from steersman.planning.schema import faults, holes, pointer_text, validator


def bind(
    goal: Goal, scenario: Scenario, services: frozenset[str], *, here: Mapping[str, str] = MappingProxyType({})
) -> tuple[JsonObject, tuple[Assumption, ...]]:
    """The values of a scenario's parameters, and which of them are assumptions.

    here: what parameters are in this environment where the goal does not say; it comes before a scenario's default.
    Raises InputError that names every missing, unknown and unfit one.
    """
    wrong = [
        f"{name!r} is no parameter of {scenario.id!r} ({nearest(name, [p.name for p in scenario.parameters])})"
        for name in goal.parameters
        if name not in {parameter.name for parameter in scenario.parameters}
    ]
    values: JsonObject = {}
    assumed = []
    for parameter in scenario.parameters:
        value = _given(goal, parameter, services)
        several = several_in(goal.text, parameter, services) if value is None else []
        if several:
            wrong.append(_unclear(parameter, several))
            continue
        if value is None and parameter.name in here:
            value = here[parameter.name]
            assumed.append(Assumption(name=parameter.name, value=value, why="so it is configured for this environment"))
        if value is None and parameter.default is not None:
            value = parameter.default
            assumed.append(Assumption(name=parameter.name, value=value, why=parameter.why or "the scenario's default"))
        if value is None:
            if parameter.required:
                wrong.append(_missing(parameter, services))
            values[parameter.name] = None
            continue
        values[parameter.name] = value
        fault = _expression(parameter, value) or unfit(parameter, value) or _unknown_service(parameter, value, services)
        wrong += [fault] if fault else []
    if wrong:
        raise InputError(f"scenario {scenario.id!r} cannot be planned from {goal.text!r}: " + "; ".join(wrong))
    return values, (*assumed, *_unread(goal, values))


def _unread(goal: Goal, values: JsonObject) -> tuple[Assumption, ...]:
    numbers = unread_numbers(goal.text, values)
    why = "the goal says it, and no parameter of this scenario takes it; if it matters, give it with -p"
    return (Assumption(name="not followed", value=", ".join(numbers), why=why),) if numbers else ()


def unfit(parameter: Parameter, value: JsonValue) -> str | None:
    """Why the value does not fit the parameter's kind or schema; None: it does."""
    if parameter.kind == "amount" and not is_amount(value):
        return f"{parameter.name!r}: {value!r} is no amount; write it as 512Mi or 2Gi"
    try:
        found = faults(validator(parameter.schema_), value)
    except ValueError as e:
        raise InputError(f"the schema of parameter {parameter.name!r} is none: {e}".partition("\n")[0]) from e
    if not found:
        return None
    return f"{parameter.name!r}: " + ", ".join(f"{pointer_text(f.path)} {f.message}".strip() for f in found)


def _expression(parameter: Parameter, value: JsonValue) -> str | None:
    """Expressions are for scenarios: one that came in from outside would be resolved with the plan's authority."""
    return f"{parameter.name!r}: {value!r} is no plain value" if next(holes(value), None) else None


def _given(goal: Goal, parameter: Parameter, services: frozenset[str]) -> JsonValue:
    if parameter.name not in goal.parameters:
        return found_in(goal.text, parameter, services)
    value = goal.parameters[parameter.name]
    if isinstance(value, str) and parameter.schema_.get("type", "string") != "string":
        try:
            parsed: JsonValue = json.loads(value)
        except ValueError:
            return value
        return parsed
    return value


def _unclear(parameter: Parameter, several: list[JsonValue]) -> str:
    said = " and ".join(repr(value) for value in several[:3])
    return f"{parameter.name!r} is unclear: the goal says {said}; give -p {parameter.name}=..."


def _missing(parameter: Parameter, services: frozenset[str]) -> str:
    known = f" (one of {', '.join(sorted(services))})" if parameter.kind == "service" and services else ""
    what = f": {parameter.why}" if parameter.why else ""
    return f"{parameter.name!r} is missing{what}{known}; give -p {parameter.name}=..."


def _unknown_service(parameter: Parameter, value: JsonValue, services: frozenset[str]) -> str | None:
    if parameter.kind != "service" or not services or value in services:
        return None
    return f"{parameter.name!r}: {value!r} is no service here ({nearest(str(value), services)})"
