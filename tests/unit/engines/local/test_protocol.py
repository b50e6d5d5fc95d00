"""Plan execution and undo as a protocol: any order of starting, dying, cancelling, undoing, and others who meddle."""

import asyncio
from collections import Counter
from random import Random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from steersman.domain.errors import SteersmanError
from steersman.domain.event import FINAL

from .bench import RUN, Bench
from .test_crashes import effects_by_step, random_plan

DEATHS = st.one_of(st.none(), st.integers(1, 140))
NAMES = st.integers(0, 3).map(lambda number: f"n{number}")


class Protocol(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.bench = Bench(n0=100, n1=101)
        self.runner.run(self.bench.__aenter__())
        self.initial = dict(self.bench.world.state)
        self.meddled: dict[str, int] = {}
        self.begun = False
        self.commanded = False

    @initialize(seed=st.integers(0, 1_000), size=st.integers(1, 6))
    def plan_it(self, seed, size) -> None:
        self.plan = random_plan(self.bench, Random(seed), size)

    def live(self, work, die_at):
        async def expected():
            try:
                return await work
            except SteersmanError:
                return None

        result = self.runner.run(self.bench.life_of(expected(), die_at=die_at))
        self.begun = self.begun or bool(self.runner.run(self.bench.journal.read(RUN)))
        return result

    @rule(die_at=DEATHS)
    def go(self, die_at) -> None:
        self.live(self.bench.engine.run(self.plan, RUN), die_at)

    @rule(die_at=DEATHS)
    def recover(self, die_at) -> None:
        self.live(self.bench.engine.recover(), die_at)

    @precondition(lambda self: self.begun)
    @rule(die_at=DEATHS)
    def cancel(self, die_at) -> None:
        self.commanded = True
        self.live(self.bench.engine.cancel(RUN), die_at)

    @precondition(lambda self: self.begun)
    @rule(die_at=DEATHS)
    def undo(self, die_at) -> None:
        self.commanded = True
        self.live(self.bench.engine.undo(RUN), die_at)

    @rule(name=NAMES, fault=st.sampled_from(["lose_answer", "lose_request", "refuse", "unavailable"]))
    def order_fault(self, name, fault) -> None:
        self.bench.world.faults[name] = [fault]

    @rule(name=NAMES, value=st.integers(1_000, 9_999))
    def meddle(self, name, value) -> None:
        if len(self.meddled) < 2:
            self.meddled[name] = value
            self.bench.world.state[name] = {"value": value}

    @invariant()
    def nothing_happens_twice(self) -> None:
        assert set(self.bench.world.effects.values()) <= {1}

    @invariant()
    def what_others_changed_stays(self) -> None:
        for name, value in self.meddled.items():
            assert self.bench.world.state[name] == {"value": value}

    def teardown(self) -> None:
        try:
            if self.begun:
                self.bench.world.faults.clear()
                self.live(self.bench.engine.recover(), None)
                self.judge(self.runner.run(self.bench.engine.show(RUN)))
        finally:
            self.runner.run(self.bench.__aexit__())
            self.runner.close()

    def judge(self, run) -> None:
        counts = effects_by_step(self.bench)
        if not self.meddled:
            assert run.state in FINAL
        else:
            assert run.state in {*FINAL, "needs_human"}
        if run.state == "done":
            assert counts == Counter({(step.id, "do"): 1 for step in self.plan.steps})
        if run.state == "rolled_back":
            undone = {name: state for name, state in self.bench.world.state.items() if name not in self.meddled}
            assert undone == {name: state for name, state in self.initial.items() if name not in self.meddled}
        if run.state in ("refused", "failed"):
            assert not counts
        if run.state == "partial_undo":
            assert "stands" in run.reason


Protocol.TestCase.settings = settings(
    max_examples=15, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck)
)
TestProtocol = Protocol.TestCase
