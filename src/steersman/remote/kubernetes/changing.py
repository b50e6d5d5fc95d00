"""Careful writes: rehearsed on the server, by server-side apply under our name, never forced.

Fields that nobody applies but a former one-time edit owns (`kubectl create`, `edit`, `scale`) would make every apply a
conflict. They are changed by a JSON patch that first tests that each has the value that was seen: a compare-and-set on
exactly the fields that are changed, not on `resourceVersion`, which every status moves.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from steersman.domain.errors import OutcomeUnknownError, ToolError, UnavailableError
from steersman.remote.kubernetes.api import (
    APPLY,
    CONFLICT,
    INVALID,
    JSON_PATCH,
    MANAGER,
    MERGE,
    NOT_FOUND,
    Api,
    Ask,
    Document,
    RefusalError,
)
from steersman.remote.kubernetes.ownership import (
    Path,
    applied_by_us,
    made_by_us,
    metadata,
    refuse_applied,
    refuse_foreign,
    shown,
    update_only,
)
from steersman.remote.kubernetes.watching import Place

STRICT = {"fieldManager": MANAGER, "fieldValidation": "Strict"}
REHEARSED = {"dryRun": "All"}
MANAGED_BY = "app.kubernetes.io/managed-by"


@dataclass(frozen=True, slots=True)
class Edit:
    """One field and what it is to be; None takes it away."""

    path: Path
    value: Any
    whole: bool = False
    """A list or map that is replaced, with everything that is in it."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes to one cluster."""

    api: Api

    async def read(self, place: Place) -> Document | None:
        """The object, or None. A namespace or a kind that is not there has none either."""
        try:
            return await self.api.json(Ask("GET", path_of(place)))
        except RefusalError as e:
            if e.code == NOT_FOUND:
                return None
            raise

    async def present(self, place: Place) -> Document:
        """The object. Raises ToolError when there is none."""
        found = await self.read(place)
        if found is None:
            raise ToolError(f"there is no {named(place)}")
        return found

    async def change(self, place: Place, live: Document, edits: Sequence[Edit], *, dry_run: bool = False) -> Document:
        """The object with some fields changed. Nothing is sent when they are so already.

        Raises ToolError when the fields are not ours to change, UnavailableError when they changed meanwhile.
        """
        wanted = [edit for edit in edits if value_at(live, edit.path) != edit.value]
        if not wanted:
            return live
        refuse_foreign(live, named(place))
        refuse_applied(live, [edit.path for edit in wanted], named(place))
        if not any(edit.whole or edit.value is None for edit in wanted) and "." not in place.resource.group:
            try:
                body = _body(place, live, wanted)
                return await self._apply(place, body, lambda found: _must_keep(found, wanted, place), dry_run=dry_run)
            except RefusalError as e:
                if e.code != CONFLICT or not update_only(e.causes, live):
                    raise
        return await self._patch(place, operations(live, wanted), wanted, dry_run=dry_run)

    async def pursue(self, place: Place, live: Document, edits: Sequence[Edit]) -> Document:
        """A change that is one of several of a call: where its answer is lost, the object says whether to go on."""
        try:
            return await self.change(place, live, edits)
        except OutcomeUnknownError:
            found = await self.read(place)
            if found is None or any(value_at(found, edit.path) != edit.value for edit in edits):
                raise
            return found

    async def create(
        self, place: Place, body: Document, *, check: Callable[[Document], None], dry_run: bool = False
    ) -> Document:
        """Applies an object that is not there; the caller has looked. check: may refuse what was rehearsed."""
        head = {"apiVersion": place.resource.api_version, "kind": place.resource.kind}
        own = metadata(body)
        named_ = {"name": place.name, **({"namespace": place.namespace} if place.namespace else {})}
        marks = {MANAGED_BY: MANAGER, **(own.get("labels") or {})}
        document = {**head, **body, "metadata": {**own, **named_, "labels": marks}}
        return await self._apply(place, document, check, dry_run=dry_run)

    async def delete(self, place: Place, live: Document, *, dry_run: bool = False) -> None:
        """Deletes what Steersman has applied, and nothing else: only that can be brought back by an undo."""
        refuse_foreign(live, named(place))
        if not made_by_us(live):
            raise ToolError(
                f"{named(place)} was not applied by Steersman, so that an undo could not bring it back whole; "
                "delete it by hand"
            )
        options: Document = {"propagationPolicy": "Background", "preconditions": {"uid": metadata(live).get("uid")}}
        # With a body the server looks at no query: a `dryRun` there would delete for good.
        for rehearsed in ({"dryRun": ["All"]},) if dry_run else ({"dryRun": ["All"]}, {}):
            try:
                await self.api.raw(Ask("DELETE", path_of(place), {}, {**options, **rehearsed}))
            except RefusalError as e:
                if e.code != NOT_FOUND:
                    raise
                return

    async def status(self, place: Place, patch: Document, *, dry_run: bool = False) -> Document:
        """A merge patch of the status: how Argo Rollouts is told to go on."""
        path = path_of(place, "status")
        query = {"fieldManager": MANAGER}
        rehearsed = await self.api.json(Ask("PATCH", path, {**query, **REHEARSED}, {"status": patch}, MERGE))
        if dry_run:
            return rehearsed
        return await self.api.json(Ask("PATCH", path, query, {"status": patch}, MERGE))

    async def _apply(
        self, place: Place, body: Document, check: Callable[[Document], None], *, dry_run: bool
    ) -> Document:
        ask = Ask("PATCH", path_of(place), {**STRICT, **REHEARSED}, body, APPLY)
        rehearsed = await self.api.json(ask)
        check(rehearsed)
        return rehearsed if dry_run else await self.api.json(Ask("PATCH", ask.path, STRICT, body, APPLY))

    async def _patch(self, place: Place, patch: list[Document], edits: Sequence[Edit], *, dry_run: bool) -> Document:
        try:
            ask = Ask("PATCH", path_of(place), {**STRICT, **REHEARSED}, patch, JSON_PATCH)
            rehearsed = await self.api.json(ask)
            _must_keep(rehearsed, edits, place)
            if dry_run:
                return rehearsed
            return await self.api.json(Ask("PATCH", ask.path, STRICT, patch, JSON_PATCH))
        except RefusalError as e:
            if e.code == INVALID and not e.causes:
                # A test that failed is a 422 that does not say so.
                raise UnavailableError(f"{named(place)} changed while it was being written; nothing was done") from e
            raise


def _must_keep(rehearsed: Document, edits: Sequence[Edit], place: Place) -> None:
    """Raises ToolError when the cluster would make something else of it, as an admission webhook may."""
    for edit in edits:
        got = value_at(rehearsed, edit.path)
        if got != edit.value and not (edit.whole or edit.value is None):
            raise ToolError(
                f"{named(place)}: the cluster would make {got!r} of {shown(edit.path)} = {edit.value!r} "
                "(it writes the same in another way, or an admission webhook does); nothing was done"
            )


def path_of(place: Place, below: str = "") -> str:
    """The URL path of an object."""
    return place.resource.path(place.namespace, place.name, below)


def named(place: Place) -> str:
    """`Deployment shop/front`."""
    return f"{place.resource.kind} " + "/".join(filter(None, (place.namespace, place.name)))


def value_at(document: Any, path: Path) -> Any:
    """What stands at a path; None when nothing does."""
    here = document
    for part in path:
        if isinstance(part, str):
            here = here.get(part) if isinstance(here, dict) else None
        else:
            items = here if isinstance(here, list) else []
            here = next((each for each in items if each.get(part[0]) == part[1]), None)
        if here is None:
            return None
    return here


def _body(place: Place, live: Document, edits: Sequence[Edit]) -> Document:
    own = copy.deepcopy(applied_by_us(live))
    body: Document = {**own, "apiVersion": place.resource.api_version, "kind": place.resource.kind}
    body["metadata"] = {**metadata(own), "name": place.name}
    if place.namespace:
        body["metadata"]["namespace"] = place.namespace
    for edit in edits:
        _set(body, edit.path, edit.value)
    return body


def _set(document: Document, path: Path, value: Any) -> None:
    here: Any = document
    for part, following in itertools.pairwise(path):
        empty: Any = {} if isinstance(following, str) else []
        if isinstance(part, str):
            here = here.setdefault(part, empty)
        else:
            found = next((each for each in here if each.get(part[0]) == part[1]), None)
            if found is None:
                found = {part[0]: part[1]}
                here.append(found)
            here = found
    last = path[-1]
    if isinstance(last, str):
        here[last] = value


def operations(live: Document, edits: Sequence[Edit]) -> list[Document]:
    """A JSON patch that tests what was seen before it changes anything."""
    tests: list[Document] = []
    changes: list[Document] = []
    for edit in edits:
        pointer, missing = _pointer(live, edit.path, tests)
        was = value_at(live, edit.path)
        if was is not None:
            tests.append({"op": "test", "path": pointer, "value": was})
        if edit.value is None:
            changes += [{"op": "remove", "path": pointer}] if was is not None else []
            continue
        made = [{"op": "add", "path": each, "value": {}} for each in missing]
        changes += [each for each in made if each not in changes]
        changes.append({"op": "replace" if was is not None else "add", "path": pointer, "value": edit.value})
    return [*tests, *changes]


def _pointer(live: Document, path: Path, tests: list[Document]) -> tuple[str, list[str]]:
    """The JSON Pointer of a path, and the objects on its way that are not there."""
    here: Any = live
    pointer, missing = "", []
    for index, part in enumerate(path):
        if isinstance(part, str):
            pointer += "/" + part.replace("~", "~0").replace("/", "~1")
            here = here.get(part) if isinstance(here, dict) else None
        else:
            number = next(i for i, each in enumerate(here) if each.get(part[0]) == part[1])
            pointer += f"/{number}"
            test = {"op": "test", "path": f"{pointer}/{part[0]}", "value": part[1]}
            tests += [test] if test not in tests else []
            here = here[number]
        if here is None and index < len(path) - 1:
            missing.append(pointer)
    return pointer, missing
