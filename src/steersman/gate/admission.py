"""First questions: is there such an operation, are these its arguments, is it the environment that was planned?"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

import jsonschema_rs
from pydantic import JsonValue

from steersman.domain.call import Call
from steersman.domain.environment import Environment
from steersman.domain.errors import ConfigError, EnvironmentMismatchError, InputError
from steersman.domain.expression import is_expression
from steersman.domain.ids import OperationName, ResourceId
from steersman.domain.ports import Binding, Toolset
from steersman.gate.passage import Passage


def _refuse(uri: str) -> NoReturn:
    raise ValueError(f"schemas may not refer to {uri!r}: remote references are not read")


@dataclass(frozen=True, slots=True)
class Registered:
    """An operation with its code, its compiled schema, and the toolset that it belongs to."""

    binding: Binding
    arguments: jsonschema_rs.Validator
    toolset: Toolset


@dataclass(frozen=True, slots=True)
class Registry:
    """The closed set of operations. Nothing else can be called."""

    known: Mapping[OperationName, Registered]

    @classmethod
    def of(cls, toolsets: tuple[Toolset, ...]) -> Registry:
        """All operations of these toolsets. Raises ConfigError for a name that is there twice or is another's."""
        known: dict[OperationName, Registered] = {}
        for toolset in toolsets:
            for binding in toolset.bindings():
                operation = binding.operation
                if operation.name in known or operation.toolset != toolset.name:
                    raise ConfigError(f"operation {operation.name!r} is registered twice or by the wrong toolset")
                schema = jsonschema_rs.validator_for(operation.input_schema, retriever=_refuse)
                known[operation.name] = Registered(binding, schema, toolset)
        return cls(known)

    def find(self, name: OperationName) -> Registered:
        """The operation of that name. Raises InputError with the nearest known one."""
        found = self.known.get(name)
        if found is None:
            close = difflib.get_close_matches(name, self.known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else "`steer tools list` shows all"
            raise InputError(f"there is no operation {name!r}; {hint}")
        return found

    def admit(self, call: Call) -> Passage:
        """The call as a passage. Raises InputError for an unknown operation, another version, or wrong arguments."""
        registered = self.find(call.operation)
        operation = registered.binding.operation
        if call.version is not None and call.version != operation.version:
            raise InputError(
                f"{call.operation!r} was planned in version {call.version}, and here is {operation.version}; plan anew"
            )
        if _unresolved(call.arguments):
            raise InputError(f"{call.operation!r}: arguments still hold references to other steps")
        error = next(iter(registered.arguments.iter_errors(call.arguments)), None)
        if error is not None:
            place = "/".join(str(part) for part in error.instance_path) or "arguments"
            raise InputError(
                f"{call.operation!r}: {place}: {error.message}; `steer tools show {call.operation}` says more"
            )
        try:
            resource = operation.target(call.arguments)
        except KeyError as e:
            raise InputError(f"{call.operation!r} needs the argument {e.args[0]!r}") from e
        return Passage(call=call, binding=registered.binding, resource=ResourceId(resource))


@dataclass(slots=True)
class Identified:
    """Compares the environment that was planned with what the system says of itself, before each write."""

    registry: Registry
    _seen: dict[str, Environment] = field(default_factory=dict)

    async def __call__(self, passage: Passage) -> Passage:
        """Raises EnvironmentMismatchError. Reads may go by what was seen last."""
        toolset = self.registry.find(passage.call.operation).toolset
        actual = None if passage.writes else self._seen.get(toolset.name)
        if actual is None:
            actual = self._seen[toolset.name] = await toolset.environment()
        planned = passage.call.environment
        if identity(actual) != identity(planned):
            raise EnvironmentMismatchError(
                f"{passage.call.operation!r} was meant for {planned}, and this is {actual}; nothing was done"
            )
        return passage


def identity(environment: Environment) -> tuple[str, str, str, str]:
    """What makes an environment the same one; its address may change."""
    return environment.kind, environment.name, environment.uid, environment.tier


def _unresolved(value: JsonValue) -> bool:
    if isinstance(value, dict):
        return is_expression(value) or any(_unresolved(item) for item in value.values())
    return isinstance(value, list) and any(_unresolved(item) for item in value)
