"""Changes out of Grafana: annotations that people and pipelines left."""

from __future__ import annotations

import re
from typing import NoReturn

from steersman.domain.errors import UnavailableError
from steersman.domain.signal import Change, LogPage, Selector, Series, SignalName, SpanPage, Window
from steersman.remote.text import one_line
from steersman.toolsets.grafana.client import GrafanaClient
from steersman.toolsets.grafana.facts import Annotation, AnnotationSearch

MOST = 10_000
_SERVICE = re.compile(r"(?:service|app|application|component)[:=](?P<name>\S+)")


class GrafanaSource:
    """A `Source` of changes; signals, logs and spans are elsewhere, and it says so."""

    def __init__(self, client: GrafanaClient) -> None:
        self._client = client

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """Annotations of the window, oldest first; a tag such as `service:payments` names the service."""
        ask = AnnotationSearch(start=window.start, end=window.end, limit=MOST)
        found = await self._client.annotations(ask)
        return tuple(_change(a) for a in found.annotations if window.start <= a.at < window.end)

    async def range(self, signal: SignalName, selector: Selector, window: Window) -> Series:
        """Raises UnavailableError: signals come from metrics."""
        del window
        self._elsewhere(f"{signal!r} of {selector}", "Prometheus")

    async def logs(self, selector: Selector, window: Window, *, limit: int = 1_000) -> LogPage:
        """Raises UnavailableError: Grafana keeps no logs."""
        del window, limit
        self._elsewhere(f"logs of {selector}", "Loki")

    async def spans(self, selector: Selector, window: Window, *, limit: int = 1_000) -> SpanPage:
        """Raises UnavailableError: Grafana keeps no spans."""
        del window, limit
        self._elsewhere(f"spans of {selector}", "Tempo")

    def _elsewhere(self, what: str, who: str) -> NoReturn:
        raise UnavailableError(f"{self._client.remote.name} has no {what}; {who} has them, configure it as a source")


def _change(annotation: Annotation) -> Change:
    named = next((found["name"] for tag in annotation.tags if (found := _SERVICE.fullmatch(tag))), "")
    return Change(at=annotation.at, service=named, kind="annotation", what=one_line(annotation.text))
