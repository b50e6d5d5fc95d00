"""An engine on the simulated world: the real gate, the real journal, the shipped rules, time that does not wait."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from steersman.domain.environment import Principal
from steersman.domain.finding import Verdict
from steersman.domain.ids import PrincipalId, RunId
from steersman.domain.signal import Series
from steersman.engines.local import Deps, LocalEngine
from steersman.gate.desk import ApprovalDesk
from steersman.gate.gate import Gate, Needs, Settings
from steersman.gate.redaction import Redactor
from steersman.journal.keyring import Keyring
from steersman.journal.sqlite import SqliteJournal
from steersman.policy.engine import load
from steersman.testing.world import World

from .doubles import FakeClock, Killed, Life, PatientJournal

RUN = RunId("run-1")
ALICE = Principal(id=PrincipalId("alice"), kind="human", roles=frozenset({"operator", "approver"}))
KEYS = Keyring.generate()
RULES = load()


class Bench:
    def __init__(self, mode="autonomous", **state) -> None:
        self.world = World(state={name: {"value": value} for name, value in state.items()})
        self.mode = mode
        self.verdicts = ["pass"]
        self.source_error = None
        self.calls = []
        self.tasks = set()
        self.life = Life()
        self.stack = AsyncExitStack()

    async def __aenter__(self):
        self.clock = FakeClock()
        folder = Path(self.stack.enter_context(TemporaryDirectory()))
        journal = await self.stack.enter_async_context(SqliteJournal.open(folder / "journal.db", KEYS, self.clock))
        self.journal = PatientJournal(journal, self.clock, self.life)
        people = {ALICE.id: ALICE}.get
        self.gate = Gate(
            Needs(
                toolsets=(self.world,),
                journal=self.journal,
                keyring=KEYS,
                rules=RULES,
                directory=people,
                clock=self.clock,
                redactor=Redactor(),
                settings=Settings(mode=self.mode),
            )
        )
        self.desk = ApprovalDesk(self.journal, KEYS, RULES, people, self.clock)
        self.engine = LocalEngine(
            Deps(self, self.gate, self.journal, lambda _: self, self.judge, self.clock, self.gate.operation), ALICE
        )
        return self

    async def __aexit__(self, *_):
        if self.tasks:
            await self.drive(asyncio.gather(*self.tasks))
        await self.stack.aclose()

    async def call(self, call):
        self.calls.append(call)
        return await self.gate.call(call)

    def values(self):
        return {name: state["value"] for name, state in self.world.state.items()}

    def judge(self, condition, series, baseline, at):
        result = self.verdicts.pop(0) if len(self.verdicts) > 1 else self.verdicts[0]
        return Verdict(result=result, reason=f"scripted {result}", at=at)

    async def range(self, signal, selector, window):
        if self.source_error is not None:
            raise self.source_error
        return Series(signal=signal, selector=selector, times=(), values=())

    async def drive(self, work):
        return await self.clock.drive(work)

    async def life_of(self, work, *, die_at):
        """What a process that dies at its n-th boundary gets done; None when it died."""
        self.life.begin(die_at)
        self.world.before_write = self.world.after_write = self._boundary
        try:
            return await self.drive(work)
        except Killed:
            return None
        except BaseExceptionGroup as many:
            if many.subgroup(Killed) is None:
                raise
            return None
        finally:
            self.life.begin(None)
            self.clock.at += timedelta(minutes=5)

    async def _boundary(self, verb, name):
        self.life.boundary()

    async def run(self, plan):
        return await self.drive(self.engine.run(plan, RUN))

    async def approved(self, plan):
        """The run of a plan that was approved."""
        assert (await self.run(plan)).state == "waiting"
        await self.answer("approve")
        return await self.run(plan)

    def spawn(self, work):
        self.tasks.add(asyncio.ensure_future(work))

    async def answer(self, what, comment=""):
        (approval,) = await self.journal.approvals(open_only=True)
        await self.drive(self.desk.vote(approval.request.id, ALICE, what, comment=comment))

    async def set_switch(self, level):
        await self.journal.set_level(level, by="alice")

    async def steal_lease(self):
        owner = next(iter(self.engine._live.values())).lease.owner
        await self.journal.release(RUN, owner)
        assert await self.journal.acquire(RUN, "thief", timedelta(hours=1))
