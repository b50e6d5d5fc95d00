"""get, list with pages, and watch with bookmarks and 410."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from steersman.testing.kubernetes.asking import Ask, Target
from steersman.testing.kubernetes.kinds import Kind
from steersman.testing.kubernetes.selectors import matches_fields, matches_labels
from steersman.testing.kubernetes.status import Document, Reply, not_found, refused
from steersman.testing.kubernetes.store import Happening, Store

BOOKMARK_EVERY_S = 60.0
LONGEST_WATCH_S = 300.0
TABLE, PARTIAL = "as=Table", "as=PartialObjectMetadataList"


@dataclass(frozen=True, slots=True)
class Reading:
    """Answers that change nothing."""

    store: Store
    pause: Callable[[float], Awaitable[None]]
    """Lets at most so many seconds of the cluster's time pass, or until something happens."""

    def get(self, target: Target) -> Reply:
        """One object. Raises Refused 404."""
        found = self.store.get(target.kind.qualified, target.namespace, target.name)
        if found is None:
            raise not_found(target.kind, target.name)
        return Reply(200, found)

    def page(self, ask: Ask, target: Target) -> Reply:
        """A page of objects."""
        kind = target.kind
        self._refuse_future(ask.query.get("resourceVersion", ""))
        start, version = self._from(ask)
        found = [each for each in self._fitting(ask, target) if (_place(each) > start)]
        limit = int(ask.query.get("limit") or 0)
        page, rest = (found[:limit], found[limit:]) if limit else (found, [])
        metadata: Document = {"resourceVersion": version}
        if rest:
            metadata["continue"] = _token(page[-1], version)
            if not (ask.query.get("labelSelector") or ask.query.get("fieldSelector")):
                metadata["remainingItemCount"] = len(rest)
        accept = ask.headers.get("accept", "")
        if PARTIAL in accept:
            return Reply(200, _partial(page, metadata))
        if TABLE in accept:
            return Reply(200, _table(page, metadata))
        items = [_item(each) if not kind.custom else each for each in page]
        return Reply(
            200, {"kind": f"{kind.kind}List", "apiVersion": kind.api_version, "metadata": metadata, "items": items}
        )

    def watch(self, ask: Ask, target: Target) -> Reply:
        """A stream of changes: 200 also when it begins with an ERROR."""
        return Reply(200, stream=self._lines(ask, target))

    def _fitting(self, ask: Ask, target: Target) -> list[Document]:
        return [
            each for each in self.store.all(target.kind.qualified, target.namespace) if self._fits(each, ask, target)
        ]

    def _fits(self, document: Document, ask: Ask, target: Target) -> bool:
        metadata = document["metadata"]
        return (
            target.namespace in ("", metadata.get("namespace", ""))
            and target.name in ("", metadata["name"])
            and matches_labels(metadata.get("labels", {}), ask.query.get("labelSelector", ""))
            and matches_fields(document, ask.query.get("fieldSelector", ""), target.kind)
        )

    def _refuse_future(self, version: str) -> None:
        if version.isdigit() and int(version) > self.store.version:
            message = f"Timeout: Too large resource version: {version}, current: {self.store.version}"
            causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
            details = {"causes": causes, "retryAfterSeconds": 1}
            raise refused(504, "Timeout", message, details=details, retry_after="1")

    def _from(self, ask: Ask) -> tuple[tuple[str, str], str]:
        token = ask.query.get("continue")
        if not token:
            return ("", ""), str(self.store.version)
        try:
            said = json.loads(base64.b64decode(token))
        except ValueError as e:
            raise refused(400, "BadRequest", "continue key is not valid: illegal base64 data") from e
        if int(said["rv"]) < self.store.compacted:
            raise refused(410, "Expired", "The provided continue parameter is too old to display a consistent list "
                          "result. You can start a new list without the continue parameter.")  # fmt: skip
        return (said["ns"], said["start"]), str(said["rv"])

    async def _lines(self, ask: Ask, target: Target) -> AsyncIterator[bytes]:
        version = ask.query.get("resourceVersion", "")
        since = int(version) if version.isdigit() else 0
        if 0 < since < self.store.compacted:
            yield _line("ERROR", _gone(since, self.store.compacted))
            return
        if since == 0:
            for each in self._fitting(ask, target):
                yield _line("ADDED", each)
            since = self.store.version
            if ask.flag("sendInitialEvents"):
                yield _line("BOOKMARK", _bookmark(target.kind, since, initial=True))
        async for line in self._changes(ask, target, since):
            yield line

    async def _changes(self, ask: Ask, target: Target, since: int) -> AsyncIterator[bytes]:
        began = self.store.now().timestamp()
        end = began + float(ask.query.get("timeoutSeconds") or LONGEST_WATCH_S)
        marked = began
        while (now := self.store.now().timestamp()) < end:
            for each in [h for h in self.store.happenings if h.version > since]:
                since = each.version
                line = self._told(each, ask, target)
                if line:
                    yield line
            if self.store.compacted > since:
                yield _line("ERROR", _gone(since, self.store.compacted))
                return
            if ask.flag("allowWatchBookmarks") and now - marked >= BOOKMARK_EVERY_S:
                marked = now
                yield _line("BOOKMARK", _bookmark(target.kind, self.store.version))
            await self.pause(max(0.0, min(end, marked + BOOKMARK_EVERY_S) - now))
        if ask.flag("allowWatchBookmarks"):
            yield _line("BOOKMARK", _bookmark(target.kind, self.store.version))

    def _told(self, each: Happening, ask: Ask, target: Target) -> bytes:
        """An object that begins or ceases to fit a selector appears and disappears."""
        if each.resource != target.kind.qualified:
            return b""
        fits = each.type != "DELETED" and self._fits(each.document, ask, target)
        fitted = each.former is not None and self._fits(each.former, ask, target)
        if fits:
            return _line("MODIFIED" if fitted else "ADDED", each.document)
        return _line("DELETED", each.document) if fitted else b""


def _place(document: Document) -> tuple[str, str]:
    return document["metadata"].get("namespace", ""), document["metadata"]["name"]


def _token(last: Document, version: str) -> str:
    namespace, name = _place(last)
    return base64.b64encode(json.dumps({"rv": version, "ns": namespace, "start": name}).encode()).decode()


def _item(document: Document) -> Document:
    """Items of built-in lists do not repeat their kind."""
    return {name: value for name, value in document.items() if name not in ("kind", "apiVersion")}


def _partial(page: list[Document], metadata: Document) -> Document:
    version = "meta.k8s.io/v1"
    items = [{"kind": "PartialObjectMetadata", "apiVersion": version, "metadata": each["metadata"]} for each in page]
    return {"kind": "PartialObjectMetadataList", "apiVersion": version, "metadata": metadata, "items": items}


def _table(page: list[Document], metadata: Document) -> Document:
    columns = [
        {"name": name, "type": "string", "format": "", "description": "", "priority": 0} for name in ("Name", "Age")
    ]
    rows = [{"cells": [each["metadata"]["name"], "0s"], "object": _partial([each], {})["items"][0]} for each in page]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": columns,
        "rows": rows,
    }


def _line(what: str, document: Any) -> bytes:
    return json.dumps({"type": what, "object": document}, separators=(",", ":")).encode() + b"\n"


def _bookmark(kind: Kind, version: int, *, initial: bool = False) -> Document:
    metadata: Document = {"resourceVersion": str(version)}
    if initial:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    return {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": metadata}


def _gone(asked: int, oldest: int) -> Document:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"too old resource version: {asked} ({oldest})",
        "reason": "Expired",
        "code": 410,
    }


async def real_pause(store: Store, seconds: float) -> None:
    """Waits for something to happen, on the machine's clock."""
    try:
        async with asyncio.timeout(seconds):
            await store.stirred.wait()
    except TimeoutError:
        return
