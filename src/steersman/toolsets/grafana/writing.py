"""Dashboards are written as compare-and-set; annotations are found again by a tag that holds their name."""

from __future__ import annotations

from dataclasses import dataclass

from steersman.domain.errors import ToolError
from steersman.domain.fact import JsonObject
from steersman.domain.ports import CallContext
from steersman.domain.typed import parse
from steersman.toolsets.grafana.client import GrafanaClient, refuse_drift
from steersman.toolsets.grafana.facts import (
    Annotation,
    AnnotationName,
    AnnotationState,
    Dashboard,
    DashboardState,
    DashboardUid,
    Deleted,
    Made,
    NewAnnotation,
    Written,
)
from steersman.toolsets.grafana.stored import Stored


@dataclass(frozen=True, slots=True)
class Dashboards:
    """A dashboard that somebody else has changed is never overwritten or deleted."""

    client: GrafanaClient

    async def observe(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        """The dashboard, or that there is none."""
        return _shown(await self.client.boards.get(parse(DashboardUid, arguments).uid))

    async def create(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        """Makes it where there is none; one that is there already and the same is done."""
        new = parse(Dashboard, arguments)
        stored = await self.client.boards.get(new.uid)
        if stored is not None and not _same(stored, new):
            raise ToolError(f"a dashboard {new.uid!r} is there with other content; update it, or take another uid")
        return await self._store(new, stored)

    async def update(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """Changes it, as long as it is what was seen before the call."""
        new = parse(Dashboard, arguments)
        stored = await self.client.boards.get(new.uid)
        if stored is None:
            raise ToolError(f"there is no dashboard {new.uid!r}; create it")
        if not _same(stored, new) and context.before is not None and _shown(stored) != context.before:
            raise refuse_drift(new.uid)
        return await self._store(new, stored)

    async def delete(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """Deletes it, as long as it is what was seen before the call."""
        ask = parse(DashboardUid, arguments)
        stored = await self.client.boards.get(ask.uid)
        if stored is None:
            return Deleted(deleted=False).model_dump(mode="json")
        if context.before is not None and _shown(stored) != context.before:
            raise refuse_drift(ask.uid)
        return Deleted(deleted=await self.client.boards.delete(ask)).model_dump(mode="json")

    async def _store(self, new: Dashboard, stored: Stored | None) -> JsonObject:
        if stored is not None and _same(stored, new):
            return Written(uid=new.uid, version=stored.version).model_dump(mode="json")
        return (await self.client.boards.store(new, stored)).model_dump(mode="json")


@dataclass(frozen=True, slots=True)
class Marks:
    """Annotations that Steersman makes, never anybody else's."""

    client: GrafanaClient

    async def observe(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        """The annotation of that name, or that there is none."""
        found = await self._named(parse(AnnotationName, arguments).name)
        state = _mark(found[0]) if found else AnnotationState(exists=False)
        return state.model_dump(mode="json", exclude_none=True)

    async def create(self, new: NewAnnotation) -> Made:
        """Makes it, or finds that it is there. Raises ToolError when one of that name says something else."""
        found = await self._named(new.name)
        if found:
            wanted = AnnotationState(exists=True, at_ms=new.at_ms, text=new.text, tags=new.tags)
            if _mark(found[0]) != wanted:
                raise ToolError(f"an annotation {new.name!r} is there with other content; delete it first")
            return Made(id=found[0].id)
        return Made(id=await self.client.annotate(new, (*new.tags, _tag(new.name))))

    async def delete(self, ask: AnnotationName) -> Deleted:
        """Deletes every annotation of that name; none is no error."""
        found = await self._named(ask.name)
        for annotation in found:
            await self.client.delete_annotation(annotation.id)
        return Deleted(deleted=bool(found))

    async def _named(self, name: str) -> list[Annotation]:
        return [found for found in await self.client.tagged(_tag(name)) if _tag(name) in found.tags]


def _tag(name: str) -> str:
    return f"steersman:{name}"


def _mark(annotation: Annotation) -> AnnotationState:
    return AnnotationState(
        exists=True,
        at_ms=round(annotation.at.timestamp() * 1_000),
        text=annotation.text,
        tags=tuple(tag for tag in annotation.tags if not tag.startswith("steersman:")),
    )


def _shown(stored: Stored | None) -> JsonObject:
    if stored is None:
        return {"exists": False}
    state = DashboardState(exists=True, folder_uid=stored.folder_uid, model=stored.model)
    return state.model_dump(mode="json", exclude_none=False)


def _same(stored: Stored, new: Dashboard) -> bool:
    return stored.model == new.model and stored.folder_uid == new.folder_uid
