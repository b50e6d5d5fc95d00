"""Any `Source` as read operations, `<name>.range`, `.logs`, `.spans`, `.changes`: telemetry passes the gate as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from pydantic import Field, TypeAdapter, ValidationError

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


def source_bindings(name: str, source: Source, *, timeout_s: float = 15.0) -> Sequence[Binding]:
    """The four operations of a source."""

    async def range_(arguments: JsonObject, _: CallContext) -> JsonObject:
        query = _read(RangeQuery, arguments)
        return (await source.range(query.signal, query.selector, query.window)).model_dump(mode="json")

    async def logs(arguments: JsonObject, _: CallContext) -> JsonObject:
        query = _read(PageQuery, arguments)
        return (await source.logs(query.selector, query.window, limit=query.limit)).model_dump(mode="json")

    async def spans(arguments: JsonObject, _: CallContext) -> JsonObject:
        query = _read(PageQuery, arguments)
        return (await source.spans(query.selector, query.window, limit=query.limit)).model_dump(mode="json")

    async def changes(arguments: JsonObject, _: CallContext) -> JsonObject:
        query = _read(ChangesQuery, arguments)
        return ChangeList(changes=await source.changes(query.window)).model_dump(mode="json")

    def operation(verb: str, takes: type[Fact], gives: type[Fact], summary: str) -> Operation:
        return Operation(
            name=OperationName(f"{name}.{verb}"),
            summary=summary,
            effect="read",
            access="read",
            idempotent="natural",
            input_schema=_schema(takes),
            output_schema=_schema(gives),
            timeout_s=timeout_s,
        )

    return (
        Binding(operation("range", RangeQuery, Series, "One signal over a window."), range_),
        Binding(operation("logs", PageQuery, LogPage, "Log lines of a window, oldest first."), logs),
        Binding(operation("spans", PageQuery, SpanPage, "Spans of a window, oldest first."), spans),
        Binding(operation("changes", ChangesQuery, ChangeList, "What people and machines did in a window."), changes),
    )


def _read(kind: type[T], arguments: JsonObject) -> T:
    try:
        return kind.model_validate(arguments)
    except ValidationError as e:
        first = e.errors()[0]
        raise InputError(f"{'/'.join(map(str, first['loc']))}: {first['msg']}") from e


def _schema(kind: type[Fact]) -> JsonObject:
    schema: JsonObject = TypeAdapter(kind).json_schema()
    return schema
