import asyncio

from steersman.domain.ids import StepId
from steersman.engines.local.undo import undo_grant
from steersman.testing.worldplans import sim_plan, sim_step

from .bench import RUN, Bench


def broken(*needs):
    return sim_step("bad", "wait", "broken", needs=needs)


async def test_a_conflict_stops_its_branch_and_the_others_go_on() -> None:
    async with Bench(a=1, b=1, c=1, d=1) as bench:
        plan = sim_plan(
            bench.world,
            [
                sim_step("a", "set", "a", 2),
                sim_step("b", "set", "b", 2, needs=["a"]),
                sim_step("c", "set", "c", 2),
                sim_step("d", "set", "d", 2, needs=["c"]),
                broken("b", "d"),
            ],
        )

        async def meddle(name):
            bench.world.state["b"] = {"value": 77}

        bench.world.read = meddle
        bench.world.faults["broken"] = ["refuse"]
        run = await bench.run(plan)
        assert run.state == "partial_undo"
        assert bench.values() == {"a": 2, "b": 77, "c": 1, "d": 1}
        assert (run.undo["b"].state, run.undo["a"].state) == ("conflict", "skipped")
        assert "step 'b' stands: somebody else" in run.reason
        assert "step 'a' stands: kept" in run.reason


async def test_an_undo_after_the_conflict_is_resolved_takes_back_the_rest() -> None:
    async with Bench(a=1, b=1) as bench:
        plan = sim_plan(
            bench.world, [sim_step("a", "set", "a", 2), sim_step("b", "set", "b", 2, needs=["a"]), broken("b")]
        )

        async def meddle(name):
            bench.world.state["b"] = {"value": 77}

        bench.world.read = meddle
        bench.world.faults["broken"] = ["refuse"]
        await bench.run(plan)
        bench.world.state["b"] = {"value": 1}
        run = await bench.drive(bench.engine.undo(RUN))
        assert run.state == "rolled_back"
        assert bench.values() == {"a": 1, "b": 1}


async def test_a_failing_inverse_is_tried_again_then_its_branch_stops() -> None:
    async with Bench(a=1, b=1) as bench:
        plan = sim_plan(bench.world, [sim_step("a", "set", "a", 2), sim_step("b", "set", "b", 2), broken("a", "b")])

        async def jam(name):
            bench.world.faults["a"] = ["refuse"] * 100
            bench.world.faults["b"] = ["refuse"]

        bench.world.read = jam
        bench.world.faults["broken"] = ["refuse"]
        run = await bench.run(plan)
        assert run.state == "partial_undo"
        assert bench.values() == {"a": 2, "b": 1}
        assert run.undo["a"].state == "failed"
        assert run.undo["a"].attempts == bench.engine.deps.settings.inverse_rounds
        assert "refuses" in run.reason


async def test_a_lost_answer_of_an_inverse_is_settled_not_repeated() -> None:
    async with Bench(a=1) as bench:
        plan = sim_plan(bench.world, [sim_step("a", "set", "a", 2), broken("a")])

        async def lose(name):
            bench.world.faults["a"] = ["lose_answer"]

        bench.world.read = lose
        bench.world.faults["broken"] = ["refuse"]
        assert (await bench.run(plan)).state == "rolled_back"
        assert bench.world.journal == [("set", "a"), ("set", "a")]


async def test_a_lost_answer_of_an_inverse_that_cannot_say_what_it_leaves_is_settled_at_once() -> None:
    async with Bench() as bench:
        plan = sim_plan(bench.world, [sim_step("job", "begin", "job", 1), broken("job")])

        async def lose(name):
            bench.world.faults["job"] = ["lose_answer"]
            began.append(bench.clock.monotonic())

        began: list[float] = []
        bench.world.read, bench.world.faults["broken"] = lose, ["refuse"]
        run = await bench.run(plan)
        assert (run.state, bench.values()) == ("rolled_back", {})
        assert (run.undo["job"].settled.result, run.undo["job"].settled.settled_by) == ("done", "probe")
        assert bench.clock.monotonic() - began[0] < 1.0
        assert bench.world.journal == [("set", "job"), ("end", "job")]


async def test_what_is_irreversible_stands_and_what_it_relied_on_is_still_undone() -> None:
    async with Bench("review", a=1, mail=0) as bench:
        plan = sim_plan(
            bench.world,
            [sim_step("a", "set", "a", 2), sim_step("mail", "send", "mail", 1, needs=["a"]), broken("mail")],
        )
        bench.world.faults["broken"] = ["refuse"]
        run = await bench.approved(plan)
        assert run.state == "partial_undo"
        assert bench.values() == {"a": 1, "mail": 1}
        assert "step 'mail' stands: it has no inverse" in run.reason


async def test_what_is_meant_to_outlive_an_undo_is_kept_and_the_undo_is_a_whole_one() -> None:
    async with Bench("review", a=1) as bench:
        plan = sim_plan(
            bench.world,
            [sim_step("a", "set", "a", 2), sim_step("copy", "save", "copy", 1, needs=["a"]), broken("copy")],
        )
        bench.world.faults["broken"] = ["refuse"]
        run = await bench.approved(plan)
        assert run.state == "rolled_back"
        assert bench.values() == {"a": 1, "copy": 1}
        assert (run.undo["copy"].state, run.undo["copy"].reason) == ("skipped", "kept: the copy")


async def test_what_an_inverse_comes_too_late_for_stands_by_its_residue() -> None:
    for finished, left, reason in (
        (set(), {}, ""),
        ({"job"}, {"job": 1}, "kept, the inverse came too late: the work"),
    ):
        async with Bench() as bench:
            plan = sim_plan(bench.world, [sim_step("job", "begin", "job", 1), broken("job")])
            bench.world.finished, bench.world.faults["broken"] = finished, ["refuse"]
            run = await bench.run(plan)
            assert (run.state, bench.values()) == ("rolled_back", left)
            assert (run.undo["job"].state, run.undo["job"].reason) == ("done", reason)


async def test_a_residue_is_no_excuse_for_an_inverse_that_leaves_something_else() -> None:
    async with Bench() as bench:
        plan = sim_plan(bench.world, [sim_step("job", "begin", "job", 1), broken("job")])
        bench.world.faults["broken"] = ["refuse"]

        async def half_way(verb, name):
            if verb == "end":
                bench.world.state[name] = {"value": "half"}

        bench.world.after_write = half_way
        run = await bench.run(plan)
        assert run.state == "partial_undo"
        assert "step 'job' stands" in run.reason


async def test_a_residue_is_no_excuse_for_an_inverse_that_fails() -> None:
    async with Bench() as bench:
        plan = sim_plan(bench.world, [sim_step("job", "begin", "job", 1), broken("job")])

        async def jam(name):
            bench.world.faults["job"] = ["refuse"] * 100

        bench.world.read, bench.world.faults["broken"] = jam, ["refuse"]
        run = await bench.run(plan)
        assert (run.state, bench.values()) == ("partial_undo", {"job": 1})
        assert "its inverse failed" in run.reason


async def test_what_was_destroyed_keeps_what_it_relied_on() -> None:
    async with Bench("review", data=1) as bench:
        plan = sim_plan(
            bench.world,
            [
                sim_step("copy", "create", "copy", 1),
                sim_step("wipe", "delete", "data", needs=["copy"]),
                broken("wipe"),
            ],
        )
        bench.world.faults["broken"] = ["refuse"]
        run = await bench.approved(plan)
        assert run.state == "partial_undo"
        assert bench.values() == {"copy": 1}


async def test_a_step_without_needs_relies_on_the_whole_former_phase() -> None:
    async with Bench(a=1, b=1) as bench:
        plan = sim_plan(
            bench.world,
            [sim_step("build", "set", "a", 2, phase="build"), sim_step("deploy", "set", "b", 2), broken("deploy")],
        )

        async def meddle(name):
            bench.world.state["b"] = {"value": 77}

        bench.world.read = meddle
        bench.world.faults["broken"] = ["refuse"]
        await bench.run(plan)
        assert bench.values() == {"a": 2, "b": 77}


async def test_several_writes_of_one_resource_are_taken_back_one_by_one() -> None:
    async with Bench(weight=0) as bench:
        plan = sim_plan(
            bench.world,
            [
                sim_step("ten", "set", "weight", 10),
                sim_step("fifty", "set", "weight", 50, needs=["ten"]),
                broken("fifty"),
            ],
        )
        bench.world.faults["broken"] = ["refuse"]
        assert (await bench.run(plan)).state == "rolled_back"
        assert [call.arguments["value"] for call in bench.calls if call.route == "undo"] == [10, 0]


async def test_undo_acts_under_the_approval_of_the_plan() -> None:
    async with Bench("review", a=1) as bench:
        plan = sim_plan(bench.world, [sim_step("a", "set", "a", 2)])
        run = await bench.approved(plan)
        grant = undo_grant(run)
        assert (grant.plan_digest, grant.approval_id) == (plan.digest(), run.approvals[0])
        undone = await bench.drive(bench.engine.undo(RUN))
        assert undone.state == "rolled_back"
        assert undone.undo[StepId("a")].state == "done"


async def test_a_write_that_may_be_broken_off_does_not_keep_an_undo_waiting() -> None:
    async with Bench(a=1) as bench:
        under_way, never = asyncio.Event(), asyncio.Event()

        async def slow(verb, name):
            if name == "long":
                under_way.set()
                await never.wait()

        async def break_down(name):
            await under_way.wait()

        bench.world.before_write, bench.world.read = slow, break_down
        bench.world.faults["broken"] = ["refuse"]
        plan = sim_plan(
            bench.world, [sim_step("a", "set", "a", 2), sim_step("l", "load", "long", 1, needs=["a"]), broken("a")]
        )
        run = await bench.run(plan)
        assert run.state == "rolled_back"
        assert bench.values() == {"a": 1}
        assert "l" not in run.undo or run.undo["l"].state == "done"
