import json
from datetime import UTC, datetime

from steersman.domain.environment import Principal
from steersman.domain.event import CallIntended, CallSettled, Entry, RunMoved, RunPlanned, StepMoved
from steersman.domain.run import fold
from steersman.domain.run_view import run_json
from steersman.testing.world import World
from steersman.testing.worldplans import sim_plan, sim_step

AT = datetime(2026, 11, 25, tzinfo=UTC)
ABOUT = {"step_id": "one", "direction": "do", "attempt": 1, "operation": "sim.set"}
INTENT = CallIntended(
    **ABOUT, version=1, resource="sim/a", arguments={"name": "a", "value": 2}, key="k", before={"value": 1},
    expected={"value": 2}, deadline=AT,
)  # fmt: skip


def shown(*events) -> dict:
    plan = sim_plan(World(state={"a": {"value": 1}}), [sim_step("one", "set", "a", 2), sim_step("two", "wait", "x")])
    first = RunPlanned(plan=plan, requester=Principal(id="alice", kind="human"))
    entries = [
        Entry(seq=n, run_id="run-1", at=AT, event=event, previous="", hash="")
        for n, event in enumerate((first, *events), start=1)
    ]
    return json.loads(json.dumps(run_json(fold(entries))))


def test_the_shape_that_scripts_rely_on() -> None:
    found = shown(RunMoved(state="running"))
    wanted = {"run_id", "state", "scenario_id", "plan_digest", "steps", "verdicts", "approvals", "undo", "findings"}
    assert wanted <= set(found)
    for step in found["steps"]:
        assert {"id", "operation", "state", "attempts", "started_at", "finished_at", "effects"} <= set(step)


def test_an_effect_shows_what_was_before_and_after() -> None:
    settled = CallSettled(**ABOUT, result="done", before={"value": 1}, after={"value": 2})
    found = shown(INTENT, settled, StepMoved(step_id="one", direction="do", state="done"))
    (effect,) = found["steps"][0]["effects"]
    assert (effect["resource"], effect["before"], effect["after"]) == ("sim/a", {"value": 1}, {"value": 2})
    assert effect["result"] == "done"
    assert found["steps"][1]["effects"] == []


def test_an_effect_that_may_have_happened_is_unknown_and_one_that_did_not_is_none() -> None:
    assert shown(INTENT)["steps"][0]["effects"][0]["result"] == "unknown"
    assert shown(INTENT, CallSettled(**ABOUT, result="failed"))["steps"][0]["effects"] == []


def test_undo_is_listed_in_reverse_order() -> None:
    moves = [StepMoved(step_id=step, direction="undo", state="done") for step in ("one", "two")]
    assert [step["id"] for step in shown(*moves)["undo"]] == ["two", "one"]
