"""The whole catalogue, by every route: nothing reaches a toolset that the gate has not let through."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import jsonschema_rs
import pytest
from tests.unit.gate.bench import MIN, POLICY

from steersman.app.catalogue import all_operations
from steersman.domain.call import Call
from steersman.domain.environment import Environment
from steersman.domain.errors import InputError, PolicyDeniedError
from steersman.domain.event import CallSettled, Decided, ReadMade, Refused
from steersman.domain.fact import JsonObject
from steersman.domain.ids import RunId, StepId
from steersman.domain.operation import Operation
from steersman.domain.policy import Route
from steersman.domain.ports import Binding, CallContext
from steersman.domain.reference import is_reference
from steersman.gate.gate import Gate, Needs, Settings
from steersman.gate.redaction import Redactor
from steersman.journal.keyring import Keyring
from steersman.journal.sqlite import SqliteJournal
from steersman.testing.arguments import arguments
from steersman.testing.clock import FakeClock
from steersman.toolsets.contracts.catalogue import contracts

HERE = Environment(kind="all", name="all", uid="all-1", url="", tier="staging")
DIGEST = f"sha256:{'0' * 64}"
VALUES = ("web", "a/b", "v2", "main", 1, 5, 50, 0.5, True, False, DIGEST, "0" * 40, "2026-01-01T00:00:00Z", "10Gi", {})
VALUES += ("up", "1m", "env:TOKEN", "abc123", "owner/repo", "1.2.3", "300s", ["web"], None)
KNOWN = {**contracts(), **{operation.name: operation for operation in all_operations()}}


@dataclass
class Everything:
    """The operations of one system; tells which were reached."""

    name: str
    operations: Sequence[Operation]
    reached: list[str] = field(default_factory=list)

    async def environment(self) -> Environment:
        return HERE

    def bindings(self) -> Sequence[Binding]:
        def binding(operation: Operation) -> Binding:
            async def run(_: JsonObject, __: CallContext) -> JsonObject:
                self.reached.append(operation.name)
                return {}

            return Binding(operation, run)

        return [binding(operation) for operation in self.operations]


def toolsets() -> list[Everything]:
    systems = sorted({operation.toolset for operation in KNOWN.values()})
    return [Everything(name, [each for each in KNOWN.values() if each.toolset == name]) for name in systems]


@pytest.mark.parametrize("route", get_args(Route))
async def test_every_operation_passes_the_gate_by_every_route(tmp_path: Path, route: Route) -> None:
    keys, clock, systems, dice = Keyring.generate(), FakeClock(), toolsets(), random.Random(1)
    async with SqliteJournal.open(tmp_path / "j.db", keys, clock) as journal:
        needs = Needs(
            toolsets=tuple(systems),
            journal=journal,
            keyring=keys,
            rules=POLICY,
            directory={MIN.id: MIN}.get,
            clock=clock,
            redactor=Redactor(),
            settings=Settings(mode="read-only"),
        )
        gate = Gate(needs)
        assert set(gate.catalogue) == set(KNOWN)
        let_through = 0
        for name, operation in KNOWN.items():
            run_id = RunId(f"{name}-{route}")
            made = Call(
                operation=name,
                arguments=arguments(operation.input_schema, VALUES, dice),
                environment=HERE,
                principal=MIN,
                route=route,
                run_id=run_id,
                step_id=StepId("s"),
                direction="undo" if route == "undo" else "do",
            )
            refused = ""
            try:
                await gate.call(made)
                let_through += 1
            except (PolicyDeniedError, InputError) as e:
                refused = str(e)
            fits = jsonschema_rs.is_valid(operation.input_schema, made.arguments)
            expected = operation.effect == "read" and fits
            assert bool(refused) != expected, f"{name}: {refused or 'let through'}"
            kinds = {type(entry.event) for entry in await journal.read(run_id)}
            assert kinds & {ReadMade, CallSettled, Decided, Refused}, f"{name} by {route} left no line in the journal"
        reached = [name for system in systems for name in system.reached]
        assert len(reached) == let_through
        assert all(KNOWN[name].effect == "read" for name in reached)
        assert let_through


@pytest.mark.parametrize("operation", [o for o in KNOWN.values() if o.probe is not None], ids=lambda o: o.name)
def test_what_a_probe_asks_by_stands_in_the_journal_unmarked(operation: Operation) -> None:
    """After a crash the journal is all there is to look by: a marked argument would leave every outcome unknown."""
    assert operation.probe is not None
    properties = operation.input_schema["properties"]
    assert isinstance(properties, dict)
    asked = {str(each["$arg"]).split("/")[1] for each in operation.probe.arguments.values() if isinstance(each, dict)}
    given: JsonObject = {name: "vault:a/b" if is_reference(properties[name]) else "plain" for name in asked}
    assert Redactor().arguments(operation, given) == given
