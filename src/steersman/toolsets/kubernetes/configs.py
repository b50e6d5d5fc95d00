"""Config maps, secrets (never a value), services, jobs and cron jobs."""

from __future__ import annotations

import base64
import copy

from steersman.domain.errors import ToolError
from steersman.domain.fact import JsonObject
from steersman.domain.ports import CallContext, Handler
from steersman.remote.kubernetes.api import Document
from steersman.remote.kubernetes.changing import Edit
from steersman.remote.kubernetes.objects import spec
from steersman.remote.kubernetes.resources import CONFIG_MAPS, CRON_JOBS, JOBS, SECRETS, SERVICES, Resource
from steersman.toolsets.kubernetes import reading, settling
from steersman.toolsets.kubernetes.cluster import Cluster, State, change, create, delete, place_of


def handlers(cluster: Cluster) -> dict[str, Handler]:
    """The code of these operations, by verb."""
    return {
        "get_config": _get(cluster, CONFIG_MAPS, reading.config),
        "create_config": _create_config(cluster),
        "delete_config": _delete(cluster, CONFIG_MAPS),
        "set_config": _set_config(cluster),
        "get_secret": _get(cluster, SECRETS, reading.secret),
        "set_secret": _set_secret(cluster),
        "get_service": _get(cluster, SERVICES, reading.service),
        "set_selector": _set_selector(cluster),
        "get_cron_job": _get(cluster, CRON_JOBS, reading.cron_job),
        "suspend_cron_job": _suspend(cluster),
        "get_job": _get(cluster, JOBS, reading.job),
        "watch_job": _watch_job(cluster),
        "create_job": _create_job(cluster),
        "delete_job": _delete(cluster, JOBS),
    }


def _get(cluster: Cluster, resource: Resource, state: State) -> Handler:
    async def run(arguments: JsonObject, _: CallContext) -> JsonObject:
        return state(await cluster.writer.read(place_of(resource, arguments)))

    return run


def _delete(cluster: Cluster, resource: Resource) -> Handler:
    async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
        return await delete(cluster, place_of(resource, arguments), context)

    return run


def _create_config(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
        wanted: JsonObject = {"exists": True, "data": arguments["data"]}
        body: Document = {"data": arguments["data"]}
        place = place_of(CONFIG_MAPS, arguments)
        return await create(cluster, place, body, state=reading.config, context=context, wanted=wanted)

    return run


def _set_config(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
        edits = [Edit(("data",), arguments["data"] or None, whole=True)]
        place = place_of(CONFIG_MAPS, arguments)
        return await change(cluster, place, lambda _: edits, state=reading.config, context=context)

    return run


def _set_secret(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
        given = arguments["values"]
        assert isinstance(given, dict)
        encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in given.items()}
        edits = [
            *(Edit(("data", key), value) for key, value in sorted(encoded.items())),
            Edit(("metadata", "annotations", reading.VERSIONED), arguments["version"]),
        ]
        place = place_of(SECRETS, arguments)
        return await change(cluster, place, lambda _: edits, state=reading.secret, context=context)

    return run


def _set_selector(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
        if not arguments["selector"]:
            raise ToolError("a service without a selector has no pods; name the labels that it is to choose by")
        edits = [Edit(("spec", "selector"), arguments["selector"], whole=True)]
        place = place_of(SERVICES, arguments)
        return await change(cluster, place, lambda _: edits, state=reading.service, context=context)

    return run


def _suspend(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
        edits = [Edit(("spec", "suspend"), arguments["suspended"])]
        place = place_of(CRON_JOBS, arguments)
        return await change(cluster, place, lambda _: edits, state=reading.cron_job, context=context)

    return run


def _create_job(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
        source = await cluster.writer.present(place_of(CRON_JOBS, {**arguments, "name": arguments["cron_job"]}))
        template = copy.deepcopy(spec(source).get("jobTemplate") or {})
        marks = {
            **(template.get("metadata", {}).get("annotations") or {}),
            reading.FROM_CRON_JOB: arguments["cron_job"],
        }
        labels = template.get("metadata", {}).get("labels") or {}
        body: Document = {"metadata": {"annotations": marks, "labels": labels}, "spec": template.get("spec") or {}}
        wanted: JsonObject = {"exists": True, "cron_job": arguments["cron_job"]}
        place = place_of(JOBS, arguments)
        return await create(cluster, place, body, state=reading.job, context=context, wanted=wanted)

    return run


def _watch_job(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
        last = settling.Progress(settled=False, ready=False, reason="nothing was seen")

        def judge(found: Document | None) -> settling.Progress | None:
            nonlocal last
            last = settling.job(found)
            return last if last.settled else None

        await cluster.wait(place_of(JOBS, arguments), judge, context.deadline)
        return {"done": last.settled, "succeeded": last.ready, "reason": last.reason}

    return run
