"""Loki: log lines and numbers made of them, read only."""

from steersman.toolsets.loki.client import LokiClient
from steersman.toolsets.loki.operations import OPERATIONS, LokiToolset
from steersman.toolsets.loki.source import LokiSource

__all__ = ["OPERATIONS", "LokiClient", "LokiSource", "LokiToolset"]
