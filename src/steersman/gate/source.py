"""A source of telemetry whose every question goes through the gate."""

from __future__ import annotations

from dataclasses import dataclass

from steersman.domain.call import Call
from steersman.domain.environment import Environment, Principal
from steersman.domain.fact import Fact, JsonObject
from steersman.domain.ids import OperationName, RunId, StepId
from steersman.domain.policy import Route
from steersman.domain.ports import Caller
from steersman.domain.signal import Change, LogPage, Selector, Series, SignalName, SpanPage, Window
from steersman.domain.source_operations import (
    Calls,
    ChangeList,
    Citation,
    CiteQuery,
    PageQuery,
    RangeQuery,
    Services,
    WindowQuery,
)


@dataclass(frozen=True, slots=True)
class GatedSource:
    """Implements `domain.ports.Source` over the operations of a `SourceToolset`."""

    caller: Caller
    toolset: str
    environment: Environment
    principal: Principal
    run_id: RunId
    route: Route = "engine"

    async def range(self, signal: SignalName, selector: Selector, window: Window) -> Series:
        """One signal over a window."""
        query = RangeQuery(signal=signal, selector=selector, window=window)
        return Series.model_validate(await self._ask("range", query))

    async def logs(self, selector: Selector, window: Window, *, limit: int = 1_000) -> LogPage:
        """Log lines, oldest first."""
        return LogPage.model_validate(await self._ask("logs", PageQuery(selector=selector, window=window, limit=limit)))

    async def spans(self, selector: Selector, window: Window, *, limit: int = 1_000) -> SpanPage:
        """Spans, oldest first."""
        return SpanPage.model_validate(
            await self._ask("spans", PageQuery(selector=selector, window=window, limit=limit))
        )

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """What people and machines did, oldest first."""
        return (await self.change_list(window)).changes

    async def change_list(self, window: Window) -> ChangeList:
        """The same, and who did not answer."""
        return ChangeList.model_validate(await self._ask("changes", WindowQuery(window=window)))

    async def services(self, window: Window) -> tuple[str, ...]:
        """Services that telemetry is of; none where the source cannot tell."""
        return Services.model_validate(await self._ask("services", WindowQuery(window=window))).services

    async def calls(self, window: Window) -> tuple[tuple[str, str], ...]:
        """Which service calls which; none where the source cannot tell."""
        return Calls.model_validate(await self._ask("calls", WindowQuery(window=window))).calls

    async def cite(self, asked: CiteQuery) -> Citation:
        """How people ask the same; empty where the source cannot tell."""
        return Citation.model_validate(await self._ask("cite", asked))

    async def _ask(self, verb: str, query: Fact) -> JsonObject:
        outcome = await self.caller.call(
            Call(
                operation=OperationName(f"{self.toolset}.{verb}"),
                arguments=query.model_dump(mode="json"),
                environment=self.environment,
                principal=self.principal,
                route=self.route,
                run_id=self.run_id,
                step_id=StepId(f"telemetry:{verb}"),
            )
        )
        return outcome.output
