"""A toolset to test with: named values on a shelf. Every kind of write, in memory or on what a subclass brings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from steersman.domain.environment import Environment
from steersman.domain.errors import ToolError
from steersman.domain.fact import JsonObject
from steersman.domain.ids import OperationName
from steersman.domain.operation import Access, Effect, Idempotency, Invocation, Operation
from steersman.domain.ports import Binding, CallContext, Handler

ENVIRONMENT = Environment(kind="shelf", name="test", uid="shelf-1", url="memory://shelf", tier="lab")

NAME: JsonObject = {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,40}$"}
VALUE: JsonObject = {"type": "integer"}
STATE: JsonObject = {
    "type": "object",
    "properties": {"exists": {"type": "boolean"}, "value": VALUE},
    "required": ["exists"],
    "additionalProperties": False,
}
PROBE = Invocation(operation=OperationName("shelf.get"), arguments={"name": {"$arg": "/name"}})


def _takes(*, value: bool) -> JsonObject:
    properties: JsonObject = {"name": NAME, "value": VALUE} if value else {"name": NAME}
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def _operation(verb: str, effect: Effect, access: Access, *, value: bool, **more: object) -> Operation:
    idempotent: Idempotency = "natural" if access in ("read", "update") else "keyed"
    return Operation.model_validate(
        {
            "name": f"shelf.{verb}",
            "summary": f"{verb}s a value",
            "effect": effect,
            "access": access,
            "resource": "shelf/{name}",
            "blast_radius": "none" if effect == "read" else "instance",
            "idempotent": idempotent,
            "input_schema": _takes(value=value),
            "output_schema": STATE,
            "timeout_s": 5,
            **more,
        }
    )


def _inverse(verb: str, **arguments: JsonValue) -> Invocation:
    return Invocation(operation=OperationName(f"shelf.{verb}"), arguments={"name": {"$arg": "/name"}, **arguments})


THERE: JsonObject = {"exists": True, "value": {"$arg": "/value"}}
BEFORE: JsonValue = {"$before": "/value"}

OPERATIONS: Mapping[OperationName, Operation] = {
    operation.name: operation
    for operation in (
        _operation("get", "read", "read", value=False),
        _operation("create", "write", "create", value=True, probe=PROBE, after=THERE, inverse=_inverse("delete")),
        _operation(
            "put", "write", "update", value=True, probe=PROBE, after=THERE, inverse=_inverse("put", value=BEFORE)
        ),
        _operation(
            "delete",
            "destructive",
            "delete",
            value=False,
            probe=PROBE,
            after={"exists": False},
            inverse=_inverse("create", value=BEFORE),
        ),
    )
}


class Shelf:
    """The toolset in memory. `effects` counts what was really done, whatever a journal says."""

    name = "shelf"

    def __init__(self, values: Mapping[str, int] | None = None) -> None:
        self.values = dict(values or {})
        self.effects: list[tuple[str, str, str]] = []
        """(operation, name, idempotency key) of each effect, in order."""
        self._keys: set[str] = set()

    def bindings(self) -> Sequence[Binding]:
        """All of its operations."""
        return [Binding(operation, self._handler(operation)) for operation in OPERATIONS.values()]

    async def environment(self) -> Environment:
        """The shelf itself."""
        return ENVIRONMENT

    def state(self, name: str) -> JsonObject:
        """What the probe shows."""
        return {"exists": True, "value": self.values[name]} if name in self.values else {"exists": False}

    def do(self, verb: str, arguments: JsonObject, key: str = "") -> JsonObject:
        """Does one operation. A repeated key is dropped, as `keyed` promises."""
        name, value = str(arguments["name"]), arguments.get("value")
        if verb == "get" or (key and key in self._keys):
            return self.state(name)
        if (verb == "create") == (name in self.values):
            raise ToolError(f"cannot {verb} {name!r}: it is {'' if name in self.values else 'not '}on the shelf")
        if verb == "delete":
            del self.values[name]
        elif isinstance(value, int):
            self.values[name] = value
        self.effects.append((f"shelf.{verb}", name, key))
        self._keys.add(key)
        return self.state(name)

    def _handler(self, operation: Operation) -> Handler:
        verb = operation.name.partition(".")[2]

        async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
            return self.do(verb, arguments, context.key)

        return run
