"""The Grafana HTTP API, typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import httpx
from pydantic import JsonValue

from steersman.domain.errors import ToolError
from steersman.queries.moments import unix, window_s
from steersman.remote.exchange import Remote, Request
from steersman.remote.shape import first, items, labels, mapping, reading, real, texts
from steersman.toolsets.grafana.facts import (
    AlertRule,
    AlertRules,
    Annotation,
    Annotations,
    AnnotationSearch,
    DashboardUid,
    Health,
    Hit,
    Hits,
    NewAnnotation,
    Nothing,
    PanelQueries,
    PanelQuery,
    RuleSearch,
    Search,
    Source,
    Sources,
)
from steersman.toolsets.grafana.stored import Boards, Choice

MAX_RANGE_S = 400 * 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_FOUND = frozenset({httpx.codes.NOT_FOUND})
Pairs = list[tuple[str, str]]


class GrafanaClient:
    """Reads, and the writes that dashboards and annotations need."""

    def __init__(self, remote: Remote, *, api: Choice = "auto", namespace: str = "default") -> None:
        """api: how dashboards are read and written. namespace: of the newer API, one for each organisation."""
        self.remote = remote
        self.boards = Boards(remote, api, namespace)

    async def search(self, ask: Search) -> Hits:
        """Dashboards that match."""
        pairs = [("type", "dash-db"), ("query", ask.query), *(("tag", tag) for tag in ask.tags)]
        document = await self._get("/api/search", [*pairs, ("limit", str(ask.limit))])
        with reading(self.remote.name, "search"):
            found = tuple(_hit(item) for item in items(document))
        return Hits(dashboards=found[: ask.limit], complete=len(found) < ask.limit)

    async def panels(self, ask: DashboardUid) -> PanelQueries:
        """What the panels of a dashboard ask, also those in collapsed rows."""
        stored = await self.boards.get(ask.uid)
        if stored is None:
            return PanelQueries(found=False)
        with reading(self.remote.name, "panels"):
            return PanelQueries(found=True, queries=tuple(panel_queries(stored.model)))

    async def annotations(self, ask: AnnotationSearch) -> Annotations:
        """Marks of a window, oldest first."""
        window_s(ask.start, ask.end, at_most_s=MAX_RANGE_S)
        pairs = [("from", _ms(unix(ask.start))), ("to", _ms(unix(ask.end))), ("type", "annotation")]
        pairs += [("tags", tag) for tag in ask.tags]
        if ask.dashboard_uid is not None:
            pairs.append(("dashboardUID", ask.dashboard_uid))
        found = await self._annotations([*pairs, ("limit", str(ask.limit))])
        return Annotations(annotations=found[: ask.limit], complete=len(found) < ask.limit)

    async def tagged(self, tag: str) -> tuple[Annotation, ...]:
        """All marks with a tag, whenever."""
        return await self._annotations([("type", "annotation"), ("tags", tag), ("limit", "100")])

    async def annotate(self, new: NewAnnotation, tags: tuple[str, ...]) -> int:
        """Makes a mark; gives its id. Not idempotent by itself."""
        body: JsonValue = {"time": new.at_ms, "text": new.text, "tags": list(tags)}
        document = await self.remote.json(Request("POST", "/api/annotations", body=body, writes=True))
        with reading(self.remote.name, "annotations"):
            return int(real(mapping(document)["id"]))

    async def delete_annotation(self, annotation_id: int) -> bool:
        """Deletes a mark; false when there was none."""
        return await self._delete(f"/api/annotations/{annotation_id}")

    async def alert_rules(self, ask: RuleSearch) -> AlertRules:
        """Rules of Grafana's own alerting."""
        document = await self._get("/api/v1/provisioning/alert-rules", [])
        with reading(self.remote.name, "alert-rules"):
            shown, left_out = first(items(document), ask.limit)
            return AlertRules(rules=tuple(map(_rule, shown)), left_out=left_out)

    async def datasources(self, _: Nothing) -> Sources:
        """What Grafana asks."""
        document = await self._get("/api/datasources", [])
        with reading(self.remote.name, "datasources"):
            return Sources(sources=tuple(map(_source, items(document))))

    async def health(self, _: Nothing) -> Health:
        """Which server answers."""
        document = await self._get("/api/health", [])
        with reading(self.remote.name, "health"):
            top = mapping(document)
            return Health(version=str(top.get("version", "")), database=str(top["database"]))

    async def _get(self, path: str, pairs: Pairs) -> JsonValue:
        return await self.remote.json(Request("GET", path, query=pairs))

    async def _annotations(self, pairs: Pairs) -> tuple[Annotation, ...]:
        document = await self._get("/api/annotations", pairs)
        with reading(self.remote.name, "annotations"):
            return tuple(sorted((_annotation(item) for item in items(document)), key=lambda found: found.at))

    async def _delete(self, path: str) -> bool:
        answer = await self.remote.ask(Request("DELETE", path, writes=True), accept=_NOT_FOUND)
        return answer.status != httpx.codes.NOT_FOUND


def refuse_drift(uid: str) -> ToolError:
    """The dashboard is not as it was when the call was decided."""
    return ToolError(f"dashboard {uid!r} was changed meanwhile; look at it and plan again")


def _ms(seconds: float) -> str:
    return str(round(seconds * 1_000))


def panel_queries(model: Mapping[str, JsonValue]) -> Iterator[PanelQuery]:
    """What the panels of a dashboard ask."""
    for panel in _panels(model.get("panels")):
        yield from _panel_queries(panel)


def _panels(value: JsonValue) -> Iterator[dict[str, JsonValue]]:
    for panel in items(value):
        yield panel
        yield from _panels(panel.get("panels"))


def _panel_queries(panel: dict[str, JsonValue]) -> Iterator[PanelQuery]:
    for target in items(panel.get("targets")):
        named = target.get("datasource") or panel.get("datasource")
        source = mapping(named) if isinstance(named, dict) else {"uid": named or ""}
        text = next((str(target[key]) for key in ("expr", "query", "rawSql") if target.get(key)), "")
        if text:
            yield PanelQuery(
                panel_id=int(real(panel.get("id", 0))),
                title=str(panel.get("title", "")),
                datasource_type=str(source.get("type", "")),
                datasource_uid=str(source.get("uid", "")),
                query=text,
            )


def _hit(item: dict[str, JsonValue]) -> Hit:
    return Hit(
        uid=str(item["uid"]),
        title=str(item["title"]),
        url=str(item.get("url", "")),
        tags=texts(item.get("tags")),
        folder=str(item.get("folderTitle", "")),
    )


def _annotation(item: dict[str, JsonValue]) -> Annotation:
    at, until = int(real(item["time"])), int(real(item.get("timeEnd") or 0))
    return Annotation(
        id=int(real(item["id"])),
        at=_EPOCH + timedelta(milliseconds=at),
        until=_EPOCH + timedelta(milliseconds=until) if until > at else None,
        text=str(item.get("text", "")),
        tags=texts(item.get("tags")),
        dashboard_uid=str(item.get("dashboardUID") or ""),
    )


def _rule(item: dict[str, JsonValue]) -> AlertRule:
    return AlertRule(
        uid=str(item["uid"]),
        title=str(item["title"]),
        folder_uid=str(item.get("folderUID", "")),
        group=str(item.get("ruleGroup", "")),
        condition=str(item.get("condition", "")),
        for_=str(item.get("for", "")),
        labels=labels(item.get("labels")),
        paused=item.get("isPaused") is True,
    )


def _source(item: dict[str, JsonValue]) -> Source:
    return Source(
        uid=str(item["uid"]),
        name=str(item["name"]),
        type=str(item["type"]),
        is_default=item.get("isDefault") is True,
    )
