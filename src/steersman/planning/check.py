"""The plan checker: code that answers before anything runs, with all problems at once."""

from __future__ import annotations

from steersman.domain.plan import Plan, Problem
from steersman.planning.checks.arguments import arguments
from steersman.planning.checks.bounds import bounds
from steersman.planning.checks.shape import shape
from steersman.planning.checks.targets import targets
from steersman.planning.checks.undo import undo
from steersman.planning.checks.view import view
from steersman.planning.world import World

RULES = (shape, arguments, targets, undo, bounds)


def check(plan: Plan, world: World) -> list[Problem]:
    """Every problem of the plan in this world; none: it may go to the guards.

    Never raises, whatever the plan holds.
    """
    prepared = view(plan, world)
    return [problem for rule in RULES for problem in rule(prepared)]
