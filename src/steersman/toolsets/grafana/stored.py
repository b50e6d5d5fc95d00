"""Dashboards as a server keeps them, by the one or the other of its two APIs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import httpx
from pydantic import JsonValue

from steersman.domain.errors import ToolError
from steersman.domain.fact import JsonObject
from steersman.remote.exchange import Remote, Request
from steersman.remote.shape import items, labels, mapping, reading, real
from steersman.toolsets.grafana.facts import OWNED_BY_SERVER, Dashboard, DashboardUid, Written

GROUP = "dashboard.grafana.app"
KNOWN = ("v1", "v1beta1")
"""Versions of the newer API whose dashboards are the models that people know; the first that is there is taken."""
FOLDER, MESSAGE = "grafana.app/folder", "grafana.app/message"
SAYS = "by Steersman"
Choice = Literal["auto", "legacy", "apis"]
_NOT_FOUND = frozenset({httpx.codes.NOT_FOUND})
_NO_DISCOVERY = frozenset(
    {httpx.codes.NOT_FOUND, httpx.codes.FORBIDDEN, httpx.codes.METHOD_NOT_ALLOWED, httpx.codes.FOUND}
)
"""What servers without the newer API, and proxies before them, say to it."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A dashboard as the server has it, without what the server numbers."""

    model: JsonObject
    folder_uid: str
    version: int
    resource_version: str = ""
    """Of the newer API: what an update must name."""
    annotations: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Boards:
    """Reads and writes whole dashboards. Source: grafana.com, "Dashboard HTTP API", and "New API structure"."""

    remote: Remote
    choice: Choice = "auto"
    namespace: str = "default"
    _version: str | None = None

    async def get(self, uid: str) -> Stored | None:
        """A dashboard; None when there is none."""
        version = await self.version()
        path = f"{self._path(version)}/{uid}" if version else f"/api/dashboards/uid/{uid}"
        request = Request("GET", path)
        answer = await self.remote.ask(request, accept=_NOT_FOUND)
        if answer.status == httpx.codes.NOT_FOUND:
            return None
        document = self.remote.decoded(request, answer)
        with reading(self.remote.name, "dashboard"):
            return _newer(mapping(document)) if version else _legacy(mapping(document))

    async def store(self, new: Dashboard, former: Stored | None) -> Written:
        """Writes a dashboard if it still is what it was (None: not there). Raises ToolError otherwise."""
        version = await self.version()
        if not version:
            return await self._store_legacy(new, former)
        kept = former.annotations if former else {}
        annotations: JsonObject = {**kept, MESSAGE: SAYS}
        annotations.pop(FOLDER, None)
        if new.folder_uid:
            annotations[FOLDER] = new.folder_uid
        metadata: JsonObject = {"name": new.uid, "namespace": self.namespace, "annotations": annotations}
        path, method = self._path(version), "POST"
        if former is not None:
            metadata["resourceVersion"] = former.resource_version
            path, method = f"{path}/{new.uid}", "PUT"
        about: JsonObject = {"apiVersion": f"{GROUP}/{version}", "kind": "Dashboard", "metadata": metadata}
        request = Request(method, path, body={**about, "spec": new.model}, writes=True)
        document = await self.remote.json(request)
        with reading(self.remote.name, "dashboards"):
            made = mapping(mapping(document)["metadata"])
            return Written(uid=str(made["name"]), version=int(real(made.get("generation", 1))))

    async def delete(self, ask: DashboardUid) -> bool:
        """Deletes a dashboard; false when there was none."""
        version = await self.version()
        path = f"{self._path(version)}/{ask.uid}" if version else f"/api/dashboards/uid/{ask.uid}"
        answer = await self.remote.ask(Request("DELETE", path, writes=True), accept=_NOT_FOUND)
        return answer.status != httpx.codes.NOT_FOUND

    async def version(self) -> str:
        """Version of the newer API that is used; empty for the older API. Asked once."""
        if self._version is None:
            self._version = "" if self.choice == "legacy" else await self._discovered()
        return self._version

    async def _discovered(self) -> str:
        request = Request("GET", f"/apis/{GROUP}")
        answer = await self.remote.ask(request, accept=_NO_DISCOVERY)
        served: list[str] = []
        if httpx.codes.is_success(answer.status) and "json" in answer.content_type:
            document = self.remote.decoded(request, answer)
            with reading(self.remote.name, "apis"):
                served = [str(item["version"]) for item in items(mapping(document).get("versions"))]
        # Betas are taken only when somebody asked for the newer API: the older one is complete beside them.
        wanted = KNOWN if self.choice == "apis" else KNOWN[:1]
        found = next((version for version in wanted if version in served), "")
        if not found and self.choice == "apis":
            raise ToolError(f"{self.remote.name} serves no {GROUP} in {' or '.join(KNOWN)}; set `api: legacy`")
        return found

    def _path(self, version: str) -> str:
        return f"/apis/{GROUP}/{version}/namespaces/{self.namespace}/dashboards"

    async def _store_legacy(self, new: Dashboard, former: Stored | None) -> Written:
        dashboard: JsonObject = {**new.model, "uid": new.uid, "id": None}
        if former is not None:
            dashboard["version"] = former.version
        body: JsonValue = {
            "dashboard": dashboard,
            "folderUid": new.folder_uid,
            "message": SAYS,
            "overwrite": False,
        }
        document = await self.remote.json(Request("POST", "/api/dashboards/db", body=body, writes=True))
        with reading(self.remote.name, "dashboards/db"):
            top = mapping(document)
            return Written(uid=str(top["uid"]), version=int(real(top["version"])), url=str(top.get("url", "")))


def _plain(whole: dict[str, JsonValue]) -> JsonObject:
    return {name: value for name, value in whole.items() if name not in OWNED_BY_SERVER}


def _legacy(top: dict[str, JsonValue]) -> Stored:
    whole = mapping(top["dashboard"])
    folder = str(mapping(top["meta"]).get("folderUid") or "")
    return Stored(model=_plain(whole), folder_uid=folder, version=int(real(whole["version"])))


def _newer(top: dict[str, JsonValue]) -> Stored:
    about = mapping(top["metadata"])
    conversion = mapping(mapping(top.get("status")).get("conversion"))
    if conversion.get("failed") is True:
        stored = conversion.get("storedVersion", "another version")
        raise ToolError(f"dashboard {about.get('name')!r} is kept as {stored!r} and does not fit the older model")
    annotations = labels(about.get("annotations"))
    return Stored(
        model=_plain(mapping(top["spec"])),
        folder_uid=annotations.get(FOLDER, ""),
        version=int(real(about.get("generation", 1))),
        resource_version=str(about["resourceVersion"]),
        annotations=annotations,
    )
