"""`steer tools`: the closed set of operations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.here import EnvironmentName, LabName, app_here
from steersman.cli.output import Format, Output, emit, group, talk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from steersman.domain.fact import JsonObject
    from steersman.domain.operation import Operation

app = group("Operations: list, show, call.")
apps = {"tools": app}


@app.command("list")
def list_(
    toolset: Annotated[str, typer.Option("--toolset", help="Only those of one system.")] = "",
    output: Output = Format.table,
) -> None:
    """All operations, with effect, blast radius and inverse."""
    from steersman.app.catalogue import all_operations

    found = [each for each in all_operations() if not toolset or each.toolset == toolset]
    emit([each.model_dump(mode="json") for each in found], output, lambda: _table(found))


@app.command()
def show(operation: str, output: Output = Format.table) -> None:
    """One operation: schemas, probe, what it leaves, inverse."""
    from rich.pretty import Pretty

    from steersman.app.catalogue import operation_named

    payload = operation_named(operation).model_dump(mode="json")
    emit(payload, output, lambda: Pretty(payload, expand_all=True))


@app.command()
def call(
    operation: str,
    *,
    args: Annotated[str, typer.Option("--args", help="Arguments as a JSON object.")] = "{}",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Rehearse; change nothing.")] = False,
    approval: Annotated[str, typer.Option("--approval", help="Id of an approval of exactly this call.")] = "",
    call_id: Annotated[str, typer.Option("--call-id", help="Take up a call that waited for approval.")] = "",
    lab: LabName = "",
    env: EnvironmentName = "",
    output: Output = Format.json,
) -> None:
    """Call one operation through the gate. A write waits for an approval of its own (exit 3)."""
    from steersman.app.wiring import new_run_id
    from steersman.cli.frame import go
    from steersman.domain.call import Call
    from steersman.domain.errors import ApprovalNeededError
    from steersman.domain.ids import ApprovalId, OperationName, RunId, StepId

    arguments = _arguments(args)
    run_id = RunId(call_id) if call_id else new_run_id("call")

    async def work() -> JsonObject:
        async with app_here(lab, env) as here:
            made = Call(
                operation=OperationName(operation),
                arguments=arguments,
                environment=here.world.environment,
                principal=here.user,
                route="cli",
                run_id=run_id,
                step_id=StepId("call"),
                step_approval=ApprovalId(approval) if approval else None,
                dry_run=dry_run,
            )
            return (await here.gate.call(made)).model_dump(mode="json")

    try:
        payload = go(work())
    except ApprovalNeededError as e:
        talk(f"steer: {e}: `steer approve {e.approval_id}`, then the same command with --call-id {run_id}")
        raise typer.Exit(3) from e
    from rich.pretty import Pretty

    emit(payload, output, lambda: Pretty(payload, expand_all=True))


def _arguments(text: str) -> JsonObject:
    from steersman.domain.errors import InputError

    try:
        arguments = json.loads(text)
    except json.JSONDecodeError as e:
        raise InputError(f"--args {text!r} is not JSON: {e}") from e
    if not isinstance(arguments, dict):
        raise InputError(f"--args {text!r} wants a JSON object")
    return arguments


def _table(operations: Sequence[Operation]) -> Table:
    from rich.table import Table

    drawn = Table("operation", "effect", "radius", "undone by", "does", box=None, pad_edge=False)
    for each in operations:
        undone = each.inverse.operation if each.inverse else ("-" if each.effect == "read" else "never")
        drawn.add_row(each.name, each.effect, each.blast_radius, undone, each.summary)
    return drawn
