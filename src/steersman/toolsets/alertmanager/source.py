"""Alerts on the timeline of what happened: those that Alertmanager knows of now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NoReturn

from steersman.domain.errors import NoSourceError
from steersman.domain.signal import Change, LogPage, Selector, Series, SignalName, SpanPage, Window
from steersman.queries.alert_files import service_of
from steersman.remote.shape import reading
from steersman.remote.text import one_line
from steersman.toolsets.alertmanager.client import AlertmanagerClient
from steersman.toolsets.alertmanager.facts import Alert, AlertSearch

MOST = 1_000


class AlertmanagerSource:
    """A `Source` of alerts, told among changes; signals, logs and spans are elsewhere, and it says so.

    Alerts that have ended are forgotten by the server and so are not there.
    """

    def __init__(self, client: AlertmanagerClient) -> None:
        self._client = client

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """Alerts that began in the window and still stand, oldest first."""
        found = (await self._client.alerts(AlertSearch(limit=MOST))).alerts
        with reading(self._client.remote.name, "alerts"):
            told = [_change(alert) for alert in found]
        return tuple(sorted((c for c in told if window.start <= c.at < window.end), key=lambda c: c.at))

    async def range(self, signal: SignalName, selector: Selector, window: Window) -> Series:
        """Raises NoSourceError: signals come from metrics."""
        del window
        self._elsewhere(f"{signal!r} of {selector}", "Prometheus")

    async def logs(self, selector: Selector, window: Window, *, limit: int = 1_000) -> LogPage:
        """Raises NoSourceError: Alertmanager keeps no logs."""
        del window, limit
        self._elsewhere(f"logs of {selector}", "Loki")

    async def spans(self, selector: Selector, window: Window, *, limit: int = 1_000) -> SpanPage:
        """Raises NoSourceError: Alertmanager keeps no spans."""
        del window, limit
        self._elsewhere(f"spans of {selector}", "Tempo")

    def _elsewhere(self, what: str, who: str) -> NoReturn:
        raise NoSourceError(f"{self._client.remote.name} has no {what}; {who} has them, configure it as a source")


def _change(alert: Alert) -> Change:
    at = datetime.fromisoformat(alert.starts_at)
    return Change(
        at=at if at.tzinfo else at.replace(tzinfo=UTC),
        service=service_of(alert.labels),
        kind="alert",
        what=one_line(f"{alert.labels.get('alertname', 'an alert')} ({alert.state})"),
    )
