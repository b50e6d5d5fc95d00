"""What a rule may read: names, types and allowed words. Rules are held against this when they are loaded."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import get_args

from steersman.domain.environment import PrincipalKind, Tier
from steersman.domain.operation import Access, BlastRadius, Effect
from steersman.domain.policy import Mode, PlannerKind, PolicyRequest, Route
from steersman.policy.typecheck import Schema, Type

WORDS: dict[str, tuple[str, ...]] = {
    "effect": get_args(Effect),
    "access": get_args(Access),
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

Facts = dict[str, str | bool | int | list[str]]


def _types() -> dict[str, Type]:
    types: dict[str, Type] = dict.fromkeys((*WORDS, *TEXTS), "text")
    types |= dict.fromkeys(FLAGS, "bool")
    types |= dict.fromkeys(LISTS, "list of text")
    return types | dict.fromkeys(NUMBERS, "int")


SCHEMA = Schema(types=_types(), words=WORDS)


def facts(request: PolicyRequest) -> Facts:
    """The request as a rule sees it; every name is always there."""
    return {
        "effect": request.effect,
        "access": request.access,
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
