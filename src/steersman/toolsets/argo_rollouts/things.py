"""What a Rollout is, and what can be done with it.

`weight` is the share of traffic that the version in `image` is to have: 100 at rest, 0 just after
`set_image`.
"""

from __future__ import annotations

from steersman.domain.fact import JsonObject
from steersman.domain.ids import OperationName
from steersman.domain.operation import Invocation, Operation
from steersman.domain.thing import COUNT, FLAG, TEXT, Thing, reading

SYSTEM = "argo_rollouts"
OBJECT_NAME: JsonObject = {"type": "string", "pattern": "^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"}
SPACE: JsonObject = {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"}
IMAGE: JsonObject = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._/:@-]{0,511}$"}
STRATEGY: JsonObject = {"type": "string", "enum": ["canary", "blueGreen", "none"]}
WEIGHT: JsonObject = {"type": "integer", "minimum": 0, "maximum": 100}
LIST: JsonObject = {"type": "array", "items": {"type": "object"}}
NAMED = {"namespace": SPACE, "name": OBJECT_NAME}
WAITING_S = 900.0

ROLLOUT = Thing(
    SYSTEM,
    "rollout",
    keys=NAMED,
    state={"image": IMAGE, "strategy": STRATEGY, "weight": WEIGHT},
    observed={"ready": FLAG, "phase": TEXT, "reason": TEXT},
)
LIVE = Thing(SYSTEM, "live", keys=NAMED, state={"live_image": IMAGE})
ABORTED = Thing(SYSTEM, "abort", keys=NAMED, state={"aborted": FLAG})


def _back() -> Invocation:
    keys: JsonObject = {key: {"$arg": f"/{key}"} for key in NAMED}
    return Invocation(
        operation=OperationName(f"{SYSTEM}.roll_back"), arguments={**keys, "image": {"$before": "/image"}}
    )


def _long(operation: Operation, **more: object) -> Operation:
    return operation.model_copy(update={"timeout_s": WAITING_S, **more})


SET_IMAGE = ROLLOUT.change(
    "set_image", "Sets the image of a rollout; its traffic stays with the stable version", "image"
)
SET_IMAGE = SET_IMAGE.model_copy(
    update={"after": {**(SET_IMAGE.after or {}), "weight": 0}, "inverse": _back()},
)
ROLL_BACK = ROLLOUT.change("roll_back", "Brings a version back to all of the traffic at once, past all steps", "image")
ROLL_BACK = _long(ROLL_BACK, after={**(ROLL_BACK.after or {}), "weight": 100}, inverse=_back())
SET_WEIGHT = _long(
    ROLLOUT.change("set_weight", "Sets the share of traffic of the new version; 100 makes it the stable one", "weight")
)
SET_STRATEGY = ROLLOUT.change("set_strategy", "Goes from blueGreen to canary, and back to what it was", "strategy")
_PROMOTE = LIVE.change("promote", "Makes the version that a rollout holds the live one", "live_image")
PROMOTE = _long(
    _PROMOTE,
    inverse=Invocation(
        operation=OperationName(f"{SYSTEM}.roll_back"),
        arguments={**{key: {"$arg": f"/{key}"} for key in NAMED}, "image": {"$before": "/live_image"}},
    ),
)
SET_ABORTED = ABORTED.change(
    "set_aborted", "Aborts an update: all traffic to the stable version; or retries it", "aborted"
)
TREE = reading(
    "argo_rollouts.get_tree",
    "How far a rollout is: phase, step, and each revision with its pods",
    NAMED,
    {"phase": TEXT, "message": TEXT, "step": COUNT, "steps": LIST, "revisions": LIST},
)
ANALYSES = reading(
    "argo_rollouts.analysis_runs",
    "The analysis runs of a rollout and how each ended",
    NAMED,
    {"runs": LIST, "count": COUNT},
)
LISTED = reading(
    "argo_rollouts.list_rollouts",
    "Names the rollouts of a namespace and how each does",
    {"namespace": SPACE},
    {"rollouts": LIST, "count": COUNT},
)
_WRITES = (SET_IMAGE, ROLL_BACK, SET_WEIGHT, SET_STRATEGY, PROMOTE, SET_ABORTED)
OPERATIONS: tuple[Operation, ...] = (
    *ROLLOUT.reads(),
    *LIVE.reads(),
    *ABORTED.reads(),
    TREE,
    ANALYSES,
    LISTED,
    *(each.model_copy(update={"dry_run": True}) for each in _WRITES),
)
