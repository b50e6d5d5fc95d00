"""An investigation as a draft of a postmortem in Markdown: impact, timeline in UTC, cause, evidence, actions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from steersman.cli.render.actions import actions
from steersman.cli.render.report import cell
from steersman.cli.render.svg import amount, chart
from steersman.cli.render.text import percent, utc
from steersman.cli.render.words import Language, word
from steersman.domain.finding import Evidence, Investigation, RootCause
from steersman.domain.ids import EvidenceId
from steersman.domain.signal import Series, Window

_LINK = re.compile(r"https?://[\x21-\x7e]+")
_BREAKS = {"(": "%28", ")": "%29", "<": "%3C", ">": "%3E", "|": "%7C", "`": "%60"}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A signal to be drawn beside the evidence."""

    evidence: EvidenceId
    series: Series


def postmortem(found: Investigation, drawn: Sequence[Drawn], lang: Language) -> str:
    """The whole draft. Untrusted text is escaped and marked."""
    first = found.root_causes[0] if found.root_causes else None
    name = f"{first.service} {first.kind}" if first else word(found.result, lang)
    parts = [
        f"# {word('postmortem', lang)}: {cell(name)}",
        f"> {word('draft_note', lang).format(incident=found.incident_id)}",
        _head(found, lang),
        _section("what_changed", lang, _bullets(_changes(found)), none="nothing_changed"),
        _section("impact", lang, _impact(found, drawn, lang)),
        _section("timeline", lang, _timeline(found, lang)),
        _section("cause_heading", lang, _cause(found, lang)),
        _section(
            "hypotheses",
            lang,
            _bullets(_hypothesis(cause, lang) for cause in (*found.root_causes[1:], *found.rejected)),
        ),
        _section("evidence", lang, _evidence(found, lang)),
        _section("actions", lang, _bullets(f"[ ] {line}" for line in _actions(first, lang))),
        _unseen(found, lang),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def whole_window(found: Investigation) -> Window:
    """From the beginning of the baseline to the end of the window."""
    baseline = found.asked.baseline if found.asked else None
    start = min(baseline.start, found.window.start) if baseline else found.window.start
    return Window(start=start, end=found.window.end, step_s=found.window.step_s)


def _section(key: str, lang: Language, body: str, *, none: str = "none") -> str:
    return f"## {word(key, lang)}\n\n{body or word(none, lang)}"


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _head(found: Investigation, lang: Language) -> str:
    lines = [f"**{word('incident', lang)}**: `{found.incident_id}`"]
    if found.question:
        lines.append(f"**{word('question', lang)}**: {cell(found.question)}")
    if found.asked and found.asked.environment:
        lines.append(f"**{word('environment', lang)}**: {cell(str(found.asked.environment))}")
    lines.append(f"**{word('window', lang)}**: {_span(found.window)}")
    if found.asked and found.asked.baseline:
        lines.append(f"**{word('baseline', lang)}**: {_span(found.asked.baseline)}")
    return _bullets(lines)


def _span(window: Window) -> str:
    return f"{utc(window.start)} — {utc(window.end)}"


def _changes(found: Investigation) -> Iterable[str]:
    for key, item in found.evidence.items():
        if key.startswith("c"):
            yield f"**{key}** {_service(item)}{cell(item.value)}{_quoted(item)}"


def _service(item: Evidence) -> str:
    selector = item.query.get("selector")
    service = selector.get("service") if isinstance(selector, dict) else None
    return f"{cell(str(service))}: " if service else ""


def _quoted(item: Evidence) -> str:
    return f" — “{cell(item.excerpt)}”" if item.excerpt else ""


def _impact(found: Investigation, drawn: Sequence[Drawn], lang: Language) -> str:
    lines, pictures = [], []
    for each in drawn:
        said = _before_after(each.series, found.window, lang)
        if said:
            service = cell(each.series.selector.service or "")
            lines.append(f"{each.series.signal} · {service}: {said} [{each.evidence}]")
        pictures.append(chart(each.series, whole_window(found), found.window))
    return "\n\n".join(part for part in (_bullets(lines), *pictures) if part)


def _before_after(series: Series, window: Window, lang: Language) -> str:
    pairs = list(zip(series.times, series.values, strict=True))
    start = window.start.timestamp()
    before = [value for at, value in pairs if at < start]
    after = [value for at, value in pairs if at >= start]
    if not before or not after:
        return ""
    means = {"before": sum(before) / len(before), "after": sum(after) / len(after)}
    return word("before_after", lang).format(**{k: amount(series.signal, v) for k, v in means.items()})


def _timeline(found: Investigation, lang: Language) -> str:
    rows: list[tuple[datetime, str]] = [
        (found.window.start, word("window_began", lang)),
        (found.window.end, word("window_ended", lang)),
    ]
    if found.asked and found.asked.alert_at:
        rows.append((found.asked.alert_at, word("paged", lang)))
    for key, item in found.evidence.items():
        at = change_time(item) if key.startswith("c") else None
        if at is not None:
            rows.append((at, f"{_service(item)}{item.value.partition(' at ')[0]}{_quoted(item)} [{key}]"))
    lines = [f"| {utc(at)} | {what} |" for at, what in sorted(rows, key=lambda row: row[0])]
    return "\n".join(("| UTC | |", "|---|---|", *lines))


def change_time(item: Evidence) -> datetime | None:
    """When a change was made, of evidence that code wrote as `KIND at INSTANT`."""
    try:
        return datetime.fromisoformat(item.value.rpartition(" at ")[2])
    except ValueError:
        return None


def _cause(found: Investigation, lang: Language) -> str:
    if not found.root_causes:
        return word(found.result, lang)
    first = found.root_causes[0]
    where = " ".join(part for part in (first.service, first.version, first.instance) if part)
    head = f"**{cell(where)}** — {first.kind} ({percent(first.score)}) [{', '.join(first.evidence)}]"
    return "\n\n".join((head, cell(first.explanation), _reasons(first, lang))).rstrip()


def _reasons(cause: RootCause, lang: Language) -> str:
    lines = [f"{word('speaks_for', lang)}: {cell(text)}" for text in cause.speaks_for]
    lines += [f"{word('speaks_against', lang)}: {cell(text)}" for text in cause.speaks_against]
    return _bullets(lines)


def _hypothesis(cause: RootCause, lang: Language) -> str:
    against = "; ".join(cell(text) for text in cause.speaks_against)
    more = f" — {word('speaks_against', lang)}: {against}" if against else ""
    return (
        f"{cause.rank}. **{cell(cause.service)}** {cause.kind} ({percent(cause.score)}): "
        f"{cell(cause.explanation)} [{', '.join(cause.evidence)}]{more}"
    )


def _evidence(found: Investigation, lang: Language) -> str:
    lines = []
    for key, item in found.evidence.items():
        if key.startswith("c"):
            continue
        text = str(item.query.get("text", ""))
        asked = f" — `{item.query.get('language', '')}` {_code(text)}" if text else ""
        link = f" — [{word('open_link', lang)}]({_url(item.link)})" if _LINK.fullmatch(item.link) else ""
        quoted = f" — {word('untrusted', lang)}: “{cell(item.excerpt)}”" if item.excerpt else ""
        kept = f" — {_code(item.whole)}" if item.whole else ""
        lines.append(f"**{key}** {item.source} {_service(item)}{cell(item.value)}{asked}{link}{quoted}{kept}")
    return _bullets(lines)


def _code(text: str) -> str:
    """A query as code; one with a backtick is fenced by two."""
    line = " ".join(text.split())
    return f"`` {line} ``" if "`" in line else f"`{line}`"


def _url(link: str) -> str:
    return "".join(_BREAKS.get(char, char) for char in link)


def _actions(first: RootCause | None, lang: Language) -> tuple[str, ...]:
    return actions(first.kind if first else "unknown", lang)


def _unseen(found: Investigation, lang: Language) -> str:
    parts = []
    if found.holes:
        parts.append(_section("holes", lang, _bullets(cell(hole) for hole in found.holes)))
    if found.not_looked_at:
        parts.append(_section("not_looked_at", lang, _bullets(cell(what) for what in found.not_looked_at)))
    return "\n\n".join(parts)
