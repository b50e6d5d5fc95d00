"""Several sources as one: metrics of one, logs of another, changes of all; who is down is a hole, and said so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from steersman.domain.errors import NoSourceError, ToolError, UnavailableError
from steersman.domain.ports import Source
from steersman.domain.signal import Change, LogPage, Selector, Series, SignalName, SpanPage, Window
from steersman.domain.source_operations import (
    CallLister,
    ChangeList,
    Citation,
    CiteQuery,
    Citing,
    Explorer,
    ServiceLister,
)

T = TypeVar("T")
TIMEOUT_S = 8.0
"""Less than an investigation waits for: one that hangs must not take the others' answers with it."""


@dataclass(frozen=True, slots=True)
class Named:
    """A source and how holes call it."""

    name: str
    source: Source


@dataclass(frozen=True, slots=True)
class _Answer(Generic[T]):
    """One value, or why there is none."""

    values: list[T]
    hole: str = ""


@dataclass(frozen=True, slots=True)
class MergedSource:
    """Asks each source for what it has. Raises NoSourceError for what none has, UnavailableError when all are down."""

    members: Sequence[Named]
    timeout_s: float = TIMEOUT_S

    async def range(self, signal: SignalName, selector: Selector, window: Window) -> Series:
        """Of the first source that knows anything of it."""
        found, holes = await self._all(signal, lambda source: source.range(signal, selector, window))
        best = next((series for series in found if series.times), None)
        if best is None and holes:
            raise UnavailableError("; ".join(holes))  # the one that is down may know
        return best or found[0]

    async def logs(self, selector: Selector, window: Window, *, limit: int = 1_000) -> LogPage:
        """Of all sources, oldest first."""
        pages, holes = await self._all("logs", lambda source: source.logs(selector, window, limit=limit))
        records = sorted((record for page in pages for record in page.records), key=lambda record: record.at)
        left_out = sum(page.left_out for page in pages) + max(len(records) - limit, 0)
        known = tuple(hole for page in pages for hole in page.holes)
        return LogPage(
            records=tuple(records[:limit]), left_out=left_out, holes=(*known, *holes), sampled=_sampled(pages)
        )

    async def spans(self, selector: Selector, window: Window, *, limit: int = 1_000) -> SpanPage:
        """Of all sources, oldest first; one that two of them have is there once."""
        pages, holes = await self._all("spans", lambda source: source.spans(selector, window, limit=limit))
        distinct = {(span.trace_id, span.span_id): span for page in pages for span in page.spans}
        spans = sorted(distinct.values(), key=lambda span: span.start)
        left_out = sum(page.left_out for page in pages) + max(len(spans) - limit, 0)
        known = tuple(hole for page in pages for hole in page.holes)
        return SpanPage(spans=tuple(spans[:limit]), left_out=left_out, holes=(*known, *holes), sampled=_sampled(pages))

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """Of all sources, oldest first."""
        return (await self.change_list(window)).changes

    async def change_list(self, window: Window) -> ChangeList:
        """Of all sources, oldest first, and who did not answer."""
        lists, holes = await self._all("changes", lambda source: source.changes(window))
        changes = sorted((change for each in lists for change in each), key=lambda change: change.at)
        return ChangeList(changes=tuple(changes), holes=holes)

    async def services(self, window: Window) -> tuple[str, ...]:
        """All that any source names."""

        async def ask(source: Source) -> tuple[str, ...]:
            if not isinstance(source, ServiceLister):
                raise NoSourceError("it lists no services")
            return await source.services(window)

        lists, _ = await self._all("services", ask)
        return tuple(sorted({name for names in lists for name in names}))

    async def calls(self, window: Window) -> tuple[tuple[str, str], ...]:
        """All that any source knows of."""

        async def ask(source: Source) -> tuple[tuple[str, str], ...]:
            if not isinstance(source, CallLister):
                raise NoSourceError("it knows of no calls")
            return await source.calls(window)

        try:
            lists, _ = await self._all("calls", ask)
        except NoSourceError:
            return ()
        return tuple(sorted({pair for pairs in lists for pair in pairs}))

    async def cite(self, asked: CiteQuery) -> Citation:
        """Of the first source that can say; the link opens in Grafana where there is one that can show it."""

        async def ask(source: Source) -> Citation:
            if not isinstance(source, Citing):
                raise NoSourceError("it cites nothing")
            return await source.cite(asked)

        found, _ = await self._all("the query", ask)
        cited = next((each for each in found if each.query), Citation())
        link = await self._explored(cited, asked.window) if cited.query else ""
        return cited.model_copy(update={"link": link}) if link else cited

    async def _explored(self, cited: Citation, window: Window) -> str:
        for member in self.members:
            if isinstance(member.source, Explorer):
                try:
                    async with asyncio.timeout(self.timeout_s):
                        return await member.source.explore(cited.language, cited.query, window)
                except (TimeoutError, ToolError, UnavailableError):
                    continue  # the system's own page, where it has one, has to do
        return ""

    async def _all(self, what: str, ask: Callable[[Source], Awaitable[T]]) -> tuple[list[T], tuple[str, ...]]:
        """Answers of those that have such a thing, and a sentence for each that should and gave none."""
        answers = await asyncio.gather(*(self._one(what, member, ask) for member in self.members))
        found = [value for each in answers if each is not None for value in each.values]
        holes = tuple(each.hole for each in answers if each is not None and each.hole)
        if not found and holes:
            raise UnavailableError("; ".join(holes))
        if not found:
            names = ", ".join(member.name for member in self.members)
            raise NoSourceError(f"none of {names} has {what!r}; configure a system that does")
        return found, holes

    async def _one(self, what: str, member: Named, ask: Callable[[Source], Awaitable[T]]) -> _Answer[T] | None:
        try:
            async with asyncio.timeout(self.timeout_s):
                return _Answer([await ask(member.source)])
        except NoSourceError:
            return None
        except TimeoutError:
            return _Answer([], f"{what}: {member.name} gave no answer within {self.timeout_s:g} s")
        except (UnavailableError, ToolError) as e:
            did = "is down or busy" if isinstance(e, UnavailableError) else "refused to answer"
            return _Answer([], f"{what}: {member.name} {did}; `steer doctor` says why")


def _sampled(pages: Sequence[LogPage] | Sequence[SpanPage]) -> bool:
    """Whether every page that leaves something out leaves it out everywhere alike."""
    return all(page.sampled for page in pages if page.left_out)
