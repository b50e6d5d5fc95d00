"""A question to the policy engine from the command line's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steersman.app.settings import Settings
    from steersman.domain.policy import PolicyRequest
    from steersman.policy.engine import Policy


def question(
    settings: Settings, operation: str, *, who: str = "", resource: str = "", tier: str = "lab", route: str = "plan"
) -> tuple[Policy, PolicyRequest]:
    """The rules in force and the request. Raises InputError for words that are none."""
    from pydantic import ValidationError

    from steersman.app.catalogue import operation_named
    from steersman.app.rules import policy
    from steersman.app.store import CLOCK, local_id, principal
    from steersman.domain.errors import InputError
    from steersman.domain.ids import ResourceId
    from steersman.domain.policy import PolicyRequest

    rules, known, now = policy(settings), operation_named(operation), CLOCK.now()
    target = ResourceId(resource or known.resource)
    try:
        request = PolicyRequest.model_validate(
            {
                "principal": principal(settings, who or local_id()).model_dump(),
                "operation": known.name,
                "toolset": known.toolset,
                "effect": known.effect,
                "reversible": known.reversible,
                "blast_radius": known.blast_radius,
                "resource": target,
                "environment": {"kind": known.toolset, "name": "any", "uid": "any", "url": "", "tier": tier},
                "mode": settings.mode,
                "route": route,
                "planner": "htn" if route in ("plan", "undo") else "none",
                "frozen": False,
                "protected": rules.is_protected(target, known.name),
                "at": now,
            }
        )
    except ValidationError as e:
        first = e.errors()[0]
        raise InputError(f"{'.'.join(map(str, first['loc']))} = {first['input']!r}: {first['msg']}") from e
    frozen = rules.is_frozen(now, request.environment)
    return rules, request.model_copy(update={"frozen": frozen})
