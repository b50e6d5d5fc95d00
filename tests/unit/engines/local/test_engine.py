from steersman.domain.finding import Verdict
from steersman.domain.ids import RunId
from steersman.engines.local import Deps, LocalEngine
from steersman.testing.world import World
from steersman.testing.worldplans import sim_plan, sim_step

from .doubles import ALICE, FakeClock, MemoryJournal, SimGate

RUN = RunId("run-1")


class Bench:
    def __init__(self, **state) -> None:
        self.world = World(state={name: {"value": value} for name, value in state.items()})
        self.clock = FakeClock()
        self.journal = MemoryJournal(self.clock)
        self.gate = SimGate(self.journal, self.clock, self.world)
        self.verdicts = ["pass"]
        self.engine = LocalEngine(
            Deps(self.gate, self.gate, self.journal, self, self.judge, self.clock, self.gate.operation), ALICE
        )

    def judge(self, condition, series, baseline, at):
        result = self.verdicts.pop(0) if len(self.verdicts) > 1 else self.verdicts[0]
        return Verdict(result=result, reason=f"scripted {result}", at=at)

    async def range(self, signal, selector, window):
        return None

    async def run(self, plan):
        return await self.clock.drive(self.engine.run(plan, RUN))


async def test_a_plan_is_done_when_every_step_is_done() -> None:
    bench = Bench(a=1)
    plan = sim_plan(bench.world, [sim_step("one", "set", "a", 2), sim_step("two", "create", "b", 3, needs=["one"])])
    run = await bench.run(plan)
    assert run.state == "done"
    assert bench.world.state == {"a": {"value": 2}, "b": {"value": 3}}
    assert {record.state for record in run.steps.values()} == {"done"}


async def test_a_failed_step_undoes_what_was_done_in_reverse_order() -> None:
    bench = Bench(a=1)
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
    assert bench.world.state == {"a": {"value": 1}}
    assert bench.world.journal[3:] == [("set", "a"), ("delete", "b"), ("set", "a")]
