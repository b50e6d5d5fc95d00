"""The scheduler and the kubelets: what a pod does follows from the tag of its image.

`...-bad` cannot be pulled, `...-crash` crashes again and again, `...-oom` is killed for its memory again and again,
`...-notready` never passes its probe.
"""

from __future__ import annotations

from typing import Any

from steersman.testing.kubernetes.controllers.writing import condition, save, save_status, tell
from steersman.testing.kubernetes.status import Document
from steersman.testing.kubernetes.store import Store

ENDS = {"-crash": {"reason": "Error", "exitCode": 1}, "-oom": {"reason": "OOMKilled", "exitCode": 137}}
"""How containers of such images end."""


def run_pods(store: Store) -> None:
    """Schedules pods that wait, and moves those that are scheduled a step on."""
    for pod in store.all("pods"):
        if pod["metadata"].get("deletionTimestamp"):
            store.remove(store.kind("pods"), pod)
        elif "nodeName" not in pod["spec"]:
            _schedule(store, pod)
        elif pod["status"].get("phase") in (None, "Pending", "Running"):
            save_status(store, pod, _status(store, pod), manager="kubelet")


def _schedule(store: Store, pod: Document) -> None:
    free = [n for n in store.all("nodes") if not n["spec"].get("unschedulable")]
    nodes = sorted(free, key=lambda node: (_load(store, node["metadata"]["name"]), node["metadata"]["name"]))
    if any(store.all("nodes")) and not nodes:
        former = pod["status"].get("conditions", [])
        said = {"reason": "Unschedulable", "message": "0/1 nodes are available: 1 node(s) were unschedulable."}
        waiting = [condition(store, former, "PodScheduled", "False", **said)]
        save_status(store, pod, {"phase": "Pending", "conditions": waiting}, manager="kube-scheduler")
        return
    name = nodes[0]["metadata"]["name"] if nodes else "node-1"
    save(store, pod, {**pod, "spec": {**pod["spec"], "nodeName": name}}, manager="kube-scheduler")


def _load(store: Store, node: str) -> int:
    return sum(pod["spec"].get("nodeName") == node for pod in store.all("pods"))


def _status(store: Store, pod: Document) -> Document:
    former = pod["status"].get("conditions", [])
    statuses = [_container(store, pod, each) for each in pod["spec"]["containers"]]
    ready = all(each["ready"] for each in statuses)
    done = all("terminated" in each["state"] for each in statuses)
    flag = "True" if ready else "False"
    said: dict[str, str] = {} if ready else {"reason": "ContainersNotReady"}
    conditions = [
        condition(store, former, "PodScheduled", "True"),
        condition(store, former, "Initialized", "True"),
        condition(store, former, "ContainersReady", flag, **said),
        condition(store, former, "Ready", flag, **said),
    ]
    waiting = any("waiting" in each["state"] and not each["restartCount"] for each in statuses)
    phase = "Succeeded" if done else ("Pending" if waiting else "Running")
    return {"phase": phase, "conditions": conditions, "containerStatuses": statuses, "podIP": "10.244.0.1"}


def _container(store: Store, pod: Document, container: Document) -> Document:
    image = str(container["image"])
    base = {"name": container["name"], "image": image, "imageID": "", "lastState": {}, "restartCount": 0}
    before = next((s for s in pod["status"].get("containerStatuses", []) if s["name"] == container["name"]), None)
    if image.endswith("-bad"):
        if before is None:
            tell(store, pod, "Failed", f'Failed to pull image "{image}": not found', warning=True)
        return {**base, "ready": False, "state": _waiting("ImagePullBackOff", f'Back-off pulling image "{image}"')}
    if image.endswith(tuple(ENDS)):
        restarts = min((before or {}).get("restartCount", 0) + 1, 5)
        ended = next(end for tag, end in ENDS.items() if image.endswith(tag))
        crashed = {"lastState": {"terminated": ended}, "state": _waiting("CrashLoopBackOff", "back-off")}
        return {**base, "ready": False, "restartCount": restarts, **crashed}
    if pod["spec"].get("restartPolicy") == "Never" and before is not None:
        failed = image.endswith("-fail")
        code = {"exitCode": int(failed), "reason": "Error" if failed else "Completed"}
        return {**base, "ready": False, "state": {"terminated": code}}
    started = (before or {}).get("state", {}).get("running", {}).get("startedAt") or store.stamp()
    state: dict[str, Any] = {"running": {"startedAt": started}}
    return {**base, "ready": not image.endswith("-notready"), "started": True, "state": state}


def _waiting(reason: str, message: str) -> Document:
    return {"waiting": {"reason": reason, "message": message}}
