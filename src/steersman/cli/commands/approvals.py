"""`steer approvals`: what waits for a decision, and what was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.output import Format, Output, emit, group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from steersman.domain.approval import Approval

app = group("Approvals: list, show.")
apps = {"approvals": app}


@app.command("list")
def list_(
    *,
    every: Annotated[bool, typer.Option("--all", help="Decided and expired ones as well.")] = False,
    output: Output = Format.table,
) -> None:
    """Open requests, newest first."""
    from steersman.app.settings import load
    from steersman.app.store import open_journal
    from steersman.cli.frame import go

    async def work() -> Sequence[Approval]:
        async with open_journal(load()) as journal:
            return await journal.approvals(open_only=not every)

    found = go(work())
    emit([each.model_dump(mode="json") for each in found], output, lambda: table(found))


@app.command()
def show(approval_id: str, output: Output = Format.table) -> None:
    """One approval: what exactly it is of, and who said what."""
    from steersman.app.settings import load
    from steersman.app.store import open_journal
    from steersman.cli.frame import go
    from steersman.domain.ids import ApprovalId

    async def work() -> Approval:
        async with open_journal(load()) as journal:
            return await journal.approval(ApprovalId(approval_id))

    found = go(work())
    emit(found.model_dump(mode="json"), output, lambda: table([found]))


def table(approvals: Sequence[Approval]) -> Table:
    """A row an approval."""
    from rich.table import Table

    from steersman.cli.render.text import untrusted, utc

    drawn = Table("id", "state", "of", "run", "requester", "expires", "answers", box=None, pad_edge=False)
    for each in approvals:
        request = each.request
        of = f"{request.scope} {request.step_id or ''} {request.subject[:19]}…"
        answers = ", ".join(f"{vote.answer} by {untrusted(vote.approver.id, 40)}" for vote in each.votes)
        until = utc(request.expires_at)
        drawn.add_row(request.id, each.state, of, request.run_id, request.requester, until, answers or "-")
    return drawn
