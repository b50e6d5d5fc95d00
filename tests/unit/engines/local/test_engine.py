import asyncio
import sys
from dataclasses import replace

import pytest

from steersman.domain.errors import (
    BudgetExceededError,
    ConcurrencyError,
    InputError,
    UnavailableError,
)
from steersman.domain.event import CallIntended, RunMoved, StepMoved, VerdictGiven
from steersman.domain.exit_codes import ExitCode
from steersman.domain.plan import Check, Condition, Hold, Predicate, Threshold
from steersman.domain.signal import Selector
from steersman.engines.local import LocalEngine
from steersman.testing.worldplans import sim_plan, sim_step

from .bench import RUN, Bench
from .doubles import PatientJournal

CONDITION = Condition(
    id="errors",
    signal="error_rate",
    selector=Selector(service="shop"),
    test=Threshold(op=">", value=0.05),
    window_s=30,
    point_s=1,
    min_points=3,
)
HOLD = Hold(conditions=("errors",), for_s=5, max_s=20)


def three(bench, **change):
    """set a; create b after it; set c after that."""
    steps = [
        sim_step("one", "set", "a", 2, phase="build"),
        sim_step("two", "create", "b", 3, needs=["one"]),
        sim_step("three", "set", "c", 4, needs=["two"]),
    ]
    return sim_plan(bench.world, steps, **change)


def held(bench, *steps, condition=CONDITION, hold=HOLD):
    first = sim_step("one", "set", "a", 2).model_copy(update={"hold": hold})
    return sim_plan(bench.world, [first, *steps], conditions=[condition])


def taken_from(step: str, bounds):
    """create b with the value that a former step gave."""
    value = {"$from": {"step": step, "path": "/value", "bounds": bounds}}
    return sim_step("two", "create", "b", value, needs=[step])


def absent(name: str) -> Check:
    return Check(
        call={"operation": "sim.get", "arguments": {"name": name}},
        expect=(Predicate(path="/exists", op="==", value=False),),
    )


async def test_a_plan_is_done_when_every_step_is_done() -> None:
    async with Bench(a=1, c=1) as bench:
        run = await bench.run(three(bench))
        assert run.state == "done"
        assert bench.values() == {"a": 2, "b": 3, "c": 4}
        assert {record.state for record in run.steps.values()} == {"done"}


async def test_a_failed_step_undoes_what_was_done_in_reverse_order() -> None:
    async with Bench(a=1) as bench:
        plan = sim_plan(
            bench.world,
            [
                sim_step("one", "set", "a", 2),
                sim_step("two", "create", "b", 3, needs=["one"]),
                sim_step("three", "set", "a", 4, needs=["two"]),
                sim_step("four", "wait", "c", needs=["three"]),
            ],
        )
        bench.world.faults["c"] = ["refuse"]
        run = await bench.run(plan)
        assert run.state == "rolled_back"
        assert "four" in run.reason
        assert bench.values() == {"a": 1}
        assert bench.world.journal[3:] == [("set", "a"), ("delete", "b"), ("set", "a")]


async def test_nothing_to_undo_is_failed_not_rolled_back() -> None:
    async with Bench(a=1) as bench:
        bench.world.faults["x"] = ["refuse"]
        run = await bench.run(sim_plan(bench.world, [sim_step("look", "wait", "x")]))
        assert (run.state, run.exit_code) == ("failed", ExitCode.FAILED)
        assert "nothing was changed" in run.reason


async def test_siblings_under_way_finish_and_nothing_new_starts() -> None:
    async with Bench(a=1, b=1, c=1) as bench:
        gate = asyncio.Event()

        async def hold_b(verb, name):
            if name == "b" and not gate.is_set():
                await gate.wait()

        async def refuse_then_open(name):
            bench.clock.loop_soon(gate.set)

        bench.world.before_write = hold_b
        bench.world.read = refuse_then_open
        bench.world.faults["x"] = ["refuse"]
        plan = sim_plan(
            bench.world,
            [
                sim_step("slow", "set", "b", 2),
                sim_step("bad", "wait", "x"),
                sim_step("later", "set", "c", 2, needs=["slow"]),
            ],
        )
        run = await bench.run(plan)
        assert run.state == "rolled_back"
        assert bench.world.journal == [("set", "b"), ("set", "b")]
        assert run.steps["later"].state == "pending"


async def test_a_step_starts_when_its_needs_are_met_not_when_a_wave_is_over() -> None:
    async with Bench() as bench:
        slow_done = asyncio.Event()

        async def read(name):
            if name == "slow":
                await slow_done.wait()
            if name == "last":
                slow_done.set()

        bench.world.read = read
        plan = sim_plan(
            bench.world,
            [
                sim_step("slow", "wait", "slow"),
                sim_step("quick", "wait", "quick"),
                sim_step("last", "wait", "last", needs=["quick"]),
            ],
        )
        assert (await bench.run(plan)).state == "done"


async def test_phases_run_one_after_the_other() -> None:
    async with Bench() as bench:
        plan = sim_plan(
            bench.world,
            [sim_step("deploy", "create", "b", 1, phase="deploy"), sim_step("build", "create", "a", 1, phase="build")],
        )
        await bench.run(plan)
        assert bench.world.journal == [("set", "a"), ("set", "b")]


async def test_drift_of_anything_observed_refuses_without_any_effect() -> None:
    async with Bench(a=1, c=1) as bench:
        plan = three(bench)
        bench.world.state["c"] = {"value": 7}
        run = await bench.run(plan)
        assert (run.state, run.exit_code) == ("refused", ExitCode.REFUSED)
        assert "sim/c" in run.reason
        assert bench.world.journal == []


async def test_a_broken_invariant_refuses_before_the_first_step() -> None:
    async with Bench(a=1, c=1, forbidden=1) as bench:
        plan = three(bench).model_copy(update={"invariants": (absent("forbidden"),)})
        run = await bench.run(plan)
        assert run.state == "refused"
        assert bench.world.journal == []


async def test_an_invariant_that_the_run_broke_undoes_it() -> None:
    async with Bench(a=1, c=1) as bench:
        plan = three(bench).model_copy(update={"invariants": (absent("b"),)})
        run = await bench.run(plan)
        assert run.state == "rolled_back"
        assert bench.values() == {"a": 1, "c": 1}


async def test_a_false_postcondition_undoes_the_step_itself() -> None:
    async with Bench(a=1) as bench:
        step = sim_step("one", "set", "a", 2).model_copy(update={"postconditions": (absent("a"),)})
        run = await bench.run(sim_plan(bench.world, [step]))
        assert run.state == "rolled_back"
        assert bench.values() == {"a": 1}


async def test_a_false_precondition_stops_before_the_call() -> None:
    async with Bench(a=1) as bench:
        step = sim_step("one", "set", "a", 2).model_copy(update={"preconditions": (absent("a"),)})
        run = await bench.run(sim_plan(bench.world, [step]))
        assert run.state == "failed"
        assert bench.world.journal == []


async def test_arguments_come_from_former_outputs() -> None:
    async with Bench(a=1) as bench:
        first = sim_step("one", "set", "a", "v2")
        run = await bench.run(sim_plan(bench.world, [first, taken_from("one", {"type": "string"})]))
        assert run.state == "done"
        assert bench.values()["b"] == "v2"


async def test_a_value_outside_of_what_was_approved_waits_for_an_approval_of_that_step() -> None:
    async with Bench(a=1) as bench:
        plan = sim_plan(bench.world, [sim_step("one", "set", "a", "v2"), taken_from("one", {"type": "integer"})])
        run = await bench.run(plan)
        assert run.state == "waiting"
        assert bench.values() == {"a": "v2"}
        await bench.answer("approve")
        assert (await bench.run(plan)).state == "done"
        assert bench.values() == {"a": "v2", "b": "v2"}


async def test_rejecting_a_step_in_the_middle_undoes_what_was_done() -> None:
    async with Bench(a=1) as bench:
        plan = sim_plan(bench.world, [sim_step("one", "set", "a", "v2"), taken_from("one", {"type": "integer"})])
        await bench.run(plan)
        await bench.answer("reject")
        assert (await bench.run(plan)).state == "rolled_back"
        assert bench.values() == {"a": 1}


async def test_a_lost_answer_is_settled_and_the_effect_not_repeated() -> None:
    async with Bench(a=1, c=1) as bench:
        bench.world.faults["a"] = ["lose_answer"]
        run = await bench.run(three(bench))
        assert run.state == "done"
        assert set(bench.world.effects.values()) == {1}


async def test_approval_parks_the_run_and_running_again_goes_on() -> None:
    async with Bench(mode="review", a=1, c=1) as bench:
        plan = three(bench)
        run = await bench.run(plan)
        assert (run.state, run.exit_code) == ("waiting", ExitCode.WAITING)
        assert bench.world.journal == []
        await bench.answer("approve")
        assert (await bench.run(plan)).state == "done"


async def test_a_rejected_approval_refuses() -> None:
    async with Bench(mode="review", a=1, c=1) as bench:
        plan = three(bench)
        await bench.run(plan)
        await bench.answer("reject", "not on a Friday")
        run = await bench.run(plan)
        assert run.state == "refused"
        assert bench.world.journal == []


async def test_a_hold_that_passes_lets_dependents_start() -> None:
    async with Bench(a=1) as bench:
        run = await bench.run(held(bench, sim_step("two", "create", "b", 1, needs=["one"])))
        assert run.state == "done"
        assert (run.finished_at - run.created_at).total_seconds() >= HOLD.for_s
        assert [verdict.result for verdict in run.verdicts] == ["pass"]


async def test_a_breach_undoes() -> None:
    async with Bench(a=1) as bench:
        bench.verdicts = ["inconclusive", "pass", "fail"]
        run = await bench.run(held(bench, sim_step("two", "create", "b", 1, needs=["one"])))
        assert (run.state, run.exit_code) == ("rolled_back", ExitCode.ROLLED_BACK)
        assert [verdict.result for verdict in run.verdicts] == ["inconclusive", "pass", "fail"]
        assert "'errors' is breached" in run.reason
        assert bench.values() == {"a": 1}


async def test_inconclusive_pauses_and_resume_watches_again() -> None:
    async with Bench(a=1) as bench:
        bench.verdicts = ["inconclusive"]
        plan = held(bench)
        run = await bench.run(plan)
        assert (run.state, run.exit_code) == ("paused", ExitCode.INCONCLUSIVE)
        assert bench.values() == {"a": 2}
        bench.verdicts = ["pass"]
        run = await bench.drive(bench.engine.resume(RUN))
        assert run.state == "done"
        assert bench.world.journal == [("set", "a")]


async def test_a_source_that_is_down_is_inconclusive() -> None:
    async with Bench(a=1) as bench:
        bench.source_error = UnavailableError("no route")
        run = await bench.run(held(bench))
        assert run.state == "paused"
        assert "no route" in run.verdicts[0].reason


async def test_a_condition_with_reaction_pause_pauses() -> None:
    async with Bench(a=1) as bench:
        bench.verdicts = ["fail"]
        run = await bench.run(held(bench, condition=CONDITION.model_copy(update={"reaction": "pause"})))
        assert run.state == "paused"
        assert bench.values() == {"a": 2}


async def test_a_condition_that_no_hold_names_is_watched_through_the_run() -> None:
    async with Bench(a=1) as bench:
        bench.verdicts = ["pass", "fail"]

        async def wait(name):
            await bench.clock.sleep(100)

        bench.world.read = wait
        steps = [sim_step("one", "set", "a", 2), sim_step("two", "wait", "x", needs=["one"])]
        run = await bench.run(sim_plan(bench.world, steps, conditions=[CONDITION]))
        assert run.state == "rolled_back"
        assert (run.finished_at - run.created_at).total_seconds() < 20


async def test_a_run_wide_condition_without_data_never_promotes() -> None:
    async with Bench(a=1) as bench:
        bench.verdicts = ["inconclusive"]
        run = await bench.run(sim_plan(bench.world, [sim_step("one", "set", "a", 2)], conditions=[CONDITION]))
        assert run.state == "paused"


async def test_a_run_is_executed_by_one_process_only() -> None:
    async with Bench(a=1, c=1) as bench:
        plan = three(bench)
        assert await bench.journal.acquire(RUN, "somebody", bench.engine.deps.settings.lease_ttl)
        with pytest.raises(ConcurrencyError):
            await bench.run(plan)
        assert bench.world.journal == []


async def test_a_lost_lease_stops_without_further_effects() -> None:
    async with Bench(a=1, c=1) as bench:

        async def steal(verb, name):
            await bench.steal_lease()
            await bench.clock.sleep(60)

        bench.world.before_write = steal
        with pytest.raises(ConcurrencyError):
            await bench.run(three(bench))
        assert bench.world.journal == []


async def test_a_run_of_another_plan_is_refused() -> None:
    async with Bench(a=1, c=1) as bench:
        await bench.run(three(bench))
        with pytest.raises(InputError, match="another plan"):
            await bench.run(sim_plan(bench.world, [sim_step("one", "set", "a", 9)]))


async def test_a_plan_that_is_no_dag_leaves_no_run_behind() -> None:
    async with Bench(a=1) as bench:
        for needs in (["two"], ["nobody"]):
            one = sim_step("one", "set", "a", 2, needs=needs)
            two = sim_step("two", "wait", "a", needs=["one"])
            with pytest.raises(InputError):
                await bench.run(sim_plan(bench.world, [one, two]))
        assert await bench.journal.runs() == []


def under_way(bench):
    """A run whose second step takes for ever, and an engine of another process."""

    async def wait(name):
        await bench.clock.sleep(1_000)

    bench.world.read = wait
    plan = sim_plan(bench.world, [sim_step("one", "set", "a", 2), sim_step("two", "wait", "x", needs=["one"])])
    return plan, LocalEngine(bench.engine.deps, bench.engine.requester)


async def test_another_process_cancels_a_run_that_is_under_way() -> None:
    async with Bench(a=1) as bench:
        plan, other = under_way(bench)

        async def both():
            async with asyncio.TaskGroup() as group:
                running = group.create_task(bench.engine.run(plan, RUN))
                await bench.clock.sleep(10)
                await other.cancel(RUN)
            return running.result()

        run = await bench.drive(both())
        assert run.state == "cancelled"
        assert bench.clock.monotonic() < 100


async def test_undo_of_a_run_that_another_process_executes() -> None:
    async with Bench(a=1) as bench:
        plan, other = under_way(bench)

        async def both():
            async with asyncio.TaskGroup() as group:
                group.create_task(bench.engine.run(plan, RUN))
                await bench.clock.sleep(10)
                return await other.undo(RUN)

        run = await bench.drive(both())
        assert run.state == "rolled_back"
        assert bench.values() == {"a": 1}


async def test_a_source_that_a_guard_refuses_is_inconclusive_not_a_failure() -> None:
    async with Bench(a=1) as bench:
        bench.source_error = BudgetExceededError("no calls left")
        run = await bench.run(held(bench))
        assert run.state == "paused"
        assert bench.values() == {"a": 2}


async def test_cancel_leaves_effects_and_says_so_and_undo_takes_them_back() -> None:
    async with Bench(a=1, c=1) as bench:
        bench.verdicts = ["inconclusive"]
        await bench.run(held(bench))
        run = await bench.drive(bench.engine.cancel(RUN))
        assert run.state == "cancelled"
        assert "'one'" in run.reason
        assert bench.values() == {"a": 2, "c": 1}
        run = await bench.drive(bench.engine.undo(RUN))
        assert run.state == "rolled_back"
        assert bench.values() == {"a": 1, "c": 1}


async def test_cancel_stops_a_run_under_way() -> None:
    async with Bench(a=1, c=1) as bench:

        async def wait(name):
            await bench.clock.sleep(1_000)

        bench.world.read = wait
        steps = [sim_step("one", "set", "a", 2), sim_step("two", "wait", "x", needs=["one"])]
        plan = sim_plan(bench.world, steps)

        async def both():
            async with asyncio.TaskGroup() as group:
                running = group.create_task(bench.engine.run(plan, RUN))
                await bench.clock.sleep(10)
                cancelled = await bench.engine.cancel(RUN)
            return running.result(), cancelled

        running, cancelled = await bench.drive(both())
        assert running.state == cancelled.state == "cancelled"
        assert bench.values() == {"a": 2, "c": 1}


async def test_a_finished_run_can_be_undone() -> None:
    async with Bench(a=1, c=1) as bench:
        await bench.run(three(bench))
        run = await bench.drive(bench.engine.undo(RUN))
        assert run.state == "rolled_back"
        assert bench.values() == {"a": 1, "c": 1}
        assert (await bench.drive(bench.engine.undo(RUN))).state == "rolled_back"


async def test_the_kill_switch_parks_and_the_run_goes_on_later() -> None:
    async with Bench(a=1, c=1) as bench:

        async def stop(verb, name):
            await bench.set_switch("stop")

        bench.world.after_write = stop
        plan = three(bench)
        run = await bench.run(plan)
        assert run.state == "paused"
        assert bench.world.journal == [("set", "a")]
        bench.world.after_write = None
        await bench.set_switch("off")
        assert (await bench.drive(bench.engine.resume(RUN))).state == "done"


async def test_stop_lets_undo_go_on_and_hard_parks_it() -> None:
    async with Bench(a=1, c=1) as bench:
        await bench.run(three(bench))
        await bench.set_switch("hard")
        run = await bench.drive(bench.engine.undo(RUN))
        assert run.state == "paused"
        assert bench.values() == {"a": 2, "b": 3, "c": 4}
        await bench.set_switch("stop")
        run = await bench.drive(bench.engine.resume(RUN))
        assert run.state == "rolled_back"


async def test_drain_finishes_what_is_under_way_and_the_run_stays_resumable() -> None:
    async with Bench(a=1, c=1) as bench:

        async def drain(verb, name):
            if name == "b":
                bench.spawn(bench.engine.drain())
                await bench.clock.sleep(1)

        bench.world.before_write = drain
        plan = three(bench)
        run = await bench.run(plan)
        assert run.state == "running"
        assert bench.world.journal == [("set", "a"), ("set", "b")]
        recovered = await bench.drive(bench.engine.recover())
        assert [found.state for found in recovered] == ["done"]
        assert set(bench.world.effects.values()) == {1}


async def test_recovery_leaves_runs_alone_that_wait_for_somebody() -> None:
    async with Bench(mode="review", a=1, c=1) as bench:
        await bench.run(three(bench))
        assert await bench.drive(bench.engine.recover()) == ()
        await bench.answer("approve")
        recovered = await bench.drive(bench.engine.recover())
        assert [found.state for found in recovered] == ["done"]


async def test_cancellation_leaves_no_lease_behind() -> None:
    async with Bench(a=1, c=1) as bench:

        async def wait(verb, name):
            await bench.clock.sleep(1_000)

        bench.world.before_write = wait

        async def cut():
            async with asyncio.timeout(0):
                await bench.engine.run(three(bench), RUN)

        with pytest.raises(TimeoutError):
            await bench.drive(cut())
        assert await bench.journal.acquire(RUN, "other", bench.engine.deps.settings.lease_ttl)


async def test_the_journal_says_intent_then_step_done_then_dependents() -> None:
    async with Bench(a=1, c=1) as bench:
        await bench.run(three(bench))
        kinds = [
            (entry.event.kind, entry.event.step_id)
            for entry in await bench.journal.read(RUN)
            if isinstance(entry.event, (CallIntended, StepMoved)) and entry.event.direction == "do"
        ]
        assert kinds == [
            ("call_intended", "one"),
            ("step_moved", "one"),
            ("call_intended", "two"),
            ("step_moved", "two"),
            ("call_intended", "three"),
            ("step_moved", "three"),
        ]


async def test_later_writes_expect_what_the_former_own_step_left() -> None:
    async with Bench(a=1) as bench:
        plan = sim_plan(
            bench.world,
            [
                sim_step("one", "set", "a", 2),
                sim_step("two", "set", "a", 3, needs=["one"]),
            ],
        )
        await bench.run(plan)
        expected = [call.expects for call in bench.calls if call.operation == "sim.set"]
        assert expected == [{"value": 1}, {"value": 2}]


async def test_a_change_by_somebody_else_between_two_steps_undoes_the_rest_but_not_theirs() -> None:
    async with Bench(a=1, b=1) as bench:

        async def meddle(verb, name):
            if name == "b":
                bench.world.state["a"] = {"value": 99}

        bench.world.after_write = meddle
        plan = sim_plan(
            bench.world,
            [
                sim_step("one", "set", "a", 2),
                sim_step("two", "set", "b", 2, needs=["one"]),
                sim_step("three", "set", "a", 3, needs=["two"]),
            ],
        )
        run = await bench.run(plan)
        assert (run.state, run.exit_code) == ("partial_undo", ExitCode.PARTIAL_UNDO)
        assert bench.values() == {"a": 99, "b": 1}
        assert run.undo["one"].state == "conflict"
        assert "step 'one' stands" in run.reason


async def test_moves_of_the_run_are_journaled_once() -> None:
    async with Bench(a=1, c=1) as bench:
        await bench.run(three(bench))
        moves = [e.event.state for e in await bench.journal.read(RUN) if isinstance(e.event, RunMoved)]
        assert moves == ["running", "done"]
        assert not [e for e in await bench.journal.read(RUN) if isinstance(e.event, VerdictGiven)]


async def test_what_takes_long_to_load_is_loaded_before_the_lease_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []

    class Watched(PatientJournal):
        def __getattr__(self, name):
            if name == "acquire":
                loaded.append("steersman.engines.local.graph" in sys.modules)
            return super().__getattr__(name)

    async with Bench(a=1, c=1) as bench:
        monkeypatch.delitem(sys.modules, "steersman.engines.local.graph", raising=False)
        journal = Watched(bench.journal, bench.clock, bench.life)
        bench.engine.deps = replace(bench.engine.deps, journal=journal)
        await bench.run(three(bench))
    assert loaded[0]
