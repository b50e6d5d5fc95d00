"""An investigation for people: what was changed, causes by rank, what each rests on, and what nobody could look at."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from steersman.cli.render.text import clock, percent, sparkline, untrusted
from steersman.cli.render.words import Language, word
from steersman.domain.finding import Evidence, Investigation, RootCause
from steersman.domain.ids import EvidenceId
from steersman.domain.signal import Series

MOST_CAUSES = 3
MOST_EVIDENCE = 6
MOST_CHANGES = 5
MOST_REASONS = 3
SPARKS = 32
"""Bars of a sparkline."""


def causes(found: Investigation, lang: Language, drawn: Mapping[EvidenceId, Series] | None = None) -> RenderableType:
    """The first causes with their evidence; untrusted text is escaped and marked."""
    parts: list[RenderableType] = [*_changes(found, lang)]
    if found.result != "cause":
        parts.append(Text(word(found.result, lang), "bold"))
    for cause in found.root_causes[:MOST_CAUSES]:
        where = " ".join(part for part in (cause.service, cause.version, cause.instance) if part)
        line = Text.assemble(
            (f"{cause.rank}. ", "bold"),
            (untrusted(where), "bold red" if cause.rank == 1 else "bold"),
            f"  {cause.kind}",
        )
        parts += [line.append(f"  {percent(cause.score)}", "dim"), Text("   " + untrusted(cause.explanation, 200))]
        parts += _reasons(cause, lang)
        parts.append(Text(f"   {word('evidence', lang)}: {', '.join(cause.evidence)}", "dim"))
    if found.rejected:
        parts.append(Text(word("hypotheses", lang), "bold"))
    for cause in found.rejected[:MOST_CAUSES]:
        parts += [Text(f"   {untrusted(cause.service)}  {cause.kind}  {percent(cause.score)}", "dim")]
        parts += [Text("   " + untrusted(cause.explanation, 200), "dim"), *_reasons(cause, lang)]
    if found.time_spent:
        spent = ", ".join(
            f"{untrusted(each.service)} {each.own_ms:.0f} ms ({percent(each.share)})" for each in found.time_spent
        )
        parts.append(Text.assemble((f"{word('time_spent', lang)}: ", "dim"), spent))
    parts += [_evidence(found, lang, drawn or {}), *(Text(f"! {untrusted(hole)}", "yellow") for hole in found.holes)]
    if found.not_looked_at:
        parts.append(Text(f"{word('not_looked_at', lang)}: {', '.join(map(untrusted, found.not_looked_at))}", "dim"))
    span = f"{clock(found.window.start)} – {clock(found.window.end)} UTC"
    title = f" {word('findings', lang)} · {span} "
    return Panel(Group(*parts), title=title, title_align="left", border_style="magenta", padding=(0, 1))


def _reasons(cause: RootCause, lang: Language) -> list[RenderableType]:
    """What speaks for and against a hypothesis, so that a person can weigh it against the others."""
    return [
        Text.assemble((f"   {mark} ", style), (f"{word(key, lang)}: ", "dim"), untrusted(reason, 160))
        for key, mark, style, reasons in (
            ("speaks_for", "+", "green", cause.speaks_for),
            ("speaks_against", "-", "red", cause.speaks_against),
        )
        for reason in reasons[:MOST_REASONS]
    ]


def _changes(found: Investigation, lang: Language) -> list[RenderableType]:
    told = [item for key, item in found.evidence.items() if key.startswith("c")]
    if not told:
        return []
    lines: list[RenderableType] = [Text(word("what_changed", lang), "bold")]
    for item in told[:MOST_CHANGES]:
        quoted = f" “{untrusted(item.excerpt, 70)}”" if item.excerpt else ""
        lines.append(
            Text.assemble(
                "   ", (f"{item.id} ", "cyan"), untrusted(_service(item)), f" {item.value}", (quoted, "yellow")
            )
        )
    if len(told) > MOST_CHANGES:
        lines.append(Text(f"   … {len(told) - MOST_CHANGES}", "dim"))
    return lines


def _service(item: Evidence) -> str:
    selector = item.query.get("selector")
    return str(selector.get("service") or "") if isinstance(selector, dict) else ""


def _about(item: Evidence) -> str:
    service = _service(item)
    return f"{service}: {item.value}" if service else item.value


def _evidence(found: Investigation, lang: Language, drawn: Mapping[EvidenceId, Series]) -> Table:
    cited = [name for cause in found.root_causes[:MOST_CAUSES] for name in cause.evidence]
    grid = Table.grid(padding=(0, 1))
    shown = [*list(dict.fromkeys(cited))[:MOST_EVIDENCE], *(name for name in found.evidence if name.startswith("u"))]
    for name in shown:
        item = found.evidence[name]
        grid.add_row(Text(str(name), "cyan"), Text(item.source, "dim"), Text(untrusted(_about(item), 120)))
        if name in drawn:
            grid.add_row("", "", Text(f"{_sparks(drawn[name])}  {drawn[name].signal}", "blue"))
        if item.link:
            grid.add_row("", "", Text(word("open_link", lang), f"dim link {item.link}"))
        if item.excerpt:
            quoted = Text.assemble(
                (f"{word('untrusted', lang)} ", "bold yellow"), (f"“{untrusted(item.excerpt, 110)}”", "yellow")
            )
            grid.add_row("", "", quoted)
        if item.whole:
            grid.add_row("", "", Text(item.whole, "dim"))
    return grid


def _sparks(series: Series) -> str:
    """The highest value of each of so many equal parts of the series."""
    size = -(-len(series.values) // SPARKS) or 1
    return sparkline([max(series.values[i : i + size]) for i in range(0, len(series.values), size)])
