"""Lazy toolsets: what is not asked for is not made, and the gate's rules hold all the same."""

from collections.abc import Sequence

import pytest

from steersman.domain.environment import Environment
from steersman.domain.errors import ConfigError
from steersman.domain.ids import OperationName
from steersman.domain.operation import Invocation, Operation
from steersman.domain.ports import Binding
from steersman.gate.admission import Registry
from steersman.gate.known import Operations
from steersman.testing.toolset import ENVIRONMENT

READ = Operation(
    name=OperationName("far.look"),
    summary="Looks",
    effect="read",
    access="read",
    input_schema={"type": "object", "properties": {}, "additionalProperties": False},
    output_schema={"type": "object"},
)


async def nothing(*_: object) -> dict:
    return {}


class Far:
    """Counts what it makes."""

    name = "far"

    def __init__(self, *operations: Operation) -> None:
        self._operations = {each.name: each for each in operations}
        self.made: list[str] = []

    def names(self) -> Sequence[OperationName]:
        return list(self._operations)

    def binding(self, name: OperationName) -> Binding:
        self.made.append(name)
        return Binding(self._operations[name], nothing)

    def bindings(self) -> Sequence[Binding]:
        raise AssertionError("nobody asks for all of them")

    async def environment(self) -> Environment:
        return ENVIRONMENT


def test_an_operation_is_made_once_and_only_when_it_is_asked_for() -> None:
    far = Far(READ, READ.model_copy(update={"name": OperationName("far.other")}))
    registry = Registry.of((far,))
    catalogue = Operations(registry.known)
    assert set(catalogue) == {"far.look", "far.other"}
    assert "far.look" in catalogue
    assert far.made == []
    assert registry.find(OperationName("far.look")) is registry.find(OperationName("far.look"))
    assert far.made == ["far.look"]


def test_a_name_of_another_toolset_or_there_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="twice"):
        Registry.of((Far(READ), Far(READ)))
    with pytest.raises(ConfigError, match="wrong toolset"):
        Registry.of((Far(READ.model_copy(update={"name": OperationName("near.look")})),))


def test_a_probe_that_is_no_read_is_refused_when_the_operation_is_asked_for() -> None:
    write = READ.model_copy(
        update={
            "name": OperationName("far.write"),
            "effect": "write",
            "access": "update",
            "resource": "far/x",
            "probe": Invocation(operation=OperationName("far.write2")),
        }
    )
    other = write.model_copy(update={"name": OperationName("far.write2"), "probe": None})
    registry = Registry.of((Far(write, other),))
    with pytest.raises(ConfigError, match="probe"):
        registry.find(OperationName("far.write"))


def test_an_operation_under_another_name_is_not_made() -> None:
    class Lying(Far):
        def binding(self, name: OperationName) -> Binding:
            del name
            return Binding(READ.model_copy(update={"name": OperationName("far.other")}), nothing)

    registry = Registry.of((Lying(READ),))
    with pytest.raises(ConfigError, match=r"'far' gives 'far\.other' for 'far\.look'"):
        registry.find(OperationName("far.look"))
