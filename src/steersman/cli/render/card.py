"""The plan card: what will be done, read in ten seconds, before anybody says yes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from steersman.cli.render.text import percent, seconds, untrusted
from steersman.cli.render.words import Language, word
from steersman.domain.operation import Invocation
from steersman.domain.plan import Assumption, Comparison, Condition, Plan, Step, Threshold
from steersman.domain.signal import UNIT
from steersman.planning.assume import is_unconnected
from steersman.planning.effects import StepEffect

KIND = {
    "created": ("+", "green", "create"),
    "changed": ("~", "yellow", "update"),
    "deleted": ("-", "red", "delete"),
    "unchanged": ("=", "dim", "update"),
}
MOST_FIELDS = 3
UNREAD = re.compile(r"conditions\.\d+\Z")
"""Names of assumptions that stand for conditions which stayed text."""


def plan_card(plan: Plan, effects: Sequence[StepEffect], lang: Language) -> RenderableType:
    """The card, about forty lines for the demo's plan."""
    parts: list[RenderableType] = [_head(plan, lang), Text(""), _phases(plan), Text("")]
    if is_unconnected(plan.environment):
        parts = [Text(word("unconnected", lang), "bold red"), *parts]
    parts += [_heading(word("changes", lang)), _changes(plan, effects, lang)]
    parts += _conditions(plan, lang)
    if plan.invariants:
        parts += [
            _heading(word("invariants", lang)),
            _lines(check.why or check.call.operation for check in plan.invariants),
        ]
    taken = [choice.why for choice in plan.provenance.choices if choice.taken and choice.task != "goal" and choice.why]
    if taken:
        parts += [_heading(word("choices", lang)), _lines(dict.fromkeys(taken))]
    left = [each for each in plan.assumptions if UNREAD.match(each.name)]
    if left:
        parts += [_heading(word("unread", lang)), _lines(f"{each.value}  {each.why}" for each in left)]
    held = [each for each in plan.assumptions if each not in left]
    if held:
        parts += [_heading(word("assumptions", lang)), _lines(_assumption(held))]
    parts += [Text(""), Text(f"{word('digest', lang)} {plan.digest()}", "dim")]
    return Panel(
        Group(*parts), title=f" {word('plan', lang)} ", title_align="left", border_style="blue", padding=(0, 1)
    )


def condition_text(condition: Condition) -> str:
    """`error_rate(service=payments,pool=green) > 5 %`, in the unit of the signal."""
    about = f"{condition.signal}({condition.selector})"
    match condition.test:
        case Threshold(op=op, value=value):
            return f"{about} {op} {_in_unit(condition, value)}"
        case Comparison(baseline=baseline, ratio=ratio):
            return f"{about} ≥ {ratio:g} × {condition.signal}({baseline})"


def call_text(call: Invocation) -> str:
    """`lab.set_weights(service=payments, weights=…before)`, short enough for a line."""
    return f"{call.operation}({', '.join(f'{key}={_value(value)}' for key, value in call.arguments.items())})"


def _head(plan: Plan, lang: Language) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(style="dim")
    grid.add_row(word("goal", lang), Text(untrusted(plan.goal), "bold"))
    grid.add_row(word("scenario", lang), str(plan.scenario_id or "-"))
    tone = "bold red" if plan.environment.tier == "prod" else ""
    grid.add_row(word("environment", lang), Text(str(plan.environment), tone))
    made = plan.provenance
    grid.add_row(word("made_by", lang), made.planner + (f" {made.model}" if made.model else ""))
    limits = plan.budget
    grid.add_row(word("budget", lang), f"{limits.calls} calls, {seconds(limits.seconds)}, {limits.money_usd:g} USD")
    return grid


def _phases(plan: Plan) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(style="bold cyan")
    for phase in plan.phases:
        steps = [step for step in plan.steps if step.phase == phase]
        if steps:
            grid.add_row(phase, Text(" → ".join(_step(step) for step in steps)))
    return grid


def _step(step: Step) -> str:
    return step.id + (f" ◔{seconds(step.hold.for_s)}" if step.hold else "")


def _changes(plan: Plan, effects: Sequence[StepEffect], lang: Language) -> Table:
    grid = Table.grid(padding=(0, 1))
    for effect in effects:
        sign, tone, label = KIND[effect.kind]
        what = Text.assemble((f"{sign} ", tone), (word(label, lang), tone), f" {effect.resource or effect.operation}")
        fields = ", ".join(f"{f.path.strip('/')} {f.was} → {f.now}" for f in effect.fields[:MOST_FIELDS])
        if not fields and effect.kind == "changed":  # what is there now is not known: what the call says, then
            step = plan.step(effect.step_id)
            fields = call_text(Invocation(operation=step.operation, arguments=step.arguments))
        grid.add_row(what, Text(untrusted(fields, 90), "dim"))
        grid.add_row("", _undo(effect, lang))
    return grid


def _undo(effect: StepEffect, lang: Language) -> Text:
    """How a write is taken back, and what an undo leaves of it."""
    if effect.undo is None and not effect.kept:
        return Text(f"↩ {word('undo_by', lang)} {word('irreversible', lang)}", "bold red")
    if effect.undo is None:
        return Text(f"↩ {word('kept', lang)}: {untrusted(effect.kept, 110)}", "yellow")
    kept = f"; {word('kept_if_late', lang)}: {untrusted(effect.kept, 60)}" if effect.kept else ""
    return Text(f"↩ {word('undo_by', lang)} {untrusted(call_text(effect.undo), 110)}{kept}", "dim")


def _conditions(plan: Plan, lang: Language) -> list[RenderableType]:
    found: list[RenderableType] = []
    for reaction, key in (("rollback", "triggers"), ("pause", "pauses")):
        these = [condition for condition in plan.conditions if condition.reaction == reaction]
        if these:
            lines = (
                f"{condition_text(each)}  ({each.min_points}+ points of {seconds(each.point_s)})" for each in these
            )
            found += [_heading(word(key, lang)), _lines(lines)]
    return found


def _assumption(held: Iterable[Assumption]) -> Iterable[str]:
    return (f"{each.name} = {_value(each.value)}" + (f"  {each.why}" if each.why else "") for each in held)


def _heading(title: str) -> Text:
    return Text(title, "bold")


def _lines(lines: Iterable[str]) -> Text:
    return Text("\n".join(f"  {untrusted(line, 140)}" for line in lines))


def _value(value: object) -> str:
    if isinstance(value, dict) and len(value) == 1:
        ((key, body),) = value.items()
        if key == "$before":
            return f"‹as before: {str(body).strip('/')}›"
        if key == "$from" and isinstance(body, dict):
            return f"‹{body.get('step')}{body.get('path')}›"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_value(item)}" for key, item in value.items()) + "}"
    return untrusted(str(value), 60)


def _in_unit(condition: Condition, value: float) -> str:
    match UNIT[condition.signal]:
        case "ratio":
            return percent(value)
        case "s":
            return seconds(value)
        case unit:
            return f"{value:g} {unit}"
