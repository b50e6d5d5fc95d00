"""`steer eval`: how well goals are planned and incidents explained, with and without language models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.output import Format, Output, emit, group

if TYPE_CHECKING:
    from rich.table import Table

    from steersman.app.eval_report import Row
    from steersman.app.evaluation import Score

app = group("Evaluation of models and of the loop.")
apps = {"eval": app}


RecordOption = Annotated[Path | None, typer.Option("--record", help="Write the model's answers to this file.")]
ReplayOption = Annotated[Path | None, typer.Option("--replay", help="Take the answers from this file: no network.")]
TimesOption = Annotated[int, typer.Option("--times", min=1, max=20, help="How often; for pass^k.")]


@app.command()
def planning(
    cases: Annotated[Path, typer.Option("--cases", help="Planning goals with known answers, one JSON object a line.")],
    *,
    model: Annotated[str, typer.Option("--model", help="PROVIDER:NAME instead of the configured one.")] = "",
    times: TimesOption = 1,
    record: RecordOption = None,
    replay: ReplayOption = None,
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


@app.command()
def run(
    cases: Annotated[Path, typer.Option("--cases", help="Goals and incidents, one JSON object a line.")],
    *,
    model: Annotated[list[str] | None, typer.Option("--model", help="PROVIDER:NAME; again for more of them.")] = None,
    times: TimesOption = 1,
    record: RecordOption = None,
    replay: ReplayOption = None,
    keep: Annotated[Path | None, typer.Option("--keep", help="Folder for captures of the lab's faults.")] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write the table as Markdown.")] = None,
    output: Output = Format.table,
) -> None:
    """Goals, captures, faults of the lab, controls and injections: without a model and with each that is named."""
    from steersman.app.eval_report import COLUMNS, Trial, markdown, read_all, tried
    from steersman.app.settings import load
    from steersman.cli.frame import go
    from steersman.domain.errors import InputError

    if record is not None and replay is not None:
        raise InputError("--record and --replay: say one of them")
    trial = Trial(tuple(model or ()), times, record, replay, keep)
    rows = go(tried(load(), read_all(cases), trial))
    if report is not None:
        _write(report, markdown(rows, f"Cases: `{cases.name}`."))
    emit([row.model_dump(mode="json") for row in rows], output, lambda: _rows(rows, COLUMNS))


def _write(file: Path, text: str) -> None:
    from steersman.domain.errors import InputError

    try:
        file.write_text(text, encoding="utf-8")
    except OSError as e:
        raise InputError(f"{str(file)!r} cannot be written: {e.strerror}; name another file") from e


def _rows(rows: list[Row], columns: tuple[str, ...]) -> Table:
    from rich.table import Table

    drawn = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        drawn.add_row(*row.cells())
    return drawn


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
