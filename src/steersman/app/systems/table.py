"""The systems by name: the key under `environments.NAME`, and how each is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from steersman.app.systems import argocd, kubernetes, prometheus
from steersman.app.systems.opened import Opened, Opening

Opener = Callable[[Any, Opening], AbstractAsyncContextManager[Opened]]
"""Takes the system's own section."""

SYSTEMS: Mapping[str, Opener] = {
    "prometheus": prometheus.opened,
    "kubernetes": kubernetes.opened,
    "argocd": argocd.opened,
}
