"""Helm as a toolset: releases installed, upgraded with their own rollback on failure, and taken back by the history."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from steersman.domain.environment import Environment
from steersman.domain.errors import ToolError
from steersman.domain.fact import Fact, JsonObject
from steersman.domain.ids import OperationName
from steersman.domain.operation import Invocation, Operation
from steersman.domain.ports import Binding, CallContext, Clock
from steersman.domain.typed import bind, bind_state, parse, read_operation, schema_of, state_schema
from steersman.remote.shape import reading, real
from steersman.remote.text import one_line
from steersman.toolsets.helm import facts
from steersman.toolsets.helm.command import Helm, objects
from steersman.toolsets.helm.diff import changes

NAME = "helm"
RELEASE_ID = "helm/release/{namespace}/{name}"
OURS = "Steersman "
POLL_S = 5.0
_UNSAFE = re.compile(r"[^A-Za-z0-9._/:-]")
_PENDING = frozenset({"pending-install", "pending-upgrade", "pending-rollback", "uninstalling"})
_GOOD = frozenset({"deployed", "superseded"})


def _args(names: str) -> JsonObject:
    return {name: {"$arg": f"/{name}"} for name in names.split()}


def _invoke(verb: str, **arguments: JsonValue) -> Invocation:
    keys = _args("namespace name")
    return Invocation(operation=OperationName(f"{NAME}.{verb}"), arguments={**keys, **arguments})


def _write(verb: str, summary: str, *, takes: type[Fact], **more: object) -> Operation:
    return Operation.model_validate(
        {
            "name": f"{NAME}.{verb}",
            "summary": summary,
            "effect": "write",
            "resource": RELEASE_ID,
            "blast_radius": "service",
            "idempotent": "natural",
            "timeout_s": 900.0,
            "input_schema": schema_of(takes),
            "output_schema": schema_of(facts.Done),
            "probe": _invoke("get_release"),
            **more,
        }
    )


_AS_ASKED: JsonObject = {"exists": True, **_args("chart version values")}
GET_RELEASE = read_operation(
    "helm.get_release", "Shows a release: chart, version, values", takes=facts.OfRelease, gives=facts.ReleaseState
).model_copy(update={"resource": RELEASE_ID, "output_schema": state_schema(facts.ReleaseState)})
GET_UPGRADE = read_operation(
    "helm.get_upgrade",
    "Shows a release, and what it was before Steersman's own last upgrade",
    takes=facts.OfRelease,
    gives=facts.UpgradeState,
).model_copy(update={"resource": RELEASE_ID, "output_schema": state_schema(facts.UpgradeState)})
WATCH_RELEASE = read_operation(
    "helm.watch_release",
    "Waits until Helm is done with a release, and shows how it stands",
    takes=facts.Waiting,
    gives=facts.Watched,
    timeout_s=3_700,
)
HISTORY = read_operation("helm.history", "Lists the revisions of a release", takes=facts.OfRelease, gives=facts.History)
DIFF = read_operation(
    "helm.diff",
    "Shows which objects an install or upgrade would change",
    takes=facts.NewRelease,
    gives=facts.Diff,
    timeout_s=120,
)
SCHEMA = read_operation(
    "helm.values_schema", "Shows the schema of a chart's values", takes=facts.OfChart, gives=facts.Schema, timeout_s=120
)
INSTALL = _write(
    "install",
    "Installs a chart under a name that is free",
    takes=facts.NewRelease,
    access="create",
    after=_AS_ASKED,
    inverse=_invoke("uninstall"),
)
UPGRADE = _write(
    "upgrade",
    "Upgrades a release to a chart version with values; Helm rolls back by itself when that fails",
    takes=facts.NewRelease,
    access="update",
    after=_AS_ASKED,
    inverse=_invoke("rollback"),
)
ROLLBACK = _write(
    "rollback",
    "Takes Steersman's own last upgrade back, to the revision before it",
    takes=facts.OfRelease,
    access="update",
    probe=_invoke("get_upgrade"),
    after={"exists": True, "now": {"$before": "/taken_back"}, "taken_back": {"$before": "/taken_back"}},
)
UNINSTALL = _write(
    "uninstall",
    "Deletes a release with all that it installed",
    takes=facts.OfRelease,
    access="delete",
    effect="destructive",
    after={"exists": False},
)
OPERATIONS = (GET_RELEASE, GET_UPGRADE, WATCH_RELEASE, HISTORY, DIFF, SCHEMA, INSTALL, UPGRADE, ROLLBACK, UNINSTALL)


@dataclass(frozen=True, slots=True)
class HelmToolset:
    """The operations of Helm on one cluster."""

    helm: Helm
    where: Environment
    clock: Clock
    name: str = NAME

    async def environment(self) -> Environment:
        """Where it is. Raises UnavailableError when the program is not there."""
        await self.helm.version()
        return self.where

    async def get_release(self, ask: facts.OfRelease) -> facts.ReleaseState:
        """The release, or that there is none."""
        return await self._release(ask)

    async def get_upgrade(self, ask: facts.OfRelease) -> facts.UpgradeState:
        """The release, and the last good revision before ours."""
        now = await self._release(ask)
        if not now.exists:
            return facts.UpgradeState(exists=False)
        former = self._former((await self.history(ask)).revisions)
        taken_back = now if former is None else await self._release(ask, former.revision)
        return facts.UpgradeState(exists=True, now=now, taken_back=taken_back)

    async def watch_release(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """Until Helm is at work on it no more, the wait is used up, or the call's deadline is near."""
        ask = parse(facts.Waiting, arguments)
        room_s = (context.deadline - self.clock.now()).total_seconds() - POLL_S
        end = self.clock.monotonic() + min(ask.wait_s, room_s)
        while True:
            found, left_s = await self._stands(ask), end - self.clock.monotonic()
            if (found.exists and found.status not in _PENDING) or left_s <= 0:
                return found.model_dump(mode="json")
            await self.clock.sleep(min(POLL_S, left_s))

    async def history(self, ask: facts.OfRelease) -> facts.History:
        """The revisions, oldest first."""
        found = await self.helm.history(ask) or []
        with reading("helm", "history"):
            return facts.History(revisions=tuple(map(_revision, found)))

    async def diff(self, new: facts.NewRelease) -> facts.Diff:
        """The manifest that is deployed beside the one that would be."""
        wanted = objects(await self.helm.rendered(new))
        there = await self.helm.metadata(new)
        deployed = objects(await self.helm.manifest(new)) if there is not None else {}
        return facts.Diff(changes=changes(deployed, wanted))

    async def values_schema(self, ask: facts.OfChart) -> facts.Schema:
        """The chart's own schema."""
        found = await self.helm.schema(ask)
        return facts.Schema(exists=found is not None, schema=found or {})

    async def install(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """Installs it; one that is there already and the same is done."""
        new = parse(facts.NewRelease, arguments)
        found = await self.get_release(new)
        if found.exists and not _same(found, new):
            raise ToolError(f"a release {new.name!r} is there with another chart or values; use `upgrade`")
        return await self._apply("install", new, found, context=context)

    async def upgrade(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """Upgrades it, as long as it is what was seen before the call."""
        new = parse(facts.NewRelease, arguments)
        found = await self.get_release(new)
        if not found.exists:
            raise ToolError(f"there is no release {new.name!r} in {new.namespace!r}; use `install`")
        shown = found.model_dump(mode="json", exclude_none=True)
        if not _same(found, new) and context.before is not None and shown != context.before:
            raise ToolError(f"release {new.name!r} was changed meanwhile; look at it and plan again")
        return await self._apply("upgrade", new, found, context=context)

    async def rollback(self, ask: facts.OfRelease) -> facts.Done:
        """To the last good revision before ours. Raises ToolError when the last one is not ours."""
        revisions = (await self.history(ask)).revisions
        former = self._former(revisions)
        if former is None:
            raise ToolError(
                f"the last revision of {ask.name!r} is not one by Steersman with a good one before it; "
                "it is not taken back"
            )
        arguments = ["rollback", ask.name, str(former.revision), "--namespace", ask.namespace, "--wait"]
        await self.helm.run([*arguments, "--timeout", f"{self.helm.timeout_s:.0f}s"], writes=True, cluster=True)
        return facts.Done(changed=True, revision=revisions[-1].revision + 1)

    async def uninstall(self, ask: facts.OfRelease) -> facts.Done:
        """Deletes it; none is no error."""
        if await self.helm.metadata(ask) is None:
            return facts.Done(changed=False)
        arguments = ["uninstall", ask.name, "--namespace", ask.namespace, "--wait"]
        await self.helm.run([*arguments, "--timeout", f"{self.helm.timeout_s:.0f}s"], writes=True, cluster=True)
        return facts.Done(changed=True)

    def bindings(self) -> Sequence[Binding]:
        """All of its operations. Does no I/O."""
        return (
            bind_state(GET_RELEASE, facts.OfRelease, self.get_release),
            bind_state(GET_UPGRADE, facts.OfRelease, self.get_upgrade),
            Binding(WATCH_RELEASE, self.watch_release),
            bind(HISTORY, facts.OfRelease, self.history),
            bind(DIFF, facts.NewRelease, self.diff),
            bind(SCHEMA, facts.OfChart, self.values_schema),
            Binding(INSTALL, self.install),
            Binding(UPGRADE, self.upgrade),
            bind(ROLLBACK, facts.OfRelease, self.rollback),
            bind(UNINSTALL, facts.OfRelease, self.uninstall),
        )

    async def _release(self, ask: facts.OfRelease, revision: int = 0) -> facts.ReleaseState:
        found = await self.helm.metadata(ask, revision)
        if found is None:
            return facts.ReleaseState(exists=False)
        with reading("helm", "metadata"):
            chart, version = str(found["chart"]), str(found["version"])
        values = await self.helm.values(ask, revision)
        return facts.ReleaseState(exists=True, chart=chart, version=version, values=values)

    def _former(self, revisions: Sequence[facts.Revision]) -> facts.Revision | None:
        """What our last upgrade is taken back to; None where the last revision is not ours."""
        ours = bool(revisions) and revisions[-1].excerpt.startswith(OURS)
        good = [each for each in revisions[:-1] if each.status in _GOOD]
        return good[-1] if ours and good else None

    async def _stands(self, ask: facts.OfRelease) -> facts.Watched:
        found = await self.helm.metadata(ask)
        if found is None:
            return facts.Watched(exists=False)
        with reading("helm", "metadata"):
            status = one_line(str(found["status"]))
            revision = int(real(found["revision"]))
        return facts.Watched(exists=True, ready=status == "deployed", status=status, revision=revision)

    async def _apply(
        self, verb: str, new: facts.NewRelease, found: facts.ReleaseState, *, context: CallContext
    ) -> JsonObject:
        if _same(found, new):
            return facts.Done(changed=False).model_dump(mode="json")
        atomic = "--rollback-on-failure" if (await self.helm.version()).startswith("v4") else "--atomic"
        described = f"{OURS}{_UNSAFE.sub('_', context.key)}"
        with self.helm.values_file(new.values) as place:
            arguments = [verb, new.name, *self.helm.chart(new.chart, new.version), "--namespace", new.namespace]
            arguments += ["--values", str(place), "--description", described, atomic, "--wait"]
            arguments += ["--reset-values"] if verb == "upgrade" else []
            arguments += ["--timeout", f"{self.helm.timeout_s:.0f}s", "--output", "json"]
            await self.helm.run(arguments, writes=True, cluster=True)
        return facts.Done(changed=True, revision=(await self._stands(new)).revision).model_dump(mode="json")


def _same(found: facts.ReleaseState, new: facts.NewRelease) -> bool:
    return found.exists and (found.chart, found.version, found.values) == (new.chart, new.version, new.values)


def _revision(found: dict[str, Any]) -> facts.Revision:
    return facts.Revision(
        revision=int(real(found["revision"])),
        status=one_line(str(found["status"])),
        chart=one_line(str(found["chart"])),
        updated=one_line(str(found.get("updated", ""))),
        excerpt=one_line(str(found.get("description", ""))),
    )
