"""Kubernetes: workloads, autoscalers, nodes, configuration."""

from steersman.toolsets.kubernetes.source import KubernetesSource
from steersman.toolsets.kubernetes.things import OPERATIONS
from steersman.toolsets.kubernetes.toolset import KubernetesToolset

__all__ = ["OPERATIONS", "KubernetesSource", "KubernetesToolset"]
