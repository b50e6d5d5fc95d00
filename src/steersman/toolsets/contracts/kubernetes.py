"""Kubernetes, beyond its own API: node groups and control planes of a cloud, images on nodes, previews, chaos."""

from __future__ import annotations

from steersman.domain.operation import Operation
from steersman.toolsets.contracts.thing import COUNT, FLAG, NAME, PERCENT, SECONDS, TEXT, Thing

NAMED = {"namespace": NAME, "name": NAME}
NODE_GROUP = Thing("kubernetes", "node_group", keys={"name": NAME}, state={"min_nodes": COUNT, "max_nodes": COUNT})
NODE_IMAGES = Thing("kubernetes", "node_images", keys={"name": NAME}, state={"keep_hours": COUNT, "pruned_token": TEXT})
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
    *NODE_GROUP.reads(),
    NODE_GROUP.change("set_node_group", "Sets the bounds of a node group", "min_nodes max_nodes", blast="environment"),
    *NODE_IMAGES.reads(),
    NODE_IMAGES.final("prune_images", "Deletes unused images of a node", "pruned_token", blast="instance"),
    VERSION.final(
        "upgrade_control_plane", "Upgrades the control plane by one minor version", "version", blast="environment"
    ),
    *PREVIEW.reads(),
    *PREVIEW.create("create_preview"),
    *CHAOS.reads(),
    *CHAOS.create("create_pod_chaos"),
)
