"""A dry run: every write of a plan, rehearsed as far as its tool can, with nothing changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.cli.output import Format, emit

if TYPE_CHECKING:
    from pydantic import JsonValue
    from rich.table import Table

    from steersman.app.wiring import App
    from steersman.domain.plan import Plan


async def rehearse(app: App, plan: Plan, output: Format) -> None:
    """Sends each write that needs nothing from former steps as a dry run, and shows before and after."""
    from steersman.app.wiring import new_run_id
    from steersman.domain.call import Call
    from steersman.domain.errors import SteersmanError

    run_id = new_run_id("dry")
    rows: list[JsonValue] = []
    for step in plan.steps:
        if app.gate.operation(step.operation).effect == "read":
            continue
        call = Call(
            operation=step.operation,
            version=step.version,
            arguments=step.arguments,
            environment=plan.environment,
            principal=app.user,
            route="cli",
            run_id=run_id,
            step_id=step.id,
            dry_run=True,
        )
        try:
            outcome = await app.gate.call(call)
            rows.append({"step": step.id, "before": outcome.before, "after": outcome.after, "problem": ""})
        except SteersmanError as e:
            rows.append({"step": step.id, "before": None, "after": None, "problem": str(e)})
    emit(rows, output, lambda: _table(rows))


def _table(rows: list[JsonValue]) -> Table:
    from rich.table import Table

    table = Table("step", "before", "after", "", box=None, pad_edge=False)
    for row in rows:
        if isinstance(row, dict):
            table.add_row(*(str(row[key] or "") for key in ("step", "before", "after", "problem")))
    return table
