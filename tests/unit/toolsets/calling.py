"""Calls an operation as the gate does: the answer must fit the schema that was promised."""

from dataclasses import replace

import jsonschema_rs
from tests.unit.toolsets.times import CONTEXT

from steersman.domain.fact import JsonObject
from steersman.domain.ports import Toolset


async def call_on(tools: Toolset, verb: str, arguments: JsonObject, before: JsonObject | None = None) -> JsonObject:
    binding = next(b for b in tools.bindings() if b.operation.name == f"{tools.name}.{verb}")
    fits = jsonschema_rs.is_valid(binding.operation.input_schema, arguments)
    answer = await binding.run(arguments, replace(CONTEXT, before=before))
    assert fits, f"{verb} takes what its schema refuses"
    wrong = next(jsonschema_rs.validator_for(binding.operation.output_schema).iter_errors(answer), None)
    assert wrong is None, wrong
    return answer
