"""Calls operations as the gate does: probe, call, probe; and holds what is seen against what the operation promises."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import jsonschema_rs

from steersman.domain.expression import Scope, resolve
from steersman.domain.fact import JsonObject
from steersman.domain.operation import Invocation, Operation
from steersman.domain.ports import Binding, CallContext
from steersman.toolsets.lab import LabToolset

NUMBERS = count()


@dataclass
class Caller:
    toolset: LabToolset
    bindings: dict[str, Binding] = field(init=False)

    def __post_init__(self) -> None:
        self.bindings = {str(binding.operation.name): binding for binding in self.toolset.bindings()}

    async def raw(self, verb: str, arguments: JsonObject, *, key: str = "", before: JsonObject | None = None) -> Any:
        binding = self.bindings[f"lab.{verb}"]
        deadline = datetime.now(UTC) + timedelta(seconds=30)
        context = CallContext(key=key or f"test/{next(NUMBERS)}", deadline=deadline, before=before)
        output = await binding.run(arguments, context)
        jsonschema_rs.validate(binding.operation.output_schema, output)
        return output

    async def probe(self, operation: Operation, arguments: JsonObject) -> JsonObject:
        assert operation.probe is not None
        asked = resolve(operation.probe.arguments, Scope(arguments=arguments))
        assert isinstance(asked, dict)
        return await self.raw(str(operation.probe.operation).partition(".")[2], asked)

    async def write(self, verb: str, **arguments: Any) -> tuple[JsonObject, Invocation]:
        """The output, and the inverse with everything filled in."""
        operation = self.bindings[f"lab.{verb}"].operation
        before = await self.probe(operation, arguments)
        output = await self.raw(verb, arguments, before=before)
        after = await self.probe(operation, arguments)
        assert after == operation.expected(arguments, before)
        assert operation.inverse is not None
        filled = resolve(operation.inverse.arguments, Scope(arguments=arguments, before=before))
        assert isinstance(filled, dict)
        return output, operation.inverse.model_copy(update={"arguments": filled})

    async def undo(self, inverse: Invocation) -> None:
        await self.write(str(inverse.operation).partition(".")[2], **inverse.arguments)
