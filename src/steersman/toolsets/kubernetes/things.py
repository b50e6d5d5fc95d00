"""What Kubernetes has, and what can be done with it: the operations, with nothing behind them yet."""

from __future__ import annotations

from steersman.domain.fact import JsonObject
from steersman.domain.ids import OperationName
from steersman.domain.operation import Invocation, Operation
from steersman.domain.thing import COUNT, FLAG, NUMBER, TEXT, Thing, closed, reading

SYSTEM = "kubernetes"
OBJECT_NAME: JsonObject = {"type": "string", "pattern": "^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"}
"""A name of an object: no slash, no dots in a row that a path could be made of."""
SPACE: JsonObject = {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"}
IMAGE: JsonObject = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._/:@-]{0,511}$"}
QUANTITY: JsonObject = {"type": "string", "pattern": "^[A-Za-z0-9.-]{0,32}$"}
"""`500m`, `1Gi`; empty where there is none. The cluster itself refuses what is none, when a write is rehearsed."""
REPLICAS: JsonObject = {"type": ["integer", "null"], "minimum": 0, "maximum": 100_000}
"""null: an autoscaler sets it."""
PODS: JsonObject = {"type": "string", "pattern": "^([0-9]{1,5}%?)?$"}
"""A number of pods or a share of them; empty where the strategy has none."""
STRINGS: JsonObject = {"type": "object", "additionalProperties": {"type": "string"}}
METRIC: JsonObject = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._/:-]{0,251}$"}
BUDGET: JsonObject = {
    "type": ["integer", "string"],
    "minimum": 0,
    "pattern": "^[0-9]{1,3}%$|^maxUnavailable=[0-9]{1,5}%?$",
}
"""Pods that must stay; a budget that somebody wrote in another way is shown as he wrote it."""
LIST: JsonObject = {"type": "array", "items": {"type": "object"}}
TEXTS: JsonObject = {"type": "array", "items": {"type": "string"}}
TEMPLATE_HASH: JsonObject = {"type": "string", "pattern": "^[a-z0-9]{0,63}$"}
NAMED = {"namespace": SPACE, "name": OBJECT_NAME}
LIKE: JsonObject = {"type": "string", "pattern": "^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)?$"}
"""The Deployment that this one takes after; empty: none. Part of the state, so that it is made again like that one."""


def _spanned(name: str, summary: str, gives: dict[str, JsonObject]) -> Operation:
    takes = closed(SPAN, optional=tuple(SPAN))
    return reading(name, summary, SPAN, gives).model_copy(update={"input_schema": takes})


DEPLOYMENT = Thing(
    SYSTEM,
    "deployment",
    keys=NAMED,
    state={
        "image": IMAGE,
        "replicas": REPLICAS,
        "cpu_limit": QUANTITY,
        "memory_limit": QUANTITY,
        "environment": STRINGS,
        "restart_token": TEXT,
        "max_surge": PODS,
        "max_unavailable": PODS,
        "like": LIKE,
    },
    observed={"ready": FLAG, "ready_replicas": COUNT, "restarts": COUNT, "reason": TEXT},
)
TEMPLATE = Thing(SYSTEM, "template", keys=NAMED, state={"template": TEMPLATE_HASH})
AUTOSCALER = Thing(
    SYSTEM,
    "autoscaler",
    keys=NAMED,
    state={"signal": METRIC, "target": COUNT, "min_replicas": COUNT, "max_replicas": COUNT},
)
ALONE: dict[str, JsonObject] = {"replicas": COUNT}
"""How many pods its workload has, while there is no autoscaler."""
NODE = Thing(
    SYSTEM,
    "node",
    keys={"name": OBJECT_NAME},
    state={"schedulable": FLAG, "drained": FLAG},
    observed={"ready": FLAG, "disk_pressure": FLAG},
)
QUOTA = Thing(SYSTEM, "quota", keys={"namespace": SPACE}, state={"cpu": QUANTITY, "memory": QUANTITY})
CONFIG = Thing(SYSTEM, "config", keys=NAMED, state={"data": STRINGS})
POLICY = Thing(SYSTEM, "disruption_budget", keys=NAMED, state={"min_available": BUDGET})
CRON_JOB = Thing(SYSTEM, "cron_job", keys=NAMED, state={"schedule": TEXT, "suspended": FLAG})
JOB = Thing(
    SYSTEM,
    "job",
    keys=NAMED,
    state={"cron_job": OBJECT_NAME},
    observed={"done": FLAG, "succeeded": FLAG, "reason": TEXT},
)
SERVICE = Thing(SYSTEM, "service", keys=NAMED, state={"selector": STRINGS})
SECRET = Thing(SYSTEM, "secret", keys=NAMED, state={"version": TEXT})
VERSION = Thing(SYSTEM, "control_plane", keys={"name": OBJECT_NAME}, state={"version": TEXT}, observed={"ready": FLAG})

EVENTS = reading("kubernetes.events", "Recent events of a workload", NAMED, {"events": LIST, "count": COUNT})
LOGS = reading(
    "kubernetes.logs",
    "The last log lines of a workload, and of a container that was restarted those before its end",
    NAMED,
    {"lines": LIST, "count": COUNT},
).model_copy(update={"input_schema": closed(NAMED, optional=("namespace",))})
DEPRECATED = reading(
    "kubernetes.deprecated_apis",
    "Objects that use interfaces which a version removes",
    {"version": {"type": "string", "pattern": "^v?[0-9]+\\.[0-9]+(\\.[0-9]+)?$"}},
    {"count": COUNT, "objects": LIST},
)
LIST_OBJECTS = reading(
    "kubernetes.list_objects",
    "Names objects of any kind in a namespace, custom ones too, with what their status says of them",
    {"api_version": TEXT, "kind": TEXT, "namespace": SPACE},
    {"objects": LIST, "count": COUNT},
)
GET_OBJECT = reading(
    "kubernetes.get_object",
    "Shows an object of any kind, without managed fields; of a secret its keys only",
    {"api_version": TEXT, "kind": TEXT, **NAMED},
    {"exists": FLAG, "object": {"type": "object"}},
)
LIST_DEPLOYMENTS = reading(
    "kubernetes.list_deployments",
    "Names the Deployments of a namespace and how each does",
    {"namespace": SPACE},
    {"deployments": LIST, "count": COUNT},
)
LIST_WORKLOADS = reading(
    "kubernetes.list_workloads",
    "Names the Deployments, StatefulSets and Rollouts of a namespace, as far as they may be listed, each with its kind",
    {"namespace": SPACE},
    {"namespace": SPACE, "workloads": STRINGS},
).model_copy(update={"input_schema": closed({"namespace": SPACE}, optional=("namespace",))})
LIST_NODES = reading("kubernetes.list_nodes", "Names the nodes and how each does", {}, {"nodes": LIST, "count": COUNT})
PODS_OF = reading(
    "kubernetes.pods", "The pods of a workload: phase, restarts, why one waits", NAMED, {"pods": LIST, "count": COUNT}
)
SPAN: dict[str, JsonObject] = {"namespace": SPACE, "since": TEXT, "until": TEXT}
"""All may be left out: the namespace of the context, and whatever time."""
AILING = _spanned(
    "kubernetes.ailing_pods",
    "The pods of a namespace with which something is wrong: crashing, out of memory, without image or node, stuck",
    {"namespace": SPACE, "count": COUNT, "ailing": LIST, "left_out": COUNT},
)
WARNINGS = _spanned(
    "kubernetes.warnings",
    "The warnings among the events of a namespace, the newest first, with the workload that each is about",
    {"namespace": SPACE, "warnings": LIST, "left_out": COUNT},
)
HISTORY = reading(
    "kubernetes.rollout_history",
    "The revisions of a Deployment: template, image, cause, newest last; and the `previous` template",
    NAMED,
    {"revisions": LIST, "count": COUNT, "previous": TEXT},
)
STATUS = reading(
    "kubernetes.rollout_status",
    "How far a rollout of a Deployment is, asked once, without waiting",
    NAMED,
    {"settled": FLAG, **DEPLOYMENT.observed},
)
TOP = reading(
    "kubernetes.top",
    "CPU and memory that pods of a namespace use now; needs a metrics server",
    {"namespace": SPACE},
    {
        "pods": {"type": "array", "items": closed({"pod": TEXT, "cpu_cores": NUMBER, "memory_bytes": NUMBER})},
        "count": COUNT,
    },
)
READS = (
    EVENTS,
    LOGS,
    DEPRECATED,
    LIST_OBJECTS,
    GET_OBJECT,
    LIST_DEPLOYMENTS,
    LIST_WORKLOADS,
    LIST_NODES,
    PODS_OF,
    AILING,
    WARNINGS,
    HISTORY,
    STATUS,
    TOP,
)


def _long(operation: Operation, timeout_s: float) -> Operation:
    return operation.model_copy(update={"timeout_s": timeout_s})


def _create(thing: Thing, verb: str, remove: str = "") -> tuple[Operation, ...]:
    return thing.create(verb, remove=remove)


def _autoscalers() -> tuple[Operation, ...]:
    """While there is no autoscaler, the number of pods is somebody's; going back brings back that number, too."""
    get, create, delete = (*AUTOSCALER.reads(), *AUTOSCALER.create("create_autoscaler"))
    shown = closed({"exists": FLAG, **AUTOSCALER.state, **ALONE}, optional=(*AUTOSCALER.state, *ALONE))
    keys: JsonObject = {key: {"$arg": f"/{key}"} for key in AUTOSCALER.keys}
    back = Invocation(operation=delete.name, arguments={**keys, "replicas": {"$before": "/replicas"}})
    taken: JsonObject = {"exists": False, "replicas": {"$arg": "/replicas"}}
    return (
        get.model_copy(update={"output_schema": shown}),
        create.model_copy(update={"version": 2, "inverse": back}),
        delete.model_copy(
            update={
                "version": 2,
                "summary": "Deletes an autoscaler, and sets the number of replicas that is to be without it",
                "input_schema": closed({**AUTOSCALER.keys, **ALONE}),
                "output_schema": shown,
                "after": taken,
            }
        ),
    )


SET_SECRET = SECRET.final(
    "set_secret", "Sets values of a secret; the former values are not kept", "version"
).model_copy(
    update={
        "effect": "write",
        "input_schema": closed({**NAMED, "version": TEXT, "values": STRINGS}),
        "secret_arguments": frozenset({"values"}),
    }
)
UNDO_ROLLOUT = TEMPLATE.change(
    "undo_rollout", "Copies the pod template of a former revision back; `rollout_history` lists them", "template"
)
APPLY_DEPLOYMENT, DELETE_DEPLOYMENT = _create(DEPLOYMENT, "apply_deployment")
CREATE_JOB, DELETE_JOB = _create(JOB, "create_job")
_OPERATIONS: tuple[Operation, ...] = (
    *READS,
    *DEPLOYMENT.reads(),
    APPLY_DEPLOYMENT,
    DELETE_DEPLOYMENT,
    DEPLOYMENT.change("set_image", "Sets the image of a deployment; pods are replaced one after another", "image"),
    DEPLOYMENT.change("scale", "Sets the number of replicas", "replicas"),
    DEPLOYMENT.change("set_limits", "Sets the CPU and memory limits of a deployment", "cpu_limit memory_limit"),
    DEPLOYMENT.change("set_environment", "Sets the environment variables of a deployment", "environment"),
    DEPLOYMENT.change(
        "set_surge", "Sets how many pods a rolling update may add and take away", "max_surge max_unavailable"
    ),
    DEPLOYMENT.change("restart", "Replaces all pods of a deployment, by a new restart annotation", "restart_token"),
    *TEMPLATE.reads(),
    UNDO_ROLLOUT,
    *_autoscalers(),
    AUTOSCALER.change("set_autoscaler", "Sets bounds and target of an autoscaler", "target min_replicas max_replicas"),
    *NODE.reads(),
    NODE.change("set_schedulable", "Cordons or uncordons a node", "schedulable", blast="instance"),
    _long(
        NODE.change(
            "set_drained",
            "Evicts the pods of a cordoned node within their disruption budgets, or lets pods come back",
            "drained",
            blast="instance",
        ),
        1_800,
    ),
    *QUOTA.reads(),
    QUOTA.change("set_quota", "Sets the resource quota of a namespace", "cpu memory", blast="namespace"),
    *CONFIG.reads(),
    *_create(CONFIG, "create_config"),
    CONFIG.change("set_config", "Sets the data of a config map", "data"),
    *POLICY.reads(),
    *_create(POLICY, "create_disruption_budget"),
    *CRON_JOB.reads(),
    CRON_JOB.change("suspend_cron_job", "Suspends or resumes a cron job", "suspended"),
    *JOB.reads(),
    CREATE_JOB.model_copy(update={"summary": "Runs a cron job's own template once, as a job"}),
    DELETE_JOB,
    *SERVICE.reads(),
    SERVICE.change("set_selector", "Chooses the pods behind a service: plain blue-green", "selector"),
    *SECRET.reads(),
    SET_SECRET,
    *VERSION.reads(),
)


def _rehearsed(operation: Operation) -> Operation:
    return operation if operation.effect == "read" else operation.model_copy(update={"dry_run": True})


OPERATIONS: tuple[Operation, ...] = tuple(map(_rehearsed, _OPERATIONS))


def name(verb: str) -> OperationName:
    """`set_image` -> `kubernetes.set_image`."""
    return OperationName(f"{SYSTEM}.{verb}")


def invocation(verb: str, **arguments: str) -> Invocation:
    """A call of one of the operations."""
    return Invocation(operation=name(verb), arguments=dict(arguments))
