"""How far an investigation looks, and what is known before it asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from steersman.domain.finding import Breach
from steersman.domain.signal import Change, SignalName, Window

SIGNALS: tuple[SignalName, ...] = (
    "error_rate",
    "latency_p95",
    "cpu",
    "memory",
    "disk_latency",
    "queue_depth",
    "pool_usage",
    "restarts",
    "up",
)
"""What is asked of every service."""


Tell = Callable[[str], None]
"""Takes a remark on how far the work is; made by code, without anything that telemetry says."""


def _silent(_: str) -> None:
    """Tells nobody."""


@dataclass(frozen=True, slots=True)
class Scope:
    """How far an investigation looks."""

    baseline: Window | None = None
    """Healthy window to compare with; default: as long as the window in question, right before it."""
    alert_at: datetime | None = None
    """When somebody was paged; None: the fault may have begun at any time in the window."""
    onset_at: datetime | None = None
    """When it began, where that is known: then nothing is guessed from the page."""
    breaches: tuple[Breach, ...] = ()
    """Conditions that were judged breached: facts that need no source."""
    changes: tuple[Change, ...] = ()
    """What is known to have been changed, besides what sources tell."""
    service: str = ""
    """The service that was asked about."""
    services: tuple[str, ...] = ()
    """Services whose signals are asked for, besides those that spans and logs show."""
    timeout_s: float = 10.0
    """After that, what a source has not answered is a hole."""
    rows: int = 200_000
    """Spans, and log lines, that are fetched for one window at most."""
    parallel: int = 64
    """Queries for signals of one source that are under way at once."""
    tell: Tell = field(default=_silent, compare=False)
    """Is told how far the work is."""

    def healthy(self, window: Window) -> Window:
        """The baseline for a window."""
        length = window.end - window.start
        return self.baseline or Window(start=window.start - length, end=window.start, step_s=window.step_s)
