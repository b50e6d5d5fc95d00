"""All contracts, by name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from steersman.domain.ids import OperationName
from steersman.domain.operation import Operation
from steersman.toolsets.contracts import data, delivery, kubernetes, operations


@cache
def contracts() -> Mapping[OperationName, Operation]:
    """Every typed contract; names are unique."""
    found = (*kubernetes.OPERATIONS, *delivery.OPERATIONS, *data.OPERATIONS, *operations.OPERATIONS)
    return MappingProxyType({operation.name: operation for operation in found})
