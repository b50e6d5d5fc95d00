"""Signs of trouble in what systems answer: closed words and numbers, read by code. Texts are never interpreted.

An answer is walked as JSON. What is read are fields whose *names* are known and whose values are numbers, flags, or
words out of a closed list; whose trouble it is, the labels around it tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from steersman.diagnosis.series import family
from steersman.domain.fact import Fact, JsonObject
from steersman.domain.finding import FaultKind
from steersman.domain.naming import is_name

SERVICE = (
    "service",
    "service_name",
    "app",
    "app.kubernetes.io/name",
    "deployment",
    "rollout",
    "workload",
    "root_service",
    "job",
)
INSTANCE = ("pod", "instance", "container")
STATES = frozenset({"state", "status", "phase", "health", "reason", "conclusion", "result"})
"""Fields that hold one of the words below."""
WORDS: dict[str, tuple[FaultKind, float]] = {
    "crashloopbackoff": ("crash_loop", 0.9),
    "backoff": ("crash_loop", 0.7),
    "down": ("crash_loop", 0.8),
    "oomkilled": ("memory_leak", 0.8),
    "imagepullbackoff": ("bad_config", 0.8),
    "errimagepull": ("bad_config", 0.8),
    "invalidimagename": ("bad_config", 0.8),
    "createcontainerconfigerror": ("bad_config", 0.8),
    "failedmount": ("bad_config", 0.6),
    "failedscheduling": ("unknown", 0.6),
    "evicted": ("unknown", 0.6),
    "unhealthy": ("unknown", 0.6),
    "notready": ("unknown", 0.6),
    "degraded": ("unknown", 0.6),
    "deadlocked": ("unknown", 0.6),
    "firing": ("unknown", 0.7),
}
FLAGS: dict[tuple[str, bool], tuple[FaultKind, float]] = {
    ("sealed", True): ("dependency_timeout", 0.8),
    ("blocked", True): ("latency_regression", 0.6),
}
LEAST: dict[str, tuple[float, FaultKind, float]] = {
    "restarts": (3, "crash_loop", 0.7),
    "restart_count": (3, "crash_loop", 0.7),
    "waiting_locks": (1, "latency_regression", 0.5),
    "blocked": (1, "latency_regression", 0.6),
}
"""Numbers from which a field is a sign."""
USED_UP = 0.9
PAIRS = (("connections", "max_connections"), ("used", "max"), ("in_use", "limit"))
"""Fields of one object, the first of which is used up when it comes near to the second."""
DEPTH = 12
"""Levels of nesting that are looked at."""


class Sign(Fact):
    """One sign of trouble. Everything in it is a closed word, a checked name or a number."""

    kind: FaultKind
    score: float
    field: str
    service: str = ""
    instance: str = ""


def signs(answer: JsonObject) -> tuple[Sign, ...]:
    """All signs in an answer, each once, strongest first."""
    found = dict.fromkeys(_walk(answer, ("", ""), DEPTH))
    return tuple(sorted(found, key=lambda sign: (-sign.score, sign.service, sign.kind, sign.field)))


def rows(answer: JsonObject, kind: FaultKind, score: float) -> tuple[Sign, ...]:
    """One sign for each row of an answer to a query that asked for what is ill."""
    listed = next((value for value in answer.values() if isinstance(value, list)), [])
    owners = dict.fromkeys(owner(row, ("", "")) for row in listed if isinstance(row, dict))
    return tuple(
        Sign(kind=kind, score=score, field="row", service=service, instance=instance) for service, instance in owners
    )


def owner(thing: Mapping[str, JsonValue], above: tuple[str, str]) -> tuple[str, str]:
    """Service and instance that an object is of: its own labels' before those around it."""
    labels = [part for part in (thing.get("labels"), thing.get("attributes"), thing) if isinstance(part, dict)]
    service = next((name for part in labels for name in _names(part, SERVICE)), above[0])
    instance = next((name for part in labels for name in _names(part, INSTANCE)), above[1])
    return service, instance


def _names(part: Mapping[str, JsonValue], keys: tuple[str, ...]) -> Iterator[str]:
    return (str(part[key]) for key in keys if is_name(part.get(key)))


def _walk(value: JsonValue, above: tuple[str, str], depth: int) -> Iterator[Sign]:
    if depth == 0:
        return
    if isinstance(value, list):
        for each in value:
            yield from _walk(each, above, depth - 1)
    elif isinstance(value, dict):
        mine = owner(value, above)
        for kind, score, name in _of(value):
            yield Sign(kind=kind, score=score, field=name, service=mine[0], instance=mine[1])
        for each in value.values():
            yield from _walk(each, mine, depth - 1)


def _of(thing: Mapping[str, JsonValue]) -> Iterator[tuple[FaultKind, float, str]]:
    for name, value in thing.items():
        key = name.lower()
        if isinstance(value, bool):
            if (key, value) in FLAGS:
                yield *FLAGS[key, value], key
        elif isinstance(value, int | float):
            if key in LEAST and value >= LEAST[key][0]:
                yield *LEAST[key][1:], key
        elif isinstance(value, str) and key in STATES:
            known = WORDS.get(re.sub(r"[\s_-]", "", value.lower()))
            if known is not None:
                yield (_complaint(thing), known[1], key) if value.lower() == "firing" else (*known, key)
    for used, most in PAIRS:
        a, b = thing.get(used), thing.get(most)
        if isinstance(a, int | float) and isinstance(b, int | float) and b > 0 and a >= USED_UP * b:
            yield "pool_exhaustion", 0.8, used


def _complaint(alert: Mapping[str, JsonValue]) -> FaultKind:
    """The kind of fault that an alert's name is about, by the words that also name metrics."""
    labels = alert.get("labels")
    name = labels.get("alertname") if isinstance(labels, dict) else alert.get("name")
    known = family(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()) if isinstance(name, str) else None
    return known.kind if known else "unknown"
