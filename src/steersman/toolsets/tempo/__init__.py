"""Tempo: traces, and numbers made of spans, read only."""

from steersman.toolsets.tempo.client import TempoClient
from steersman.toolsets.tempo.operations import OPERATIONS, TempoToolset
from steersman.toolsets.tempo.source import TempoSource

__all__ = ["OPERATIONS", "TempoClient", "TempoSource", "TempoToolset"]
