"""Argo CD: what an application is to be, how it does, what it would change; sync, rollback, automation held back.

Source: the API of Argo CD 2.4 to 3.x (`/api/v1/applications`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from steersman.domain.environment import Environment
from steersman.domain.errors import OutcomeUnknownError, ToolError
from steersman.domain.fact import JsonObject
from steersman.domain.operation import Operation
from steersman.domain.ports import Binding, CallContext, Clock, Handler
from steersman.domain.thing import COUNT, FLAG, TEXT, Thing, reading
from steersman.remote.exchange import Remote, Request
from steersman.remote.text import one_line

SYSTEM = "argocd"
APP: JsonObject = {"type": "string", "pattern": "^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"}
REVISION: JsonObject = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._/+-]{0,251}$"}
LIST: JsonObject = {"type": "array", "items": {"type": "object"}}
FORMER = "steersman.dev/automated"
"""How automation was set before it was held back."""
ENDED = ("Succeeded", "Failed", "Error")
AGAIN_S = 2.0
MARGIN_S = 2.0
NOT_THERE = 404
WAITING_S = 900.0

APPLICATION = Thing(
    SYSTEM,
    "application",
    keys={"name": APP},
    state={"revision": REVISION, "automated": FLAG, "unfinished": TEXT},
    observed={"healthy": FLAG, "synced": FLAG, "reason": TEXT},
)


def _moves(verb: str, summary: str) -> Operation:
    operation = APPLICATION.change(verb, summary, "revision")
    return operation.model_copy(
        update={"timeout_s": WAITING_S, "after": {**(operation.after or {}), "unfinished": FINISHED}}
    )


FINISHED = ""
SYNC = _moves("sync", "Brings an application to a revision of its repository")
ROLLBACK = _moves("rollback", "Brings an application back to a revision of its history")
SET_AUTOMATED = APPLICATION.change("set_automated", "Turns automatic sync on or off", "automated")
HISTORY = reading(
    "argocd.history", "What was deployed when, newest last", {"name": APP}, {"deployments": LIST, "count": COUNT}
)
DIFF = reading(
    "argocd.diff", "What a sync would change, object by object", {"name": APP}, {"changes": LIST, "count": COUNT}
)
OPERATIONS: tuple[Operation, ...] = (*APPLICATION.reads(), HISTORY, DIFF, SYNC, ROLLBACK, SET_AUTOMATED)


@dataclass(frozen=True, slots=True)
class ArgocdToolset:
    """The applications of one Argo CD."""

    remote: Remote
    where: Environment
    clock: Clock
    name: str = field(default=SYSTEM, init=False)

    async def environment(self) -> Environment:
        """Where it is; raises what `/api/version` raises when nothing like Argo CD answers there."""
        await self.remote.json(Request("GET", "/api/version"))
        return self.where

    def bindings(self) -> Sequence[Binding]:
        """All of its operations. Does no I/O."""
        known: dict[str, Handler] = {
            "get_application": self._get,
            "watch_application": self._watch,
            "history": self._history,
            "diff": self._diff,
            "sync": self._sync,
            "rollback": self._rollback,
            "set_automated": self._set_automated,
        }
        return tuple(Binding(each, known[each.name.partition(".")[2]]) for each in OPERATIONS)

    async def _get(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        return state(await self._application(str(arguments["name"])))

    async def _watch(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        while True:
            found = health(await self._present(arguments))
            left_s = self._left(context)
            if found is not None and (found["healthy"] or "Progressing" not in str(found["reason"])):
                return found
            if left_s <= 0:
                return found or {"healthy": False, "synced": False, "reason": "an operation is still under way"}
            await self.clock.sleep(min(AGAIN_S, left_s))

    async def _history(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        found: list[JsonValue] = [
            {
                "id": int(each.get("id", 0)),
                "revision": str(each.get("revision", "")),
                "at": str(each.get("deployedAt", "")),
            }
            for each in (await self._present(arguments)).get("status", {}).get("history") or []
        ]
        return {"deployments": found, "count": len(found)}

    async def _diff(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        path = f"/api/v1/applications/{arguments['name']}/managed-resources"
        document = await self.remote.json(Request("GET", path))
        items: Any = document.get("items") if isinstance(document, dict) else None
        found = [each for each in map(_changed, items or []) if each]
        return {"changes": list(found), "count": len(found)}

    async def _sync(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        live = await self._present(arguments)
        self._refuse_busy(live)
        if state(live)["revision"] == arguments["revision"] and _phase(live) == "Succeeded":
            return state(live)
        body: JsonObject = {"revision": arguments["revision"], "prune": False, "dryRun": False}
        await self._post(f"/api/v1/applications/{arguments['name']}/sync", body)
        return await self._ended(arguments, context)

    async def _rollback(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        live = await self._present(arguments)
        self._refuse_busy(live)
        if state(live)["revision"] == arguments["revision"] and _phase(live) == "Succeeded":
            return state(live)
        history = live.get("status", {}).get("history") or []
        chosen = [each for each in history if each.get("revision") == arguments["revision"]]
        if not chosen:
            known = ", ".join(str(each.get("revision")) for each in history) or "nothing"
            raise ToolError(
                f"application {arguments['name']!r} never ran {arguments['revision']!r}; its history is {known}"
            )
        if state(live)["automated"]:
            raise ToolError(
                f"application {arguments['name']!r} syncs by itself and would undo a rollback; set_automated first"
            )
        body: JsonObject = {"id": int(chosen[-1]["id"]), "prune": False, "dryRun": False}
        await self._post(f"/api/v1/applications/{arguments['name']}/rollback", body)
        return await self._ended(arguments, context)

    async def _set_automated(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        live = await self._present(arguments)
        if state(live)["automated"] == arguments["automated"]:
            return state(live)
        policy = (live.get("spec", {}).get("syncPolicy") or {}).get("automated")
        notes = live.get("metadata", {}).get("annotations") or {}
        if arguments["automated"]:
            value, note = _former(notes.get(FORMER, "")), None
        else:
            value, note = None, json.dumps(policy, sort_keys=True)
        patch = {"metadata": {"annotations": {FORMER: note}}, "spec": {"syncPolicy": {"automated": value}}}
        body: JsonObject = {"name": arguments["name"], "patch": json.dumps(patch), "patchType": "merge"}
        path = f"/api/v1/applications/{arguments['name']}"
        document = await self.remote.json(Request("PATCH", path, body=body, writes=True))
        return state(document if isinstance(document, dict) else {})

    async def _application(self, name: str) -> dict[str, Any] | None:
        request = Request("GET", f"/api/v1/applications/{name}", query=(("refresh", "normal"),))
        answer = await self.remote.ask(request, accept=frozenset({NOT_THERE}))
        if answer.status == NOT_THERE:
            return None
        document = self.remote.decoded(request, answer)
        if not isinstance(document, dict):
            raise ToolError(f"{self.remote.name}: application {name!r} is no object; is this Argo CD?")
        return document

    async def _present(self, arguments: JsonObject) -> dict[str, Any]:
        found = await self._application(str(arguments["name"]))
        if found is None:
            raise ToolError(f"there is no application {arguments['name']!r}")
        return found

    async def _post(self, path: str, body: JsonObject) -> None:
        await self.remote.json(Request("POST", path, body=body, writes=True))

    async def _ended(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """Waits for the operation that was begun: what goes wrong from here on is no "nothing was done"."""
        while True:
            live = await self._present(arguments)
            if _phase(live) in ENDED and "operation" not in live:
                break
            if self._left(context) <= 0:
                raise OutcomeUnknownError(f"application {arguments['name']!r} is still syncing; look again later")
            await self.clock.sleep(AGAIN_S)
        if _phase(live) != "Succeeded":
            said = one_line(str(live["status"]["operationState"].get("message", "")))
            raise OutcomeUnknownError(f"application {arguments['name']!r}: the sync ended as {_phase(live)}: {said}")
        return state(live)

    def _refuse_busy(self, live: dict[str, Any]) -> None:
        if "operation" in live or _phase(live) == "Running":
            raise ToolError(f"application {live['metadata']['name']!r} has an operation under way; wait for its end")

    def _left(self, context: CallContext) -> float:
        return (context.deadline - self.clock.now()).total_seconds() - MARGIN_S


def state(document: dict[str, Any] | None) -> JsonObject:
    """The state of an application: the revision that was asked for last, which a branch's newest may have passed.

    `unfinished`, when not empty, says that it is not that revision yet, or not all of it: Running, Failed, Error.
    """
    if document is None:
        return {"exists": False}
    held = document.get("status", {})
    operation = held.get("operationState") or {}
    asked = ((operation.get("operation") or {}).get("sync") or {}).get("revision")
    revision = asked or (operation.get("syncResult") or {}).get("revision") or (held.get("sync") or {}).get("revision")
    policy = (document.get("spec", {}).get("syncPolicy") or {}).get("automated")
    automated = policy is not None and policy.get("enabled", True) is not False
    phase = "Running" if "operation" in document else _phase(document)
    unfinished = FINISHED if phase in ("", "Succeeded") else one_line(phase)
    return {"exists": True, "revision": str(revision or "none"), "automated": automated, "unfinished": unfinished}


def health(document: dict[str, Any]) -> JsonObject | None:
    """How an application does; None while an operation is under way."""
    if "operation" in document or _phase(document) == "Running":
        return None
    held = document.get("status", {})
    found, sync = held.get("health") or {}, held.get("sync") or {}
    reason = "; ".join(filter(None, (str(found.get("status", "")), str(found.get("message", "")))))
    healthy = found.get("status") == "Healthy"
    return {
        "healthy": healthy,
        "synced": sync.get("status") == "Synced",
        "reason": "" if healthy else one_line(reason),
    }


def _phase(document: dict[str, Any]) -> str:
    return str((document.get("status", {}).get("operationState") or {}).get("phase") or "")


def _former(text: str) -> Any:
    try:
        return json.loads(text) or {}
    except ValueError:
        return {}


def _changed(item: dict[str, Any]) -> dict[str, JsonValue] | None:
    """An object that would be made, changed or is there without being wanted."""
    live, target = item.get("normalizedLiveState") or "null", item.get("predictedLiveState") or "null"
    if live == target:
        return None
    kind = "created" if live == "null" else ("extra" if target == "null" else "changed")
    names = ("kind", "namespace", "name")
    return {"what": kind, **{name: one_line(str(item.get(name, ""))) for name in names}}
