"""Deployments: applied, changed field by field, watched, undone by template."""

from __future__ import annotations

import copy
from typing import Any

from steersman.domain.errors import ToolError
from steersman.domain.fact import JsonObject
from steersman.domain.ports import CallContext, Handler
from steersman.remote.kubernetes.api import Document
from steersman.remote.kubernetes.changing import Edit, named
from steersman.remote.kubernetes.objects import TEMPLATE, container_path, main_container, selector_text, spec
from steersman.remote.kubernetes.ownership import metadata
from steersman.remote.kubernetes.resources import DEPLOYMENTS, PODS, REPLICA_SETS
from steersman.toolsets.kubernetes import owners, reading, settling, trouble
from steersman.toolsets.kubernetes.cluster import Cluster, change, create, delete, place_of

HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
CAUSE = "kubernetes.io/change-cause"
COPIED = ("command", "args", "workingDir", "ports", "envFrom", "volumeMounts", "livenessProbe", "readinessProbe",
          "startupProbe", "lifecycle", "imagePullPolicy", "securityContext")  # fmt: skip
COPIED_OF_POD = ("volumes", "serviceAccountName", "imagePullSecrets", "securityContext", "affinity", "nodeSelector",
                 "tolerations", "topologySpreadConstraints", "terminationGracePeriodSeconds", "initContainers",
                 "dnsConfig", "priorityClassName", "automountServiceAccountToken")  # fmt: skip


def handlers(cluster: Cluster) -> dict[str, Handler]:
    """The code of the operations on Deployments, by verb."""
    return {
        "get_deployment": _get(cluster),
        "watch_deployment": _watch(cluster),
        "rollout_status": _status(cluster),
        "apply_deployment": _apply(cluster),
        "delete_deployment": _delete(cluster),
        "set_image": _edit(cluster, _image),
        "scale": _edit(cluster, _replicas),
        "set_limits": _edit(cluster, _limits),
        "set_environment": _edit(cluster, _environment),
        "set_surge": _edit(cluster, _surge),
        "restart": _edit(cluster, _restart),
        "get_template": _get_template(cluster),
        "undo_rollout": _undo(cluster),
        "rollout_history": _history(cluster),
    }


def _get(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, _: CallContext) -> JsonObject:
        return reading.deployment(await cluster.writer.read(place_of(DEPLOYMENTS, arguments)))

    return run


def _watch(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
        last = settling.Progress(settled=False, ready=False, reason="nothing was seen")

        def judge(found: Document | None) -> settling.Progress | None:
            nonlocal last
            last = settling.rollout(found)
            return last if last.settled else None

        place = place_of(DEPLOYMENTS, arguments)
        await cluster.wait(place, judge, context.deadline)
        return await _shown(cluster, arguments, last)

    return run


def _status(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, _: CallContext) -> JsonObject:
        found = settling.rollout(await cluster.writer.read(place_of(DEPLOYMENTS, arguments)))
        return {"settled": found.settled, **await _shown(cluster, arguments, found)}

    return run


async def _shown(cluster: Cluster, arguments: JsonObject, found: settling.Progress) -> JsonObject:
    """The verdict, with what the pods say: a Deployment itself does not tell why they are not ready."""
    during = trouble.During(cluster.clock.now())
    pods = [trouble.pod(each, during) for each in await pods_of(cluster, arguments)]
    reasons = sorted({trouble.shown(each) for each in pods if each["reason"]})
    said = "; ".join(filter(None, [found.reason, *(reasons if not found.ready else [])]))
    restarts = sum(int(str(each["restarts"])) for each in pods)
    return {"ready": found.ready, "ready_replicas": found.ready_replicas, "restarts": restarts, "reason": said[:2000]}


async def pods_of(cluster: Cluster, arguments: JsonObject) -> list[Document]:
    """The pods that a Deployment selects; those of another workload with labels of the same kind are left out.

    Where there is no such Deployment, those of any other workload of that name.
    """
    live = await cluster.writer.read(place_of(DEPLOYMENTS, arguments))
    path, name = PODS.path(str(arguments["namespace"])), str(arguments["name"])
    if live is None:
        return [each for each in await cluster.api.every(path) if owners.workload(each) == name]
    found = await cluster.api.every(path, {"labelSelector": selector_text(spec(live).get("selector") or {})})
    return [each for each in found if _is_of(each, name)]


def _is_of(pod: Document, deployment: str) -> bool:
    owners = metadata(pod).get("ownerReferences") or []
    label = (metadata(pod).get("labels") or {}).get(HASH, "")
    return not owners or any(each.get("name") == f"{deployment}-{label}" for each in owners)


def _apply(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
        place = place_of(DEPLOYMENTS, arguments)
        like = arguments["like"]
        model = await cluster.writer.present(place_of(DEPLOYMENTS, {**arguments, "name": like})) if like else None
        wanted: JsonObject = {
            "exists": True, **{name: arguments[name] for name in arguments if name not in ("namespace", "name")}
        }  # fmt: skip
        return await create(
            cluster, place, body(arguments, model), state=reading.deployment, context=context, wanted=wanted
        )

    return run


def body(arguments: JsonObject, model: Document | None) -> Document:
    """A Deployment as it is applied. model: another one, whose pods it takes after."""
    name = str(arguments["name"])
    copied = copy.deepcopy((spec(model).get("template") or {}).get("spec") or {}) if model else {}
    former = main_container(model) if model else {}
    container: Document = {key: copy.deepcopy(former[key]) for key in COPIED if key in former}
    limits = {"cpu": arguments["cpu_limit"], "memory": arguments["memory_limit"]}
    kept = [copy.deepcopy(each) for each in former.get("env") or [] if "valueFrom" in each]
    given = arguments["environment"]
    assert isinstance(given, dict)
    container |= {
        "name": name,
        "image": arguments["image"],
        "env": [*({"name": key, "value": value} for key, value in sorted(given.items())), *kept],
        "resources": {"limits": {key: value for key, value in limits.items() if value}},
    }
    others = [each for each in copied.get("containers") or [] if each.get("name") != former.get("name")]
    pod = {key: copied[key] for key in COPIED_OF_POD if key in copied}
    token = arguments["restart_token"]
    marks = {"annotations": {reading.RESTARTED: token}} if token else {}
    held: Document = {
        "selector": {"matchLabels": {"app": name}},
        "template": {
            "metadata": {"labels": {"app": name}, **marks},
            "spec": {**pod, "containers": [container, *others]},
        },
        **_strategy(arguments),
    }
    if arguments["replicas"] is not None:
        held["replicas"] = arguments["replicas"]
    noted = {"annotations": {reading.LIKE: arguments["like"]}} if model else {}
    return {"metadata": {"labels": {"app": name}, **noted}, "spec": held}


def _strategy(arguments: JsonObject) -> Document:
    rolling = {"maxSurge": pods(arguments["max_surge"]), "maxUnavailable": pods(arguments["max_unavailable"])}
    kept = {key: value for key, value in rolling.items() if value is not None}
    return {"strategy": {"type": "RollingUpdate", "rollingUpdate": kept} if kept else {"type": "Recreate"}}


def pods(text: Any) -> int | str | None:
    """`2` as a number, `25%` as it is, nothing as nothing."""
    if not text:
        return None
    return int(text) if str(text).isdigit() else str(text)


def _delete(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
        return await delete(cluster, place_of(DEPLOYMENTS, arguments), context)

    return run


def _edit(cluster: Cluster, edits: Any) -> Handler:
    async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
        place = place_of(DEPLOYMENTS, arguments)
        return await change(
            cluster, place, lambda live: edits(live, arguments), state=reading.deployment, context=context
        )

    return run


def _image(live: Document, arguments: JsonObject) -> list[Edit]:
    return [Edit((*container_path(live), "image"), arguments["image"])]


def _replicas(live: Document, arguments: JsonObject) -> list[Edit]:
    if arguments["replicas"] is None:
        return []  # an autoscaler sets it: nothing is to be restored
    if reading.is_autoscaled(live):
        raise ToolError(
            f"Deployment {metadata(live).get('name')!r} is scaled by an autoscaler, which would undo a scaling; "
            "change its bounds with kubernetes.set_autoscaler"
        )
    return [Edit(reading.REPLICAS, arguments["replicas"])]


def _limits(live: Document, arguments: JsonObject) -> list[Edit]:
    at = (*container_path(live), "resources", "limits")
    return [
        Edit((*at, "cpu"), arguments["cpu_limit"] or None),
        Edit((*at, "memory"), arguments["memory_limit"] or None),
    ]


def _environment(live: Document, arguments: JsonObject) -> list[Edit]:
    given = arguments["environment"]
    assert isinstance(given, dict)
    container = main_container(live)
    if reading.environment(container) == given:
        return []
    kept = [each for each in container.get("env") or [] if "valueFrom" in each and each["name"] not in given]
    order = [each["name"] for each in container.get("env") or [] if each["name"] in given]
    names = [*order, *sorted(set(given) - set(order))]
    value = [*({"name": name, "value": given[name]} for name in names), *kept]
    return [Edit((*container_path(live), "env"), value or None, whole=True)]


def _surge(live: Document, arguments: JsonObject) -> list[Edit]:
    kind = (spec(live).get("strategy") or {}).get("type", "RollingUpdate")
    if kind != "RollingUpdate":
        raise ToolError(f"Deployment {metadata(live).get('name')!r} uses strategy {kind!r}, which has no surge")
    return [
        Edit(reading.SURGE, pods(arguments["max_surge"])),
        Edit(reading.UNAVAILABLE, pods(arguments["max_unavailable"])),
    ]


def _restart(_: Document, arguments: JsonObject) -> list[Edit]:
    return [Edit(reading.RESTART, arguments["restart_token"] or None)]


async def _sets(cluster: Cluster, arguments: JsonObject) -> tuple[Document, list[Document]]:
    live = await cluster.writer.present(place_of(DEPLOYMENTS, arguments))
    query = {"labelSelector": selector_text(spec(live).get("selector") or {})}
    found = await cluster.api.every(REPLICA_SETS.path(str(arguments["namespace"])), query)
    uid = metadata(live).get("uid")
    mine = [each for each in found if any(o.get("uid") == uid for o in metadata(each).get("ownerReferences") or [])]
    return live, sorted(mine, key=lambda each: int(_notes(each).get(REVISION) or 0))


def _notes(document: Document) -> dict[str, str]:
    return dict(metadata(document).get("annotations") or {})


def _template(replica_set: Document) -> Document:
    template = copy.deepcopy(spec(replica_set).get("template") or {})
    (template.get("metadata") or {}).get("labels", {}).pop(HASH, None)
    template.get("metadata", {}).pop("creationTimestamp", None)
    return dict(template)


def _hash(replica_set: Document) -> str:
    return str((metadata(replica_set).get("labels") or {}).get(HASH, ""))


def _current(live: Document, sets: list[Document]) -> str:
    wanted = copy.deepcopy(spec(live).get("template") or {})
    wanted.get("metadata", {}).pop("creationTimestamp", None)
    return next((_hash(each) for each in sets if _template(each) == wanted), "")


def _get_template(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, _: CallContext) -> JsonObject:
        if await cluster.writer.read(place_of(DEPLOYMENTS, arguments)) is None:
            return reading.ABSENT
        return {"exists": True, "template": _current(*await _sets(cluster, arguments))}

    return run


def _undo(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
        live, sets = await _sets(cluster, arguments)
        chosen = next((each for each in sets if _hash(each) == arguments["template"]), None)
        place = place_of(DEPLOYMENTS, arguments)
        if chosen is None:
            known = ", ".join(filter(None, map(_hash, sets))) or "none"
            raise ToolError(f"{named(place)} has no revision with template {arguments['template']!r}; it has {known}")
        edits = [Edit(TEMPLATE, _template(chosen), whole=True)]
        changed = await cluster.writer.change(place, live, edits, dry_run=context.dry_run)
        return {"exists": True, "template": _current(changed, sets)}

    return run


def _history(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, _: CallContext) -> JsonObject:
        live, sets = await _sets(cluster, arguments)
        current = _current(live, sets)
        revisions: list[Any] = [
            {
                "revision": int(_notes(each).get(REVISION) or 0),
                "template": _hash(each),
                "images": [str(c.get("image")) for c in _template(each).get("spec", {}).get("containers", [])],
                "cause": _notes(each).get(CAUSE, ""),
                "current": _hash(each) == current,
                "replicas": int(spec(each).get("replicas") or 0),
            }
            for each in sets
        ]
        former = [each["template"] for each in revisions if not each["current"]]
        return {"revisions": revisions, "count": len(revisions), "previous": former[-1] if former else ""}

    return run
