"""`steer tools`: the closed set of operations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.commands import tool_imports, tool_servers
from steersman.cli.here import EnvironmentName, LabName, app_for
from steersman.cli.output import Format, Output, emit, group, talk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from steersman.domain.fact import JsonObject
    from steersman.domain.operation import Operation

app = group("Operations: list, show, call, import-openapi, approve-mcp, forget.")
apps = {"tools": app}
app.command("import-openapi")(tool_imports.import_openapi)
app.command("approve-mcp")(tool_servers.approve_mcp)
app.command()(tool_imports.forget)


@app.command("list")
def list_(
    toolset: Annotated[str, typer.Option("--toolset", help="Only those of one system, or of one imported API.")] = "",
    search: Annotated[str, typer.Option("--search", help="The few that fit these words, imported ones too.")] = "",
    output: Output = Format.table,
) -> None:
    """All operations, with effect, blast radius and inverse; those of imported APIs with --toolset."""
    from steersman.app import apis, mcp_servers
    from steersman.app.catalogue import all_operations
    from steersman.app.settings import load

    settings = load()
    if search:
        tool_imports.searched(settings, search, toolset, output=output)
        return
    if apis.is_imported(settings, toolset):
        tool_imports.listed(settings, toolset, output)
        return
    for name in () if toolset else (*apis.names(settings), *mcp_servers.names(settings)):
        talk(f"imported: {name}; `steer tools list --toolset {name}` shows its operations")
    if mcp_servers.is_approved(settings, toolset):
        found = mcp_servers.operations_of(settings, toolset)
    else:
        found = [each for each in all_operations() if not toolset or each.toolset == toolset]
    emit([each.model_dump(mode="json") for each in found], output, lambda: _table(found))


@app.command()
def show(operation: str, output: Output = Format.table) -> None:
    """One operation: schemas, probe, what it leaves, inverse."""
    from rich.pretty import Pretty

    from steersman.app.settings import load
    from steersman.app.tool_index import operation_anywhere

    payload = operation_anywhere(load(), operation).model_dump(mode="json")
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
        async with app_for(operation, lab, env) as here:
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
