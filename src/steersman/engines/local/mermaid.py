"""A run's graph for people: the outer graph as it is compiled, with the steps inside their phases."""

from __future__ import annotations

from itertools import pairwise

from steersman.domain.plan import Plan
from steersman.domain.run import Run
from steersman.engines.local.order import phases

_COLOUR = {
    "done": "#cfe8cf",
    "running": "#cfe0f5",
    "holding": "#cfe0f5",
    "unknown": "#f5e3b8",
    "failed": "#f3c6c6",
    "conflict": "#f3c6c6",
}


def mermaid(plan: Plan, run: Run | None = None) -> str:
    """Flowchart of a plan, coloured by how far a run has got."""
    names = [phase for phase, _ in phases(plan)]
    ids = {step.id: f"s{number}" for number, step in enumerate(plan.steps)}
    lines = ["flowchart TD", "  prepare([prepare: drift, approval])"]
    for number, (phase, steps) in enumerate(phases(plan)):
        lines.append(f'  subgraph p{number}["phase {phase}"]')
        lines += [f'    {ids[step.id]}["{_text(step.id)}<br/>{_text(step.operation)}"]' for step in steps]
        lines += [f"    {ids[need]} --> {ids[step.id]}" for step in steps for need in step.needs]
        lines.append("  end")
    order = ["prepare", *(f"p{number}" for number in range(len(names))), "finish"]
    lines += ["  finish([finish: invariants])", "  undo([undo: inverses in reverse order])", "  park([park])"]
    lines += [f"  {here} --> {after}" for here, after in pairwise(order)]
    lines += [f"  {here} -.-> undo" for here in order]
    lines += [f"  {here} -.-> park" for here in (*order, "undo")]
    if run is not None:
        lines += [
            f"  style {ids[step]} fill:{_COLOUR[record.state]}"
            for step, record in run.steps.items()
            if record.state in _COLOUR
        ]
    return "\n".join(lines) + "\n"


def _text(words: str) -> str:
    return words.replace('"', "#quot;").replace("<", "&lt;").replace(">", "&gt;")
