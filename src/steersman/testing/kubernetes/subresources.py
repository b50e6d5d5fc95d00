"""scale, status, eviction under a disruption budget, log."""

from __future__ import annotations

from dataclasses import dataclass

from steersman.testing.kubernetes import patching
from steersman.testing.kubernetes.asking import JSON_PATCH, Ask, Target
from steersman.testing.kubernetes.selectors import selects
from steersman.testing.kubernetes.status import Document, Reply, bad_request, modified, not_found, refused, success
from steersman.testing.kubernetes.store import Store
from steersman.testing.kubernetes.writing import Writing

READY = "Ready"


@dataclass(frozen=True, slots=True)
class Subresources:
    """What hangs below an object."""

    store: Store
    writing: Writing

    def get_scale(self, target: Target) -> Reply:
        """The autoscaling/v1 Scale of a workload."""
        return Reply(200, _scale(self._existing(target)))

    def set_scale(self, ask: Ask, target: Target) -> Reply:
        """Changes `spec.replicas` by a Scale, put or patched."""
        was = self._existing(target)
        if ask.method == "PUT":
            wanted = ask.document("Scale")
        elif ask.media_type == JSON_PATCH:
            wanted = patching.json_patch(_scale(was), ask.value())
        else:
            wanted = patching.merge_patch(_scale(was), ask.value())
        version = wanted.get("metadata", {}).get("resourceVersion")
        if version not in (None, "", was["metadata"]["resourceVersion"]):
            raise modified(target.kind, target.name)
        replicas = wanted.get("spec", {}).get("replicas", 0)
        if not isinstance(replicas, int) or replicas < 0:
            raise bad_request(f"spec.replicas: Invalid value: {replicas}: must be greater than or equal to 0")
        now = {**was, "spec": {**was["spec"], "replicas": replicas}}
        return Reply(200, _scale(self.writing.changed(was, now, target, ask=ask)))

    def evict(self, ask: Ask, target: Target) -> Reply:
        """Deletes a pod when its disruption budgets allow it: 429 without Retry-After when one does not."""
        pod = self._existing(target)
        options = ask.document("Eviction").get("deleteOptions") or {}
        for budget in self.store.all("poddisruptionbudgets.policy", target.namespace):
            if not selects(budget["spec"].get("selector"), pod["metadata"].get("labels", {})):
                continue
            self._refuse_disruption(budget)
        if options.get("dryRun") == ["All"] or ask.rehearses:
            return Reply(201, {**success(), "code": 201})
        self.store.remove(target.kind, pod)
        return Reply(201, {**success(), "code": 201})

    def log(self, ask: Ask, target: Target) -> Reply:
        """The log of a container, as text."""
        pod = self._existing(target)
        names = [each["name"] for each in pod["spec"]["containers"]]
        wanted = ask.query.get("container") or names[0]
        if wanted not in names:
            raise bad_request(f"container {wanted} is not valid for pod {target.name}")
        if len(names) > 1 and not ask.query.get("container"):
            raise bad_request(
                f"a container name must be specified for pod {target.name}, choose one of: [{' '.join(names)}]"
            )
        statuses: list[Document] = pod["status"].get("containerStatuses", [])
        mine: Document = next((each for each in statuses if each["name"] == wanted), {"state": {}})
        ended = "terminated" in (mine.get("lastState") or {})
        if ask.flag("previous") and not ended:
            raise bad_request(f'previous terminated container "{wanted}" in pod "{target.name}" not found')
        if "waiting" in mine["state"] and not ended:
            why = mine["state"]["waiting"]["reason"]
            raise bad_request(f'container "{wanted}" in pod "{target.name}" is waiting to start: {why}')
        lines = pod["metadata"].get("annotations", {}).get("double/log", f"{wanted} started\n{wanted} ready\n")
        kept = lines.splitlines()[-int(ask.query.get("tailLines") or 1_000_000) :]
        text = "".join(f"{line}\n" for line in kept)
        limit = int(ask.query.get("limitBytes") or 0)
        return Reply(200, text=text[:limit] if limit else text)

    def _existing(self, target: Target) -> Document:
        found = self.store.get(target.kind.qualified, target.namespace, target.name)
        if found is None:
            raise not_found(target.kind, target.name)
        return found

    def _refuse_disruption(self, budget: Document) -> None:
        name, spec = budget["metadata"]["name"], budget["spec"]
        pods = [
            pod
            for pod in self.store.all("pods", budget["metadata"]["namespace"])
            if selects(spec.get("selector"), pod["metadata"].get("labels", {}))
        ]
        healthy = sum(is_ready(pod) for pod in pods)
        desired = desired_healthy(spec, len(pods))
        if healthy - 1 >= desired:
            return
        cause = {
            "reason": "DisruptionBudget",
            "message": f"The disruption budget {name} needs {desired} healthy pods and has {healthy} currently",
        }
        message = "Cannot evict pod as it would violate the pod's disruption budget."
        raise refused(429, "TooManyRequests", message, details={"causes": [cause]})


def desired_healthy(spec: Document, pods: int) -> int:
    """How many pods a budget wants healthy."""
    if "maxUnavailable" in spec:
        return pods - portion(spec["maxUnavailable"], pods, up=True)
    return portion(spec.get("minAvailable", 0), pods, up=True)


def portion(value: int | str, of: int, *, up: bool) -> int:
    """A number, or a percentage of something."""
    if isinstance(value, int):
        return value
    share = int(value.removesuffix("%")) * of
    return -(-share // 100) if up else share // 100


def is_ready(pod: Document) -> bool:
    """Whether a pod passes its probes."""
    return any(c["type"] == READY and c["status"] == "True" for c in pod.get("status", {}).get("conditions", []))


def _scale(document: Document) -> Document:
    metadata = {
        name: document["metadata"][name]
        for name in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
        if name in document["metadata"]
    }
    labels = document["spec"].get("selector", {}).get("matchLabels", {})
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": metadata,
        "spec": {"replicas": document["spec"].get("replicas", 0)},
        "status": {
            "replicas": document.get("status", {}).get("replicas", 0),
            "selector": ",".join(f"{name}={value}" for name, value in sorted(labels.items())),
        },
    }
