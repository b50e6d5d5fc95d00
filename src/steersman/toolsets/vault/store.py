"""Key/value secrets, version 2: read with their versions, written by check-and-set only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import httpx
from pydantic import JsonValue

from steersman.domain.errors import ToolError
from steersman.remote.exchange import Request
from steersman.remote.shape import mapping, reading, texts
from steersman.remote.together import together
from steersman.toolsets.vault.content import Content
from steersman.toolsets.vault.session import Session, settled

MISSING = frozenset({httpx.codes.NOT_FOUND})
CLIENT_ERROR = frozenset({httpx.codes.BAD_REQUEST})
CONFLICT = "did not match the current version"
State = Literal["live", "deleted", "destroyed", "absent"]


@dataclass(frozen=True, slots=True)
class Version:
    """What the server says of one version, beside its content."""

    number: int
    created_at: str
    state: State


@dataclass(frozen=True, slots=True)
class History:
    """A secret without its contents."""

    latest: int
    versions: tuple[Version, ...]
    created_at: str
    cas_required: bool
    kept: int

    def state(self, number: int) -> State:
        """How a version is."""
        return next((version.state for version in self.versions if version.number == number), "absent")

    @property
    def live(self) -> tuple[int, ...]:
        """The versions that can be read."""
        return tuple(version.number for version in self.versions if version.state == "live")


@dataclass(frozen=True, slots=True)
class Store:
    """One KV mount."""

    session: Session
    mount: str

    async def history(self, path: str) -> History | None:
        """The versions; None where there is nothing."""
        request = Request("GET", self._at("metadata", path))
        answer = await self.session.ask(request, accept=MISSING)
        if answer.status == httpx.codes.NOT_FOUND:
            return None
        document = await self.session.read(request, answer)
        with reading(self.session.remote.name, request.path):
            data = mapping(document["data"])
            found = mapping(data["versions"]).items()
            now = self.session.clock.now()
            versions = tuple(sorted((_version(int(n), mapping(v), now) for n, v in found), key=lambda v: v.number))
            return History(
                latest=int(str(data["current_version"])),
                versions=versions,
                created_at=str(data["created_time"]),
                cas_required=data.get("cas_required") is True,
                kept=int(str(data.get("max_versions") or 0)) or 10,
            )

    async def content(self, path: str, version: int = 0) -> Content | None:
        """What a version holds (0: the current one); None when it is deleted, destroyed or not there."""
        request = Request("GET", self._at("data", path), query=(("version", str(version)),) if version else ())
        answer = await self.session.ask(request, accept=MISSING)
        if answer.status == httpx.codes.NOT_FOUND:
            return None
        document = await self.session.read(request, answer)
        try:
            fields = mapping(document["data"])["data"]
            return None if fields is None else Content(mapping(fields))
        except (KeyError, TypeError):
            # What went wrong quotes what was read: a value may stand in it.
            raise ToolError(f"{request.path!r} is no secret of a KV mount of version 2; look at kv_mount") from None

    async def contents(self, path: str, history: History) -> dict[int, Content]:
        """All versions that can be read."""
        found = await together(*(self.content(path, number) for number in history.live))
        return {number: content for number, content in zip(history.live, found, strict=True) if content is not None}

    async def put(self, path: str, content: Content, *, after: int) -> int:
        """Writes a new version, if the latest one is still `after`; gives its number. Raises ToolError otherwise."""
        body: JsonValue = {"options": {"cas": after}, "data": dict(content.fields)}
        request = Request("POST", self._at("data", path), body=body, writes=True)
        answer = await settled(self.session.ask(request, accept=CLIENT_ERROR), content.values())
        if answer.status == httpx.codes.BAD_REQUEST:
            why = "somebody else has written a version since" if CONFLICT in answer.text else "the server refuses it"
            raise ToolError(f"nothing was written to {path!r} after version {after}: {why}")
        document = await self.session.read(request, answer)
        with reading(self.session.remote.name, request.path):
            return int(str(mapping(document["data"])["version"]))

    async def limit(self, path: str, settings: Mapping[str, JsonValue]) -> None:
        """Writes how many versions are kept, and for how long."""
        await self.session.ask(Request("POST", self._at("metadata", path), body=dict(settings), writes=True))

    async def change(self, verb: Literal["delete", "undelete", "destroy"], path: str, version: int) -> None:
        """Hides a version, shows it again, or takes its content away for good."""
        body: JsonValue = {"versions": [version]}
        method = "PUT" if verb == "destroy" else "POST"
        await self.session.ask(Request(method, self._at(verb, path), body=body, writes=True))

    async def remove(self, path: str) -> None:
        """Takes the secret with all of its versions away for good."""
        await self.session.ask(Request("DELETE", self._at("metadata", path), writes=True), accept=MISSING)

    async def names(self, folder: str) -> tuple[str, ...]:
        """What lies in a folder; folders end in a slash."""
        request = Request("GET", self._at("metadata", folder) + "/", query=(("list", "true"),))
        answer = await self.session.ask(request, accept=MISSING)
        if answer.status == httpx.codes.NOT_FOUND:
            return ()
        document = await self.session.read(request, answer)
        with reading(self.session.remote.name, request.path):
            return texts(mapping(document["data"])["keys"])

    def _at(self, verb: str, path: str) -> str:
        return f"/v1/{self.mount}/{verb}/{path}".rstrip("/")


def _version(number: int, said: Mapping[str, JsonValue], now: datetime) -> Version:
    gone = str(said["deletion_time"])
    # A version that will delete itself carries that moment from the start.
    over = bool(gone) and datetime.fromisoformat(f"{gone[:19]}+00:00") <= now
    state: State = "destroyed" if said["destroyed"] is True else "deleted" if over else "live"
    return Version(number, str(said["created_time"]), state)
