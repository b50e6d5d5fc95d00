"""Ways to break a valid plan, each with the code of the problem that must be found."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from steersman.domain.environment import Environment
from steersman.domain.ids import OperationName, ResourceId, StepId
from steersman.domain.operation import Invocation
from steersman.domain.plan import Check, Hold, Plan, Predicate, Retry, Step, Threshold
from steersman.planning.world import World
from steersman.testing import plans

Defect = Callable[[Plan, Random], Plan | None]
"""None: this plan has nothing to break in that way."""


def with_step(plan: Plan, place: int, **change: Any) -> Plan:
    steps = list(plan.steps)
    steps[place] = steps[place].model_copy(update=change)
    return plan.model_copy(update={"steps": tuple(steps)})


def pick(plan: Plan, rng: Random, fits: Callable[[Step], bool] = lambda _: True) -> int | None:
    places = [place for place, step in enumerate(plan.steps) if fits(step)]
    return rng.choice(places) if places else None


def changing(**change: Any) -> Defect:
    def inject(plan: Plan, rng: Random) -> Plan | None:
        place = pick(plan, rng)
        return None if place is None else with_step(plan, place, **change)

    return inject


def on_writes(change: Callable[[Step], dict[str, Any]], verb: str = "") -> Defect:
    def inject(plan: Plan, rng: Random) -> Plan | None:
        place = pick(plan, rng, lambda step: step.inverse is not None and step.operation.endswith(verb))
        return None if place is None else with_step(plan, place, **change(plan.steps[place]))

    return inject


def cycle(plan: Plan, rng: Random) -> Plan | None:
    place = pick(plan, rng, lambda step: bool(step.needs))
    if place is None:
        return None
    first = next((i for i, step in enumerate(plan.steps) if step.id == plan.steps[place].needs[0]), None)
    if first is None:
        return None
    return with_step(plan, first, needs=(*plan.steps[first].needs, plan.steps[place].id))


def duplicate(plan: Plan, rng: Random) -> Plan:
    return plan.model_copy(update={"steps": (*plan.steps, rng.choice(plan.steps))})


def unseen(plan: Plan, rng: Random) -> Plan | None:
    place = pick(plan, rng, lambda step: step.inverse is not None)
    if place is None:
        return None
    name = plan.steps[place].arguments.get("name")
    kept = tuple(o for o in plan.observations if o.probe.arguments["name"] != name)
    return plan.model_copy(update={"observations": kept})


def flipped(verb: str) -> Defect:
    """The thing is there where it should be absent, or the other way round, for the first writer of its name."""

    def inject(plan: Plan, rng: Random) -> Plan | None:
        seen: set[Any] = set()
        places = []
        for place, step in enumerate(plan.steps):
            name = str(step.arguments.get("name"))
            if step.inverse is not None and name not in seen:
                seen.add(name)
                if step.operation == f"shelf.{verb}":
                    places.append(place)
        if not places:
            return None
        name = str(plan.steps[rng.choice(places)].arguments.get("name"))
        turned = tuple(
            o
            if o.probe.arguments["name"] != name
            else o.model_copy(update={"state": {"exists": False} if o.exists else {"exists": True, "value": 1}})
            for o in plan.observations
        )
        return plan.model_copy(update={"observations": turned})

    return inject


def conflict(plan: Plan, rng: Random) -> Plan | None:
    place = pick(plan, rng, lambda step: step.operation == "shelf.put")
    if place is None:
        return None
    twin = plan.steps[place].model_copy(update={"id": StepId("twin"), "needs": ()})
    return plan.model_copy(update={"steps": (*plan.steps, twin)})


def self_reference(plan: Plan, rng: Random) -> Plan | None:
    place = pick(plan, rng, lambda step: step.operation == "shelf.put")
    return None if place is None else _valued(plan, place, plan.steps[place].id)


def unordered_reference(plan: Plan, rng: Random) -> Plan | None:
    place = pick(plan, rng, lambda step: step.operation == "shelf.put")
    if place is None:
        return None
    other = Step(id=StepId("other"), phase="build", operation=OperationName("shelf.get"), arguments={"name": "base"})
    return _valued(plan.model_copy(update={"steps": (*plan.steps, other)}), place, "other")


def forward_reference(plan: Plan, rng: Random) -> Plan | None:
    place = pick(plan, rng, lambda step: step.operation == "shelf.put")
    if place is None:
        return None
    later = Step(
        id=StepId("later"),
        phase="observe",
        operation=OperationName("shelf.get"),
        arguments={"name": "base"},
        needs=(plan.steps[place].id,),
    )
    return _valued(plan.model_copy(update={"steps": (*plan.steps, later)}), place, "later")


def _valued(plan: Plan, place: int, source: str, **more: Any) -> Plan:
    reference = {"$from": {"step": source, "path": "/value", "bounds": {"type": "integer"}, **more}}
    return with_step(plan, place, arguments={**plan.steps[place].arguments, "value": reference})


def referring(**more: Any) -> Defect:
    def inject(plan: Plan, rng: Random) -> Plan | None:
        place = pick(plan, rng, lambda step: step.operation == "shelf.put" and bool(step.needs))
        return None if place is None else _valued(plan, place, plan.steps[place].needs[0], **more)

    return inject


def irreversible_later(plan: Plan, rng: Random) -> Plan | None:
    """A put whose undo would find its target deleted for good."""
    place = pick(plan, rng, lambda step: step.operation == "shelf.put")
    if place is None:
        return None
    gone = Step(
        id=StepId("gone"),
        phase="observe",
        operation=OperationName("shelf.delete"),
        arguments={"name": plan.steps[place].arguments.get("name")},
        needs=tuple(step.id for step in plan.steps),
    )
    return plan.model_copy(update={"steps": (*plan.steps, gone)})


def invariant_false(plan: Plan, rng: Random) -> Plan:
    never = plans.FINE.model_copy(update={"expect": (Predicate(path="/value", op="<", value=-1),)})
    return plan.model_copy(update={"invariants": (never,)})


def precondition_false(plan: Plan, rng: Random) -> Plan | None:
    place = pick(plan, rng)
    never = Check(
        call=Invocation(operation=OperationName("shelf.get"), arguments={"name": "base"}),
        expect=(Predicate(path="/exists", op="==", value=False),),
    )
    return None if place is None else with_step(plan, place, preconditions=(never,))


def elsewhere(plan: Plan, rng: Random) -> Plan:
    other = Environment(kind="kubernetes", name="prod", uid="u", url="https://prod", tier="prod")
    return plan.model_copy(update={"environment": other})


def backwards(plan: Plan, rng: Random) -> Plan | None:
    place = pick(plan, rng, lambda step: bool(step.needs))
    if place is None:
        return None
    need = next((i for i, step in enumerate(plan.steps) if step.id == plan.steps[place].needs[0]), None)
    if need is None:
        return None
    return with_step(with_step(plan, place, phase="build"), need, phase="observe")


def condition(**change: Any) -> Defect:
    def inject(plan: Plan, rng: Random) -> Plan | None:
        if not plan.conditions:
            return None
        first = plan.conditions[0].model_copy(update=change)
        return plan.model_copy(update={"conditions": (first, *plan.conditions[1:])})

    return inject


def budget(**change: Any) -> Defect:
    return lambda plan, rng: plan.model_copy(update={"budget": plan.budget.model_copy(update=change)})


PUT = Invocation(operation=OperationName("shelf.put"), arguments={"name": "base", "value": 0})
CALL_OF_A_WRITE = Check(call=PUT, expect=())

DEFECTS: list[tuple[str, Defect]] = [
    ("unknown_operation", changing(operation=OperationName("shelf.pot"))),
    ("unknown_operation", on_writes(lambda _: {"inverse": Invocation(operation=OperationName("shelf.oops"))})),
    ("other_version", changing(version=7)),
    ("argument_type", changing(arguments={"name": 5})),
    ("argument_type", changing(arguments={})),
    ("argument_type", changing(arguments={"name": "base", "colour": "red"})),
    ("argument_type", on_writes(lambda s: {"arguments": {**s.arguments, "value": "much"}}, "put")),
    ("argument_type", referring(path="/exists", bounds={"type": "boolean"})),
    ("argument_type", referring(bounds={"type": "string"})),
    ("bad_bounds", referring(bounds={"type": 5})),
    ("bad_bounds", referring(bounds={"$ref": "https://example.org/schema"})),
    ("unbounded_reference", referring(bounds={})),
    ("unresolved_reference", referring(path="/worth")),
    ("unresolved_reference", referring(step="nobody")),
    ("unresolved_reference", changing(arguments={"name": {"$before": "/name"}})),
    ("unresolved_reference", changing(arguments={"name": {"$from": "s"}})),
    ("self_reference", self_reference),
    ("missing_need", unordered_reference),
    ("forward_reference", forward_reference),
    ("cycle", cycle),
    ("unknown_step", changing(needs=(StepId("nobody"),))),
    ("duplicate_id", duplicate),
    ("bad_id", changing(id=StepId("a/b"))),
    ("hostile_text", changing(why="safe\u202e")),
    ("hostile_text", changing(why="safe\U000e0041\U000e0042")),
    ("hostile_text", changing(arguments={"name": "a\x1b[2J"})),
    ("unknown_phase", changing(phase="depoly")),
    ("phase_order", backwards),
    ("missing_inverse", on_writes(lambda _: {"inverse": None})),
    ("wrong_inverse", on_writes(lambda _: {"inverse": PUT})),
    ("undo_needs_deleted", irreversible_later),
    ("never_observed", unseen),
    ("already_there", flipped("create")),
    ("not_there", flipped("put")),
    ("not_there", flipped("delete")),
    ("unknown_target", on_writes(lambda _: {"arguments": {"name": {"$from": {"step": "x", "path": ""}}}})),
    ("wrong_environment", elsewhere),
    ("precondition_false", precondition_false),
    ("precondition_false", invariant_false),
    ("conflict", conflict),
    ("unsafe_retry", on_writes(lambda _: {"retry": Retry(attempts=3)})),
    ("budget", budget(calls=1)),
    ("budget", budget(seconds=0.1)),
    ("unmeasurable_signal", condition(signal="queue_depth")),
    ("never_conclusive", condition(min_points=900)),
    ("bad_condition", condition(test=Threshold(op=">", value=5))),
    ("unknown_condition", changing(hold=Hold(conditions=("erors",), for_s=1, max_s=2))),
    ("bad_hold", changing(hold=Hold(conditions=(), for_s=3, max_s=2))),
    ("not_a_read", changing(preconditions=(CALL_OF_A_WRITE,))),
    ("forbidden_target", on_writes(lambda _: {})),
]


def world_for(code: str) -> World:
    """The world of the plans, with what a defect needs of it."""
    world = plans.world()
    if code == "unsafe_retry":
        careless = {n: o.model_copy(update={"idempotent": "no"}) for n, o in world.catalogue.items()}
        return replace(world, catalogue=careless)
    if code == "forbidden_target":
        return replace(world, protected=lambda resource: resource != ResourceId("shelf/nothing"))
    return world


ALONE = [number for number, (code, _) in enumerate(DEFECTS) if code not in ("unsafe_retry", "forbidden_target")]
"""Those that are defects in the plans' own world."""
