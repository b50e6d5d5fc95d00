"""One line that says what a phrase was read as: for people, tests and the command line."""

from __future__ import annotations

from steersman.domain.plan import Comparison
from steersman.domain.scenario import ConditionTemplate
from steersman.knowledge.phrases.condition import read_condition
from steersman.knowledge.phrases.step import ReadStep, read_step


def read_phrase(text: str) -> str:
    """`C ...` for a condition, `S ...` for a step, `T` for what stays text.

    Conditions: signal/pool@service, comparison, bound, window in seconds where the text names one, reaction.
    """
    condition = read_condition(text)
    if condition.conditions:
        return "C " + "; ".join(_condition(c, window="window" not in condition.assumed) for c in condition.conditions)
    step = read_step(text)
    return _step(step) if step.action else "T"


def _condition(condition: ConditionTemplate, *, window: bool) -> str:
    selector = condition.selector
    what = condition.signal + (f"/{selector.pool}" if selector.pool else "")
    what += f"@{selector.service}" if selector.service and selector.service != "{service}" else ""
    test = condition.test
    bound = f"~ {test.ratio:g}" if isinstance(test, Comparison) else f"{test.op} {float(test.value):.10g}"
    span = f" {float(condition.window_s):g}" if window else ""
    return f"{what} {bound}{span} {condition.reaction}"


def _step(step: ReadStep) -> str:
    parts = [f"S {step.action}"]
    if step.weights:
        parts.append("weights=" + ",".join(f"{weight:g}" for weight in step.weights))
    parts += [f"{name}={value:g}" for name, value in (("max", step.max_s), ("wait", step.wait_s)) if value is not None]
    parts += [f"replicas={step.replicas}"] if step.replicas is not None else []
    return " ".join([*parts, *(["trouble"] if step.on_trouble else [])])
