"""What a rule may read: names, types and allowed words. Rules are held against this when they are loaded."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterator
from typing import get_args

from steersman.domain.environment import PrincipalKind, Tier
from steersman.domain.operation import BlastRadius, Effect
from steersman.domain.policy import Mode, PlannerKind, PolicyRequest, Route

WORDS: dict[str, tuple[str, ...]] = {
    "effect": get_args(Effect),
    "blast_radius": get_args(BlastRadius),
    "mode": get_args(Mode),
    "route": get_args(Route),
    "planner": get_args(PlannerKind),
    "tier": get_args(Tier),
    "principal_kind": get_args(PrincipalKind),
}
"""Variables that are one of a closed set of words."""
TEXTS = ("operation", "toolset", "resource", "principal", "environment_kind", "environment_name")
FLAGS = ("reversible", "frozen", "protected")
LISTS = ("roles",)
NUMBERS = ("hour", "weekday")
"""UTC; Monday is 1."""
NAMES = (*WORDS, *TEXTS, *FLAGS, *LISTS, *NUMBERS)

Facts = dict[str, str | bool | int | list[str]]

_COMPARED = re.compile(r"\b(\w+)\s*(?:==|!=)\s*(['\"])(.*?)\2")
_LISTED = re.compile(r"\b(\w+)\s+in\s+\[([^\]]*)\]")
_QUOTED = re.compile(r"(['\"])(.*?)\1")


def facts(request: PolicyRequest) -> Facts:
    """The request as a rule sees it; every name is always there."""
    return {
        "effect": request.effect,
        "blast_radius": request.blast_radius,
        "mode": request.mode,
        "route": request.route,
        "planner": request.planner,
        "tier": request.environment.tier,
        "principal_kind": request.principal.kind,
        "operation": request.operation,
        "toolset": request.toolset,
        "resource": request.resource,
        "principal": request.principal.id,
        "environment_kind": request.environment.kind,
        "environment_name": request.environment.name,
        "reversible": request.reversible,
        "frozen": request.frozen,
        "protected": request.protected,
        "roles": sorted(request.principal.roles),
        "hour": request.at.hour,
        "weekday": request.at.isoweekday(),
    }


def samples() -> Iterator[Facts]:
    """Requests on which each rule is tried when loaded: each word of each variable occurs, beside both flag values."""
    longest = max(len(words) for words in WORDS.values())
    for index, flag, roles in itertools.product(range(longest), (True, False), (["operator"], [])):
        yield {
            **{name: words[index % len(words)] for name, words in WORDS.items()},
            **dict.fromkeys(TEXTS, "sample"),
            **dict.fromkeys(FLAGS, flag),
            "roles": list(roles),
            "hour": 12,
            "weekday": 1 + index % 7,
        }


def unknown_name(names: list[str]) -> str | None:
    """What is wrong with the variables of an expression; None when nothing is."""
    for name in names:
        if name not in NAMES:
            close = difflib.get_close_matches(name, NAMES, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(NAMES)}"
            return f"unknown variable {name!r}; {hint}"
    return None


def unknown_word(expression: str) -> str | None:
    """A word that a variable can never be: a rule that compares with it would silently never hold."""
    pairs = [(name, word) for name, _, word in _COMPARED.findall(expression)]
    for name, listed in _LISTED.findall(expression):
        pairs += [(name, word) for _, word in _QUOTED.findall(listed)]
    for name, word in pairs:
        words = WORDS.get(name)
        if words is not None and word not in words:
            close = difflib.get_close_matches(word, words, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            return f"{name} is never {word!r}{hint} (one of {', '.join(words)})"
    return None
