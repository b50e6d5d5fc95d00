"""Operations whose arguments and answers are facts: the schema, and its check at the door, come from the type."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import JsonValue, TypeAdapter, ValidationError

from steersman.domain.errors import InputError
from steersman.domain.fact import Fact, JsonObject
from steersman.domain.ids import OperationName
from steersman.domain.operation import Operation
from steersman.domain.ports import Binding, CallContext

Takes = TypeVar("Takes", bound=Fact)
Gives = TypeVar("Gives", bound=Fact)


WHOLE = "whole_answer"


class Partial(Fact):
    """An answer that shows a part of what the server said, and says how much it leaves out."""

    whole_answer: str = ""
    """File with all that the server said, without secrets, where much was left out; empty: nothing was kept."""


def schema_of(kind: type[Fact]) -> JsonObject:
    """The JSON Schema of a fact; closed, as facts are."""
    schema: JsonObject = TypeAdapter(kind).json_schema()
    return schema


def parse(kind: type[Takes], arguments: JsonObject) -> Takes:
    """The arguments as a fact. Raises InputError naming the first wrong field."""
    try:
        return kind.model_validate(arguments)
    except ValidationError as e:
        first = e.errors()[0]
        place = "/".join(map(str, first["loc"])) or "arguments"
        raise InputError(f"{place}: {first['msg']}; `steer tools show` has the schema") from e


def read_operation(
    name: str, summary: str, *, takes: type[Fact], gives: type[Fact], timeout_s: float = 30
) -> Operation:
    """A read without a single target, which may be asked again at will."""
    return Operation(
        name=OperationName(name),
        summary=summary,
        effect="read",
        access="read",
        idempotent="natural",
        input_schema=schema_of(takes),
        output_schema=schema_of(gives),
        timeout_s=timeout_s,
    )


def state_schema(kind: type[Fact]) -> JsonObject:
    """The JSON Schema of a state: what is not known of a thing is left out of it, never null."""
    schema = schema_of(kind)
    properties = schema.get("properties")
    shown = properties if isinstance(properties, dict) else {}
    return {**schema, "properties": {name: _known(about) for name, about in shown.items()}}


def _known(about: JsonValue) -> JsonValue:
    choices = about.get("anyOf") if isinstance(about, dict) else None
    known = [each for each in choices if each != {"type": "null"}] if isinstance(choices, list) else []
    return known[0] if len(known) == 1 else about


def bind_state(operation: Operation, takes: type[Takes], run: Callable[[Takes], Awaitable[Fact]]) -> Binding:
    """Like `bind`, for states: absence is `{"exists": false}` and nothing more."""

    async def handler(arguments: JsonObject, _: CallContext) -> JsonObject:
        return (await run(parse(takes, arguments))).model_dump(mode="json", exclude_none=True)

    return Binding(operation, handler)


def bind(operation: Operation, takes: type[Takes], run: Callable[[Takes], Awaitable[Gives]]) -> Binding:
    """The operation with typed code behind it, which needs nothing of the call but its arguments."""

    async def handler(arguments: JsonObject, _: CallContext) -> JsonObject:
        return (await run(parse(takes, arguments))).model_dump(mode="json")

    return Binding(operation, handler)
