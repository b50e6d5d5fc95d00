"""Every operation that there is, with its code and compiled schema; those of lazy toolsets are made when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

import jsonschema_rs

from steersman.domain.errors import ConfigError
from steersman.domain.ids import OperationName
from steersman.domain.operation import Operation
from steersman.domain.ports import Binding, LazyToolset, Toolset


def refuse_reference(uri: str) -> NoReturn:
    """For schemas: nothing is fetched to check a value."""
    raise ValueError(f"schemas may not refer to {uri!r}: remote references are not read")


@dataclass(frozen=True, slots=True)
class Registered:
    """An operation with its code, its compiled schema, and the toolset that it belongs to."""

    binding: Binding
    arguments: jsonschema_rs.Validator
    toolset: Toolset

    @property
    def writes(self) -> bool:
        """Whether the operation can change anything."""
        return self.binding.operation.effect != "read"


@dataclass(slots=True)
class Known(Mapping[OperationName, Registered]):
    """All operations by name. Those of a lazy toolset are made, and their schemas compiled, when they are asked for."""

    _made: dict[OperationName, Registered] = field(default_factory=dict)
    _lazy: dict[OperationName, LazyToolset] = field(default_factory=dict)

    def add(self, toolset: Toolset) -> None:
        """Raises ConfigError for a name that is there twice or is another toolset's."""
        if isinstance(toolset, LazyToolset):
            for name in toolset.names():
                self._must_be_new(name, toolset)
                self._lazy[name] = toolset
            return
        for binding in toolset.bindings():
            self._must_be_new(binding.operation.name, toolset)
            self._made[binding.operation.name] = _registered(binding, toolset)

    def __getitem__(self, name: OperationName) -> Registered:
        if name not in self._made:
            toolset = self._lazy[name]
            found = _registered(toolset.binding(name), toolset)
            if found.binding.operation.name != name:
                raise ConfigError(
                    f"{toolset.name!r} gives {found.binding.operation.name!r} for {name!r}; import it again"
                )
            self._must_probe_by_a_read(found)
            self._made[name] = found
        return self._made[name]

    def __iter__(self) -> Iterator[OperationName]:
        return iter({**self._made, **self._lazy})

    def __len__(self) -> int:
        return len(self._made.keys() | self._lazy.keys())

    def __contains__(self, name: object) -> bool:
        return name in self._made or name in self._lazy

    def must_be_sound(self) -> None:
        """Looks at what is made already. Raises ConfigError for a probe that is no read."""
        for found in list(self._made.values()):
            self._must_probe_by_a_read(found)

    def _must_be_new(self, name: OperationName, toolset: Toolset) -> None:
        if name in self or name.partition(".")[0] != toolset.name:
            raise ConfigError(f"operation {name!r} is registered twice or by the wrong toolset")

    def _must_probe_by_a_read(self, found: Registered) -> None:
        probe = found.binding.operation.probe
        if probe and (probe.operation not in self or self[probe.operation].binding.operation.effect != "read"):
            raise ConfigError(f"the probe of {found.binding.operation.name!r} must be a registered read operation")


def _registered(binding: Binding, toolset: Toolset) -> Registered:
    schema = jsonschema_rs.validator_for(binding.operation.input_schema, retriever=refuse_reference)
    return Registered(binding, schema, toolset)


@dataclass(frozen=True, slots=True)
class Operations(Mapping[OperationName, Operation]):
    """The operations alone, as lazy as what they are read from."""

    known: Mapping[OperationName, Registered]

    def __getitem__(self, name: OperationName) -> Operation:
        return self.known[name].binding.operation

    def __iter__(self) -> Iterator[OperationName]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)

    def __contains__(self, name: object) -> bool:
        return name in self.known
