"""Which scenarios may be used when nobody looks on."""

from __future__ import annotations

import re

from steersman.domain.scenario import Scenario

_ORDERS = re.compile(
    r"ignore (?:all |any |the |your |previous |prior |above |earlier )*(?:instructions|rules|polic(?:y|ies)|guardrails)"
    r"|disregard (?:all |any |the |your )*(?:previous|prior|above|instructions|rules)"
    r"|you are now|system prompt|without (?:asking|approval)|skip (?:the )?approval|do not (?:tell|ask|report)"
    r"|이전 (?:지시|명령|규칙)\S*\s*(?:은|는|을|를)?\s*(?:모두 )?무시|지시를 무시|규칙을 무시|승인\s*(?:없이|을 건너)"
    r"|\$\(|`[^`]*\b(?:rm|curl|wget|sh|bash)\b|\b(?:curl|wget)\b[^|]*\|\s*(?:sh|bash)\b|rm -rf",
    re.IGNORECASE,
)
"""Words that address an agent instead of describing work. A second line of defence: the first is the closed registry
of operations, which text cannot extend, and the review that a scenario has or has not had.
"""


def gives_orders(text: str) -> bool:
    """Whether a text addresses an agent instead of describing something."""
    return _ORDERS.search(text) is not None


def distrust(scenario: Scenario, *, builtin: bool = False) -> str:
    """Why this scenario must not be used without a person; empty when it may.

    builtin: it came with the package, whose release is its review.
    """
    found = _ORDERS.search("\n".join(texts(scenario)))
    if found:
        return f"its text gives orders to the agent: {found.group(0)[:60]!r}"
    if builtin or scenario.provenance.reviewed_by:
        return ""
    return "nobody has reviewed it"


def texts(scenario: Scenario) -> list[str]:
    """Every text of a scenario that people or models read."""
    conditions = [c if isinstance(c, str) else c.text for c in scenario.conditions]
    whys = [
        subtask.why for method in (scenario.method.methods if scenario.method else ()) for subtask in method.subtasks
    ]
    return [
        scenario.goal,
        *scenario.goals.values(),
        *conditions,
        *scenario.tools,
        *scenario.steps,
        scenario.rollback,
        scenario.when_not,
        *(parameter.why for parameter in scenario.parameters),
        *whys,
    ]
