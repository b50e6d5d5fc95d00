"""`steer eval`: how well goals are planned, with and without a language model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.output import Format, Output, emit, group

if TYPE_CHECKING:
    from rich.table import Table

    from steersman.app.evaluation import Score

app = group("Evaluation of models and of the loop.")
apps = {"eval": app}


@app.callback()
def _family() -> None:
    """A family of one command so far: without this, typer would take its name away."""


@app.command()
def planning(
    cases: Annotated[Path, typer.Option("--cases", help="Planning goals with known answers, one JSON object a line.")],
    *,
    model: Annotated[str, typer.Option("--model", help="PROVIDER:NAME instead of the configured one.")] = "",
    times: Annotated[int, typer.Option("--times", min=1, max=20, help="How often; for pass^k.")] = 1,
    record: Annotated[Path | None, typer.Option("--record", help="Write the model's answers to this file.")] = None,
    replay: Annotated[
        Path | None, typer.Option("--replay", help="Take the answers from this file: no network.")
    ] = None,
    output: Output = Format.table,
) -> None:
    """Plan goals with known answers, on assumed observations, without a model and with it; nothing is connected."""
    from steersman.app.evaluation import evaluated, read_cases
    from steersman.app.settings import load
    from steersman.cli.frame import go
    from steersman.domain.errors import InputError

    if record is not None and replay is not None:
        raise InputError("--record and --replay: say one of them")
    settings = load()
    if model:
        own = settings.models.model_copy(update={"planner": model})
        settings = settings.model_copy(update={"models": own})
    scores = go(evaluated(settings, read_cases(cases), times=times, record_to=record, replay_from=replay))
    emit([score.model_dump(mode="json") for score in scores], output, lambda: _table(scores))


def _table(scores: list[Score]) -> Table:
    from rich.table import Table

    columns = ("model", "goals", "pass@1", "pass^k", "refused", "invalid", "calls", "tokens", "USD", "seconds")
    drawn = Table(*columns, box=None, pad_edge=False)
    for score in scores:
        drawn.add_row(
            score.model,
            str(score.goals),
            f"{score.pass_1:.1%}",
            f"{score.pass_k:.1%}",
            f"{score.refused:.1%}",
            str(score.invalid),
            str(score.calls),
            str(score.tokens),
            f"{score.money_usd:.4f}",
            f"{score.seconds:.1f}",
        )
    return drawn
