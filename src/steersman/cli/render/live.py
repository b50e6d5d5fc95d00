"""A run as it goes on: steps by phase, the newest verdicts, and a sparkline a watched signal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from steersman.cli.render.text import percent, seconds, sparkline, untrusted
from steersman.cli.render.words import Language, word
from steersman.domain.finding import Verdict
from steersman.domain.run import Run, StepRecord
from steersman.domain.signal import UNIT, Series

MARK = {
    "pending": ("·", "dim"),
    "running": ("▸", "cyan"),
    "holding": ("◔", "yellow"),
    "done": ("✓", "green"),
    "failed": ("✗", "red"),
    "unknown": ("?", "yellow"),
    "skipped": ("-", "dim"),
    "conflict": ("!", "red"),
}
TONE = {"done": "green", "rolled_back": "yellow", "failed": "red", "partial_undo": "bold red", "refused": "red"}
LEVELS = {"pass": "green", "fail": "bold red", "inconclusive": "yellow"}
WIDTH = 48


@dataclass(frozen=True, slots=True)
class Watched:
    """A signal that a condition watches, with its bound."""

    title: str
    series: Series
    bound: float | None = None


def run_panel(run: Run, watched: Sequence[Watched], now: datetime, lang: Language) -> RenderableType:
    """The whole live picture; at most about 25 lines for the demo's plan."""
    parts: list[RenderableType] = [_steps(run, now, lang)]
    if watched:
        parts.append(_signals(watched))
    if run.verdicts:
        parts.append(verdict_text(run.verdicts[-1]))
    tone = TONE.get(run.state, "cyan")
    title = Text.assemble((f" {untrusted(run.plan.goal, 70)} ", "bold"), (f"{word(run.state, lang)} ", tone))
    return Panel(Group(*parts), title=title, title_align="left", border_style=tone, padding=(0, 1))


def verdict_text(verdict: Verdict) -> Text:
    """One line: the verdict and why."""
    about = verdict.condition or verdict.step or "run"
    return Text.assemble((f"{verdict.result} ", LEVELS[verdict.result]), f"{about}: ", untrusted(verdict.reason, 160))


def _steps(run: Run, now: datetime, lang: Language) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(width=9, style="dim")
    table.add_column(width=1)
    table.add_column(no_wrap=True)
    table.add_column(style="dim", no_wrap=True, overflow="ellipsis")
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis")
    phase = ""
    for step in run.plan.steps:
        record = run.steps[step.id]
        # A hold that was being watched when the run ended did not pass.
        mark, tone = MARK["failed" if run.final and record.state == "holding" else record.state]
        undone = run.undo.get(step.id)
        table.add_row(
            "" if step.phase == phase else step.phase,
            Text(mark, tone),
            step.id,
            step.operation,
            _took(record, now),
            _undo_text(undone, lang) if undone else Text(untrusted(record.reason, 60), tone),
        )
        phase = step.phase
    return table


def _undo_text(record: StepRecord, lang: Language) -> Text:
    mark, tone = MARK[record.state]
    label = word("undoing" if record.state in ("running", "pending") else "undo", lang)
    note = word("verified", lang) if record.state == "done" else untrusted(record.reason, 60)
    return Text.assemble(("↩ ", "yellow"), (f"{label} {mark} ", tone), (note, "dim"))


def _took(record: StepRecord, now: datetime) -> str:
    if record.started_at is None:
        return ""
    return seconds(max(0.0, ((record.finished_at or now) - record.started_at).total_seconds()))


def _signals(watched: Sequence[Watched]) -> Table:
    table = Table.grid(padding=(0, 1))
    for each in watched:
        values = each.series.values[-WIDTH:]
        top = max([*values, (each.bound or 0.0) * 2, 1e-9])
        latest = _figure(values[-1], each) if values else "no data"
        over = bool(values) and each.bound is not None and values[-1] > each.bound
        table.add_row(
            Text(each.title, "dim"),
            Text(sparkline(values, top=top).ljust(WIDTH), "red" if over else "green"),
            Text(latest, "red" if over else ""),
            Text(f"bound {_figure(each.bound, each)}" if each.bound is not None else "", "dim"),
        )
    return table


def _figure(value: float, watched: Watched) -> str:
    unit = UNIT[watched.series.signal]
    if unit == "ratio":
        return percent(value)
    return seconds(value) if unit == "s" else f"{value:.3g} {unit}"
