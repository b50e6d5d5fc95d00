"""Prometheus, VictoriaMetrics, Mimir, Thanos: metrics, rules and alerts, read only."""

from steersman.toolsets.prometheus.client import PrometheusClient
from steersman.toolsets.prometheus.operations import OPERATIONS, PrometheusToolset

__all__ = ["OPERATIONS", "PrometheusClient", "PrometheusToolset"]
