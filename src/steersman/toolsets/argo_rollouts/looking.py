"""How Rollouts do: the tree of revisions and pods, and analysis runs."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from steersman.domain.fact import JsonObject
from steersman.remote.kubernetes.api import Document
from steersman.remote.kubernetes.objects import selector_text, spec, status
from steersman.remote.kubernetes.ownership import metadata
from steersman.remote.kubernetes.resources import ANALYSIS_RUNS, PODS, ROLLOUTS
from steersman.remote.kubernetes.watching import Place
from steersman.remote.text import one_line
from steersman.toolsets.argo_rollouts import reading
from steersman.toolsets.argo_rollouts.driving import HASH, Driver, revision


async def tree(driver: Driver, arguments: JsonObject) -> JsonObject:
    """A Rollout with its revisions, newest first, and their pods."""
    place = Place(ROLLOUTS, str(arguments["namespace"]), str(arguments["name"]))
    live = await driver.writer.present(place)
    held = status(live)
    pods = await driver.api.every(
        PODS.path(place.namespace), {"labelSelector": selector_text(spec(live).get("selector") or {})}
    )
    roles = {str(held.get("stableRS")): "stable", str(held.get("currentPodHash")): "new"}
    if held.get("stableRS") == held.get("currentPodHash"):
        roles = {str(held.get("stableRS")): "stable"}
    sets = reversed(await driver.sets(place.namespace, live))
    step = held.get("currentStepIndex")
    return {
        "phase": reading.phase(live),
        "message": reading.said(live),
        "step": int(step) if step is not None else 0,
        "steps": reading.steps(live),
        "revisions": [_revision(each, roles, pods) for each in sets],
    }


def _revision(found: Document, roles: dict[str, str], pods: list[Document]) -> dict[str, JsonValue]:
    label = str((metadata(found).get("labels") or {}).get(HASH, ""))
    mine = [each for each in pods if (metadata(each).get("labels") or {}).get(HASH) == label]
    shown: list[JsonValue] = [_pod(each) for each in mine]
    containers = ((spec(found).get("template") or {}).get("spec") or {}).get("containers") or [{}]
    return {
        "revision": revision(found),
        "template": label,
        "images": [str(each.get("image", "")) for each in containers],
        "role": roles.get(label, "old"),
        "replicas": int(spec(found).get("replicas") or 0),
        "ready": int(status(found).get("readyReplicas") or 0),
        "pods": shown,
    }


def _pod(pod: Document) -> dict[str, JsonValue]:
    found: list[Any] = status(pod).get("containerStatuses") or []
    waiting: Document = next((each["state"]["waiting"] for each in found if "waiting" in (each.get("state") or {})), {})
    return {
        "pod": str(metadata(pod).get("name", "")),
        "phase": str(status(pod).get("phase", "")),
        "ready": bool(found) and all(each.get("ready") for each in found),
        "restarts": sum(int(each.get("restartCount") or 0) for each in found),
        "reason": one_line(str(waiting.get("reason") or "")),
    }


async def analyses(driver: Driver, arguments: JsonObject) -> JsonObject:
    """Analysis runs of a Rollout."""
    name = str(arguments["name"])
    found = await driver.api.every(ANALYSIS_RUNS.path(str(arguments["namespace"])))
    mine = [e for e in found if any(o.get("name") == name for o in metadata(e).get("ownerReferences") or [])]
    runs: list[JsonValue] = [
        {
            "name": str(metadata(each).get("name")),
            "phase": str(status(each).get("phase", "")),
            "message": one_line(str(status(each).get("message", ""))),
            "metrics": [
                {"name": str(metric.get("name", "")), "phase": str(metric.get("phase", ""))}
                for metric in status(each).get("metricResults") or []
            ],
        }
        for each in mine
    ]
    return {"runs": runs, "count": len(runs)}


async def listed(driver: Driver, arguments: JsonObject) -> JsonObject:
    """The Rollouts of a namespace."""
    found: list[JsonValue] = []
    for each in await driver.api.every(ROLLOUTS.path(str(arguments["namespace"]))):
        line: JsonObject = {"name": str(metadata(each).get("name")), **reading.shown(each)}
        found.append({**line, "image": reading.image(each)})
    return {"rollouts": found, "count": len(found)}
