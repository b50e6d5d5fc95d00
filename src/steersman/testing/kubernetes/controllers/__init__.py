"""Controllers: each looks at the whole store once a beat, and takes one step."""

from __future__ import annotations

from collections.abc import Callable

from steersman.testing.kubernetes.controllers.autoscalers import autoscale
from steersman.testing.kubernetes.controllers.collector import collect
from steersman.testing.kubernetes.controllers.deployments import deploy
from steersman.testing.kubernetes.controllers.jobs import run_jobs
from steersman.testing.kubernetes.controllers.nodes import keep_nodes
from steersman.testing.kubernetes.controllers.pods import run_pods
from steersman.testing.kubernetes.controllers.replicas import replicate
from steersman.testing.kubernetes.controllers.rollouts import roll_out
from steersman.testing.kubernetes.store import Store

CONTROLLERS: tuple[Callable[[Store], None], ...] = (
    run_pods,
    replicate,
    deploy,
    roll_out,
    run_jobs,
    autoscale,
    keep_nodes,
    collect,
)
"""Pods first: what a controller makes now runs at the next beat, so that status lags as it really does."""
