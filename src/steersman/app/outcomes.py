"""The engine of an application: asks the knowledge base before a run goes on, and tells it what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from steersman.app.scenarios import Knowledge
from steersman.domain.ids import RunId
from steersman.domain.plan import Plan
from steersman.domain.run import Run
from steersman.engines.local.engine import LocalEngine


@dataclass(frozen=True, slots=True)
class CountedEngine:
    """Implements `domain.ports.Engine`; counts each run that has ended as an outcome of its scenario.

    In autonomous mode nothing goes forward that rests on a scenario which nobody has reviewed; undoing always may.
    """

    inner: LocalEngine
    knowledge: Knowledge

    async def run(self, plan: Plan, run_id: RunId) -> Run:
        """As `LocalEngine.run`. Raises PolicyDeniedError for a scenario that is not trusted."""
        self.knowledge.must_trust(plan)
        return self._counted(await self.inner.run(plan, run_id))

    async def resume(self, run_id: RunId) -> Run:
        """As `LocalEngine.resume`. Raises PolicyDeniedError for a scenario that is not trusted."""
        run = await self.inner.show(run_id)
        if run.state != "undoing":
            self.knowledge.must_trust(run.plan)
        return self._counted(await self.inner.resume(run_id))

    async def undo(self, run_id: RunId, *, reason: str) -> Run:
        """As `LocalEngine.undo`."""
        return self._counted(await self.inner.undo(run_id, reason=reason))

    async def cancel(self, run_id: RunId, *, reason: str) -> Run:
        """As `LocalEngine.cancel`."""
        return self._counted(await self.inner.cancel(run_id, reason=reason))

    async def recover(self) -> tuple[Run, ...]:
        """As `LocalEngine.recover`."""
        return tuple(self._counted(run) for run in await self.inner.recover())

    async def show(self, run_id: RunId) -> Run:
        """As `LocalEngine.show`."""
        return await self.inner.show(run_id)

    async def drain(self) -> None:
        """As `LocalEngine.drain`."""
        await self.inner.drain()

    def _counted(self, run: Run) -> Run:
        self.knowledge.record(run)
        return run
