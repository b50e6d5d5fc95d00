"""Reads of one system for a sub-agent: within a budget, each question once, every answer with an id from here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from steersman.agents.playbooks import Ask, Known, asks, follow_up, verbs
from steersman.agents.signs import Sign, rows, signs, worst
from steersman.domain.call import Call
from steersman.domain.environment import Environment, Principal
from steersman.domain.errors import ConfigError, InputError, SteersmanError
from steersman.domain.fact import Digest, Fact, JsonObject, canonical, digest
from steersman.domain.finding import Evidence
from steersman.domain.ids import EvidenceId, OperationName, RunId, StepId
from steersman.domain.operation import Operation
from steersman.domain.policy import Route
from steersman.domain.ports import Caller, Clock
from steersman.domain.typed import WHOLE

EXCERPT = 500
"""Characters of an answer that evidence carries."""
STRONG = 0.5
"""Score of a sign from which its service is asked about once more."""
SHOWN = 6_000
"""Characters of an answer that a model is shown."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one sub-agent may do."""

    calls: int = 16
    """Questions to the system, those of the playbook among them."""
    turns: int = 6
    """Answers of the model."""
    seconds: float = 60.0
    timeout_s: float = 10.0
    """For one question."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Through what, of what, and in whose name is read."""

    caller: Caller
    catalogue: Mapping[OperationName, Operation]
    environment: Environment
    principal: Principal
    run_id: RunId
    clock: Clock
    route: Route = "agent"


class Reading(Fact):
    """One question and what became of it."""

    id: EvidenceId
    verb: str
    arguments: JsonObject
    answer: str = ""
    """Untrusted, cut: for a model to read."""
    excerpt: str = ""
    """Untrusted, shorter: what people are shown."""
    about: str = ""
    """The service whose findings rest on it, too."""
    error: str = ""
    """Name of the error's class, when there was no answer."""
    signs: tuple[Sign, ...] = ()
    whole: str = ""
    """File that holds the whole answer, where it is large."""


@dataclass(slots=True)
class Reader:
    """Asks one toolset. A question that was asked already is answered from what is known, and costs nothing."""

    toolset: str
    desk: Desk
    limits: Limits
    known: Known
    until: float
    """By the desk's clock; no question is asked after that."""
    readings: list[Reading] = field(default_factory=list)
    operations: dict[str, Operation] = field(init=False)
    _asked: dict[Digest, Reading] = field(init=False)

    def __post_init__(self) -> None:
        self.operations = readable(self.toolset, self.desk.catalogue)
        self._asked = {_key(reading.verb, reading.arguments): reading for reading in self.readings}

    @property
    def spent(self) -> bool:
        """Whether no further question may be asked."""
        return len(self.readings) >= self.limits.calls or self.desk.clock.monotonic() >= self.until

    async def playbook(self) -> None:
        """Everything that is asked without a model, all at once; then what the answers make worth asking."""
        listed = asks(self.toolset, self.operations, self.known)[: self.limits.calls]
        await asyncio.gather(*(self.ask(one.verb, one.arguments, means=one) for one in listed))
        strong = sorted((s for r in self.readings for s in r.signs if s.score >= STRONG), key=lambda sign: -sign.score)
        ill = dict.fromkeys(sign.service for sign in strong if sign.service)
        first = sorted(ill, key=lambda service: service != self.known.service)
        more = follow_up(self.toolset, self.operations, first)
        await asyncio.gather(*(self.ask(one.verb, one.arguments, means=one) for one in more))

    async def ask(self, verb: str, arguments: JsonObject, *, means: Ask | None = None) -> tuple[Reading | None, bool]:
        """The reading, and whether it is new; None when the verb is no read of this toolset, or the budget is spent."""
        operation = self.operations.get(verb)
        if operation is None:
            return None, False
        key = _key(verb, arguments)
        if key in self._asked:
            return self._known(key, means), False
        if self.spent:
            return None, False
        reading = Reading(
            id=EvidenceId(f"{self.toolset}-{len(self.readings) + 1}"),
            verb=verb,
            arguments=arguments,
            about=means.about if means else "",
        )
        place = len(self.readings)
        self.readings.append(reading)
        self._asked[key] = reading
        done = await self._answered(reading, operation, means)
        self.readings[place] = self._asked[key] = done
        return done, True

    def _known(self, key: Digest, means: Ask | None) -> Reading:
        reading = self._asked[key]
        if means is not None and means.about:
            place = self.readings.index(reading)
            reading = reading.model_copy(update={"about": means.about})
            self.readings[place] = self._asked[key] = reading
        return reading

    async def _answered(self, reading: Reading, operation: Operation, means: Ask | None) -> Reading:
        call = Call(
            operation=operation.name,
            arguments=reading.arguments,
            environment=self.desk.environment,
            principal=self.desk.principal,
            route=self.desk.route,
            run_id=self.desk.run_id,
            step_id=StepId(reading.id),
        )
        try:
            async with asyncio.timeout(self.limits.timeout_s):
                output = (await self.desk.caller.call(call)).output
        except TimeoutError:
            return reading.model_copy(update={"error": "TimeoutError"})
        except SteersmanError as e:
            # What the model got wrong it must read to mend it; what a server says is not repeated.
            told = str(e) if isinstance(e, InputError) else ""
            return reading.model_copy(update={"error": type(e).__name__, "answer": told[:EXCERPT]})
        found = rows(output, *means.rows) if means is not None and means.rows else signs(output)
        whole = str(output.get(WHOLE, ""))
        answer = canonical(output).decode()
        excerpt = last_lines(output) or (canonical(worst(output)).decode() if found else answer)
        update = {"answer": answer[:SHOWN], "excerpt": excerpt[:EXCERPT], "signs": found, "whole": whole}
        return reading.model_copy(update=update)


def readable(toolset: str, catalogue: Mapping[OperationName, Operation]) -> dict[str, Operation]:
    """The reads of a toolset, by verb. Raises ConfigError when there are none."""
    found = verbs(toolset, catalogue)
    if not found:
        raise ConfigError(f"there is no read operation of {toolset!r} here; connect it, or name another toolset")
    return found


def evidence(readings: Sequence[Reading], toolset: str, known: Known) -> dict[EvidenceId, Evidence]:
    """Each answered question as evidence."""
    return {
        reading.id: Evidence(
            id=reading.id,
            source=toolset,
            query={"operation": f"{toolset}.{reading.verb}", "arguments": reading.arguments},
            window=known.window,
            value=f"{len(reading.signs)} signs of trouble in {len(reading.answer)} characters",
            excerpt=reading.excerpt,
            whole=reading.whole,
        )
        for reading in readings
        if not reading.error
    }


def holes(readings: Sequence[Reading], toolset: str) -> tuple[str, ...]:
    """What was asked and not answered, made by code."""
    return tuple(
        sorted(
            {f"{toolset}: {reading.verb}: {reading.error}" for reading in readings if reading.error and _lost(reading)}
        )
    )


def last_lines(output: JsonObject) -> str:
    """The end of an answer that is lines of a log; empty for any other."""
    listed = output.get("lines")
    rows = listed if isinstance(listed, list) else []
    lines = [str(row["line"]) for row in rows if isinstance(row, dict) and "line" in row]
    return "\n".join(lines)[-EXCERPT:]


def _lost(reading: Reading) -> bool:
    """A question that was wrong is no hole: nothing that could have been seen was missed."""
    return reading.error != "InputError"


def _key(verb: str, arguments: Mapping[str, JsonValue]) -> Digest:
    return digest([verb, dict(arguments)])
