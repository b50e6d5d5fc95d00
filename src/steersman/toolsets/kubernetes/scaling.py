"""Autoscalers, disruption budgets, quotas."""

from __future__ import annotations

from steersman.domain.errors import OutcomeUnknownError, ToolError
from steersman.domain.fact import JsonObject
from steersman.domain.ports import CallContext, Handler
from steersman.remote.kubernetes.api import Document
from steersman.remote.kubernetes.changing import Edit
from steersman.remote.kubernetes.objects import spec
from steersman.remote.kubernetes.ownership import metadata
from steersman.remote.kubernetes.resources import AUTOSCALERS, BUDGETS, DEPLOYMENTS, QUOTAS, ROLLOUTS
from steersman.remote.kubernetes.watching import Place
from steersman.toolsets.kubernetes import reading
from steersman.toolsets.kubernetes.cluster import Cluster, change, create, delete, place_of

OF_CONTAINERS = ("cpu", "memory")
"""Metrics that the cluster itself measures; any other comes from a metrics adapter."""
FULL_PERCENT = 100


def handlers(cluster: Cluster) -> dict[str, Handler]:
    """The code of these operations, by verb."""
    return {
        "get_autoscaler": _get_autoscaler(cluster),
        "create_autoscaler": _create_autoscaler(cluster),
        "delete_autoscaler": _delete_autoscaler(cluster),
        "set_autoscaler": _set_autoscaler(cluster),
        "get_disruption_budget": _get_budget(cluster),
        "create_disruption_budget": _create_budget(cluster),
        "delete_disruption_budget": _delete_budget(cluster),
        "get_quota": _get_quota(cluster),
        "set_quota": _set_quota(cluster),
    }


def _get_autoscaler(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, _: CallContext) -> JsonObject:
        live = await cluster.writer.read(place_of(AUTOSCALERS, arguments))
        if live is not None:
            return reading.autoscaler(live)
        workload = (await _workload(cluster, arguments))[1]
        alone = spec(workload).get("replicas", 1) if workload else None
        return {"exists": False} if alone is None else {"exists": False, "replicas": alone}

    return run


def _delete_autoscaler(cluster: Cluster) -> Handler:
    """The number of replicas comes after: while it is there, the autoscaler would take it back."""

    async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
        await _gone(cluster, place_of(AUTOSCALERS, arguments), context)
        place, workload = await _workload(cluster, arguments)
        if workload is not None and spec(workload).get("replicas", 1) != arguments["replicas"]:
            edit = Edit(reading.REPLICAS, arguments["replicas"])
            await cluster.writer.change(place, workload, [edit], dry_run=context.dry_run)
        return {"exists": False, "replicas": arguments["replicas"]}

    return run


async def _gone(cluster: Cluster, place: Place, context: CallContext) -> None:
    """Deletes. Where the answer is lost it is looked: a half-done call is none that read-back could settle."""
    try:
        await delete(cluster, place, context)
    except OutcomeUnknownError:
        if await cluster.writer.read(place) is not None:
            raise


def _get_budget(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, _: CallContext) -> JsonObject:
        return reading.budget(await cluster.writer.read(place_of(BUDGETS, arguments)))

    return run


def _delete_budget(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
        return await delete(cluster, place_of(BUDGETS, arguments), context)

    return run


def _create_autoscaler(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
        place = place_of(AUTOSCALERS, arguments)
        goal, workload = await _workload(cluster, arguments)
        if workload is None:
            raise ToolError(f"there is neither a Deployment nor a Rollout {goal.namespace}/{goal.name} to scale")
        await _alone(cluster, place, goal)
        reference = {"apiVersion": goal.resource.api_version, "kind": goal.resource.kind, "name": goal.name}
        body: Document = {
            "spec": {
                "scaleTargetRef": reference,
                "minReplicas": arguments["min_replicas"],
                "maxReplicas": arguments["max_replicas"],
                "metrics": [_metric(str(arguments["signal"]), arguments["target"], goal.name)],
            }
        }
        fields = ("signal", "target", "min_replicas", "max_replicas")
        wanted: JsonObject = {"exists": True, **{field: arguments[field] for field in fields}}
        return await create(cluster, place, body, state=reading.autoscaler, context=context, wanted=wanted)

    return run


async def _workload(cluster: Cluster, arguments: JsonObject) -> tuple[Place, Document | None]:
    """What is to be scaled: the Deployment of that name, or the Rollout; None where there is neither."""
    place = place_of(DEPLOYMENTS, arguments)
    found = await cluster.writer.read(place)
    if found is None and await cluster.discovery.has(ROLLOUTS):
        rollout = place_of(ROLLOUTS, arguments)
        found = await cluster.writer.read(rollout)
        place = rollout if found is not None else place
    return place, found


async def _alone(cluster: Cluster, place: Place, goal: Place) -> None:
    for each in await cluster.api.every(AUTOSCALERS.path(place.namespace)):
        reference = spec(each).get("scaleTargetRef") or {}
        same = (reference.get("kind"), reference.get("name")) == (goal.resource.kind, goal.name)
        if same and metadata(each).get("name") != place.name:
            raise ToolError(
                f"{goal.resource.kind} {goal.name!r} is scaled by autoscaler {metadata(each).get('name')!r} already; "
                "two would work against each other: change that one"
            )


def _metric(signal: str, target: object, workload: str) -> Document:
    if signal in OF_CONTAINERS:
        held = {"name": signal, "target": {"type": "Utilization", "averageUtilization": target}}
        return {"type": "Resource", "resource": held}
    selector = {"matchLabels": {"service": workload}}
    goal = {"type": "AverageValue", "averageValue": str(target)}
    return {"type": "External", "external": {"metric": {"name": signal, "selector": selector}, "target": goal}}


def _set_autoscaler(cluster: Cluster) -> Handler:
    def edits(live: Document, arguments: JsonObject) -> list[Edit]:
        bounds = [
            Edit(("spec", "minReplicas"), arguments["min_replicas"]),
            Edit(("spec", "maxReplicas"), arguments["max_replicas"]),
        ]
        signal, target = reading.metric(live)
        if target == arguments["target"]:
            return bounds
        metrics = spec(live).get("metrics") or []
        if len(metrics) != 1:
            raise ToolError(f"autoscaler {metadata(live).get('name')!r} has {len(metrics)} metrics; which is meant?")
        return [*bounds, Edit(("spec", "metrics"), [_retargeted(metrics[0], arguments["target"], signal)], whole=True)]

    async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
        place = place_of(AUTOSCALERS, arguments)
        return await change(
            cluster, place, lambda live: edits(live, arguments), state=reading.autoscaler, context=context
        )

    return run


def _retargeted(metric: Document, target: object, signal: str) -> Document:
    """The metric with another target of the same kind."""
    kind = str(metric.get("type"))
    part = kind[:1].lower() + kind[1:]
    held = dict(metric.get(part) or {})
    goal = dict(held.get("target") or {})
    field = next((name for name in ("averageUtilization", "averageValue", "value") if name in goal), None)
    if field is None:
        raise ToolError(f"the metric {signal!r} has no target that can be set")
    goal[field] = target if field == "averageUtilization" else str(target)
    return {**metric, part: {**held, "target": goal}}


def _create_budget(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
        workload = await cluster.writer.present(place_of(DEPLOYMENTS, arguments))
        value = arguments["min_available"]
        if isinstance(value, str) and value.startswith("maxUnavailable="):
            raw = value.removeprefix("maxUnavailable=")
            held: Document = {"maxUnavailable": int(raw) if raw.isdigit() else raw}
        else:
            held = {"minAvailable": value}
        body: Document = {"spec": {**held, "selector": spec(workload).get("selector")}}
        wanted: JsonObject = {"exists": True, "min_available": value}
        place = place_of(BUDGETS, arguments)
        return await create(cluster, place, body, state=reading.budget, context=context, wanted=wanted)

    return run


async def _quotas(cluster: Cluster, arguments: JsonObject) -> list[Document]:
    return await cluster.api.every(QUOTAS.path(str(arguments["namespace"])))


def _get_quota(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, _: CallContext) -> JsonObject:
        return reading.quota(await _quotas(cluster, arguments))

    return run


def _set_quota(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
        found = await _quotas(cluster, arguments)
        reading.quota(found)
        if not found:
            raise ToolError(f"the namespace {arguments['namespace']!r} has no quota; there is nothing to set")
        place = Place(QUOTAS, str(arguments["namespace"]), str(metadata(found[0]).get("name")))

        def edits(live: Document) -> list[Edit]:
            hard = spec(live).get("hard") or {}
            return [
                Edit(("spec", "hard", reading.quota_key(hard, field)), arguments[field] or None)
                for field in reading.QUOTA_KEYS
            ]

        return await change(
            cluster, place, edits, state=lambda live: reading.quota([live] if live else []), context=context
        )

    return run
