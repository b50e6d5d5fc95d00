"""Which time a command is about: durations, instants, alerts of a file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steersman.agents.investigate import Tell
    from steersman.app.investigations import Question
    from steersman.domain.environment import Environment
    from steersman.domain.signal import Window
    from steersman.queries.alert_files import Alert

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
SINCE = "15m"
LONGEST_S = 7 * 86_400.0
LAB_LAG_S, LAG_S = 1.5, 5.0
"""How long telemetry takes to arrive: the last moments are not asked for."""
LAB_STEP_S, STEP_S = 1.0, 5.0
FEWEST_POINTS, MOST_POINTS = 60, 240
BEFORE_ALERT = timedelta(minutes=10)
"""Alerts wait before they fire: the window begins so long before."""
AFTER_ALERT = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class When:
    """What was said of time, as it was written."""

    since: str = ""
    until: str = ""
    baseline: str = ""
    alert: Path | None = None

    def question(self, text: str, service: str, where: Environment, tell: Tell) -> Question:
        """The question about a window. Raises InputError for what is no time."""
        from steersman.app.investigations import Question

        told = read_alert(self.alert) if self.alert else None
        window = self.window(is_lab=where.kind == "lab", told=told)
        return Question(
            text=text,
            window=window,
            baseline=self.healthy(window),
            service=service or (told.service if told else ""),
            alert_at=told.started_at if told and window.start <= told.started_at < window.end else None,
            fingerprint=told.fingerprint if told else "",
            tell=tell,
        )

    def window(self, *, is_lab: bool, told: Alert | None = None) -> Window:
        """The window in question."""
        from steersman.app.store import CLOCK
        from steersman.domain.errors import InputError
        from steersman.domain.signal import Window

        now = CLOCK.now() - timedelta(seconds=LAB_LAG_S if is_lab else LAG_S)
        end = min(instant(self.until), now) if self.until else now
        if told is not None and not self.until:
            end = min(now, (told.ended_at or told.started_at) + AFTER_ALERT)
        start = end - timedelta(seconds=seconds(self.since or SINCE))
        if told is not None and not self.since:
            start = told.started_at - BEFORE_ALERT
        length_s = (end - start).total_seconds()
        if not 1 <= length_s <= LONGEST_S:
            raise InputError(f"a window of {length_s:.0f} s cannot be looked at; say --since 15m, at most 7d")
        return Window(start=start, end=end, step_s=_step_s(length_s, is_lab=is_lab))

    def healthy(self, window: Window) -> Window | None:
        """The baseline for that window; None: as long as the window, right before it."""
        from steersman.domain.errors import InputError
        from steersman.domain.signal import Window

        if not self.baseline:
            return None
        first, slash, last = self.baseline.partition("/")
        start = instant(first) if slash else window.start - timedelta(seconds=seconds(first))
        end = instant(last) if slash else window.start
        if not start < end <= window.start:
            raise InputError(f"--baseline {self.baseline!r} must end before the window begins at {window.start}")
        return Window(start=start, end=end, step_s=window.step_s)


def _step_s(length_s: float, *, is_lab: bool) -> float:
    """At most so many points; of a short window as many as scrapes that are a few seconds apart can fill."""
    usual = LAB_STEP_S if is_lab else min(STEP_S, max(LAB_STEP_S, length_s / FEWEST_POINTS))
    return max(usual, length_s / MOST_POINTS)


def seconds(text: str) -> float:
    """Seconds of `90s`, `5m`, `1h`, `2d`. Raises InputError for anything else."""
    from steersman.domain.errors import InputError

    found = DURATION.fullmatch(text.strip())
    if not found or not 0 < float(found[1]) * UNITS[found[2]] <= LONGEST_S:
        raise InputError(f"{text!r} is no duration that can be looked at; say 90s, 5m, 1h or 2d, at most 7d")
    return float(found[1]) * UNITS[found[2]]


def instant(text: str) -> datetime:
    """An instant; one without a zone is UTC. Raises InputError for anything else."""
    from steersman.domain.errors import InputError

    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as e:
        raise InputError(f"{text!r} is no instant; say 2026-11-25T10:00:00Z") from e
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def read_alert(path: Path) -> Alert:
    """The alert of a file that an investigation begins with. Raises InputError when it is none."""
    from steersman.domain.errors import InputError
    from steersman.queries.alert_files import read_alerts

    try:
        text = path.read_bytes()
    except OSError as e:
        raise InputError(f"{str(path)!r} cannot be read: {e.strerror}; name the file that the alert was sent in") from e
    try:
        return read_alerts(text).first
    except InputError as e:
        raise InputError(f"{str(path)!r}: {e}") from e
