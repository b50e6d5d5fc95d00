"""The systems by name: the key under `environments.NAME`, and how each is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from steersman.app.systems import postgres, prometheus, vault
from steersman.app.systems.opened import Opened, Opening

Opener = Callable[[Any, Opening], AbstractAsyncContextManager[Opened]]
"""Takes the system's own section."""

SYSTEMS: Mapping[str, Opener] = {
    "vault": vault.opened,
    "prometheus": prometheus.opened,
    "postgres": postgres.opened,
}
"""Vault comes first: what the others are configured with may lie there."""
