"""`steer policy`: the rules in force, their tests, and why a decision is as it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.output import Format, Output, emit, group

if TYPE_CHECKING:
    from pydantic import JsonValue
    from rich.table import Table

app = group("Guardrails: check, test, explain.")
apps = {"policy": app}


@app.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="A rule file to try beside those in force.")] = None,
) -> None:
    """Hold the rules against their schema; exits 2 with file, rule and defect."""
    from steersman.app.rules import policy
    from steersman.app.settings import load

    settings = load()
    files = (*settings.policy.files, *([file] if file else []))
    found = policy(settings.model_copy(update={"policy": settings.policy.model_copy(update={"files": files})}))
    typer.echo(f"{len(found.rules)} rules, {len(found.protected)} protected patterns, digest {found.digest}")


@app.command("test")
def run_cases(output: Output = Format.table) -> None:
    """Run the tests that the rule files carry; exits 1 when one fails."""
    from steersman.app.rules import policy
    from steersman.app.settings import load
    from steersman.policy.cases import run_tests

    results = run_tests(policy(load()))
    rows: list[JsonValue] = [
        {
            "test": each.case.name,
            "passed": each.passed,
            "expected": each.case.expect,
            "decided": each.decision.effect,
            "rule": each.decision.rule,
        }
        for each in results
    ]
    emit(rows, output, lambda: _table(rows))
    raise typer.Exit(0 if all(each.passed for each in results) else 1)


@app.command()
def explain(
    operation: Annotated[str, typer.Argument(help="An operation, for example lab.set_weights.")],
    resource: Annotated[str, typer.Option("--resource", help="Resource id; default is the operation's template.")] = "",
    tier: Annotated[str, typer.Option("--tier", help="prod, staging or lab.")] = "lab",
    route: Annotated[str, typer.Option("--route", help="plan, cli, mcp, openapi, agent, healing, undo.")] = "plan",
    output: Output = Format.table,
) -> None:
    """Each rule, and whether it holds for an operation."""
    from steersman.app.settings import load
    from steersman.cli.asking import question

    rules, request = question(load(), operation, resource=resource, tier=tier, route=route)
    rows: list[JsonValue] = [
        {"rule": rule.id, "effect": rule.effect, "holds": match, "reason": rule.reason}
        for rule, match in rules.explain(request)
    ]
    emit(rows, output, lambda: _table(rows))


def _table(rows: list[JsonValue]) -> Table:
    from rich.table import Table

    first = rows[0] if rows else {}
    drawn = Table(*(first if isinstance(first, dict) else {}), box=None, pad_edge=False)
    for row in rows:
        if isinstance(row, dict):
            drawn.add_row(*(str(value) for value in row.values()))
    return drawn
