from datetime import UTC, datetime
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from steersman.domain.environment import Principal
from steersman.domain.event import CallIntended, CallSettled, Entry, RunMoved, RunPlanned, StepMoved
from steersman.domain.run import advance, fold
from steersman.testing.world import World
from steersman.testing.worldplans import sim_plan, sim_step

AT = datetime(2026, 11, 25, tzinfo=UTC)
STEPS = ("a", "b", "c")


def moves():
    step, direction = st.sampled_from(STEPS), st.sampled_from(["do", "undo"])
    intended = st.builds(
        CallIntended,
        step_id=step,
        direction=direction,
        attempt=st.integers(1, 3),
        operation=st.just("sim.set"),
        version=st.just(1),
        resource=st.just("sim/a"),
        arguments=st.just({}),
        key=st.just("k"),
        deadline=st.just(AT),
    )
    settled = st.builds(
        CallSettled,
        step_id=step,
        direction=direction,
        attempt=st.integers(1, 3),
        operation=st.just("sim.set"),
        result=st.sampled_from(["done", "failed", "unknown", "not_happened"]),
    )
    moved = st.builds(
        StepMoved, step_id=step, direction=direction, state=st.sampled_from(["running", "holding", "done", "failed"])
    )
    run = st.builds(RunMoved, state=st.sampled_from(["running", "waiting", "undoing", "done"]))
    return st.lists(st.one_of(intended, settled, moved, run), max_size=12)


@given(moves())
def test_a_fold_in_one_go_is_the_same_as_entry_by_entry(events) -> None:
    plan = sim_plan(World(), [sim_step(name, "set", name, 1) for name in STEPS])
    planned = RunPlanned(plan=plan, requester=Principal(id="alice", kind="human"))
    entries = [
        Entry(seq=n, run_id="r", at=AT, event=event, previous="", hash="")
        for n, event in enumerate([planned, *events], start=1)
    ]
    assert fold(entries) == reduce(advance, entries[1:], fold(entries[:1]))
