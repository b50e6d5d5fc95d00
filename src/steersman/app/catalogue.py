"""The toolsets that Steersman knows: one line each. Operations can be listed without a connection to anything."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from steersman.domain.errors import InputError
from steersman.domain.ids import OperationName
from steersman.domain.operation import Operation
from steersman.domain.source_operations import telemetry_operations

TELEMETRY = "telemetry"
"""Name of the toolset through which telemetry is asked, whatever source is behind it."""


def all_operations() -> Sequence[Operation]:
    """Every operation that can be called, by name."""
    # Parsers and clients, which only a listing of all needs.
    from steersman.toolsets import (
        argo_rollouts,
        argocd,
        gateway,
        kubernetes,
        lab,
        prometheus,
    )

    clusters = (*kubernetes.OPERATIONS, *argo_rollouts.OPERATIONS, *argocd.OPERATIONS, *gateway.OPERATIONS)
    found = (*lab.OPERATIONS, *prometheus.OPERATIONS, *clusters, *telemetry_operations(TELEMETRY))
    return sorted(found, key=lambda operation: operation.name)


def operation_named(name: str) -> Operation:
    """The operation of that name. Raises InputError with the nearest known one."""
    known = {operation.name: operation for operation in all_operations()}
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "`steer tools list` shows all"
        raise InputError(f"there is no operation {name!r}; {hint}")
    return known[OperationName(name)]
