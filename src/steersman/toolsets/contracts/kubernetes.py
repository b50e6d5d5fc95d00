"""Kubernetes: workloads, nodes, autoscalers, configuration."""

from __future__ import annotations

from steersman.domain.operation import Operation
from steersman.toolsets.contracts.thing import AMOUNT, COUNT, FLAG, NAME, OBJECT, PERCENT, SECONDS, TEXT, Thing, reading

NAMED = {"namespace": NAME, "name": NAME}
DEPLOYMENT = Thing(
    "kubernetes",
    "deployment",
    keys=NAMED,
    state={
        "image": NAME,
        "replicas": COUNT,
        "cpu_limit": NAME,
        "memory_limit": NAME,
        "environment": OBJECT,
        "restart_token": TEXT,
        "max_surge": AMOUNT,
        "max_unavailable": AMOUNT,
    },
    observed={"ready": FLAG, "ready_replicas": COUNT, "restarts": COUNT, "reason": TEXT},
)
AUTOSCALER = Thing(
    "kubernetes",
    "autoscaler",
    keys=NAMED,
    state={"signal": NAME, "target": COUNT, "min_replicas": COUNT, "max_replicas": COUNT},
)
NODE = Thing(
    "kubernetes",
    "node",
    keys={"name": NAME},
    state={"schedulable": FLAG, "drained": FLAG},
    observed={"ready": FLAG, "disk_pressure": FLAG, "disk_used_percent": PERCENT},
)
NODE_GROUP = Thing("kubernetes", "node_group", keys={"name": NAME}, state={"min_nodes": COUNT, "max_nodes": COUNT})
NODE_IMAGES = Thing("kubernetes", "node_images", keys={"name": NAME}, state={"keep_hours": COUNT, "pruned_token": TEXT})
QUOTA = Thing("kubernetes", "quota", keys={"namespace": NAME}, state={"cpu": NAME, "memory": NAME})
CONFIG = Thing("kubernetes", "config", keys=NAMED, state={"data": OBJECT})
POLICY = Thing("kubernetes", "disruption_budget", keys=NAMED, state={"min_available": COUNT})
CRON_JOB = Thing("kubernetes", "cron_job", keys=NAMED, state={"schedule": TEXT, "suspended": FLAG})
VERSION = Thing("kubernetes", "control_plane", keys={"name": NAME}, state={"version": NAME}, observed={"ready": FLAG})
PREVIEW = Thing(
    "kubernetes",
    "preview",
    keys={"name": NAME},
    state={"image": NAME, "expires_hours": COUNT},
    observed={"ready": FLAG},
)
CHAOS = Thing(
    "kubernetes",
    "pod_chaos",
    keys=NAMED,
    state={"percent": PERCENT, "duration_s": SECONDS},
)

OPERATIONS: tuple[Operation, ...] = (
    *DEPLOYMENT.reads(),
    *DEPLOYMENT.create("apply_deployment"),
    DEPLOYMENT.change("set_image", "Sets the image of a deployment; pods are replaced one after another", "image"),
    DEPLOYMENT.change("scale", "Sets the number of replicas", "replicas"),
    DEPLOYMENT.change("set_limits", "Sets the CPU and memory limits of a deployment", "cpu_limit memory_limit"),
    DEPLOYMENT.change("set_environment", "Sets the environment variables of a deployment", "environment"),
    DEPLOYMENT.change(
        "set_surge", "Sets how many pods a rolling update may add and take away", "max_surge max_unavailable"
    ),
    DEPLOYMENT.change("restart", "Replaces all pods of a deployment, by a new restart annotation", "restart_token"),
    *AUTOSCALER.reads(),
    *AUTOSCALER.create("create_autoscaler"),
    AUTOSCALER.change("set_autoscaler", "Sets bounds and target of an autoscaler", "target min_replicas max_replicas"),
    *NODE.reads(),
    NODE.change("set_schedulable", "Cordons or uncordons a node", "schedulable", blast="instance"),
    NODE.change("set_drained", "Drains a node, or lets pods come back", "drained", blast="instance"),
    *NODE_GROUP.reads(),
    NODE_GROUP.change("set_node_group", "Sets the bounds of a node group", "min_nodes max_nodes", blast="environment"),
    *NODE_IMAGES.reads(),
    NODE_IMAGES.final("prune_images", "Deletes unused images of a node", "pruned_token", blast="instance"),
    *QUOTA.reads(),
    QUOTA.change("set_quota", "Sets the resource quota of a namespace", "cpu memory", blast="namespace"),
    *CONFIG.reads(),
    *CONFIG.create("create_config"),
    CONFIG.change("set_config", "Sets the data of a config map", "data"),
    *POLICY.reads(),
    *POLICY.create("create_disruption_budget"),
    *CRON_JOB.reads(),
    CRON_JOB.change("suspend_cron_job", "Suspends or resumes a cron job", "suspended"),
    *VERSION.reads(),
    VERSION.final(
        "upgrade_control_plane", "Upgrades the control plane by one minor version", "version", blast="environment"
    ),
    *PREVIEW.reads(),
    *PREVIEW.create("create_preview"),
    *CHAOS.reads(),
    *CHAOS.create("create_pod_chaos"),
    reading("kubernetes.events", "Recent events of a workload", NAMED, {"events": {"type": "array"}, "count": COUNT}),
    reading("kubernetes.logs", "The last log lines of a workload", NAMED, {"lines": {"type": "array"}, "count": COUNT}),
    reading(
        "kubernetes.deprecated_apis",
        "Objects that use interfaces which a version removes",
        {"version": NAME},
        {"count": COUNT, "objects": {"type": "array"}},
    ),
)
