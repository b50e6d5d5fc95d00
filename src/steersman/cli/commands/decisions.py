"""`steer approve`, `steer reject`, `steer request-changes`: a person's answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import typer

from steersman.cli.output import Format, Output, emit, single

Comment = Annotated[str, typer.Option("--comment", "-m", help="Said to whoever asked; stands in the journal.")]


def _answer(answer: Literal["approve", "reject", "request_changes"], purpose: str) -> Callable[..., None]:
    def command(approval_id: str, comment: Comment = "", output: Output = Format.table) -> None:
        from steersman.app.rules import desk
        from steersman.app.settings import load
        from steersman.app.store import local_user, open_journal
        from steersman.cli.commands.approvals import table
        from steersman.cli.frame import go
        from steersman.domain.approval import Approval
        from steersman.domain.ids import ApprovalId

        async def work() -> Approval:
            settings = load()
            async with open_journal(settings) as journal:
                people = desk(settings, journal)
                return await people.vote(ApprovalId(approval_id), local_user(settings), answer, comment=comment)

        decided = go(work())
        emit(decided.model_dump(mode="json"), output, lambda: table([decided]))

    command.__doc__ = purpose
    return command


apps = {
    "approve": single(_answer("approve", "Approve exactly what the request is of; `steer runs resume` then goes on.")),
    "reject": single(_answer("reject", "Refuse; the run ends without having done anything.")),
    "request-changes": single(_answer("request_changes", "Refuse for now and say what should be different.")),
}
