"""The scripted toolset is held to what every toolset is held to, and so is the shelf."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from steersman.domain.errors import UnavailableError
from steersman.domain.ports import Binding, Toolset
from steersman.testing.shelf import Shelf
from steersman.testing.toolset import Store
from steersman.testing.toolset_conformance import Example, ToolsetConformance


class Down:
    """A toolset whose system is not there."""

    def __init__(self, inner: Toolset) -> None:
        self.inner, self.name = inner, inner.name

    async def environment(self):
        raise UnavailableError("down")

    def bindings(self):
        async def run(arguments, context):
            raise UnavailableError("down")

        return [Binding(binding.operation, run) for binding in self.inner.bindings()]


@asynccontextmanager
async def entered(toolset: Toolset) -> AsyncIterator[Toolset]:
    yield toolset


class TestStore(ToolsetConformance):
    examples = (
        Example("store.set", {"name": "a", "items": ["x"]}),
        Example("store.create", {"name": "b", "items": ["x"]}),
        Example("store.delete", {"name": "a"}),
        Example("store.append", {"name": "a", "items": ["y"]}),
        Example("store.send", {"name": "a", "items": []}),
    )

    def opened(self):
        return entered(Store(state={"a": ("w",)}))

    def unreachable(self):
        return entered(Down(Store()))


class TestShelf(ToolsetConformance):
    examples = (
        Example("shelf.put", {"name": "a", "value": 2}),
        Example("shelf.create", {"name": "b", "value": 1}),
        Example("shelf.delete", {"name": "b"}, before=(("shelf.create", {"name": "b", "value": 1}),)),
    )

    def opened(self):
        return entered(Shelf({"a": 1}))

    def unreachable(self):
        return entered(Down(Shelf()))


class Wrong(ToolsetConformance):
    examples = TestStore.examples

    def __init__(self, toolset: Toolset) -> None:
        self.toolset = toolset

    def opened(self):
        return entered(self.toolset)

    def unreachable(self):
        return entered(Down(self.toolset))


class Broken(Store):
    """Changes one operation after the other."""

    def __init__(self, verb: str, **change) -> None:
        super().__init__(state={"a": ("w",)})
        self.verb, self.change = verb, change

    def bindings(self):
        return [
            Binding(each.operation.model_copy(update=self.change), each.run)
            if each.operation.name == f"store.{self.verb}"
            else each
            for each in super().bindings()
        ]


@pytest.mark.parametrize(
    ("test", "verb", "change"),
    [
        ("test_operations_are_named_after_the_toolset", "set", {"name": "other.set"}),
        ("test_schemas_are_valid_and_closed", "set", {"input_schema": {"type": "object"}}),
        ("test_effects_say_what_they_are", "set", {"resource": ""}),
        ("test_every_write_has_a_probe_and_an_inverse_or_is_declared_irreversible", "set", {"probe": None}),
        ("test_read_back_shows_what_was_promised_and_the_inverse_restores_it", "set", {"after": {"exists": False}}),
        ("test_a_repeated_call_does_what_its_idempotency_promises", "create", {"after": {"exists": False}}),
    ],
)
async def test_the_suite_finds_what_is_wrong(test, verb, change) -> None:
    with pytest.raises(AssertionError):
        await getattr(Wrong(Broken(verb, **change)), test)()
