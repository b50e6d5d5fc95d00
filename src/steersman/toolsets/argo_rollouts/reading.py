"""Rollouts as states, and how they do: trusted only when the controller has seen the present spec."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from steersman.domain.fact import JsonObject
from steersman.remote.kubernetes.api import Document
from steersman.remote.kubernetes.objects import main_container, spec, status
from steersman.remote.kubernetes.ownership import Path, metadata, notes
from steersman.remote.text import one_line

MARK = "steersman.dev/canary"
"""What Steersman has done to the steps of a Rollout, and what they were: it is undone when the weight is 100 again."""
FORMER = "steersman.dev/strategy"
ABSENT: JsonObject = {"exists": False}
STEPS: Path = ("spec", "strategy", "canary", "steps")
STRATEGY: Path = ("spec", "strategy")
ALL = 100
SETTLED = ("Healthy", "Paused", "Degraded")


@dataclass(frozen=True, slots=True)
class Mark:
    """The weight that was set last, and the steps that the Rollout had of its own."""

    weight: int = ALL
    steps: list[Any] = field(default_factory=list)

    def text(self) -> str:
        """As it stands in the annotation."""
        return json.dumps({"weight": self.weight, "steps": self.steps}, separators=(",", ":"), sort_keys=True)


def mark_of(document: Document) -> Mark | None:
    """The mark of a Rollout; None at rest, and when somebody has put anything else there."""
    try:
        found = json.loads(notes(document).get(MARK, ""))
        return Mark(int(found["weight"]), list(found["steps"]))
    except (ValueError, KeyError, TypeError):
        return None


def strategy(document: Document) -> str:
    """Canary or blueGreen; `none` for a Rollout that has neither and is invalid."""
    held = spec(document).get("strategy") or {}
    return next((name for name in ("canary", "blueGreen") if name in held), "none")


def steps(document: Document) -> list[Any]:
    """The steps of a canary."""
    return list(((spec(document).get("strategy") or {}).get("canary") or {}).get("steps") or [])


def rollout(document: Document | None) -> JsonObject:
    """The state of a Rollout."""
    if document is None:
        return ABSENT
    mark = mark_of(document)
    return {
        "exists": True,
        "image": image(document),
        "strategy": strategy(document),
        "weight": mark.weight if mark else ALL,
    }


def image(document: Document) -> str:
    """The image of the version that is wanted; of a Rollout that refers to another workload, that one's name."""
    reference = spec(document).get("workloadRef")
    if reference:
        return f"{reference.get('kind')}/{reference.get('name')}"
    return str(main_container(document).get("image", ""))


def is_observed(document: Document) -> bool:
    """Whether status speaks of the present spec. `observedGeneration` is a string here."""
    seen = str(status(document).get("observedGeneration") or "0")
    return seen.isdigit() and int(seen) >= int(metadata(document).get("generation") or 0)


def is_complete(document: Document) -> bool:
    """Whether the wanted version is the stable one."""
    held = status(document)
    stable = held.get("stableRS")
    return is_observed(document) and bool(stable) and stable == held.get("currentPodHash")


def is_aborted(document: Document) -> bool:
    """Whether the update was aborted, by a person or by its analysis."""
    return bool(status(document).get("abort", False))


def phase(document: Document) -> str:
    """The phase, as the controller says it."""
    return str(status(document).get("phase") or "")


def said(document: Document) -> str:
    """Why it is in its phase."""
    return one_line(str(status(document).get("message") or ""))


def progress(document: Document | None) -> JsonObject | None:
    """How a Rollout does once it has settled; None while it moves."""
    if document is None:
        return {"ready": False, "phase": "", "reason": "there is no such Rollout"}
    if not is_observed(document) or phase(document) not in SETTLED:
        return None
    # A pause that we asked for comes with every pod of its share ready: the controller pauses only then.
    return shown(document)


def shown(document: Document | None) -> JsonObject:
    """How a Rollout does now, settled or not."""
    if document is None:
        return {"ready": False, "phase": "", "reason": "there is no such Rollout"}
    if not is_observed(document):
        return {"ready": False, "phase": phase(document), "reason": "the controller has not seen the change yet"}
    return {
        "ready": phase(document) in ("Healthy", "Paused"),
        "phase": phase(document),
        "reason": said(document),
    }


def held(document: Document, weight: int) -> list[Any]:
    """Steps that go to a share of traffic and stay there."""
    routed = ((spec(document).get("strategy") or {}).get("canary") or {}).get("trafficRouting")
    if routed and weight == 0:
        return [{"setCanaryScale": {"replicas": 1}}, {"setWeight": 0}, {"pause": {}}]
    first: list[Any] = [{"setCanaryScale": {"matchTrafficWeight": True}}] if routed else []
    return [*first, {"setWeight": weight}, {"pause": {}}]
