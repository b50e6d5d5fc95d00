"""Waiting for an object by watch: no polling; begins anew when the server has forgotten where we were."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from steersman.domain.errors import ToolError, UnavailableError
from steersman.domain.ports import Clock
from steersman.remote.kubernetes.api import Api, Ask, Document, ExpiredError
from steersman.remote.kubernetes.resources import Resource

T = TypeVar("T")
LONGEST_WATCH_S = 240.0
"""Servers and what stands before them end idle streams; a new watch costs one request."""
BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)
GRACE_S = 5.0


@dataclass(frozen=True, slots=True)
class Place:
    """One object."""

    resource: Resource
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Waiter:
    """Waits with a budget."""

    api: Api
    clock: Clock

    async def until(self, place: Place, judge: Callable[[Document | None], T | None], *, budget_s: float) -> T | None:
        """The first answer of `judge`, which is asked at once and at each change; None when the budget is used up.

        judge: takes the object, or None when there is none.
        """
        end = self.clock.monotonic() + max(budget_s, 0.0)
        failures = 0
        while True:
            try:
                found, version = await self._now(place)
                answer = judge(found)
                if answer is not None or self._left(end) <= 0:
                    return answer
                answer = await self._follow(place, judge, version, end=end)
                failures = 0
                if answer is not None:
                    return answer
            except UnavailableError as e:
                # Forgotten is no fault: a new list begins anew. Only a server that always forgets is slowed down.
                if isinstance(e, ExpiredError) and failures == 0:
                    failures = 1
                    continue
                if self._left(end) <= 0:
                    raise
                await self.clock.sleep(min(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)], self._left(end)))
                failures += 1

    def _left(self, end: float) -> float:
        return end - self.clock.monotonic()

    async def _now(self, place: Place) -> tuple[Document | None, str]:
        """The object by a list: its version is where a watch goes on without a gap."""
        path = place.resource.path(place.namespace)
        page = await self.api.json(Ask("GET", path, _only(place)))
        items = page.get("items") or []
        if not isinstance(items, list) or len(items) > 1:
            raise ToolError(f"{path}: a list by name gave {items!r:.100}; is this a Kubernetes API?")
        version = str((page.get("metadata") or {}).get("resourceVersion") or "")
        return (items[0] if items else None), version

    async def _follow(
        self, place: Place, judge: Callable[[Document | None], T | None], version: str, *, end: float
    ) -> T | None:
        seconds = max(1, min(int(self._left(end) + 0.999), int(LONGEST_WATCH_S)))
        query = {
            **_only(place),
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(seconds),
        }
        lines = self.api.lines(place.resource.path(place.namespace), query, timeout_s=seconds + GRACE_S)
        try:
            async with asyncio.timeout(max(self._left(end), 0.05) + GRACE_S):
                async for line in lines:
                    if line["type"] == "BOOKMARK":
                        continue
                    answer = judge(None if line["type"] == "DELETED" else line["object"])
                    if answer is not None:
                        return answer
                    if self._left(end) <= 0:
                        return None
        except TimeoutError:
            return None
        finally:
            await lines.aclose()  # type: ignore[attr-defined]  # an async generator has it
        return None


def _only(place: Place) -> dict[str, str]:
    return {"fieldSelector": f"metadata.name={place.name}"}
