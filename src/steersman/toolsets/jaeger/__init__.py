"""Jaeger, by its query API: traces, read only. VictoriaTraces answers the same behind `/select/jaeger`."""

from steersman.toolsets.jaeger.client import JaegerClient
from steersman.toolsets.jaeger.operations import OPERATIONS, JaegerToolset
from steersman.toolsets.jaeger.source import JaegerSource

__all__ = ["OPERATIONS", "JaegerClient", "JaegerSource", "JaegerToolset"]
