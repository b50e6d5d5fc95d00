"""Argo Rollouts: canary and blueGreen."""

from steersman.toolsets.argo_rollouts.things import OPERATIONS
from steersman.toolsets.argo_rollouts.toolset import ArgoRolloutsToolset

__all__ = ["OPERATIONS", "ArgoRolloutsToolset"]
