"""Secrets by version: seen as digests, changed by check-and-set, taken back by writing the former content again."""

from __future__ import annotations

from dataclasses import dataclass

from steersman.domain.errors import ToolError
from steersman.domain.reference import MissingSecretError, SecretPlace
from steersman.toolsets.vault import facts
from steersman.toolsets.vault.content import Content
from steersman.toolsets.vault.store import History, Store

LEASE = "lease_id"
"""Field in which stored dynamic credentials name their lease."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A secret as it is now."""

    history: History
    contents: dict[int, Content]

    @property
    def current(self) -> Content | None:
        """The content in force."""
        return self.contents.get(self.history.latest)

    def first(self, content: Content) -> int:
        """The first version that has this content."""
        return min(number for number, each in self.contents.items() if each == content)


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of one mount."""

    store: Store
    key: bytes
    """Digests are made with it."""

    async def seen(self, path: str) -> Seen | None:
        """All that can be read; None where nothing is."""
        history = await self.store.history(path)
        return None if history is None else Seen(history, await self.store.contents(path, history))

    async def state(self, path: str) -> facts.SecretState:
        """What is in force."""
        seen = await self.seen(path)
        if seen is None or seen.current is None:
            return facts.SecretState(exists=False)
        return facts.SecretState(exists=True, version=seen.first(seen.current), digest=seen.current.digest(self.key))

    async def describe(self, ask: facts.SecretName) -> facts.SecretFacts:
        """Everything but the contents."""
        seen = await self.seen(ask.path)
        if seen is None:
            return facts.SecretFacts(exists=False)
        history, current = seen.history, seen.current
        version = seen.first(current) if current else 0
        return facts.SecretFacts(
            exists=current is not None,
            latest=history.latest,
            next_version=history.latest + 1,
            version=version,
            digest=current.digest(self.key) if current else "",
            keys=current.names() if current else (),
            lease=current.texts().get(LEASE, "") if current else "",
            reference=str(SecretPlace(path=ask.path, version=version)) if current else "",
            versions=tuple(
                facts.VersionFacts(
                    version=each.number,
                    created_at=each.created_at,
                    state=each.state,
                    digest=seen.contents[each.number].digest(self.key) if each.number in seen.contents else "",
                )
                for each in history.versions
            ),
            cas_required=history.cas_required,
            kept=history.kept,
        )

    async def names(self, ask: facts.FolderName) -> facts.Names:
        """What lies in a folder."""
        return facts.Names(names=await self.store.names(ask.folder))

    async def set_version(self, ask: facts.Chosen) -> facts.SecretState:
        """Writes the content of a version again, as the latest one. It is in force already: nothing to do."""
        seen = await self._must_exist(ask.path)
        chosen = seen.contents.get(ask.version)
        if chosen is None:
            state = seen.history.state(ask.version)
            raise ToolError(f"version {ask.version} of {ask.path!r} is {state}: its content cannot be put in force")
        self._must_be(chosen, ask.digest, f"version {ask.version} of {ask.path!r}")
        if seen.first(chosen) != ask.version:
            raise ToolError(
                f"version {ask.version} of {ask.path!r} has the content of version {seen.first(chosen)}; name that one"
            )
        if seen.current != chosen:
            await self.store.put(ask.path, chosen, after=seen.history.latest)
        return await self.state(ask.path)

    async def version_state(self, ask: facts.VersionName) -> facts.VersionState:
        """How a version is."""
        history = await self.store.history(ask.path)
        state = history.state(ask.version) if history else "absent"
        return facts.VersionState(exists=False) if state == "absent" else facts.VersionState(exists=True, state=state)

    async def delete_version(self, ask: facts.VersionName) -> facts.VersionState:
        """Hides a version."""
        await self._change("delete", ask, "deleted")
        return await self.version_state(ask)

    async def undelete_version(self, ask: facts.VersionName) -> facts.VersionState:
        """Shows a hidden version again."""
        await self._change("undelete", ask, "live")
        return await self.version_state(ask)

    async def destroy_version(self, ask: facts.VersionName) -> facts.VersionState:
        """Takes a version's content away for good."""
        await self.store.change("destroy", ask.path, ask.version)
        return await self.version_state(ask)

    async def remove(self, ask: facts.SecretName) -> facts.SecretState:
        """Takes the secret away for good."""
        await self.store.remove(ask.path)
        return facts.SecretState(exists=False)

    async def reveal(self, place: SecretPlace) -> dict[str, str]:
        """The values behind a reference, for who uses them at once. Raises ToolError when nothing can be read there."""
        content = await self.store.content(place.path, place.version)
        if content is None:
            raise MissingSecretError(
                f"nothing can be read at {str(place)!r}: it is deleted, destroyed, or was never there"
            )
        return {place.field: content.one(place.field)} if place.field else content.texts()

    async def _change(self, verb: str, ask: facts.VersionName, wanted: str) -> None:
        found = (await self.version_state(ask)).state
        if found == wanted:
            return
        if found is None or found == "destroyed":
            raise ToolError(f"version {ask.version} of {ask.path!r} is {found or 'not there'}: it cannot be {wanted}")
        await self.store.change("delete" if verb == "delete" else "undelete", ask.path, ask.version)

    async def _must_exist(self, path: str) -> Seen:
        seen = await self.seen(path)
        if seen is None:
            raise ToolError(f"there is no secret {path!r}; create it first")
        return seen

    def _must_be(self, content: Content, digest: str, what: str) -> None:
        if content.digest(self.key) != digest:
            raise ToolError(f"{what} has another content than was planned: its digest is {content.digest(self.key)}")
