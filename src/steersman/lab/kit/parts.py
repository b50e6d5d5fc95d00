"""The seams of a running service that a fault can reach."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from steersman.lab.kit.calls import Calls
from steersman.lab.kit.database import Database
from steersman.lab.kit.outbox import Outbox

Hook = Callable[[str], None]
"""Called with the name of a route before its handler."""


@dataclass(slots=True)
class Parts:
    """What a service is made of."""

    log: logging.Logger
    calls: Calls
    config: dict[str, float]
    flush: Callable[[], None]
    databases: list[Database] = field(default_factory=list)
    outboxes: list[Outbox] = field(default_factory=list)
    before_request: list[Hook] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    """What runs in the background until the service stops."""
