"""Grafana: dashboards, annotations, alert rules."""

from steersman.toolsets.grafana.client import GrafanaClient
from steersman.toolsets.grafana.operations import OPERATIONS, GrafanaToolset
from steersman.toolsets.grafana.source import GrafanaSource

__all__ = ["OPERATIONS", "GrafanaClient", "GrafanaSource", "GrafanaToolset"]
