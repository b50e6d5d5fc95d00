"""Any `Source` as read operations, `<name>.range`, `.logs`, `.spans`, `.changes`: telemetry passes the gate as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

from pydantic import Field, TypeAdapter, ValidationError

from steersman.domain.environment import Environment
from steersman.domain.errors import InputError
from steersman.domain.fact import Fact, JsonObject
from steersman.domain.ids import OperationName
from steersman.domain.operation import Operation
from steersman.domain.ports import Binding, CallContext, Source
from steersman.domain.signal import Change, LogPage, Selector, Series, SignalName, SpanPage, Window

T = TypeVar("T", bound=Fact)


class RangeQuery(Fact):
    """Arguments of `.range`."""

    signal: SignalName
    selector: Selector = Selector()
    window: Window


class PageQuery(Fact):
    """Arguments of `.logs` and `.spans`."""

    selector: Selector = Selector()
    window: Window
    limit: int = Field(default=1_000, ge=1, le=1_000_000)


class WindowQuery(Fact):
    """Arguments of `.changes` and `.services`."""

    window: Window


class ChangeList(Fact):
    """Answer of `.changes`."""

    changes: tuple[Change, ...]
    holes: tuple[str, ...] = ()
    """Who did not answer, one sentence each, made by code."""


class Services(Fact):
    """Answer of `.services`."""

    services: tuple[str, ...]


class Calls(Fact):
    """Answer of `.calls`."""

    calls: tuple[tuple[str, str], ...]
    """Caller and callee."""


class CiteQuery(Fact):
    """Arguments of `.cite`."""

    of: str = Field(pattern="^(metrics|logs|spans)$")
    signal: str = ""
    """For metrics: a signal, or the name of a metric."""
    selector: Selector = Selector()
    window: Window


class Citation(Fact):
    """Answer of `.cite`: how people ask the same, and where."""

    query: str = ""
    """In the system's own language; empty when nothing there is of what is selected."""
    language: str = ""
    link: str = ""
    """Opens the query with its window; made by code; empty when nothing can show it."""


@runtime_checkable
class ChangeTeller(Protocol):
    """A source of changes that also says who did not answer."""

    async def change_list(self, window: Window) -> ChangeList:
        """Changes, oldest first, and holes."""
        ...


@runtime_checkable
class ServiceLister(Protocol):
    """A source that knows which services there are."""

    async def services(self, window: Window) -> tuple[str, ...]:
        """Names of services, as selectors take them."""
        ...


@runtime_checkable
class CallLister(Protocol):
    """A source that knows which service calls which without looking at single requests."""

    async def calls(self, window: Window) -> tuple[tuple[str, str], ...]:
        """Pairs of caller and callee that were seen in a window."""
        ...


@runtime_checkable
class Citing(Protocol):
    """A source that says how people ask the same."""

    async def cite(self, asked: CiteQuery) -> Citation:
        """The query in the system's own language, with a link."""
        ...


@runtime_checkable
class Explorer(Protocol):
    """Something with pages that show queries of other systems."""

    async def explore(self, language: str, query: str, window: Window) -> str:
        """A link that opens the query; empty when it cannot show that language."""
        ...


def telemetry_operations(name: str) -> tuple[Operation, ...]:
    """`range`, `logs`, `spans`, `changes`, `services`, `calls`, `cite`, as operations of a toolset of that name."""

    def operation(verb: str, takes: type[Fact], gives: type[Fact], summary: str) -> Operation:
        return Operation(
            name=OperationName(f"{name}.{verb}"),
            summary=summary,
            effect="read",
            access="read",
            idempotent="natural",
            input_schema=_schema(takes),
            output_schema=_schema(gives),
            timeout_s=30.0,
            # Metrics, logs, spans may come from systems of their own: one that is down must not close the others off.
            circuit=f"{name}.{verb}",
        )

    return (
        operation("range", RangeQuery, Series, "Asks for one signal over a window"),
        operation("logs", PageQuery, LogPage, "Asks for log lines of a window, oldest first"),
        operation("spans", PageQuery, SpanPage, "Asks for spans of a window, oldest first"),
        operation("changes", WindowQuery, ChangeList, "Asks what people and machines did in a window"),
        operation("services", WindowQuery, Services, "Names the services that telemetry is of"),
        operation("calls", WindowQuery, Calls, "Tells which service calls which, as far as metrics know"),
        operation("cite", CiteQuery, Citation, "Says how people ask the same, with a link that shows it"),
    )


@dataclass(frozen=True, slots=True)
class SourceToolset:
    """A source as a toolset of an environment. What it cannot tell is answered with nothing."""

    name: str
    source: Source
    where: Environment

    async def environment(self) -> Environment:
        """Where the telemetry is from."""
        return self.where

    def bindings(self) -> Sequence[Binding]:
        """The operations with the source behind them."""
        handlers = (self._range, self._logs, self._spans, self._changes, self._services, self._calls, self._cite)
        return tuple(map(Binding, telemetry_operations(self.name), handlers))

    async def _range(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        query = _read(RangeQuery, arguments)
        return (await self.source.range(query.signal, query.selector, query.window)).model_dump(mode="json")

    async def _logs(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        query = _read(PageQuery, arguments)
        return (await self.source.logs(query.selector, query.window, limit=query.limit)).model_dump(mode="json")

    async def _spans(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        query = _read(PageQuery, arguments)
        return (await self.source.spans(query.selector, query.window, limit=query.limit)).model_dump(mode="json")

    async def _changes(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        window = _read(WindowQuery, arguments).window
        if isinstance(self.source, ChangeTeller):
            return (await self.source.change_list(window)).model_dump(mode="json")
        return ChangeList(changes=await self.source.changes(window)).model_dump(mode="json")

    async def _services(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        window = _read(WindowQuery, arguments).window
        found = await self.source.services(window) if isinstance(self.source, ServiceLister) else ()
        return Services(services=found).model_dump(mode="json")

    async def _calls(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        window = _read(WindowQuery, arguments).window
        found = await self.source.calls(window) if isinstance(self.source, CallLister) else ()
        return Calls(calls=found).model_dump(mode="json")

    async def _cite(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        query = _read(CiteQuery, arguments)
        found = await self.source.cite(query) if isinstance(self.source, Citing) else Citation()
        return found.model_dump(mode="json")


def _read(kind: type[T], arguments: JsonObject) -> T:
    try:
        return kind.model_validate(arguments)
    except ValidationError as e:
        first = e.errors()[0]
        raise InputError(f"{'/'.join(map(str, first['loc']))}: {first['msg']}") from e


def _schema(kind: type[Fact]) -> JsonObject:
    schema: JsonObject = TypeAdapter(kind).json_schema()
    return schema
