"""All contracts, by name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import chain
from types import MappingProxyType
from typing import get_args

from steersman.domain.ids import OperationName
from steersman.domain.load import GeneratorName, LoadCaps
from steersman.domain.load_operations import load_operations
from steersman.domain.operation import Operation
from steersman.toolsets.contracts import data, delivery, kubernetes, operations

ANY_HOST = LoadCaps(hosts=())
"""What is planned on contracts is never run: no host needs to be allowed."""


@cache
def contracts() -> Mapping[OperationName, Operation]:
    """Every typed contract; names are unique."""
    load = chain.from_iterable(load_operations(name, ANY_HOST) for name in get_args(GeneratorName))
    found = (*kubernetes.OPERATIONS, *delivery.OPERATIONS, *data.OPERATIONS, *operations.OPERATIONS, *load)
    return MappingProxyType({operation.name: operation for operation in found})
