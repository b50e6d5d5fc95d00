"""The Alertmanager API, version 2, typed. Its errors are a bare JSON string, an object, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx
from pydantic import JsonValue

from steersman.queries.matching import Matcher
from steersman.remote.exchange import Remote, Request
from steersman.remote.shape import first, items, labels, mapping, reading, texts
from steersman.toolsets.alertmanager.facts import (
    Alert,
    Alerts,
    AlertSearch,
    FoundSilence,
    Group,
    Groups,
    Names,
    Nothing,
    Silence,
    SilenceLookup,
    Silences,
    SilenceSearch,
    Status,
)

Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class NewBody:
    """A silence as it is sent."""

    matchers: Sequence[Matcher]
    starts_at: datetime
    ends_at: str
    created_by: str
    comment: str


@dataclass(frozen=True, slots=True)
class AlertmanagerClient:
    """Reads, and the two writes that silences need."""

    remote: Remote

    async def alerts(self, ask: AlertSearch) -> Alerts:
        """Alerts that the server knows of."""
        document = await self._get("/api/v2/alerts", _search(ask))
        with reading(self.remote.name, "alerts"):
            shown, left_out = first(items(document), ask.limit)
            return Alerts(alerts=tuple(map(_alert, shown)), left_out=left_out)

    async def groups(self, ask: AlertSearch) -> Groups:
        """Alerts as they are told together."""
        document = await self._get("/api/v2/alerts/groups", _search(ask))
        with reading(self.remote.name, "alerts/groups"):
            shown, left_out = first(items(document), ask.limit)
            return Groups(groups=tuple(map(_group, shown)), left_out=left_out)

    async def silences(self, ask: SilenceSearch) -> Silences:
        """Silences of whomever, the expired ones last."""
        document = await self._get("/api/v2/silences", _filters(ask.filter))
        with reading(self.remote.name, "silences"):
            found = sorted(map(_silence, items(document)), key=lambda silence: silence.state == "expired")
        shown, left_out = first(found, ask.limit)
        return Silences(silences=shown, left_out=left_out)

    async def silence(self, ask: SilenceLookup) -> FoundSilence:
        """One silence by its id; one that has expired can still be read."""
        request = Request("GET", f"/api/v2/silence/{ask.id}")
        answer = await self.remote.ask(request, accept=frozenset({httpx.codes.NOT_FOUND}))
        if answer.status == httpx.codes.NOT_FOUND:
            return FoundSilence(found=False)
        document = self.remote.decoded(request, answer)
        with reading(self.remote.name, "silence"):
            return FoundSilence(found=True, silence=_silence(mapping(document)))

    async def receivers(self, _: Nothing) -> Names:
        """Who is told."""
        document = await self._get("/api/v2/receivers", [])
        with reading(self.remote.name, "receivers"):
            return Names(names=tuple(str(item["name"]) for item in items(document)))

    async def status(self, _: Nothing) -> Status:
        """Which server answers."""
        answer = await self._get("/api/v2/status", [])
        with reading(self.remote.name, "status"):
            document = mapping(answer)
            cluster = mapping(document["cluster"])
            return Status(
                version=str(mapping(document["versionInfo"])["version"]),
                cluster=str(cluster["status"]),
                peers=len(items(cluster.get("peers"))),
                uptime_since=str(document.get("uptime", "")),
            )

    async def create(self, new: NewBody) -> str:
        """Makes a silence; gives its id. Not idempotent by itself: two calls make two silences."""
        body: JsonValue = {
            "matchers": [_written(matcher) for matcher in new.matchers],
            "startsAt": new.starts_at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "endsAt": new.ends_at,
            "createdBy": new.created_by,
            "comment": new.comment,
        }
        document = await self.remote.json(Request("POST", "/api/v2/silences", body=body, writes=True))
        with reading(self.remote.name, "silences"):
            return str(mapping(document)["silenceID"])

    async def expire(self, silence_id: str) -> None:
        """Ends a silence. One that has ended already is no error; one that never was is."""
        await self.remote.ask(Request("DELETE", f"/api/v2/silence/{silence_id}", writes=True))

    async def _get(self, path: str, pairs: Pairs) -> JsonValue:
        return await self.remote.json(Request("GET", path, query=pairs))


def _filters(matchers: Sequence[Matcher]) -> Pairs:
    return [("filter", str(matcher)) for matcher in matchers]


def _search(ask: AlertSearch) -> Pairs:
    flags = (("active", ask.active), ("silenced", ask.silenced), ("inhibited", ask.inhibited))
    # The server reads any other spelling of a boolean as false.
    return _filters(ask.filter) + [(name, "true" if flag else "false") for name, flag in flags if flag is not None]


def _alert(item: dict[str, JsonValue]) -> Alert:
    status = mapping(item["status"])
    return Alert(
        fingerprint=str(item["fingerprint"]),
        labels=labels(item["labels"]),
        annotations=labels(item.get("annotations")),
        state=str(status["state"]),
        silenced_by=texts(status.get("silencedBy")),
        inhibited_by=texts(status.get("inhibitedBy")),
        starts_at=str(item["startsAt"]),
        ends_at=str(item["endsAt"]),
        receivers=tuple(str(receiver["name"]) for receiver in items(item.get("receivers"))),
        generator_url=str(item.get("generatorURL", "")),
    )


def _group(item: dict[str, JsonValue]) -> Group:
    return Group(
        receiver=str(mapping(item["receiver"])["name"]),
        labels=labels(item.get("labels")),
        alerts=tuple(map(_alert, items(item["alerts"]))),
    )


def _silence(item: dict[str, JsonValue]) -> Silence:
    return Silence(
        id=str(item["id"]),
        state=str(mapping(item["status"])["state"]),
        matchers=tuple(map(_read, items(item["matchers"]))),
        starts_at=str(item["startsAt"]),
        ends_at=str(item["endsAt"]),
        created_by=str(item["createdBy"]),
        comment=str(item["comment"]),
    )


def _read(item: dict[str, JsonValue]) -> Matcher:
    equal, regex = item.get("isEqual", True) is not False, item["isRegex"] is True
    op = {(True, False): "=", (False, False): "!=", (True, True): "=~", (False, True): "!~"}[equal, regex]
    return Matcher.model_validate({"label": item["name"], "op": op, "value": item["value"]})


def _written(matcher: Matcher) -> JsonValue:
    return {
        "name": matcher.label,
        "value": matcher.value,
        "isRegex": matcher.op in {"=~", "!~"},
        "isEqual": matcher.op in {"=", "=~"},
    }
