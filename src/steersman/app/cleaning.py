"""What people and files say before a plan is made of it: the plan is journaled and shown, so it holds no secret."""

from __future__ import annotations

from steersman.domain.errors import InputError
from steersman.domain.goal import Goal
from steersman.domain.plan import Plan, Problem
from steersman.gate.redaction import Redactor

REMEDY = "give a reference, as in vault:PATH#FIELD, and change that secret: it may have been seen"


def clean_goal(goal: Goal, redactor: Redactor) -> Goal:
    """The goal with marks in the place of secrets. Raises InputError for a parameter that holds one."""
    for name, value in goal.parameters.items():
        if redactor.holds_secret({name: value}):
            raise InputError(f"the parameter {redactor.text(name)!r} holds what looks like a secret; {REMEDY}")
    return goal.model_copy(update={"text": redactor.text(goal.text)})


def secrets_in(plan: Plan, redactor: Redactor) -> list[Problem]:
    """The steps of a plan, and the plan's own words, that hold what looks like a secret."""
    places = {f"/steps/{index}": step.model_dump(mode="json") for index, step in enumerate(plan.steps)}
    rest = plan.model_dump(mode="json", exclude={"steps"})
    found = [path for path, part in places.items() if redactor.holds_secret(part)]
    found += ["/"] if redactor.holds_secret(rest) else []
    return [
        Problem(path=path, code="secret", reason="it holds what looks like a secret", remedy=REMEDY) for path in found
    ]
