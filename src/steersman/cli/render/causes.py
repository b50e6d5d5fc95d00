"""An investigation for people: causes by rank, what each rests on, and what nobody could look at."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from steersman.cli.render.text import clock, percent, untrusted
from steersman.cli.render.words import Language, word
from steersman.domain.finding import Investigation

MOST_CAUSES = 3
MOST_EVIDENCE = 6


def causes(found: Investigation, lang: Language) -> RenderableType:
    """The first causes with their evidence; untrusted text is escaped and marked."""
    parts: list[RenderableType] = []
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
        parts.append(Text(f"   {word('evidence', lang)}: {', '.join(cause.evidence)}", "dim"))
    parts += [_evidence(found, lang), *(Text(f"! {untrusted(hole)}", "yellow") for hole in found.holes)]
    span = f"{clock(found.window.start)} – {clock(found.window.end)} UTC"
    title = f" {word('findings', lang)} · {span} "
    return Panel(Group(*parts), title=title, title_align="left", border_style="magenta", padding=(0, 1))


def _evidence(found: Investigation, lang: Language) -> Table:
    cited = [name for cause in found.root_causes[:MOST_CAUSES] for name in cause.evidence]
    grid = Table.grid(padding=(0, 1))
    shown = [*list(dict.fromkeys(cited))[:MOST_EVIDENCE], *(name for name in found.evidence if name.startswith("u"))]
    for name in shown:
        item = found.evidence[name]
        grid.add_row(Text(str(name), "cyan"), Text(item.source, "dim"), Text(untrusted(item.value, 120)))
        if item.excerpt:
            quoted = Text.assemble(
                (f"{word('untrusted', lang)} ", "bold yellow"), (f"“{untrusted(item.excerpt, 110)}”", "yellow")
            )
            grid.add_row("", "", quoted)
    return grid
