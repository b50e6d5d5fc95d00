"""Changes out of Grafana: annotations that people and pipelines left."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NoReturn

from steersman.domain.errors import NoSourceError, ToolError
from steersman.domain.signal import Change, LogPage, Selector, Series, SignalName, SpanPage, Window
from steersman.queries.links import DataSource, explore_link
from steersman.remote.text import one_line
from steersman.toolsets.grafana.client import GrafanaClient
from steersman.toolsets.grafana.facts import Annotation, AnnotationSearch, Nothing, Source

MOST = 10_000
TYPES: Mapping[str, Literal["prometheus", "loki", "tempo"]] = {
    "promql": "prometheus",
    "logql": "loki",
    "traceql": "tempo",
}
"""Data source that answers each language."""
_SERVICE = re.compile(r"(?:service|app|application|component)[:=](?P<name>\S+)")


class GrafanaSource:
    """A `Source` of changes; signals, logs and spans are elsewhere, and it says so."""

    def __init__(self, client: GrafanaClient, uids: Mapping[str, str] | None = None) -> None:
        """uids: data sources by type (`prometheus`, `loki`, `tempo`); others are asked for, the default one first."""
        self._client = client
        self._uids: dict[str, str] | None = None
        self._configured = dict(uids or {})

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """Annotations of the window, oldest first; a tag such as `service:payments` names the service."""
        ask = AnnotationSearch(start=window.start, end=window.end, limit=MOST)
        found = await self._client.annotations(ask)
        return tuple(_change(a) for a in found.annotations if window.start <= a.at < window.end)

    async def explore(self, language: str, query: str, window: Window) -> str:
        """A link to Explore with a query in PromQL, LogQL or TraceQL; empty when Grafana has no such data source."""
        kind = TYPES.get(language)
        uid = (await self._known()).get(kind, "") if kind else ""
        if kind is None or not uid:
            return ""
        base = str(self._client.remote.client.base_url)
        return explore_link(base, DataSource(type=kind, uid=uid), query, window=window)

    async def _known(self) -> dict[str, str]:
        if self._uids is None:
            found: dict[str, str] = {}
            if set(TYPES.values()) - set(self._configured):
                for one in await self._listed():
                    found.setdefault(one.type, one.uid)
            self._uids = {**found, **self._configured}
        return self._uids

    async def _listed(self) -> list[Source]:
        """Data sources, the default ones first; none where viewers may not list them."""
        try:
            every = (await self._client.datasources(Nothing())).sources
        except ToolError:
            return []
        return sorted(every, key=lambda one: not one.is_default)

    async def range(self, signal: SignalName, selector: Selector, window: Window) -> Series:
        """Raises NoSourceError: signals come from metrics."""
        del window
        self._elsewhere(f"{signal!r} of {selector}", "Prometheus")

    async def logs(self, selector: Selector, window: Window, *, limit: int = 1_000) -> LogPage:
        """Raises NoSourceError: Grafana keeps no logs."""
        del window, limit
        self._elsewhere(f"logs of {selector}", "Loki")

    async def spans(self, selector: Selector, window: Window, *, limit: int = 1_000) -> SpanPage:
        """Raises NoSourceError: Grafana keeps no spans."""
        del window, limit
        self._elsewhere(f"spans of {selector}", "Tempo")

    def _elsewhere(self, what: str, who: str) -> NoReturn:
        raise NoSourceError(f"{self._client.remote.name} has no {what}; {who} has them, configure it as a source")


def _change(annotation: Annotation) -> Change:
    named = next((found["name"] for tag in annotation.tags if (found := _SERVICE.fullmatch(tag))), "")
    return Change(at=annotation.at, service=named, kind="annotation", what=one_line(annotation.text))
