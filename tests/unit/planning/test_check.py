from random import Random
from time import process_time
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.unit.planning.defects import ALONE, DEFECTS, Defect, with_step, world_for

from steersman.domain.operation import Invocation
from steersman.domain.plan import Plan
from steersman.planning.check import check
from steersman.planning.schema import pointer_path
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
@settings(max_examples=8, suppress_health_check=[HealthCheck.filter_too_much])
@given(plan=valid_plans, seed=st.integers(0, 1_000))
def test_each_injected_defect_is_found(code: str, inject: Defect, plan: Plan, seed: int) -> None:
    broken = inject(plan, Random(seed))
    assume(broken is not None)
    assert broken is not None
    found = check(broken, world_for(code))
    assert code in {problem.code for problem in found}
    assert all(problem.reason and problem.remedy for problem in found)
    assert all(there(broken, problem.path) for problem in found), [p.path for p in found]


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
    object.__setattr__(world, "catalogue", bare)
    assert check(irreversible, world) == []
    named = with_step(plan, 0, inverse=Invocation(operation=step.operation, arguments=step.arguments))
    assert [p.code for p in check(named, world)] == ["wrong_inverse"]


@pytest.mark.parametrize("shape", sorted(plans.SHAPES))
def test_a_thousand_steps_are_checked_within_a_second(shape: str) -> None:
    plan = plans.make(shape, size=1_000)
    large = plan.budget.model_copy(update={"seconds": 1e6, "calls": 100_000, "undo_calls": 5_000})
    started = process_time()
    assert check(plan.model_copy(update={"budget": large}), plans.world()) == []
    assert process_time() - started < 1
