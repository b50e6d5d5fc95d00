"""`steer can-i`: whether somebody may do an operation, and by which rule."""

from __future__ import annotations

from typing import Annotated

import typer

from steersman.cli.output import Format, Output, emit, single


def can_i(
    operation: Annotated[str, typer.Argument(help="An operation, for example lab.set_weights.")],
    *,
    who: Annotated[str, typer.Option("--as", help="A principal; default is you.")] = "",
    resource: Annotated[str, typer.Option("--resource", help="Resource id; default is the operation's template.")] = "",
    tier: Annotated[str, typer.Option("--tier", help="prod, staging or lab.")] = "lab",
    route: Annotated[str, typer.Option("--route", help="plan, cli, mcp, openapi, agent, healing, undo.")] = "plan",
    output: Output = Format.table,
) -> None:
    """Whether somebody may do an operation, and by which rule; exits 4 when it is denied."""
    from steersman.app.settings import load
    from steersman.cli.asking import question

    rules, request = question(load(), operation, who=who, resource=resource, tier=tier, route=route)
    decision = rules.decide(request)
    wanted = decision.requirement
    needs = f" by {wanted.count} of {', '.join(sorted(wanted.roles))}" if wanted else ""
    others = ", not by who asks" if wanted and wanted.not_requester else ""
    said = f"{request.principal.id}: {decision.effect}{needs}{others} — {decision.reason} ({decision.rule})"
    emit(decision.model_dump(mode="json"), output, lambda: said)
    raise typer.Exit(4 if decision.effect == "deny" else 0)


apps = {"can-i": single(can_i)}
