"""First questions: is there such an operation, are these its arguments, is it the environment that was planned?"""

from __future__ import annotations

import asyncio
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from steersman.domain.call import Call, Outcome
from steersman.domain.environment import Environment
from steersman.domain.errors import EnvironmentMismatchError, InputError, SteersmanError, UnavailableError
from steersman.domain.event import Event
from steersman.domain.expression import is_expression
from steersman.domain.fact import JsonObject
from steersman.domain.ids import OperationName, ResourceId
from steersman.domain.operation import Operation
from steersman.domain.ports import Binding, Clock, Toolset
from steersman.gate.history import Histories, History
from steersman.gate.known import Known, Registered
from steersman.gate.passage import Link, Passage, denial, refusal
from steersman.gate.redaction import Redactor, is_marked

NAME_LENGTH = 128
"""So much of an unknown operation's name goes into the journal."""

IDENTITY_KEPT_S = 5.0
"""Reads go by an identity that is no older; a write always asks anew."""

IDENTITY_TIMEOUT_S = 10.0

NOT_A_SEGMENT = re.compile(r"(^|/)\.{0,2}(/|$)|[\x00-\x1f\x7f\\]|%2[ef]", re.IGNORECASE)
"""Empty, `.` and `..` segments, control characters, backslashes and their escapes: a target that is spelled so would
be one resource to the rules and another to the tool.
"""


@dataclass(frozen=True, slots=True)
class Registry:
    """The closed set of operations. Nothing else can be called."""

    known: Mapping[OperationName, Registered]

    @classmethod
    def of(cls, toolsets: tuple[Toolset, ...]) -> Registry:
        """All operations of these toolsets.

        Raises ConfigError for a name that is there twice or is another's, and for a probe that is no read.
        """
        known = Known()
        for toolset in toolsets:
            known.add(toolset)
        known.must_be_sound()
        return cls(known)

    def find(self, name: OperationName) -> Registered:
        """The operation of that name. Raises InputError with the nearest known one."""
        found = self.known.get(name)
        if found is None:
            close = difflib.get_close_matches(name[:NAME_LENGTH], self.known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else "`steer tools list` shows all"
            raise InputError(f"there is no operation {name[:NAME_LENGTH]!r}; {hint}")
        return found

    def admit(self, call: Call) -> tuple[Binding, ResourceId]:
        """The code behind the call and what it touches.

        Raises InputError for an unknown operation, another version, wrong arguments, or a road that no call takes.
        """
        registered = self.find(call.operation)
        operation = registered.binding.operation
        if call.version is not None and call.version != operation.version:
            raise InputError(
                f"{call.operation!r} was planned in version {call.version}, and here is {operation.version}; plan anew"
            )
        _must_fit(call, writes=operation.effect != "read")
        _must_be_values(call.operation, call.arguments)
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
        if resource and NOT_A_SEGMENT.search(resource):
            raise InputError(
                f"{call.operation!r}: the target {resource!r} has empty or relative parts; name it plainly"
            )
        return registered.binding, resource


@dataclass(frozen=True, slots=True)
class Admitted:
    """From a call to a passage; what cannot be one is refused and written down."""

    registry: Registry
    histories: Histories
    redactor: Redactor
    inner: Link

    async def __call__(self, call: Call, notes: list[Event], within: History | None) -> Outcome:
        """Raises InputError."""
        try:
            binding, resource = self.registry.admit(call)
            self._refuse_secrets(call, binding.operation)
        except SteersmanError as e:
            named = call.model_copy(update={"operation": OperationName(call.operation[:NAME_LENGTH])})
            notes.append(refusal(named, "registry", e, reason=self.redactor.text(str(e))))
            raise
        except Exception as e:
            raise denial("registry", e) from e
        counted = call.route in ("plan", "undo") or call.budget is not None or binding.operation.effect != "read"
        history = within or (await self.histories.of(call.run_id) if counted else None)
        passage = Passage(call, binding, resource, notes, nested=within is not None, history=history)
        return await self.inner(passage)

    def _refuse_secrets(self, call: Call, operation: Operation) -> None:
        """A write's arguments are journaled so that it can be settled and undone: a secret may not be among them."""
        if operation.effect == "read" or call.direction == "undo":
            return
        shown = {name: value for name, value in call.arguments.items() if name not in operation.secret_arguments}
        wrong = next((name for name, value in shown.items() if self.redactor.holds_secret(value)), None)
        if wrong is not None:
            raise InputError(
                f"{call.operation!r}: the argument {wrong!r} holds what looks like a secret; give a reference to it"
            )

    def knows(self, operation: str) -> bool:
        """Whether there is such an operation."""
        return operation in self.registry.known


@dataclass(slots=True)
class Identified:
    """Compares the environment that was planned with what the system says of itself, before each attempt to write."""

    registry: Registry
    clock: Clock
    _seen: dict[str, tuple[float, Environment]] = field(default_factory=dict)

    async def __call__(self, passage: Passage) -> Passage:
        """Raises EnvironmentMismatchError, or UnavailableError when the system does not say."""
        toolset = self.registry.find(passage.call.operation).toolset
        planned = identity(passage.call.environment)
        since, seen = self._seen.get(toolset.name, (0.0, None))
        fresh = seen is not None and self.clock.monotonic() - since < IDENTITY_KEPT_S
        if not passage.writes and seen is not None and fresh and identity(seen) == planned:
            return passage
        actual = await self._ask(toolset)
        if identity(actual) != planned:
            raise EnvironmentMismatchError(
                f"{passage.call.operation!r} was meant for {passage.call.environment}, and this is {actual}; nothing "
                "was done"
            )
        return passage

    async def _ask(self, toolset: Toolset) -> Environment:
        try:
            async with asyncio.timeout(IDENTITY_TIMEOUT_S):
                actual = await toolset.environment()
        except TimeoutError as e:
            raise UnavailableError(f"{toolset.name!r} did not say which environment it acts on; is it up?") from e
        self._seen[toolset.name] = (self.clock.monotonic(), actual)
        return actual


def identity(environment: Environment) -> tuple[str, str, str, str]:
    """What makes an environment the same one; its address may change."""
    return environment.kind, environment.name, environment.uid, environment.tier


def _must_fit(call: Call, *, writes: bool) -> None:
    """The way of undo has privileges (it passes an open breaker, a freeze, a stop): nothing else may take it."""
    undoing = call.direction == "undo"
    if (writes and undoing != (call.route == "undo")) or (undoing and call.route not in ("undo", "engine")):
        raise InputError(f"{call.operation!r}: direction {call.direction!r} does not fit the route {call.route!r}")


def _must_be_values(name: str, arguments: JsonObject) -> None:
    for value in _leaves(arguments):
        if isinstance(value, dict):
            raise InputError(f"{name!r}: arguments still hold references to other steps")
        if isinstance(value, str) and is_marked(value):
            raise InputError(
                f"{name!r}: an argument was redacted in the journal and cannot be used; a person has to give it"
            )


def _leaves(value: JsonValue) -> list[JsonValue]:
    """Scalars and expressions, at any depth."""
    found: list[JsonValue] = []
    rest = [value]
    while rest:
        here = rest.pop()
        if isinstance(here, dict) and not is_expression(here):
            rest.extend(here.values())
        elif isinstance(here, list):
            rest.extend(here)
        else:
            found.append(here)
    return found
