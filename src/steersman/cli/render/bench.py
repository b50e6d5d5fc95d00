"""Load tests on the screen: what will be run, how it goes, what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from steersman.cli.render.bench_words import word
from steersman.cli.render.text import percent, seconds, sparkline, untrusted
from steersman.planning.load_reasons import reason, verdict_reason
from steersman.planning.load_words import written

if TYPE_CHECKING:
    from steersman.agents.benchmark_report import BenchmarkReport
    from steersman.cli.render.words import Language
    from steersman.domain.load import AbortWhen, Compiled, LoadProfile
    from steersman.domain.load_result import HistoryLine, Limit, LoadResult, LoadVerdict, Progress, Result
    from steersman.judgement.change_points import ChangePoint

TONE: dict[str, str] = {"pass": "green", "fail": "bold red", "inconclusive": "yellow"}
WIDTH = 40
QUANTILES = (0.5, 0.95, 0.99)
MOST_JOURNEYS, MOST_PATH = 4, 48
WIDE = 110
"""Columns of a terminal from which on profiles are shown beside runs."""


def card(profile: LoadProfile, compiled: Compiled, lang: Language, *, assumed: Sequence[str] = ()) -> RenderableType:
    """Everything that a person should know before it is run."""
    unit = word("requests_s" if profile.model == "open" else "users", lang)
    peak = profile.peak_requests_s if profile.model == "open" else profile.peak
    levels = " → ".join(f"{'↗ ' if stage.ramp else ''}{stage.level:g}" for stage in profile.stages)
    asks = [f"{r.method} {untrusted(r.path, MOST_PATH)}" for journey in profile.journeys for r in journey.requests]
    rows = [
        (word("target", lang), profile.target),
        (word("asks", lang), "\n".join([*asks[:MOST_JOURNEYS], *(["..."] if len(asks) > MOST_JOURNEYS else [])])),
        (word("load", lang), f"{levels} {unit} ({word('peak', lang)} {peak:g}) · {word(profile.model, lang)}"),
        (word("lasts", lang), seconds(profile.duration_s)),
        (word("goals", lang), ", ".join(written(goal) for goal in profile.goals) or word("no_goals", lang)),
        (word("generator", lang), compiled.generator),
    ]
    if profile.abort:
        rows.append((word("abort", lang), "; ".join(_ends_at(each, lang) for each in profile.abort)))
    rows += [(word(gap.severity, lang), gap.detail) for gap in compiled.gaps]
    rows += [(word("assumed", lang), untrusted(text, 100)) for text in assumed]
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    for name, text in rows:
        table.add_row(name, text)
    title = f" {word('load_test', lang)}: {profile.name} "
    return Panel(table, title=title, title_align="left", border_style="cyan", padding=(0, 1))


def _ends_at(abort: AbortWhen, lang: Language) -> str:
    share = abort.kind == "errors"
    above = 100 * abort.above if share else abort.above
    return word("failed_share" if share else "slow_for", lang).format(above=above, for_s=abort.for_s)


def picture(profile: LoadProfile, points: Sequence[Progress], lang: Language) -> RenderableType:
    """A run as it goes on: rate, p95 and errors, each as a line over time."""
    if not points:
        return Panel(Text(word("starting", lang), "dim"), title=f" {profile.name} ", title_align="left")
    rates, shares = _rates(points), _shares(points)
    p95 = [point.p95_ms for point in points]
    now = points[-1]
    table = Table.grid(padding=(0, 1))
    for name, values, figure, bad in (
        (word("rate", lang), rates, f"{rates[-1]:.1f}/s" if rates else "", False),
        (
            "p95",
            p95,
            f"{p95[-1]:.1f} ms",
            any(each.kind == "latency" and p95[-1] > each.above for each in profile.abort),
        ),
        (word("errors", lang), shares, percent(shares[-1]) if shares else "", bool(shares and shares[-1] > 0)),
    ):
        table.add_row(
            Text(name, "dim"),
            Text(sparkline(values[-WIDTH:]).ljust(WIDTH), "red" if bad else "green"),
            Text(figure, "red" if bad else ""),
        )
    left = max(now.of_s - now.at_s, 0.0)
    title = f" {profile.name} · {now.at_s:.0f}/{now.of_s:.0f} s "
    foot = Text(word("so_far", lang).format(requests=now.requests, failures=now.failures, left=left), "dim")
    return Panel(Group(table, foot), title=title, title_align="left", border_style="cyan", padding=(0, 1))


def line(points: Sequence[Progress], lang: Language) -> str:
    """The same as one line of text."""
    now, rates, shares = points[-1], _rates(points), _shares(points)
    rate = f"{rates[-1]:.1f}/s" if rates else "-"
    share = percent(shares[-1]) if shares else "-"
    return (
        f"{now.at_s:4.0f}/{now.of_s:.0f} s  {word('rate', lang)} {rate}  p95 {now.p95_ms:.1f} ms  "
        f"{word('errors', lang)} {share}  {word('sent', lang).format(now.requests)}"
    )


def _rates(points: Sequence[Progress]) -> list[float]:
    return [(b.requests - a.requests) / (b.at_s - a.at_s) for a, b in pairwise(points) if b.at_s > a.at_s]


def _shares(points: Sequence[Progress]) -> list[float]:
    return [(b.failures - a.failures) / max(b.requests - a.requests, 1) for a, b in pairwise(points)]


def summary(profile: LoadProfile, result: LoadResult, verdict: LoadVerdict, lang: Language) -> RenderableType:
    """What a run measured and what it says."""
    latency = result.latency
    head = Table(box=None, pad_edge=False)
    columns = [word("requests", lang), word("rate", lang), word("errors", lang), *(f"p{q * 100:g}" for q in QUANTILES)]
    for name in (*columns, "max"):
        head.add_column(name, justify="right")
    figures = [f"{latency.quantile_ms(q):.1f} ms" if latency.count else "-" for q in QUANTILES]
    share = result.failures / result.requests if result.requests else 0.0
    head.add_row(f"{result.requests:,}", f"{result.rate:.1f}/s", percent(share), *figures, f"{latency.max_ms:.1f} ms")
    parts: list[RenderableType] = [head]
    if result.errors:
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(result.errors.items()))
        parts.append(Text(f"{word('failed', lang)}: {kinds}", "red"))
    if len(result.steps) > 1:
        parts.append(_steps(result, lang))
    parts += [_part(part.result, reason(part, lang)) for part in verdict.parts]
    parts += [Text(f"! {untrusted(flaw)}", "yellow") for flaw in verdict.flaws]
    tone = TONE[verdict.result]
    said = Text.assemble((word(verdict.result, lang), tone), f"  {untrusted(verdict_reason(verdict, lang), 200)}")
    title = f" {result.name} · {result.generator} · {profile.target} "
    return Panel(Group(said, *parts), title=title, title_align="left", border_style=tone, padding=(0, 1))


def _part(result: Result, why: str) -> Text:
    mark = {"pass": "✓", "fail": "✗", "inconclusive": "?"}[result]
    return Text.assemble((f"{mark} ", TONE[result]), untrusted(why))


def _steps(result: LoadResult, lang: Language) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(word("step", lang))
    for name in (word("requests", lang), word("failed", lang), "p50", "p95", "p99"):
        table.add_column(name, justify="right")
    for step in result.steps:
        latencies = (f"{value:.1f}" for value in (step.p50_ms, step.p95_ms, step.p99_ms))
        table.add_row(step.name, str(step.requests), str(step.failures), *latencies)
    return table


def comparison(
    runs: Sequence[LoadResult], baselines: Sequence[LoadResult], verdict: LoadVerdict, lang: Language
) -> RenderableType:
    """Before and after, side by side, with what the tests say."""
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for name in (word("before", lang), word("after", lang), word("change", lang)):
        table.add_column(name, justify="right")
    table.add_column("", overflow="fold")
    judged = {part.what: part for part in verdict.parts}
    for name, before, after in rows(runs, baselines):
        part = judged.get(name)
        change = f"{(after / before - 1):+.1%}" if before > 0 else "-"
        shown = ((percent(v) if name == "errors" else f"{v:.1f}") for v in (before, after))
        told = Text(word(part.result, lang), TONE[part.result]) if part else Text("")
        table.add_row(word(name, lang) if name in {"errors", "rate"} else name, *shown, change, told)
    why = untrusted(verdict_reason(verdict, lang), 400)
    said = Text.assemble((word(verdict.result, lang), TONE[verdict.result]), f"  {why}")
    title = f" {', '.join(each.name for each in baselines)} → {', '.join(each.name for each in runs)} "
    tone = TONE[verdict.result]
    return Panel(Group(said, table), title=title, title_align="left", border_style=tone, padding=(0, 1))


def rows(runs: Sequence[LoadResult], baselines: Sequence[LoadResult]) -> list[tuple[str, float, float]]:
    """(what, before, after): percentiles in ms of all requests of a side together, rate, share of errors."""
    sides = []
    for side in (baselines, runs):
        latency = side[0].latency.plus(*(run.latency for run in side[1:]))
        requests = sum(run.requests for run in side)
        sides.append(
            {
                **{f"p{q * 100:g}": latency.quantile_ms(q) if latency.count else 0.0 for q in QUANTILES},
                "errors": sum(run.failures for run in side) / requests if requests else 0.0,
                "rate": sum(run.rate for run in side) / len(side),
            }
        )
    return [(name, sides[0][name], sides[1][name]) for name in sides[0]]


def answered(report: BenchmarkReport, lang: Language) -> RenderableType:
    """What the agent found out, with the causes that it rests on."""
    parts: list[RenderableType] = [Text(untrusted(report.text, 1_000))]
    parts += [Text(f"{word('assumed', lang)}: {untrusted(text, 120)}", "dim") for text in report.request.assumed]
    if report.limit is not None:
        parts.append(limit_table(report.limit, lang))
    if report.investigation is not None and report.investigation.root_causes:
        from steersman.cli.render.causes import causes

        parts.append(causes(report.investigation, lang))
    tone = TONE[report.result]
    title = f" {untrusted(report.request.text, 80)} "
    return Panel(Group(*parts), title=title, title_align="left", border_style=tone, padding=(0, 1))


def limit_table(limit: Limit, lang: Language) -> RenderableType:
    """What a search tried, and what it found."""
    table = Table(box=None, pad_edge=False)
    for name in (word("rate", lang), word("requests_s", lang), "p95", word("failed", lang)):
        table.add_column(name, justify="right")
    table.add_column("")
    for point in sorted(limit.points, key=lambda each: each.rate):
        verdict = Text.assemble((word(point.result, lang), TONE[point.result]), f"  {untrusted(point.reason, 90)}")
        table.add_row(
            f"{point.rate:g}", f"{point.requests_s:.1f}", f"{point.p95_ms:.1f} ms", str(point.failures), verdict
        )
    if limit.holds is None:
        said = word("limit_none", lang)
    else:
        said = f"{word('limit', lang)}: {limit.holds:g}/s"
        said += f" (< {limit.breaks:g}/s)" if limit.breaks is not None else f" ({word('limit_open', lang)})"
    return Panel(Group(Text(said, "bold"), table), title=f" {limit.name} ", title_align="left", padding=(0, 1))


@dataclass(frozen=True, slots=True)
class HistoryTable:
    """Runs, newest first, as wide as there is room for: what a run says is never cut away."""

    lines: Sequence[HistoryLine]
    changes: Mapping[str, ChangePoint]
    """By the name of the first run of a new level."""
    lang: Language

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich asks for it."""
        del console
        wide, lang = options.max_width >= WIDE, self.lang
        table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column(word("run", lang), overflow="fold", min_width=12)
        for name in (word("verdict", lang), word("when", lang)):
            table.add_column(name, no_wrap=True)
        for name in (word("rate", lang), "p50", "p95", "p99", word("errors", lang)):
            table.add_column(name, justify="right", no_wrap=True, min_width=6)
        if wide:
            table.add_column(word("profile", lang), no_wrap=True)
        for each in reversed(self.lines):
            table.add_row(*self._cells(each), *((each.profile,) if wide else ()))
            change = self.changes.get(each.name)
            if change is not None:
                told = f"↑ p95 {change.before:.1f} → {change.after:.1f} ms"
                table.add_row(Text(told, "bold yellow"), Text(word("changed", lang), "bold yellow"))
        yield table

    def _cells(self, each: HistoryLine) -> tuple[str | Text, ...]:
        verdict = Text(word(each.verdict, self.lang), TONE[each.verdict])
        latencies = (f"{value:.1f}" for value in (each.p50_ms, each.p95_ms, each.p99_ms))
        name, when = f"{each.generator}/{each.name}", f"{each.started_at:%m-%d %H:%M}"
        return name, verdict, when, f"{each.rate:.1f}/s", *latencies, percent(each.error_ratio)
