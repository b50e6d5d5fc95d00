"""Any `Source` as read operations, `<name>.range`, `.logs`, `.spans`, `.changes`: telemetry passes the gate as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

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


class ChangesQuery(Fact):
    """Arguments of `.changes`."""

    window: Window


class ChangeList(Fact):
    """Answer of `.changes`."""

    changes: tuple[Change, ...]


def telemetry_operations(name: str) -> tuple[Operation, ...]:
    """`range`, `logs`, `spans`, `changes`, as operations of a toolset of that name."""

    def operation(verb: str, takes: type[Fact], gives: type[Fact], summary: str) -> Operation:
        return Operation(
            name=OperationName(f"{name}.{verb}"),
            summary=summary,
            effect="read",
            access="read",
            idempotent="natural",
            input_schema=_schema(takes),
            output_schema=_schema(gives),
            timeout_s=15.0,
        )

    return (
        operation("range", RangeQuery, Series, "Asks for one signal over a window"),
        operation("logs", PageQuery, LogPage, "Asks for log lines of a window, oldest first"),
        operation("spans", PageQuery, SpanPage, "Asks for spans of a window, oldest first"),
        operation("changes", ChangesQuery, ChangeList, "Asks what people and machines did in a window"),
    )


@dataclass(frozen=True, slots=True)
class SourceToolset:
    """A source as a toolset of an environment."""

    name: str
    source: Source
    where: Environment

    async def environment(self) -> Environment:
        """Where the telemetry is from."""
        return self.where

    def bindings(self) -> Sequence[Binding]:
        """The four operations with the source behind them."""
        handlers = (self._range, self._logs, self._spans, self._changes)
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
        query = _read(ChangesQuery, arguments)
        return ChangeList(changes=await self.source.changes(query.window)).model_dump(mode="json")


def _read(kind: type[T], arguments: JsonObject) -> T:
    try:
        return kind.model_validate(arguments)
    except ValidationError as e:
        first = e.errors()[0]
        raise InputError(f"{'/'.join(map(str, first['loc']))}: {first['msg']}") from e


def _schema(kind: type[Fact]) -> JsonObject:
    schema: JsonObject = TypeAdapter(kind).json_schema()
    return schema
