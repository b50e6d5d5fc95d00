"""The toolsets that Steersman knows: one line each. Operations can be listed without a connection to anything."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from importlib import import_module
from itertools import chain
from typing import get_args

from steersman.domain.errors import InputError
from steersman.domain.ids import OperationName
from steersman.domain.load import GeneratorName, LoadCaps
from steersman.domain.load_operations import load_operations
from steersman.domain.operation import Operation
from steersman.domain.source_operations import telemetry_operations

TELEMETRY = "telemetry"
"""Name of the toolset through which telemetry is asked, whatever source is behind it."""


ANY_HOST = LoadCaps(hosts=())
"""Which hosts may be put under load is said by the environment that is connected; in a listing there is none."""
TOOLSETS = (
    "alertmanager",
    "argo_rollouts",
    "argocd",
    "ci",
    "dns",
    "forge",
    "gateway",
    "grafana",
    "helm",
    "http",
    "jaeger",
    "kubernetes",
    "lab",
    "loki",
    "postgres",
    "prometheus",
    "pushgateway",
    "registry",
    "remote_write",
    "scan",
    "tempo",
    "tls",
    "vault",
)
"""Modules of `toolsets/` with `OPERATIONS`; imported only when all are listed: they bring parsers and clients."""


def all_operations() -> Sequence[Operation]:
    """Every operation that can be called, by name."""
    own = (import_module(f"steersman.toolsets.{name}").OPERATIONS for name in TOOLSETS)
    load = (load_operations(name, ANY_HOST) for name in get_args(GeneratorName))
    found = chain(chain.from_iterable(own), chain.from_iterable(load), telemetry_operations(TELEMETRY))
    return sorted(found, key=lambda operation: operation.name)


def operation_named(name: str) -> Operation:
    """The operation of that name. Raises InputError with the nearest known one."""
    known = {operation.name: operation for operation in all_operations()}
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "`steer tools list` shows all"
        raise InputError(f"there is no operation {name!r}; {hint}")
    return known[OperationName(name)]
