"""Registries as a toolset: one that is ours, and others that base images come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from steersman.domain.environment import Environment
from steersman.domain.errors import ToolError
from steersman.domain.fact import JsonObject
from steersman.domain.ports import Binding, CallContext, Clock
from steersman.domain.typed import bind, parse
from steersman.remote.shape import mapping, reading
from steersman.remote.text import one_line
from steersman.toolsets.registry import facts
from steersman.toolsets.registry import operations as ops
from steersman.toolsets.registry.client import Manifest, RegistryClient, platform_of, platforms
from steersman.toolsets.registry.reference import HUB, Image, image
from steersman.toolsets.registry.tags import newer

POLL_S = 5.0
SHOWN_TAGS = 1_000
REVISION = "org.opencontainers.image.revision"
BASE = "org.opencontainers.image.base.name"


@dataclass(frozen=True, slots=True)
class Registries:
    """The registry that images without a host are in, and all others by the host that images name."""

    own: RegistryClient
    hosts: Mapping[str, RegistryClient]

    def of(self, found: Image) -> RegistryClient:
        """The one that holds an image. Raises ToolError for one that is not configured."""
        if not found.host:
            return self.own
        if found.host not in self.hosts:
            known = ", ".join(sorted(self.hosts))
            raise ToolError(f"registry {found.host!r} is not configured; known are {known}")
        return self.hosts[found.host]


@dataclass(frozen=True, slots=True)
class RegistryToolset:
    """The operations of registries."""

    registries: Registries
    where: Environment
    clock: Clock
    name: str = ops.NAME

    async def environment(self) -> Environment:
        """Where it is. Raises what any call raises when no registry answers there."""
        await self.registries.own.version()
        return self.where

    async def get_image(self, ask: facts.OfImage) -> facts.ImageState:
        """What the registry says of an image."""
        named = image(ask.image)
        client = self.registries.of(named)
        found = await client.manifest(named.name, named.reference)
        if found is None:
            return facts.ImageState(exists=False)
        if found.is_index:
            with reading(self.name, "index"):
                return _state(found, platforms(found), mapping(found.document.get("annotations")))
        config = await client.config(named.name, found)
        with reading(self.name, "config"):
            labels = {
                **mapping(mapping(config.get("config")).get("Labels")),
                **mapping(found.document.get("annotations")),
            }
            return _state(found, (platform_of(config),), labels)

    async def watch_image(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """Until it is there, the wait is used up, or the call's deadline is near."""
        ask = parse(facts.Waiting, arguments)
        room_s = (context.deadline - self.clock.now()).total_seconds() - POLL_S
        end = self.clock.monotonic() + min(ask.wait_s, room_s)
        while True:
            found = await self.get_image(facts.OfImage(image=ask.image))
            left_s = end - self.clock.monotonic()
            if found.exists or left_s <= 0:
                return found.model_dump(mode="json")
            await self.clock.sleep(min(POLL_S, left_s))

    async def tags(self, ask: facts.Repository) -> facts.TagList:
        """The first of them, and how many were left out."""
        named = image(ask.repository)
        found = await self.registries.of(named).tags(named.name)
        if found is None:
            return facts.TagList(exists=False)
        return facts.TagList(exists=True, tags=found[:SHOWN_TAGS], left_out=max(len(found) - SHOWN_TAGS, 0))

    async def newer_tags(self, ask: facts.OfImage) -> facts.NewerTags:
        """Which tags come after an image's own."""
        named = image(ask.image)
        if not named.tag:
            raise ToolError(f"{ask.image!r} has no tag to compare with")
        found = newer(named.tag, await self.registries.of(named).tags(named.name) or ())
        return facts.NewerTags(current=named.tag, patch=found.patch, minor=found.minor, newer=found.all[:SHOWN_TAGS])

    async def get_tag(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        """Which image a tag names."""
        ask = parse(facts.OfTag, arguments)
        found = await self._tagged(ask)
        state = facts.TagState(exists=found is not None, digest=found.digest if found else None)
        return state.model_dump(mode="json", exclude_none=True)

    async def create_tag(self, new: facts.NewTag) -> facts.Done:
        """Gives an image one more tag. Raises ToolError when the tag names another one."""
        found = await self._tagged(new)
        if found is not None and found.digest != new.digest:
            raise ToolError(f"tag {new.tag!r} names {found.digest} already; use `set_tag`")
        return await self._name(new, found)

    async def set_tag(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """Moves a tag, as long as it names what was seen before the call."""
        new = parse(facts.NewTag, arguments)
        found = await self._tagged(new)
        if found is None:
            raise ToolError(f"there is no tag {new.tag!r}; use `create_tag`")
        if found.digest != new.digest and context.before not in (None, {"exists": True, "digest": found.digest}):
            raise ToolError(f"tag {new.tag!r} was moved meanwhile; look at it and plan again")
        return (await self._name(new, found)).model_dump(mode="json")

    async def delete_tag(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """Takes a tag away, as long as it names what was seen before the call."""
        ask = parse(facts.OfTag, arguments)
        found = await self._tagged(ask)
        if found is not None and context.before not in (None, {"exists": True, "digest": found.digest}):
            raise ToolError(f"tag {ask.tag!r} was moved meanwhile; look at it and plan again")
        if found is not None:
            named = image(ask.repository)
            await self.registries.of(named).delete_tag(named.name, ask.tag)
        return facts.Done(changed=found is not None).model_dump(mode="json")

    async def _tagged(self, ask: facts.OfTag) -> Manifest | None:
        named = image(ask.repository)
        return await self.registries.of(named).manifest(named.name, ask.tag)

    async def _name(self, new: facts.NewTag, found: Manifest | None) -> facts.Done:
        if found is not None and found.digest == new.digest:
            return facts.Done(changed=False)
        named = image(new.repository)
        client = self.registries.of(named)
        wanted = await client.manifest(named.name, new.digest)
        if wanted is None:
            raise ToolError(f"{new.repository!r} has no image {new.digest}; it is not copied from elsewhere")
        await client.put(named.name, new.tag, wanted)
        return facts.Done(changed=True)

    def bindings(self) -> Sequence[Binding]:
        """All of its operations. Does no I/O."""
        return (
            bind(ops.GET_IMAGE, facts.OfImage, self.get_image),
            Binding(ops.WATCH_IMAGE, self.watch_image),
            bind(ops.TAGS, facts.Repository, self.tags),
            bind(ops.NEWER_TAGS, facts.OfImage, self.newer_tags),
            Binding(ops.GET_TAG, self.get_tag),
            bind(ops.CREATE_TAG, facts.NewTag, self.create_tag),
            Binding(ops.SET_TAG, self.set_tag),
            Binding(ops.DELETE_TAG, self.delete_tag),
        )


def _state(found: Manifest, shown: tuple[str, ...], labels: Mapping[str, object]) -> facts.ImageState:
    return facts.ImageState(
        exists=True,
        digest=found.digest,
        platforms=shown,
        revision=one_line(str(labels.get(REVISION, ""))),
        base=one_line(str(labels.get(BASE, ""))),
    )


__all__ = ["HUB", "Registries", "RegistryToolset"]
