"""Nodes: cordoned, drained within disruption budgets, watched. And which version the cluster runs."""

from __future__ import annotations

from steersman.domain.errors import ToolError, UnavailableError
from steersman.domain.fact import JsonObject
from steersman.domain.ports import CallContext, Handler
from steersman.remote.kubernetes.api import NOT_FOUND, Ask, DisruptionError, Document, RefusalError
from steersman.remote.kubernetes.changing import Edit, path_of
from steersman.remote.kubernetes.objects import spec, status
from steersman.remote.kubernetes.ownership import metadata, notes
from steersman.remote.kubernetes.resources import NODES, PODS
from steersman.remote.kubernetes.watching import Place
from steersman.toolsets.kubernetes import reading, settling
from steersman.toolsets.kubernetes.cluster import MARGIN_S, Cluster, change, place_of

MIRROR = "kubernetes.io/config.mirror"
AGAIN_S = 2.0
FINISHED = ("Succeeded", "Failed")


def handlers(cluster: Cluster) -> dict[str, Handler]:
    """The code of these operations, by verb."""
    return {
        "get_node": _get(cluster),
        "watch_node": _watch(cluster),
        "list_nodes": _list(cluster),
        "set_schedulable": _set_schedulable(cluster),
        "set_drained": _set_drained(cluster),
        "get_control_plane": _version(cluster),
        "watch_control_plane": _healthy(cluster),
    }


def _get(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, _: CallContext) -> JsonObject:
        return reading.node(await cluster.writer.read(place_of(NODES, arguments)))

    return run


def _watch(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
        last: JsonObject = {}

        def judge(found: Document | None) -> JsonObject | None:
            nonlocal last
            last = settling.node(found)
            return last if found is None or (last["ready"] and not last["disk_pressure"]) else None

        await cluster.wait(place_of(NODES, arguments), judge, context.deadline)
        return last

    return run


def _list(cluster: Cluster) -> Handler:
    async def run(_: JsonObject, __: CallContext) -> JsonObject:
        found = await cluster.api.every(NODES.path())
        return {"nodes": list(map(_line, found)), "count": len(found)}

    return run


def _line(node: Document) -> JsonObject:
    does = settling.node(node)
    word = "Ready" if does["ready"] else "NotReady"
    return {"node": str(metadata(node).get("name")), "status": word, **reading.node(node), **does}


def _set_schedulable(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
        # Absent is schedulable, as `kubectl uncordon` leaves it.
        value = None if arguments["schedulable"] else True
        edits = [Edit(("spec", "unschedulable"), value)]
        place = place_of(NODES, arguments)
        return await change(cluster, place, lambda _: edits, state=reading.node, context=context)

    return run


def _set_drained(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
        place = place_of(NODES, arguments)
        live = await cluster.writer.present(place)
        if arguments["drained"]:
            if not spec(live).get("unschedulable"):
                raise ToolError(f"node {place.name!r} still takes new pods; cordon it first (set_schedulable)")
            await _drain(cluster, place, context)
        mark = Edit(("metadata", "annotations", reading.DRAINED), "true" if arguments["drained"] else None)
        return await change(cluster, place, lambda _: [mark], state=reading.node, context=context)

    return run


async def _drain(cluster: Cluster, node: Place, context: CallContext) -> None:
    """Evicts until nothing is left that an eviction moves. A budget that does not allow one is waited for."""
    while True:
        pods = [each for each in await _pods(cluster, node) if _is_evicted(each)]
        _refuse_bare(pods, node)
        blocked = ""
        for each in pods:
            if metadata(each).get("deletionTimestamp"):
                continue
            try:
                await _evict(cluster, each, dry_run=context.dry_run)
            except DisruptionError as e:
                blocked = str(e)
        if not pods or context.dry_run:
            return
        left_s = (context.deadline - cluster.clock.now()).total_seconds() - MARGIN_S
        if left_s <= 0:
            why = blocked or f"{len(pods)} pods have not ended yet"
            raise UnavailableError(f"node {node.name!r} is not drained yet: {why}")
        await cluster.clock.sleep(min(AGAIN_S, left_s))


async def _pods(cluster: Cluster, node: Place) -> list[Document]:
    return await cluster.api.every(PODS.path(), {"fieldSelector": f"spec.nodeName={node.name}"})


def _is_evicted(pod: Document) -> bool:
    """Not those of a DaemonSet, which ignore a cordon, nor static ones, nor those that have ended."""
    daemon = any(each.get("kind") == "DaemonSet" for each in metadata(pod).get("ownerReferences") or [])
    return not (daemon or MIRROR in notes(pod) or status(pod).get("phase") in FINISHED)


def _refuse_bare(pods: list[Document], node: Place) -> None:
    """A pod that nobody would start again elsewhere is lost by an eviction: as `kubectl drain`, we do not do that."""
    bare = [str(metadata(each).get("name")) for each in pods if not metadata(each).get("ownerReferences")]
    if bare:
        raise ToolError(
            f"node {node.name!r} runs pods that nothing would start again ({', '.join(sorted(bare))}); move them first"
        )


async def _evict(cluster: Cluster, pod: Document, *, dry_run: bool) -> None:
    place = Place(PODS, str(metadata(pod).get("namespace")), str(metadata(pod).get("name")))
    options: Document = {"preconditions": {"uid": metadata(pod).get("uid")}}
    if dry_run:
        options["dryRun"] = ["All"]
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": place.name, "namespace": place.namespace},
        "deleteOptions": options,
    }
    try:
        await cluster.api.json(Ask("POST", path_of(place, "eviction"), {}, body))
    except RefusalError as e:
        if e.code != NOT_FOUND:
            raise


def _version(cluster: Cluster) -> Handler:
    async def run(_: JsonObject, __: CallContext) -> JsonObject:
        found = await cluster.api.json(Ask("GET", "/version"))
        return {"exists": True, "version": str(found.get("gitVersion", "")).removeprefix("v").partition("-")[0]}

    return run


def _healthy(cluster: Cluster) -> Handler:
    async def run(_: JsonObject, context: CallContext) -> JsonObject:
        while True:
            try:
                ready = (await cluster.api.raw(Ask("GET", "/readyz"))).strip() == b"ok"
            except UnavailableError:
                ready = False
            left_s = (context.deadline - cluster.clock.now()).total_seconds() - MARGIN_S
            if ready or left_s <= 0:
                return {"ready": ready}
            await cluster.clock.sleep(min(AGAIN_S, left_s))

    return run
