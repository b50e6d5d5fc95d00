"""What an operator says of operations that were imported: their effect, how they are looked at, and how undone.

An imported operation counts as destructive and irreversible unless its method only reads, or this file says otherwise.
Nothing that a specification, a server or a model says can make it milder.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from steersman.domain.errors import InputError
from steersman.domain.fact import Fact, JsonObject
from steersman.domain.operation import Access, BlastRadius, Effect, Idempotency, Invocation, Operation

Verb = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,99}$")]
"""An operation's name without that of its toolset."""
Pointer = Annotated[str, StringConstraints(pattern=r"^(/[^/]*)+$")]


class View(Fact):
    """A new read made of an imported one: chosen fields of its answer, as a probe wants them."""

    of: Verb
    fields: dict[Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")], Pointer] = Field(
        min_length=1
    )
    """Name to JSON Pointer into the answer's `body`; a field that is not there is null."""
    absent: frozenset[int] = frozenset({404})
    """Statuses that mean that the thing does not exist; shown as `{"exists": false}`."""
    summary: str = ""


class Said(Fact):
    """What the operator says of one operation; what is left out stays as imported."""

    effect: Effect | None = None
    access: Access | None = None
    resource: str | None = None
    blast_radius: BlastRadius | None = None
    idempotent: Idempotency | None = None
    key_header: str = ""
    """Header that carries the idempotency key; `idempotent: keyed` wants one."""
    probe: Invocation | None = None
    after: JsonObject | None = None
    inverse: Invocation | None = None
    timeout_s: float | None = Field(default=None, gt=0, le=3_600)
    secret_arguments: frozenset[str] = frozenset()
    summary: str = ""


class Overlay(Fact):
    """A whole overlay file."""

    operations: dict[Verb, Said] = {}
    views: dict[Verb, View] = {}
    hidden: frozenset[Verb] = frozenset()
    """Operations that are not taken over at all."""


RADIUS: dict[Effect, BlastRadius] = {"read": "none", "write": "environment", "destructive": "environment"}


def overlaid(operation: Operation, said: Said) -> Operation:
    """The operation as the operator says that it is.

    Raises InputError for a word that contradicts another: a read that changes things, an inverse without a probe.
    """
    effect = said.effect or operation.effect
    changed = effect != operation.effect
    access = said.access or (_access(effect, operation) if changed else operation.access)
    radius = said.blast_radius or (RADIUS[effect] if changed else operation.blast_radius)
    if (effect == "read") != (access == "read") or (effect == "read") != (radius == "none"):
        raise InputError(
            f"overlay of {operation.name!r}: effect {effect!r} does not go with access {access!r} and "
            f"blast_radius {radius!r}; only a read has access 'read' and blast_radius 'none'"
        )
    if said.inverse is not None and said.probe is None:
        raise InputError(f"overlay of {operation.name!r}: an inverse is verified by a probe; name one")
    if said.idempotent == "keyed" and not said.key_header:
        raise InputError(f"overlay of {operation.name!r}: idempotent 'keyed' wants key_header, which carries the key")
    natural: Idempotency = "natural" if effect == "read" else operation.idempotent
    given: dict[str, object] = {
        "effect": effect,
        "access": access,
        "blast_radius": radius,
        "idempotent": said.idempotent or natural,
        "resource": operation.resource if said.resource is None else said.resource,
        "probe": said.probe,
        "after": said.after,
        "inverse": said.inverse,
        "timeout_s": said.timeout_s or operation.timeout_s,
        "secret_arguments": operation.secret_arguments | said.secret_arguments,
        "summary": said.summary or operation.summary,
    }
    return operation.model_copy(update=given)


def _access(effect: Effect, operation: Operation) -> Access:
    if effect == "read":
        return "read"
    return operation.access if operation.access != "read" else "update"
