"""The load tests of a run side by side: before and after, out of the journal, even when their files are gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from steersman.cli.render.bench_words import word
from steersman.cli.render.text import percent, untrusted

if TYPE_CHECKING:
    from rich.table import Table

    from steersman.cli.render.words import Language
    from steersman.domain.fact import JsonObject
    from steersman.domain.run import Run

FIGURES = frozenset({"requests", "rate", "p50_ms", "p95_ms", "p99_ms", "failed_percent", "verdict", "reason"})
TONE = {"pass": "green", "fail": "bold red", "inconclusive": "yellow"}


def load_rows(run: Run) -> Iterator[tuple[str, JsonObject]]:
    """(step, figures) of each load test that came to its end, in the order of the plan."""
    for step in run.plan.steps:
        settled = run.steps[step.id].settled
        if settled is not None and settled.result == "done" and settled.output.keys() >= FIGURES:
            yield step.id, settled.output


def head(lang: Language) -> tuple[str, ...]:
    """Titles of the columns."""
    words = [word(key, lang) for key in ("step", "target", "requests", "rate", "errors")]
    return (*words, "p50", "p95", "p99", word("verdict", lang), "")


def cells(step: str, figures: JsonObject, lang: Language) -> tuple[str, ...]:
    """One row."""
    latencies = (f"{_number(figures, f'p{q}_ms'):.1f} ms" for q in (50, 95, 99))
    return (
        step,
        untrusted(str(figures.get("target", "")), 60),
        f"{_number(figures, 'requests'):.0f}",
        f"{_number(figures, 'rate'):.1f}/s",
        percent(_number(figures, "failed_percent") / 100),
        *latencies,
        word(str(figures["verdict"]), lang),
        untrusted(str(figures["reason"]), 160),
    )


def load_table(run: Run, lang: Language) -> Table | None:
    """For the screen; None for a run without load tests."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    found = [*load_rows(run)]
    if not found:
        return None
    title = word("before_after", lang)
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
    step, target, *figures, verdict, _ = head(lang)
    for title in (step, verdict):
        table.add_column(title, no_wrap=True)
    for title in figures:
        shown = f"{title} ms" if title.startswith("p") and title[1:].isdecimal() else title
        table.add_column(shown, justify="right", no_wrap=True)
    table.add_column(target, overflow="ellipsis")  # the only one that gives way where there is little room
    for name, values in found:
        step, target, *figures, verdict, _ = cells(name, values, lang)
        bare = (text.removesuffix(" ms") for text in figures)
        table.add_row(step, Text(verdict, TONE[str(values["verdict"])]), *bare, target)
    return table


def _number(figures: JsonObject, key: str) -> float:
    value = figures.get(key)
    return float(value) if isinstance(value, (int, float)) else 0.0
