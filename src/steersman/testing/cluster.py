"""A system of reads (and one write) that answers as it is told, and a desk to read it from."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from steersman.agents.reading import Desk
from steersman.domain.call import Call, Outcome
from steersman.domain.errors import InputError, UnavailableError
from steersman.domain.fact import JsonObject
from steersman.domain.ids import OperationName, RunId
from steersman.domain.operation import Effect, Operation
from steersman.testing.clock import NOON, FakeClock
from steersman.testing.journal_facts import AGENT
from steersman.testing.world import ENVIRONMENT

ANY: JsonObject = {"type": "object", "properties": {}}
OF_SERVICE: JsonObject = {
    "type": "object",
    "properties": {"service": {"type": "string"}, "namespace": {"type": "string"}},
    "required": ["service"],
}
UNKNOWABLE: JsonObject = {"type": "object", "properties": {"sql": {"type": "string"}}, "required": ["sql"]}
POD: JsonObject = {"labels": {"app": "payments"}, "pod": "payments-1", "reason": "CrashLoopBackOff"}


def operation(name: str, *, effect: Effect = "read", schema: JsonObject = ANY) -> Operation:
    """One operation, a read unless said otherwise."""
    return Operation(
        name=OperationName(name),
        summary=f"does {name}",
        effect=effect,
        access="read" if effect == "read" else "delete",
        input_schema=schema,
        output_schema=ANY,
    )


CATALOGUE = {
    each.name: each
    for each in (
        operation("kubernetes.pods"),
        operation("kubernetes.events"),
        operation("kubernetes.deployment", schema=OF_SERVICE),
        operation("kubernetes.exec_sql", schema=UNKNOWABLE),
        operation("kubernetes.delete_pod", effect="destructive"),
        operation("vault.health"),
    )
}


@dataclass
class System:
    """Answers by verb; counts what was asked."""

    answers: dict[str, JsonObject] = field(default_factory=dict)
    down: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()
    asked: Counter[str] = field(default_factory=Counter)
    calls: list[Call] = field(default_factory=list)

    async def call(self, call: Call) -> Outcome:
        """Implements `domain.ports.Caller`."""
        verb = call.operation.partition(".")[2]
        self.asked[verb] += 1
        self.calls.append(call)
        await asyncio.sleep(0)
        if verb in self.silent:
            await asyncio.Event().wait()
        if verb in self.down:
            raise UnavailableError(f"{verb} is down: 'secret words of a server'; wait")
        if verb not in self.answers:
            raise InputError(f"{verb!r} wants other arguments")
        return Outcome(output=self.answers[verb], started_at=NOON, finished_at=NOON)


def desk(system: System) -> Desk:
    """A desk at which the system is read."""
    return Desk(
        caller=system,
        catalogue=CATALOGUE,
        environment=ENVIRONMENT,
        principal=AGENT,
        run_id=RunId("why-1"),
        clock=FakeClock(),
    )


def cluster(**answers: JsonObject) -> Desk:
    """A desk at a system that gives these answers, by verb."""
    return desk(System(answers=answers))
