"""Plans with a language model's help: what code plans by itself comes first, and is what remains when the model fails.

The model reads the goal within closed sets (`reading`), and drafts where no scenario serves (`drafting`). Whatever it
says, the plan is made and checked by code; it never executes, and a plan that owes anything to it says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from steersman.agents.drafting import Draft, corrected, draft_of, drafting_prompt, scenario_of
from steersman.agents.interpretation import Interpretation, preferred, read_goal
from steersman.agents.planning import PlanningDeps, acquainted, plan_on_facts, sound
from steersman.domain.errors import (
    BudgetExceededError,
    ConfigError,
    InputError,
    SteersmanError,
    ToolError,
    UnavailableError,
)
from steersman.domain.fact import Fact
from steersman.domain.goal import Goal
from steersman.domain.model import Model
from steersman.domain.plan import Assumption, Choice, Plan, Provenance
from steersman.domain.scenario import Match
from steersman.planning.parameters import bind
from steersman.planning.planner import chosen

NEAR_TIE = 0.9
"""A second scenario that scores at least this share of the first may be the one that is meant."""
MODEL_FAILS = (BudgetExceededError, ConfigError, ToolError, UnavailableError)
REASON_CHARACTERS = 600


class Proposal(Fact):
    """A plan, or why there is none, with the best draft; and what became of the model's part in it."""

    plan: Plan | None = None
    refused: str = ""
    draft: Draft | None = None
    """The last that a model gave and code did not let through."""
    rounds: int = 0
    notes: tuple[str, ...] = ()
    """What the model said that was not followed, and how it failed."""

    def needed(self) -> Plan:
        """The plan. Raises InputError that says why there is none."""
        if self.plan is None:
            steps = ", ".join(f"{step.id}: {step.operation}" for step in self.draft.steps) if self.draft else ""
            best = f"; the best draft of the model was [{steps}]" if steps else ""
            raise InputError(f"{self.refused}{best}")
        return self.plan


async def make_plan(goal: Goal, matches: Sequence[Match], deps: PlanningDeps) -> Plan:
    """A checked plan. Changes nothing. Raises InputError when the goal cannot be planned here."""
    return (await propose(goal, matches, deps)).needed()


async def propose(goal: Goal, matches: Sequence[Match], deps: PlanningDeps) -> Proposal:
    """A checked plan or the reasons against one, with the model's help where there is a model.

    Raises what the gate raises when something cannot be read.
    """
    deps = await acquainted(deps)
    first = await _alone(goal, matches, deps)
    if deps.model is None:
        return first
    try:
        return await improved(first, goal, matches, deps)
    except MODEL_FAILS as e:
        return first.model_copy(update={"notes": (*first.notes, f"planned without the model: {e}")})


async def improved(first: Proposal, goal: Goal, matches: Sequence[Match], deps: PlanningDeps) -> Proposal:
    """What the model adds to what code has found. Raises what the model raises."""
    assert deps.model is not None
    fitting = [match for match in matches if _fits(goal, match, deps)]
    if not fitting:
        return await drafted(first, goal, matches, deps)
    reading = await read_goal(goal, fitting, deps.world, deps.model)
    notes = (*first.notes, *(f"the model said {said}" for said in reading.ignored))
    first = first.model_copy(update={"notes": notes})
    if not reading.scenario_id:
        said = f"the model {deps.model.name} finds that no known scenario does this"
        first = first.model_copy(update={"notes": (*notes, said)})
        return (
            first
            if first.plan is not None or _refused_by_facts(goal, fitting, deps)
            else await drafted(first, goal, matches, deps)
        )
    return await _followed(first, reading, goal, fitting, deps=deps)


async def drafted(first: Proposal, goal: Goal, matches: Sequence[Match], deps: PlanningDeps) -> Proposal:
    """A plan that the model drafts, corrected at most `deps.rounds` times; else an honest failure."""
    assert deps.model is not None
    try:
        prompt = drafting_prompt(goal, matches, deps.world.catalogue)
    except InputError as e:
        return first.model_copy(update={"notes": (*first.notes, str(e))})
    best, problems = first.draft, first.refused
    for number in range(1, deps.rounds + 1):
        said = ""
        try:
            answer = await deps.model.answer(prompt)
            said = answer.text
            best = draft_of(answer.value)
            if best.impossible or not best.steps:
                return _given_up(first, best, number, deps.model)
            made = await _of_draft(best, goal, deps)
            return first.model_copy(update={"plan": made, "refused": "", "draft": None, "rounds": number})
        except (InputError, ToolError) as e:
            problems = str(e)[:REASON_CHARACTERS]
            prompt = corrected(prompt, said, problems)
    refused = f"{first.refused}; {deps.rounds} drafts of {deps.model.name} were not let through, the last: {problems}"
    return first.model_copy(update={"refused": refused, "draft": best, "rounds": deps.rounds})


async def _alone(goal: Goal, matches: Sequence[Match], deps: PlanningDeps) -> Proposal:
    try:
        return Proposal(plan=await plan_on_facts(goal, matches, deps))
    except InputError as e:
        return Proposal(refused=str(e))


def _fits(goal: Goal, match: Match, deps: PlanningDeps) -> bool:
    try:
        chosen(goal, [match], deps.world)
    except InputError:
        return False
    return True


def _refused_by_facts(goal: Goal, fitting: Sequence[Match], deps: PlanningDeps) -> bool:
    """Whether the best scenario has all its values: then what was seen speaks against it, and no draft goes around."""
    try:
        bind(goal, fitting[0].scenario, deps.world.named_in(goal.text), here=deps.world.defaults)
    except InputError:
        return False
    return True


async def _followed(
    first: Proposal, reading: Interpretation, goal: Goal, fitting: Sequence[Match], *, deps: PlanningDeps
) -> Proposal:
    """The plan by the model's reading, where that may differ from code's own."""
    model = deps.model
    assert model is not None
    taken = next(match for match in fitting if match.scenario.id == reading.scenario_id)
    best = fitting[0]
    elsewhere = taken.scenario.id != best.scenario.id
    if elsewhere and first.plan is not None and taken.score < NEAR_TIE * best.score:
        note = f"the model would take {taken.scenario.id!r}, which fits far less well"
        return first.model_copy(update={"notes": (*first.notes, note)})
    if not elsewhere and not reading.parameters and not reading.methods:
        return first
    match = taken.model_copy(update={"scenario": preferred(taken.scenario, reading.methods)})
    fuller = goal.model_copy(update={"parameters": {**goal.parameters, **reading.parameters}})
    try:
        made = await plan_on_facts(fuller, [match], deps)
    except InputError as e:
        if first.plan is not None:
            return first.model_copy(update={"notes": (*first.notes, f"planned without the model's reading: {e}")})
        return first.model_copy(update={"refused": str(e)})
    return first.model_copy(update={"plan": sound(_told(made, reading, model), deps.world), "refused": ""})


def _told(made: Plan, reading: Interpretation, model: Model) -> Plan:
    """The plan, saying what of it is the model's."""
    why = f"read from the goal by {model.name}; say -p to be sure"
    read = tuple(Assumption(name=name, value=value, why=why) for name, value in reading.parameters.items())
    took = Choice(task="goal", method=reading.scenario_id, taken=True, why=f"chosen by {model.name}")
    return made.model_copy(
        update={"assumptions": (*made.assumptions, *read), "provenance": _by(made.provenance, model, took)}
    )


def _by(provenance: Provenance, model: Model, choice: Choice) -> Provenance:
    choices = (choice, *provenance.choices)
    return provenance.model_copy(update={"planner": "model", "model": model.name, "choices": choices})


async def _of_draft(draft: Draft, goal: Goal, deps: PlanningDeps) -> Plan:
    assert deps.model is not None
    match = Match(scenario=scenario_of(draft, goal, deps.world.catalogue), score=0.0, why=("drafted",))
    try:
        made = await plan_on_facts(Goal(text=goal.text), [match], deps)
    except InputError:
        raise
    except SteersmanError as e:
        raise InputError(f"what the draft would touch cannot be looked at: {type(e).__name__}") from e
    took = Choice(task="goal", method="draft", taken=True, why=f"no scenario serves; drafted by {deps.model.name}")
    provenance = _by(made.provenance, deps.model, took)
    return sound(made.model_copy(update={"scenario_id": None, "provenance": provenance}), deps.world)


def _given_up(first: Proposal, draft: Draft, rounds: int, model: Model) -> Proposal:
    note = f"{model.name} finds no way to do this with the operations here"
    return first.model_copy(update={"draft": draft, "rounds": rounds, "notes": (*first.notes, note)})
