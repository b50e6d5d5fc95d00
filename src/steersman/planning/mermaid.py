"""A plan as a mermaid flowchart: phases as boxes, steps in them, holds on their edges."""

from __future__ import annotations

import re
from collections.abc import Iterator

from steersman.domain.plan import Plan, Step

UNSAFE = re.compile(r"[^\w ,.:/%=>\-가-힣]")


def mermaid(plan: Plan) -> str:
    """The chart. Ids and labels are made safe: nothing in a plan can end a label or add a directive."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    numbers: dict[str, int] = {}
    for place, step in enumerate(plan.steps):
        numbers.setdefault(step.id, place)
    phases = list(dict.fromkeys((*plan.phases, *(step.phase for step in plan.steps))))
    yield "flowchart LR"
    for at, phase in enumerate(phases):
        inside = [(place, step) for place, step in enumerate(plan.steps) if step.phase == phase]
        if not inside:
            continue
        yield f'  subgraph p{at}["{_safe(phase)}"]'
        for place, step in inside:
            yield f"    s{place}{_box(step)}"
        yield "  end"
    for place, step in enumerate(plan.steps):
        for need in step.needs:
            if need in numbers:
                hold = plan.steps[numbers[need]].hold
                watched = f"|{_safe(', '.join(hold.conditions))}|" if hold and hold.conditions else ""
                yield f"  s{numbers[need]} -->{watched} s{place}"


def _box(step: Step) -> str:
    label = f"{_safe(step.id)}<br/>{_safe(step.operation)}"
    return f'["{label}"]' if step.inverse is not None else f'(["{label}"])'


def _safe(text: str) -> str:
    return UNSAFE.sub("_", text)[:80]
