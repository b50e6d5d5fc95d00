"""A capture as a toolset: one read, so that recorded telemetry passes the gate as well."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from steersman.diagnosis.bundle import Bundle
from steersman.domain.environment import Environment
from steersman.domain.fact import JsonObject
from steersman.domain.ids import OperationName
from steersman.domain.operation import Operation
from steersman.domain.ports import Binding, CallContext
from steersman.toolsets.capture.columns import read_bundle

READ = Operation(
    name=OperationName("capture.read"),
    summary="Reads a recorded incident: metrics, logs and traces of its window",
    effect="read",
    access="read",
    idempotent="natural",
    input_schema={"type": "object", "properties": {}, "additionalProperties": False},
    output_schema={
        "type": "object",
        "properties": {name: {"type": "integer"} for name in ("series", "spans", "logs")},
        "additionalProperties": False,
    },
    timeout_s=60.0,
)
OPERATIONS: tuple[Operation, ...] = (READ,)


class CaptureToolset:
    """One capture. What was read stays here, in columns: as JSON it would be a hundred times as slow."""

    name = "capture"

    def __init__(self, directory: Path, where: Environment) -> None:
        self._directory = directory
        self._where = where
        self.read: Bundle | None = None

    async def environment(self) -> Environment:
        """The capture itself."""
        return self._where

    def bindings(self) -> Sequence[Binding]:
        """The one operation there is."""
        return (Binding(READ, self._read),)

    async def _read(self, _: JsonObject, __: CallContext) -> JsonObject:
        bundle = self.read = await asyncio.to_thread(read_bundle, self._directory)
        return {"series": len(bundle.metrics.name), "spans": len(bundle.spans), "logs": len(bundle.logs.time)}
