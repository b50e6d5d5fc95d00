"""Prometheus, VictoriaMetrics, Mimir, Thanos: metrics, rules and alerts, read only."""

from steersman.toolsets.prometheus.checking import Checker
from steersman.toolsets.prometheus.client import PrometheusClient
from steersman.toolsets.prometheus.operations import OPERATIONS, PrometheusToolset
from steersman.toolsets.prometheus.source import PrometheusSource

__all__ = ["OPERATIONS", "Checker", "PrometheusClient", "PrometheusSource", "PrometheusToolset"]
