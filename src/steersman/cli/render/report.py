"""A run as a Markdown report: what happened when, what it rests on, what was approved, changed and undone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from steersman.cli.render.bench_words import word as bench_word
from steersman.cli.render.load_table import cells, head, load_rows
from steersman.cli.render.text import clock, percent, untrusted, utc
from steersman.cli.render.words import Language, word
from steersman.domain.approval import Approval
from steersman.domain.event import (
    ApprovalMoved,
    CallIntended,
    CallSettled,
    Entry,
    FindingsMade,
    Refused,
    RunMoved,
    RunPlanned,
    StepMoved,
    VerdictGiven,
)
from steersman.domain.finding import Investigation, Verdict
from steersman.domain.run import Run, StepRecord


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that a report is made of."""

    run: Run
    entries: Sequence[Entry]
    approvals: Sequence[Approval] = ()
    investigation: Investigation | None = None


def markdown(story: Story, lang: Language) -> str:
    """The whole report."""
    run = story.run
    parts = [
        f"# {word('report', lang)}: {cell(run.plan.goal)}",
        _summary(run, lang),
        _section("timeline", lang, _table(("UTC", word("step", lang), ""), _timeline(story.entries, lang))),
        _section("approvals", lang, _bullets(_approvals(story.approvals))),
        _section("effects", lang, _bullets(_effects(run))),
        _load_tests(run, lang),
        _section("verdicts", lang, _bullets(verdict_line(verdict) for verdict in run.verdicts)),
        _section("undo", lang, _bullets(_undone(run, lang))),
    ]
    if story.investigation is not None:
        parts += _investigation(story.investigation, lang)
    return "\n\n".join(part for part in parts if part) + "\n"


def cell(text: str) -> str:
    """Text that cannot break out of a Markdown line or table cell, nor become a link, an image or HTML."""
    shown = untrusted(text)
    for char in "\\`*_[]<>|#!":
        shown = shown.replace(char, "\\" + char)
    return shown


def verdict_line(verdict: Verdict) -> str:
    """One line: result, what was measured against which bound, how much it rests on."""
    about = verdict.condition or verdict.step or "run"
    figures = "" if verdict.measured is None else f" · measured {verdict.measured:.4g}"
    bound = "" if verdict.bound is None else f" · bound {verdict.bound:.4g}"
    points = f" · {verdict.points} points" if verdict.points else ""
    return f"**{verdict.result}** {about}: {cell(verdict.reason)}{figures}{bound}{points}"


def _summary(run: Run, lang: Language) -> str:
    ended = f" — {utc(run.finished_at)}" if run.finished_at else ""
    return "\n".join(
        (
            f"- **{word('result', lang)}**: {word(run.state, lang)}" + (f" ({cell(run.reason)})" if run.reason else ""),
            f"- **{word('environment', lang)}**: {cell(str(run.plan.environment))}",
            f"- **{word('scenario', lang)}**: {run.plan.scenario_id or '-'}",
            f"- **{word('digest', lang)}**: `{run.plan.digest()}`",
            f"- run `{run.run_id}`, {utc(run.created_at)}{ended}",
        )
    )


def _load_tests(run: Run, lang: Language) -> str:
    """Empty for a run without load tests."""
    rows = [tuple(map(cell, cells(step, figures, lang))) for step, figures in load_rows(run)]
    return f"## {bench_word('before_after', lang)}\n\n{_table(head(lang), rows)}" if rows else ""


def _section(key: str, lang: Language, body: str) -> str:
    return f"## {word(key, lang)}\n\n{body or word('none', lang)}"


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    body = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(("| " + " | ".join(head) + " |", "|" + "---|" * len(head), *body)) if body else ""


def _timeline(entries: Sequence[Entry], lang: Language) -> Iterable[tuple[str, str, str]]:
    for entry in entries:
        told = tell(entry, lang)
        if told is not None:
            yield (utc(entry.at), cell(told[0]), cell(told[1]))


def line_of(entry: Entry, lang: Language) -> str:
    """An entry as one safe line of text; empty for what only an audit wants to see."""
    told = tell(entry, lang)
    return f"{clock(entry.at)}  {told[0]:<16} {untrusted(told[1], 200)}" if told else ""


def tell(entry: Entry, lang: Language) -> tuple[str, str] | None:
    """(step or subject, what happened) of an entry; None for what only an audit wants to see."""
    match entry.event:
        case RunPlanned() as event:
            return "plan", f"{event.plan.goal} ({len(event.plan.steps)} steps)"
        case RunMoved() as event:
            return "run", word(event.state, lang) + (f": {event.reason}" if event.reason else "")
        case CallIntended() as event:
            return event.step_id, f"{event.direction}: {event.operation} {event.resource}"
        case CallSettled() as event:
            note = f": {event.error}" if event.error else ""
            return event.step_id, f"{event.direction}: {event.operation} {event.result}{note}"
        case StepMoved() as event:
            way = f"{event.direction}: " if event.direction == "undo" else ""
            return event.step_id, way + word(event.state, lang) + (f": {event.reason}" if event.reason else "")
        case VerdictGiven() as event:
            return str(event.verdict.condition or event.verdict.step or "run"), (
                f"{event.verdict.result}: {event.verdict.reason}"
            )
        case ApprovalMoved() as event:
            return "approval", f"{event.what} by {event.by}" + (f": {event.comment}" if event.comment else "")
        case Refused() as event:
            return "refused", f"{event.guard}: {event.operation}: {event.reason}"
        case FindingsMade() as event:
            return "findings", f"{len(event.findings)}"
        case _:
            return None


def _approvals(approvals: Sequence[Approval]) -> Iterable[str]:
    for approval in approvals:
        request = approval.request
        until = utc(request.expires_at)
        yield f"`{request.id}` {request.scope} `{request.subject}` — {approval.state}, expires {until}"
        for vote in approval.votes:
            comment = f": {cell(vote.comment)}" if vote.comment else ""
            yield f"{vote.answer} by {cell(vote.approver.id)} at {utc(vote.at)} (key {vote.key_id}){comment}"


def _effects(run: Run) -> Iterable[str]:
    for record in run.steps.values():
        if record.intent is not None:
            yield f"`{record.step_id}` {record.intent.operation} {cell(record.intent.resource)}: {_outcome(record)}"


def _undone(run: Run, lang: Language) -> Iterable[str]:
    for record in run.undo.values():
        what = record.intent.operation if record.intent else "-"
        note = f": {cell(record.reason)}" if record.reason else ""
        checked = f", {word('verified', lang)}" if record.state == "done" else f" — {word('not_undone', lang)}"
        yield f"`{record.step_id}` {what}: {word(record.state, lang)}{note}{checked}"


def _outcome(record: StepRecord) -> str:
    if record.settled is None:
        return "unknown"
    return f"{record.settled.result} (by {record.settled.settled_by}, attempts: {record.attempts})"


def _investigation(found: Investigation, lang: Language) -> list[str]:
    if found.result == "cause":
        causes = _bullets(
            f"{cause.rank}. **{cell(cause.service)}** {cell(cause.version or cause.instance)} {cause.kind} "
            f"({percent(cause.score)}): {cell(cause.explanation)} [{', '.join(cause.evidence)}]"
            for cause in found.root_causes
        )
    else:
        causes = word(found.result, lang)
    evidence = _bullets(
        f"**{item.id}** {item.source}: {cell(item.value)}"
        + (f" — {word('untrusted', lang)}: “{cell(item.excerpt)}”" if item.excerpt else "")
        for item in found.evidence.values()
    )
    holes = _bullets(cell(hole) for hole in found.holes)
    return [_section("findings", lang, causes), _section("evidence", lang, evidence), holes]
