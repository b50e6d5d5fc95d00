"""From a goal to a plan, with no model: the best scenario, its parameters, its methods on observed facts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from steersman.domain.errors import InputError
from steersman.domain.fact import Instant, JsonObject
from steersman.domain.goal import Goal
from steersman.domain.plan import Assumption, Budget, Choice, Plan, Provenance, Step
from steersman.domain.scenario import Match, MethodSet, Scenario
from steersman.planning.checks.bounds import longest_s, most_calls
from steersman.planning.compile import Compiler, observations
from steersman.planning.fill import fill_check
from steersman.planning.graph import graph, longest
from steersman.planning.htn import GIVEN_UP, Search, Solution
from steersman.planning.parameters import bind
from steersman.planning.world import Facts, Needs, World

REASONS_SHOWN = 8
PLANNED_AT = "planned_at"
"""What methods may put in where something must be new each time, such as the mark of a restart."""
SPARE = 1.25
"""Room in the budget above what the steps may take."""


def plan(goal: Goal, matches: Sequence[Match], facts: Facts, *, world: World, now: Instant) -> Plan | Needs:
    """A plan for the goal, or the observations without which there is none.

    Takes the best match that has methods and fits the environment: a worse one is never taken because the best one
    refuses, since a refusal has its reasons. Raises InputError that says what is missing or why no method applies.
    """
    scenario, passed = chosen(goal, matches, world)
    assert scenario.method is not None
    parameters, assumptions = bind(goal, scenario, world.named_in(goal.text), here=world.defaults)
    parameters = {PLANNED_AT: f"{now:%Y%m%dT%H%M%SZ}", **parameters}
    solution = Search(scenario.method, parameters, facts=facts, world=world).run()
    if solution.needs:
        return Needs(probes=solution.needs)
    if solution.actions is None:
        raise InputError(_refusal(scenario, solution))
    task = Task(goal, scenario, scenario.method, parameters, assumptions, passed)
    return task.plan(solution, facts, world=world, now=now)


def chosen(goal: Goal, matches: Sequence[Match], world: World) -> tuple[Scenario, tuple[Choice, ...]]:
    """The scenario to plan with, and why the better ones were passed over."""
    passed: list[Choice] = []
    for match in matches:
        scenario = match.scenario
        why = _misfit(scenario, world)
        if why is None:
            taken = Choice(task="goal", method=scenario.id, taken=True, why="; ".join(match.why) or "the best match")
            return scenario, (taken, *passed)
        passed.append(Choice(task="goal", method=scenario.id, taken=False, why=why))
    looked = "; ".join(f"{choice.method}: {choice.why}" for choice in passed[:REASONS_SHOWN]) or "nothing was recalled"
    raise InputError(f"no scenario can plan {goal.text!r}: {looked}; add one with methods, or name one with -s")


def _misfit(scenario: Scenario, world: World) -> str | None:
    here, labels = world.environment, scenario.labels
    if scenario.method is None:
        return "it has no methods"
    if labels.platforms and not labels.platforms & _platforms(world):
        return f"it is for {', '.join(sorted(labels.platforms))}, and this is {here.kind}"
    if labels.tiers and here.tier not in labels.tiers:
        return f"it is for {', '.join(sorted(labels.tiers))}, and this is {here.tier}"
    return None


def _platforms(world: World) -> frozenset[str]:
    """What the environment is, and its systems: each is a platform that a scenario can be made for."""
    systems = {name.partition(".")[0] for name in world.catalogue}
    return frozenset({world.environment.kind, *systems, *(name.replace("_", "-") for name in systems)})


def _refusal(scenario: Scenario, solution: Solution) -> str:
    """The methods whose own preconditions failed; that others were given up for them goes without saying."""
    refused = [choice for choice in solution.choices if not choice.taken]
    roots = [choice for choice in refused if not choice.why.startswith(GIVEN_UP)] or refused
    reasons = [f"{choice.task} by {choice.method}: {choice.why}" for choice in roots]
    return f"no method of {scenario.id!r} applies here: " + "; ".join(reasons[:REASONS_SHOWN])


@dataclass(frozen=True, slots=True)
class Task:
    """What a plan is made from, beside the search's solution."""

    goal: Goal
    scenario: Scenario
    methods: MethodSet
    parameters: JsonObject
    assumptions: tuple[Assumption, ...]
    passed: tuple[Choice, ...]

    def plan(self, solution: Solution, facts: Facts, *, world: World, now: Instant) -> Plan:
        """The plan."""
        compiler = Compiler(solution.actions or (), self.methods, world)
        steps = compiler.steps()
        invariants = tuple(fill_check(check, self.parameters) for check in self.methods.invariants)
        relied = (*solution.relied, *(check.call for check in invariants))
        made = Plan(
            goal=self.goal.text,
            scenario_id=self.scenario.id,
            environment=world.environment,
            parameters=self.parameters,
            assumptions=self.assumptions,
            phases=self.methods.phases,
            steps=steps,
            conditions=tuple(compiler.conditions.values()),
            invariants=invariants,
            observations=observations(steps, relied, facts, world),
            provenance=Provenance(planner="htn", choices=(*self.passed, *solution.choices), made_at=now),
        )
        return made.model_copy(update={"budget": _budget(made, steps)})


def _budget(made: Plan, steps: Sequence[Step]) -> Budget:
    """The default, or as much more as the steps may take."""
    index = {step.id: place for place, step in enumerate(steps)}
    needs = [[index[need] for need in step.needs] for step in steps]
    seconds = longest(graph(needs), needs, [longest_s(step) for step in steps])
    default = Budget()
    return default.model_copy(
        update={
            "calls": max(default.calls, math.ceil(most_calls(made) * SPARE)),
            "seconds": max(default.seconds, float(math.ceil(seconds * SPARE))),
            "undo_calls": max(default.undo_calls, len(steps) * 2),
        }
    )
