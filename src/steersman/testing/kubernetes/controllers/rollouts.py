"""Argo Rollouts: canary by steps, blueGreen by selectors; as controller 1.9 was recorded to behave."""

from __future__ import annotations

import copy
from datetime import UTC, datetime

from steersman.testing.kubernetes.controllers.rollout_sets import (
    ROLLOUTS,
    Sets,
    new_set,
    point_services,
    ready_of,
    set_replicas,
    sets_of,
)
from steersman.testing.kubernetes.controllers.writing import condition, save_status, template_hash
from steersman.testing.kubernetes.status import Document
from steersman.testing.kubernetes.store import Store

MANAGER = "argo-rollouts"
RESET = ("pauseConditions", "controllerPause", "abort", "abortedAt", "promoteFull", "message")


def roll_out(store: Store) -> None:
    """Takes one step with every Rollout."""
    if not any(kind.qualified == ROLLOUTS for kind in store.kinds):
        return
    for found in store.all(ROLLOUTS):
        status = copy.deepcopy(found.get("status") or {})
        problem = _invalid(store, found)
        if problem:
            status = {**status, "phase": "Degraded", "message": f"InvalidSpec: {problem}"}
        else:
            sets = sets_of(store, found, new_set(store, found), str(status.get("stableRS", "")))
            status = _reset(found, status)
            status = (
                _canary(store, found, sets, status) if _is_canary(found) else _blue_green(store, found, sets, status)
            )
            status = _counted(store, found, sets, status)
        now = store.get(ROLLOUTS, found["metadata"]["namespace"], found["metadata"]["name"]) or found
        status["observedGeneration"] = str(found["metadata"]["generation"])
        save_status(store, now, status, manager=MANAGER)


def _is_canary(found: Document) -> bool:
    return "canary" in found["spec"].get("strategy", {})


def _steps(found: Document) -> list[Document]:
    return list((found["spec"]["strategy"].get("canary") or {}).get("steps") or [])


def _invalid(store: Store, found: Document) -> str:
    """What the controller, not the API, finds wrong."""
    strategy = found["spec"].get("strategy", {})
    if len([name for name in ("canary", "blueGreen") if name in strategy]) != 1:
        missing = "Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'"
        return f"spec.strategy.strategy: Required value: {missing}"
    for name in [strategy.get("blueGreen", {}).get("activeService"), strategy.get("canary", {}).get("stableService")]:
        if name and store.get("services", found["metadata"]["namespace"], name) is None:
            return f'service "{name}" not found'
    return ""


def _reset(found: Document, status: Document) -> Document:
    """A new template or new steps begin the steps anew; going back to the stable template skips them."""
    pods, steps = template_hash(found["spec"]["template"]), template_hash({"steps": _steps(found)})
    known = (status.get("currentPodHash"), status.get("currentStepHash"))
    wanted = (pods, steps if _is_canary(found) else None)
    if known == wanted:
        return status
    status = {name: value for name, value in status.items() if name not in RESET}
    status["currentPodHash"] = pods
    status.pop("currentStepHash", None)
    status.pop("currentStepIndex", None)
    if _is_canary(found):
        skips = status.get("stableRS") in (None, pods)
        status |= {"currentStepHash": steps, "currentStepIndex": len(_steps(found)) if skips else 0}
    return status


def _canary(store: Store, found: Document, sets: Sets, status: Document) -> Document:
    steps, wanted = _steps(found), found["spec"].get("replicas", 1)
    if status.get("promoteFull") and not status.get("abort"):
        status = _without(status, "pauseConditions", "controllerPause") | {"currentStepIndex": len(steps)}
    if status.get("abort"):
        status = _without(status, "pauseConditions", "controllerPause") | {"currentStepIndex": 0}
    index = int(status.get("currentStepIndex", 0))
    share = 0 if status.get("abort") else _weight(steps, index)
    fresh = wanted if sets.first else -(-wanted * share // 100)
    _share_out(store, sets, wanted, fresh)
    settled = ready_of(store, sets.new) == fresh
    point_services(store, found, stable=sets.stable_hash, new=sets.new_hash)
    if status.get("abort"):
        return _aborted(store, found, status)
    if not settled:
        return _slow(store, found, status)
    if index < len(steps):
        return _step(store, found, status, steps[index])
    return _finished(_without(status, "promoteFull"), sets)


def _share_out(store: Store, sets: Sets, wanted: int, fresh: int) -> None:
    set_replicas(store, sets.new, fresh)
    for each in sets.old:
        is_stable = each["metadata"]["name"] == (sets.stable or {}).get("metadata", {}).get("name")
        rest = wanted - min(ready_of(store, sets.new), fresh)
        set_replicas(store, each, rest if is_stable else 0)


def _weight(steps: list[Document], index: int) -> int:
    """The share that holds at a step; past the last one it is everything."""
    if index >= len(steps):
        return 100
    reached = [step["setWeight"] for step in steps[: index + 1] if "setWeight" in step]
    return int(reached[-1]) if reached else 0


def _step(store: Store, found: Document, status: Document, step: Document) -> Document:
    index = int(status["currentStepIndex"])
    on = _without(status, "pauseConditions", "controllerPause", "message") | {"currentStepIndex": index + 1}
    if "pause" not in step:
        return {**on, "phase": "Progressing", "message": "more replicas need to be updated"}
    if status.get("controllerPause") and not status.get("pauseConditions"):
        return {**on, "phase": "Progressing", "message": "more replicas need to be updated"}
    waiting = status.get("pauseConditions") or [{"reason": "CanaryPauseStep", "startTime": store.stamp()}]
    duration = (step["pause"] or {}).get("duration")
    if duration is not None and _since(store, waiting[0]["startTime"]) >= _seconds(duration):
        return {**on, "phase": "Progressing", "message": "more replicas need to be updated"}
    held = {"pauseConditions": waiting, "controllerPause": True, "phase": "Paused", "message": "CanaryPauseStep"}
    del found
    return {**status, **held}


def _blue_green(store: Store, found: Document, sets: Sets, status: Document) -> Document:
    strategy, wanted = found["spec"]["strategy"]["blueGreen"], found["spec"].get("replicas", 1)
    set_replicas(store, sets.new, wanted)
    for each in sets.old:
        is_stable = each["metadata"]["name"] == (sets.stable or {}).get("metadata", {}).get("name")
        set_replicas(store, each, wanted if is_stable else 0)
    active = sets.new_hash if sets.first or not sets.stable_hash else sets.stable_hash
    if status.get("abort"):
        point_services(store, found, stable=active, new=sets.new_hash)
        return _aborted(store, found, status)
    if ready_of(store, sets.new) < wanted:
        point_services(store, found, stable=active, new=sets.new_hash)
        return _slow(store, found, status) | {"blueGreen": {"activeSelector": active, "previewSelector": sets.new_hash}}
    resumed = status.get("controllerPause") and not status.get("pauseConditions")
    by_itself = strategy.get("autoPromotionEnabled", True) or status.get("promoteFull")
    if sets.first or by_itself or resumed or active == sets.new_hash:
        point_services(store, found, stable=sets.new_hash, new=sets.new_hash)
        done = _finished(_without(status, "promoteFull", "controllerPause", "pauseConditions"), sets)
        return done | {"blueGreen": {"activeSelector": sets.new_hash, "previewSelector": sets.new_hash}}
    point_services(store, found, stable=active, new=sets.new_hash)
    waiting = status.get("pauseConditions") or [{"reason": "BlueGreenPause", "startTime": store.stamp()}]
    held = {"pauseConditions": waiting, "controllerPause": True, "phase": "Paused", "message": "BlueGreenPause"}
    return {**status, **held, "blueGreen": {"activeSelector": active, "previewSelector": sets.new_hash}}


def _finished(status: Document, sets: Sets) -> Document:
    status = _without(status, "message", "pauseConditions", "controllerPause")
    return {**status, "stableRS": sets.new_hash, "phase": "Healthy"}


def _aborted(store: Store, found: Document, status: Document) -> Document:
    revision = found["metadata"].get("annotations", {}).get("rollout.argoproj.io/revision", "")
    at = status.get("abortedAt") or store.stamp()
    message = f"RolloutAborted: Rollout aborted update to revision {revision}"
    return {**status, "abortedAt": at, "phase": "Degraded", "message": message}


def _slow(store: Store, found: Document, status: Document) -> Document:
    """Pods are not ready yet; after the deadline that is Degraded, without an abort."""
    progress = next((c for c in status.get("conditions", []) if c["type"] == "Progressing"), None)
    name = f"{found['metadata']['name']}-{status['currentPodHash']}"
    if progress and name in progress["message"] and progress["reason"] != "NewReplicaSetAvailable":
        limit = found["spec"].get("progressDeadlineSeconds", 600)
        if progress["reason"] == "ProgressDeadlineExceeded" or _since(store, progress["lastUpdateTime"]) > limit:
            message = f'ProgressDeadlineExceeded: ReplicaSet "{name}" has timed out progressing.'
            return {**status, "phase": "Degraded", "message": message}
    return {**status, "phase": "Progressing", "message": "more replicas need to be updated"}


def _counted(store: Store, found: Document, sets: Sets, status: Document) -> Document:
    everything = [sets.new, *sets.old]
    ready = sum(ready_of(store, each) for each in everything)
    counted = {
        "HPAReplicas": found["spec"].get("replicas", 1),
        "replicas": sum(each["spec"]["replicas"] for each in everything),
        "updatedReplicas": sets.new["spec"]["replicas"],
        "readyReplicas": ready,
        "availableReplicas": ready,
    }
    status = {name: value for name, value in {**status, **counted}.items() if value != 0 or name not in counted}
    labels = found["spec"]["selector"].get("matchLabels", {})
    status["selector"] = ",".join(f"{name}={value}" for name, value in sorted(labels.items()))
    status.setdefault("canary", {})
    status.setdefault("blueGreen", {})
    status["conditions"] = _conditions(store, found, status)
    return status


def _conditions(store: Store, found: Document, status: Document) -> list[Document]:
    former = (found.get("status") or {}).get("conditions", [])
    name = f"{found['metadata']['name']}-{status['currentPodHash']}"
    phase, message = status["phase"], str(status.get("message", ""))
    flag, reason, said = "True", "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.'
    if phase == "Healthy":
        reason, said = "NewReplicaSetAvailable", f'ReplicaSet "{name}" has successfully progressed.'
    elif phase == "Paused":
        flag, reason, said = "Unknown", "RolloutPaused", "Rollout is paused"
    elif phase == "Degraded":
        flag, (reason, _, said) = "False", message.partition(": ")
    healthy = "True" if phase == "Healthy" else "False"
    return [
        condition(store, former, "Healthy", healthy, reason="RolloutHealthy", message="Rollout is healthy"),
        condition(store, former, "Progressing", flag, reason=reason, message=said),
        condition(store, former, "Completed", healthy, reason="RolloutCompleted", message="RolloutCompleted"),
    ]


def _without(status: Document, *names: str) -> Document:
    return {name: value for name, value in status.items() if name not in names}


def _since(store: Store, stamp: str) -> float:
    return (store.now() - datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)).total_seconds()


def _seconds(duration: int | str) -> float:
    text = str(duration)
    unit = {"s": 1, "m": 60, "h": 3600}.get(text[-1])
    return float(text) if unit is None else float(text[:-1]) * unit
