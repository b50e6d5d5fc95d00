"""Effects, drift, diff and mermaid: what people see of a plan."""

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.planning.defects import with_step
from tests.unit.planning.lab_operations import WORLD, FakeLab
from tests.unit.planning.test_planner import made

from steersman.planning.diff import diff
from steersman.planning.drift import drift
from steersman.planning.effects import effects, irreversible
from steersman.planning.mermaid import mermaid
from steersman.planning.world import Facts, Reading, facts_of
from steersman.testing import plans
from steersman.testing.shelf import Shelf

any_plan = st.builds(
    plans.make, st.sampled_from(sorted(plans.SHAPES)), seed=st.integers(0, 999), size=st.integers(1, 12)
)


def readings(plan: plans.Plan) -> Facts:
    return facts_of(*(Reading(probe=o.probe, state=o.state, observed_at=o.observed_at) for o in plan.observations))


def test_the_card_of_the_demo_shows_what_is_created_changed_and_undone() -> None:
    shown = {effect.step_id: effect for effect in effects(made(FakeLab()), WORLD)}
    assert {name: effect.kind for name, effect in shown.items()} == {
        "build": "created",
        "start-green": "created",
        "shift-10": "changed",
        "shift-50": "changed",
        "shift-100": "changed",
    }
    assert [(f.path, f.was, f.now) for f in shown["shift-50"].fields] == [
        ("/weights/blue", "90", "50"),
        ("/weights/green", "10", "50"),
    ]
    started = {f.path: f.now for f in shown["start-green"].fields}
    assert started["/version"] == "v2"
    assert started["/digest"] == "output of build at /digest"
    undo = shown["start-green"].undo
    assert undo is not None
    assert undo.operation == "lab.stop"


@given(any_plan)
def test_effects_are_what_really_happens_on_the_shelf(plan: plans.Plan) -> None:
    shelf = Shelf(plans.initial_values(plan))
    shown = {effect.step_id: effect for effect in effects(plan, plans.world())}
    outputs: dict[str, object] = {}
    for step in plan.steps:
        name = str(step.arguments["name"])
        value = step.arguments.get("value")
        if isinstance(value, dict):
            value = outputs[value["$from"]["step"]]["value"]  # type: ignore[index,call-overload]
        effect = shown.get(step.id)
        assert effect is None or effect.before == shelf.state(name)
        arguments = {"name": name} if value is None else {"name": name, "value": value}
        outputs[step.id] = shelf.do(step.operation.partition(".")[2], arguments)
        if effect is not None and not isinstance(step.arguments.get("value"), dict):
            assert effect.after == shelf.state(name)


def test_a_write_without_an_inverse_is_listed_as_irreversible() -> None:
    plan = plans.make("chain", size=3)
    assert irreversible(plan, plans.world()) == ()
    assert irreversible(with_step(plan, 1, inverse=None), plans.world()) == (plan.steps[1].id,)


@given(any_plan)
def test_no_change_is_no_drift_and_each_change_is_one(plan: plans.Plan) -> None:
    facts = readings(plan)
    assert drift(plan, facts) == []
    for seen in plan.observations:
        moved = Reading(probe=seen.probe, state={**seen.state, "value": -7}, observed_at=seen.observed_at)
        (found,) = drift(plan, {**facts, **facts_of(moved)})
        assert (found.resource, found.path, found.now) == (seen.resource, "/value", -7)
        assert drift(plan, {**facts, **facts_of(moved)}, ignoring=frozenset({seen.resource})) == []


def test_what_was_not_read_again_is_drift() -> None:
    plan = plans.make("chain", size=3)
    assert {found.kind for found in drift(plan, {})} == {"unread"}


@given(any_plan)
def test_a_plan_does_not_differ_from_itself_made_later(plan: plans.Plan) -> None:
    later = plan.provenance.model_copy(update={"made_at": plan.provenance.made_at.replace(year=2030)})
    assert diff(plan, plan.model_copy(update={"provenance": later})) == []


def test_a_diff_names_steps_arguments_conditions_and_parameters() -> None:
    old, new = made(FakeLab()), made(FakeLab(), weights=[20, 100])
    shown = [str(difference) for difference in diff(old, new)]
    assert "step shift-10 removed" in shown
    assert "step shift-20 added" in shown
    assert any(line.startswith("plan parameters /parameters/weights: [10, 50, 100] -> [20, 100]") for line in shown)
    assert any("step shift-100 /needs" in line for line in shown)


def test_mermaid_shows_phases_steps_needs_and_holds() -> None:
    chart = mermaid(made(FakeLab()))
    assert chart.startswith("flowchart LR\n")
    for part in ('subgraph p0["build"]', "start-green<br/>lab.start", "-->|error-rate, latency|"):
        assert part in chart


@given(st.text())
def test_nothing_in_a_plan_can_break_out_of_the_chart(text: str) -> None:
    plan = with_step(plans.make("chain", size=2), 0, id=text, operation=text)
    chart = mermaid(plan)
    plain = mermaid(with_step(plans.make("chain", size=2), 0, id="x", operation="y"))
    assert len(chart.splitlines()) <= len(plain.splitlines())
    assert all(line.count('"') in (0, 2) for line in chart.splitlines())
