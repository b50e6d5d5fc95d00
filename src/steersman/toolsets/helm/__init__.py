"""Helm: releases of charts on a cluster."""

from steersman.toolsets.helm.command import Chart, Helm
from steersman.toolsets.helm.toolset import OPERATIONS, HelmToolset

__all__ = ["OPERATIONS", "Chart", "Helm", "HelmToolset"]
