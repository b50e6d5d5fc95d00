"""Jobs: one pod, to its end."""

from __future__ import annotations

import copy

from steersman.testing.kubernetes.controllers.writing import condition, create, owned, owner_of, save_status
from steersman.testing.kubernetes.names import spelled
from steersman.testing.kubernetes.status import Document
from steersman.testing.kubernetes.store import Store


def run_jobs(store: Store) -> None:
    """Starts the pod of every Job, and finishes the Job with it."""
    for job in store.all("jobs.batch"):
        if job["spec"].get("suspend") or job.get("status", {}).get("completionTime"):
            continue
        pods = list(owned(store, "pods", job))
        if not pods and not job.get("status", {}).get("conditions"):
            _start(store, job)
        save_status(store, job, _status(store, job, pods))


def _start(store: Store, job: Document) -> None:
    template = copy.deepcopy(job["spec"]["template"])
    name = job["metadata"]["name"]
    metadata = {
        "name": f"{name}-{spelled(store.version)}",
        "namespace": job["metadata"]["namespace"],
        "labels": template.get("metadata", {}).get("labels", {}),
        "ownerReferences": [owner_of(job)],
    }
    create(store, {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": template["spec"]})


def _status(store: Store, job: Document, pods: list[Document]) -> Document:
    former = job.get("status", {}).get("conditions", [])
    status: Document = {"startTime": job.get("status", {}).get("startTime") or store.stamp()}
    codes = [
        each["state"]["terminated"]["exitCode"]
        for pod in pods
        for each in pod.get("status", {}).get("containerStatuses", [])
        if "terminated" in each["state"]
    ]
    if not codes:
        return {**status, "active": 1}
    if any(codes):
        said = {"reason": "BackoffLimitExceeded", "message": "Job has reached the specified backoff limit"}
        return {**status, "failed": 1, "conditions": [condition(store, former, "Failed", "True", **said)]}
    said = {"reason": "CompletionsReached", "message": "Reached expected number of succeeded pods"}
    conditions = [condition(store, former, name, "True", **said) for name in ("SuccessCriteriaMet", "Complete")]
    return {**status, "succeeded": 1, "completionTime": store.stamp(), "conditions": conditions}
