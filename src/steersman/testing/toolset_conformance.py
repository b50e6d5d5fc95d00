"""What every toolset must do. Inherit `ToolsetConformance`, say how to open one, and pytest runs all of it.

class TestStore(ToolsetConformance):
    def opened(self): return open_store()
    def unreachable(self): return open_store_that_is_down()
    examples = (Example("store.set", {"name": "a", "items": ["x"]}, before=(("store.create", {...}),)),)
"""

from __future__ import annotations

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import get_args

import jsonschema_rs
import pytest
from pydantic import JsonValue

from steersman.domain.environment import Environment
from steersman.domain.errors import OutcomeUnknownError, ToolError, UnavailableError
from steersman.domain.expression import Scope, is_expression, resolve
from steersman.domain.fact import JsonObject, canonical
from steersman.domain.ids import OperationName
from steersman.domain.operation import Effect, Invocation, Operation
from steersman.domain.ports import Binding, CallContext, Toolset

NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Example:
    """A call that works, after the calls that prepare for it."""

    operation: str
    arguments: JsonObject
    before: tuple[tuple[str, JsonObject], ...] = ()


@dataclass(slots=True)
class Desk:
    """Calls handlers as the gate does: valid arguments, a key of its own for each call, a deadline."""

    bindings: dict[OperationName, Binding]
    _calls: Iterator[int] = field(default_factory=lambda: iter(range(1_000_000)))

    async def call(self, name: str, arguments: JsonObject, **more: object) -> JsonObject:
        """The answer of one call. Raises AssertionError for arguments or an answer that break the schema."""
        binding = self.bindings[OperationName(name)]
        operation = binding.operation
        wrong = _wrong(operation.input_schema, arguments)
        assert not wrong, f"{name}: arguments break the input schema: {wrong}"
        context = CallContext(
            key=f"conformance/{next(self._calls)}",
            deadline=datetime.now(UTC) + timedelta(seconds=operation.timeout_s),
            **more,  # type: ignore[arg-type]  # the caller names fields of CallContext
        )
        answer = await binding.run(arguments, context)
        wrong = _wrong(operation.output_schema, answer)
        assert not wrong, f"{name}: the answer breaks the output schema: {wrong}"
        return answer

    async def probe(self, operation: Operation, arguments: JsonObject) -> JsonObject:
        """What the operation's probe shows."""
        assert operation.probe is not None
        found = resolve(operation.probe.arguments, Scope(arguments=arguments))
        assert isinstance(found, dict)
        return await self.call(operation.probe.operation, found)


class ToolsetConformance(ABC):
    """Schemas, probes, inverses, cancellation and errors of one toolset."""

    examples: Sequence[Example] = ()
    """At least one for each write. The tests loop over them: pytest cannot parametrise by a subclass's attribute."""

    @abstractmethod
    def opened(self) -> AbstractAsyncContextManager[Toolset]:
        """A fresh one on a system that is up, always in the same state."""

    @abstractmethod
    def unreachable(self) -> AbstractAsyncContextManager[Toolset]:
        """One whose system does not answer."""

    async def test_operations_are_named_after_the_toolset(self) -> None:
        async with self.opened() as toolset:
            for operation in _operations(toolset):
                assert NAME.fullmatch(operation.name), operation.name
                assert operation.toolset == toolset.name, operation.name
                assert operation.summary, operation.name
            names = [operation.name for operation in _operations(toolset)]
            assert len(names) == len(set(names))

    async def test_listing_operations_does_no_work_and_is_always_the_same(self) -> None:
        async with self.unreachable() as toolset:
            assert _operations(toolset) == _operations(toolset)

    async def test_schemas_are_valid_and_closed(self) -> None:
        async with self.opened() as toolset:
            for operation in _operations(toolset):
                for schema in (operation.input_schema, operation.output_schema):
                    jsonschema_rs.validator_for(schema, retriever=_nothing_else)
                    assert schema.get("type") == "object", operation.name
                closed = operation.input_schema.get("additionalProperties") is False
                assert closed, f"{operation.name} takes arguments that nobody declared"

    async def test_effects_say_what_they_are(self) -> None:
        async with self.opened() as toolset:
            for operation in _operations(toolset):
                assert operation.effect in get_args(Effect)
                reads = operation.effect == "read"
                assert reads == (operation.access == "read"), operation.name
                assert not reads or operation.blast_radius == "none", operation.name
                if not reads:
                    assert operation.resource, f"{operation.name} does not say what it changes"

    async def test_every_write_has_a_probe_and_an_inverse_or_is_declared_irreversible(self) -> None:
        async with self.opened() as toolset:
            known = {operation.name: operation for operation in _operations(toolset)}
            for operation in known.values():
                if operation.probe is not None:
                    assert known[operation.probe.operation].effect == "read", operation.name
                if operation.inverse is not None:
                    inverse = known[operation.inverse.operation]
                    assert inverse.effect != "read", operation.name
                    assert operation.probe is not None, f"{operation.name}: an inverse is verified by a probe"

    async def test_templates_refer_to_what_is_there(self) -> None:
        async with self.opened() as toolset:
            for operation in _operations(toolset):
                takes = operation.input_schema.get("properties")
                assert isinstance(takes, dict)
                for invocation in (operation.probe, operation.inverse):
                    for path in _references(invocation.arguments if invocation else {}, "$arg"):
                        assert path.split("/")[1] in takes, f"{operation.name} refers to {path}"
                assert not list(_references(operation.probe.arguments if operation.probe else {}, "$before"))

    async def test_each_write_has_an_example(self) -> None:
        async with self.opened() as toolset:
            wanted = {operation.name for operation in _operations(toolset) if operation.effect != "read"}
            assert wanted <= {example.operation for example in self.examples}

    async def test_read_back_shows_what_was_promised_and_the_inverse_restores_it(self) -> None:
        for example in self.examples:
            async with self.opened() as toolset:
                await _there_and_back(_desk(toolset), example)

    async def test_a_rehearsal_changes_nothing(self) -> None:
        for example in self.examples:
            async with self.opened() as toolset:
                desk = _desk(toolset)
                operation = desk.bindings[OperationName(example.operation)].operation
                if not operation.dry_run:
                    continue
                await _prepare(desk, example)
                before = await desk.probe(operation, example.arguments)
                await desk.call(example.operation, example.arguments, dry_run=True)
                assert await desk.probe(operation, example.arguments) == before

    async def test_a_repeated_call_does_what_its_idempotency_promises(self) -> None:
        for example in self.examples:
            async with self.opened() as toolset:
                desk = _desk(toolset)
                operation = desk.bindings[OperationName(example.operation)].operation
                if operation.idempotent == "no" or operation.probe is None:
                    continue
                await _prepare(desk, example)
                expected = operation.expected(example.arguments, await desk.probe(operation, example.arguments))
                await _twice(desk.bindings[operation.name], example)
                now = await desk.probe(operation, example.arguments)
                assert expected is None or canonical(now) == canonical(expected)

    async def test_cancellation_is_not_swallowed(self) -> None:
        for example in self.examples:
            async with self.opened() as toolset:
                desk = _desk(toolset)
                await _prepare(desk, example)
                task = asyncio.ensure_future(desk.call(example.operation, example.arguments))
                await asyncio.sleep(0)
                task.cancel()
                done, _ = await asyncio.wait({task}, timeout=PATIENCE_S)
                assert done, f"{example.operation} goes on after it was cancelled"
                assert task.cancelled() or task.exception() is None, example.operation

    async def test_a_system_that_does_not_answer_is_unavailable(self) -> None:
        async with self.unreachable() as toolset:
            desk = _desk(toolset)
            for example in self.examples:
                with pytest.raises((UnavailableError, ToolError)) as caught:
                    await asyncio.wait_for(desk.call(example.operation, example.arguments), PATIENCE_S)
                assert not isinstance(caught.value, OutcomeUnknownError), f"{example.operation}: nothing was sent"
                assert "\n" not in str(caught.value)

    async def test_it_says_which_environment_it_acts_on(self) -> None:
        async with self.opened() as toolset:
            environment = await toolset.environment()
            assert isinstance(environment, Environment)
            assert environment.uid
            assert await toolset.environment() == environment


async def _there_and_back(desk: Desk, example: Example) -> None:
    operation = desk.bindings[OperationName(example.operation)].operation
    await _prepare(desk, example)
    if operation.probe is None:
        await desk.call(example.operation, example.arguments)
        return
    before = await desk.probe(operation, example.arguments)
    expected = operation.expected(example.arguments, before)
    await desk.call(example.operation, example.arguments, before=before)
    after = await _settled(desk, operation, example, expected)
    assert expected is None or canonical(after) == canonical(expected), f"{operation.name}: {after} is not {expected}"
    if operation.inverse is None:
        return
    back = _inverse(operation.inverse, example.arguments, before)
    await desk.call(back.operation, back.arguments, before=after)
    restored = await _settled(desk, operation, example, before)
    assert canonical(restored) == canonical(before), f"{operation.name}: the inverse leaves {restored}, not {before}"


async def _settled(desk: Desk, operation: Operation, example: Example, wanted: JsonObject | None) -> JsonObject:
    """What the probe shows, given a moment, as the gate does."""
    found = await desk.probe(operation, example.arguments)
    for _ in range(3):
        if wanted is None or canonical(found) == canonical(wanted):
            break
        await asyncio.sleep(0.2)
        found = await desk.probe(operation, example.arguments)
    return found


async def _twice(binding: Binding, example: Example) -> None:
    """A keyed call again under its key, a natural one again as it is."""
    deadline = datetime.now(UTC) + timedelta(seconds=binding.operation.timeout_s)
    for _ in range(2):
        await binding.run(example.arguments, CallContext(key="conformance/twice", deadline=deadline))


async def _prepare(desk: Desk, example: Example) -> None:
    for name, arguments in example.before:
        await desk.call(name, arguments)


def _inverse(inverse: Invocation, arguments: JsonObject, before: JsonObject) -> Invocation:
    found = resolve(inverse.arguments, Scope(arguments=arguments, before=before))
    assert isinstance(found, dict)
    return inverse.model_copy(update={"arguments": found})


def _desk(toolset: Toolset) -> Desk:
    return Desk({binding.operation.name: binding for binding in toolset.bindings()})


def _operations(toolset: Toolset) -> list[Operation]:
    return [binding.operation for binding in toolset.bindings()]


def _wrong(schema: JsonObject, value: JsonObject) -> str:
    error = next(jsonschema_rs.validator_for(schema).iter_errors(value), None)
    return error.message if error is not None else ""


def _references(value: JsonValue, kind: str) -> Iterator[str]:
    if isinstance(value, dict) and is_expression(value):
        if kind in value:
            yield str(value[kind])
    elif isinstance(value, dict):
        for item in value.values():
            yield from _references(item, kind)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item, kind)


def _nothing_else(uri: str) -> JsonValue:
    raise AssertionError(f"a schema refers to {uri!r}; it must stand alone")
