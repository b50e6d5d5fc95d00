from dataclasses import replace
from random import Random
from time import process_time
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.unit.planning.defects import ALONE, DEFECTS, Defect, with_step, world_for

from steersman.domain.ids import OperationName
from steersman.domain.operation import Invocation
from steersman.domain.plan import Check, Comparison, Plan, Predicate
from steersman.planning.check import check
from steersman.planning.schema import pointer_path
from steersman.planning.world import World
from steersman.testing import plans

valid_plans = st.builds(
    plans.make, st.sampled_from(sorted(plans.SHAPES)), seed=st.integers(0, 10_000), size=st.integers(1, 25)
)


def there(plan: Plan, path: str) -> bool:
    here: Any = plan.model_dump(mode="json")
    for key in pointer_path(path):
        if isinstance(here, dict) and key in here:
            here = here[key]
        elif isinstance(here, list) and key.isdecimal() and int(key) < len(here):
            here = here[int(key)]
        else:
            return False
    return True


@given(valid_plans)
def test_a_valid_plan_has_no_problems(plan: Plan) -> None:
    assert check(plan, plans.world()) == []


@pytest.mark.parametrize(("code", "inject"), DEFECTS, ids=[f"{n}-{code}" for n, (code, _) in enumerate(DEFECTS)])
@settings(max_examples=6, suppress_health_check=[HealthCheck.filter_too_much])
@given(plan=valid_plans, seed=st.integers(0, 1_000))
def test_each_injected_defect_is_found(code: str, inject: Defect, plan: Plan, seed: int) -> None:
    broken = inject(plan, Random(seed))
    assume(broken is not None)
    assert broken is not None
    found = check(broken, world_for(code))
    assert code in {problem.code for problem in found}
    assert all(problem.reason and problem.remedy for problem in found)
    assert all(there(broken, problem.path) for problem in found), [p.path for p in found]


@settings(max_examples=40)
@given(valid_plans, st.sets(st.sampled_from(ALONE), min_size=2, max_size=4), st.integers(0, 1_000))
def test_several_defects_never_raise_and_never_pass(plan: Plan, chosen: set[int], seed: int) -> None:
    broken, rng = plan, Random(seed)
    for number in sorted(chosen):
        broken = DEFECTS[number][1](broken, rng) or broken
    assume(broken.digest() != plan.digest())
    assert check(broken, plans.world())


KEYS = st.text() | st.sampled_from(["$from", "$arg", "$before", "name", "step", "path", "bounds"])
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=60)
@given(valid_plans, st.data())
def test_garbage_that_pydantic_accepts_never_makes_it_raise(plan: Plan, data: st.DataObject) -> None:
    document = plan.model_dump(mode="json")
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(plan.steps) - 1))
        target = document["steps"][place]
        key = data.draw(st.sampled_from(["id", "operation", "arguments", "needs", "phase", "inverse", "preconditions"]))
        garbage = data.draw(json_values)
        if key == "needs":
            garbage = [garbage, target["id"]]
        if key == "arguments":
            garbage = {"name": garbage, "value": {"$from": {"step": target["id"], "path": "/a/~1", "bounds": {}}}}
        if key == "inverse":
            garbage = {"operation": "shelf.put", "arguments": {"value": garbage}}
        if key == "preconditions":
            garbage = [{"call": {"operation": "shelf.get", "arguments": {"x": garbage}}, "expect": []}]
        target[key] = garbage
    try:
        broken = Plan.model_validate(document)
    except ValidationError:
        return
    assert isinstance(check(broken, plans.world()), list)


def test_a_cycle_is_named() -> None:
    plan = plans.make("chain", size=3)
    first, second, third = plan.steps
    looped = with_step(plan, 0, needs=(third.id,))
    (problem,) = [p for p in check(looped, plans.world()) if p.code == "cycle"]
    assert f"{first.id} -> {third.id} -> {second.id} -> {first.id}" in problem.reason


def test_two_separate_cycles_are_both_named() -> None:
    plan = plans.make("fan_out", size=6)
    a, b, c, d = (step.id for step in plan.steps[1:5])
    looped = plan
    for place, need in ((1, b), (2, a), (3, d), (4, c)):
        looped = with_step(looped, place, needs=(need,))
    cycles = [p.reason for p in check(looped, plans.world()) if p.code == "cycle"]
    assert len(cycles) == 2


def test_a_misspelt_operation_gets_the_nearest_names() -> None:
    plan = with_step(plans.make("chain", size=2), 0, operation="shelf.creat")
    (problem,) = [p for p in check(plan, plans.world()) if p.code == "unknown_operation"]
    assert "'shelf.create'" in problem.remedy


def test_an_operation_without_an_inverse_is_irreversible_and_left_to_policy() -> None:
    plan = plans.make("chain", seed=1, size=1)
    world = plans.world()
    bare = {name: op.model_copy(update={"inverse": None}) for name, op in world.catalogue.items()}
    step = plan.steps[0]
    irreversible = with_step(plan, 0, inverse=None)
    world = replace(world, catalogue=bare)
    assert check(irreversible, world) == []
    named = with_step(plan, 0, inverse=Invocation(operation=step.operation, arguments=step.arguments))
    assert [p.code for p in check(named, world)] == ["wrong_inverse"]


def using(resource: str) -> World:
    """The world in which whoever puts a value needs another resource to be there."""
    world = plans.world()
    put = world.catalogue[OperationName("shelf.put")].model_copy(update={"uses": (resource,)})
    return replace(world, catalogue={**world.catalogue, put.name: put})


def drafted(*steps: tuple[str, str, tuple[int, ...]]) -> Plan:
    """Steps as (verb, name, needs by number) on a shelf where everything lies that is not created first."""
    draft = plans.Draft(Random(0))
    for verb, name, needs in steps:
        draft.initial.setdefault(name, None if verb == "create" else 1)
        arguments = {"name": name} if verb in ("delete", "get") else {"name": name, "value": 2}
        draft.add(verb, arguments, [draft.steps[need].id for need in needs])
    return draft.plan("drafted")


def codes(plan: Plan, world: World) -> set[str]:
    return {problem.code for problem in check(plan, world)}


def test_an_undo_that_uses_what_a_later_step_deletes_for_good_is_found() -> None:
    plan = drafted(("put", "a", ()), ("delete", "dep", (0,)))
    assert codes(plan, using("shelf/dep")) == set()
    assert codes(with_step(plan, 1, inverse=None), using("shelf/dep")) == {"missing_inverse", "undo_needs_deleted"}
    assert "undo_needs_deleted" not in codes(with_step(plan, 1, inverse=None), plans.world())


def test_an_undo_that_uses_what_an_earlier_step_deletes_is_found() -> None:
    plan = drafted(("delete", "dep", ()), ("put", "a", (0,)))
    assert codes(plan, using("shelf/dep")) == {"undo_needs_deleted"}


def test_what_is_deleted_and_created_again_is_there_for_the_undo() -> None:
    plan = drafted(("delete", "dep", ()), ("create", "dep", (0,)), ("put", "a", (1,)))
    assert codes(plan, using("shelf/dep")) == set()


def test_deleting_what_an_unordered_step_uses_is_a_conflict() -> None:
    plan = drafted(("put", "a", ()), ("delete", "dep", ()))
    assert codes(plan, using("shelf/dep")) == {"conflict", "undo_needs_deleted"}


def test_a_step_of_a_toolset_for_another_kind_of_environment_is_found() -> None:
    world = replace(plans.world(), kinds={"shelf": "kubernetes"})
    assert codes(plans.make("chain", size=2), world) == {"wrong_environment"}


def test_the_same_name_with_another_uid_is_another_environment() -> None:
    other = plans.world().environment.model_copy(update={"uid": "other"})
    (problem,) = check(plans.make("chain", size=1), replace(plans.world(), environment=other))
    assert (problem.code, problem.path) == ("wrong_environment", "/environment")


def test_a_later_step_is_judged_by_what_earlier_steps_leave() -> None:
    assert codes(drafted(("create", "a", ()), ("put", "a", (0,)), ("delete", "a", (1,))), plans.world()) == set()
    assert codes(drafted(("create", "a", ()), ("create", "a", (0,))), plans.world()) == {"already_there"}
    assert codes(drafted(("delete", "a", ()), ("put", "a", (0,))), plans.world()) == {"not_there"}


def test_a_precondition_is_judged_by_what_earlier_steps_leave() -> None:
    plan = drafted(("put", "a", ()), ("get", "a", (0,)))
    call = Invocation(operation=OperationName("shelf.get"), arguments={"name": "a"})
    after, before = (Check(call=call, expect=(Predicate(path="/value", op="==", value=value),)) for value in (2, 1))
    assert codes(with_step(plan, 1, preconditions=(after,)), plans.world()) == set()
    assert codes(with_step(plan, 1, preconditions=(before,)), plans.world()) == {"precondition_false"}
    assert codes(with_step(plan, 0, preconditions=(before,)), plans.world()) == set()


def test_a_reference_inside_alternatives_is_left_to_the_gate() -> None:
    world = plans.world()
    create = world.catalogue[OperationName("shelf.create")]
    alternatives = {"anyOf": [create.input_schema, {"type": "object", "required": ["never"]}]}
    either = create.model_copy(update={"input_schema": alternatives})
    assert (
        codes(plans.make("data_flow", size=2), replace(world, catalogue={**world.catalogue, create.name: either}))
        == set()
    )


def test_a_comparison_with_itself_is_found() -> None:
    plan = plans.make("with_holds", size=2)
    selector = plan.conditions[0].selector
    same = plan.conditions[0].model_copy(update={"test": Comparison(baseline=selector)})
    assert codes(plan.model_copy(update={"conditions": (same,)}), plans.world()) == {"bad_condition"}


def test_holds_count_in_the_longest_path() -> None:
    plan = plans.make("with_holds", size=4)
    holds = sum(step.hold.max_s for step in plan.steps if step.hold)
    steps = sum(step.timeout_s for step in plan.steps)
    for seconds, wanted in ((holds + steps, set()), (holds + steps - 1, {"budget"})):
        budget = plan.budget.model_copy(update={"seconds": seconds})
        assert codes(plan.model_copy(update={"budget": budget}), plans.world()) == wanted


@pytest.mark.parametrize("shape", sorted(plans.SHAPES))
def test_a_thousand_steps_are_checked_within_a_second(shape: str) -> None:
    plan = plans.make(shape, size=1_000)
    large = plan.budget.model_copy(update={"seconds": 1e6, "calls": 100_000, "undo_calls": 5_000})
    started = process_time()
    assert check(plan.model_copy(update={"budget": large}), plans.world()) == []
    assert process_time() - started < 1
