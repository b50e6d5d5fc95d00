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
INSTANCE = ("pod", "instance", "container", "node")
STATES = frozenset({"state", "status", "phase", "health", "reason", "ended_by", "conclusion", "result"})
"""Fields that hold one of the words below."""
WORDS: dict[str, tuple[FaultKind, float]] = {
    "OOMKilled": ("memory_leak", 0.95),
    "OOMKilling": ("memory_leak", 0.8),
    "CrashLoopBackOff": ("crash_loop", 0.9),
    "BackOff": ("crash_loop", 0.7),
    "Down": ("crash_loop", 0.8),
    "ImagePullBackOff": ("bad_config", 0.8),
    "ErrImagePull": ("bad_config", 0.8),
    "ErrImageNeverPull": ("bad_config", 0.8),
    "InvalidImageName": ("bad_config", 0.8),
    "CreateContainerConfigError": ("bad_config", 0.8),
    "CreateContainerError": ("bad_config", 0.8),
    "RunContainerError": ("bad_config", 0.8),
    "ContainerCannotRun": ("bad_config", 0.8),
    "StartError": ("bad_config", 0.8),
    "FailedMount": ("bad_config", 0.4),
    "FailedCreate": ("bad_config", 0.6),
    "FailedAttachVolume": ("unknown", 0.4),
    "FailedCreatePodSandBox": ("unknown", 0.4),
    "FailedScheduling": ("unknown", 0.4),
    "Unschedulable": ("unknown", 0.6),
    "Evicted": ("unknown", 0.6),
    "BackoffLimitExceeded": ("unknown", 0.6),
    "DeadlineExceeded": ("unknown", 0.6),
    "Unhealthy": ("unknown", 0.4),
    "NotReady": ("unknown", 0.6),
    "Degraded": ("unknown", 0.6),
    "Deadlocked": ("unknown", 0.6),
    "Firing": ("unknown", 0.7),
}
"""What a state says; below 0.5 what happens to healthy things as well, for a while, and is no cause by itself."""
_KNOWN = {word.lower(): word for word in WORDS}
FLAGS: dict[tuple[str, bool], tuple[FaultKind, float]] = {
    ("sealed", True): ("dependency_timeout", 0.8),
    ("blocked", True): ("latency_regression", 0.6),
    ("restarting", True): ("crash_loop", 0.7),
    ("stuck", True): ("unknown", 0.6),
}
LEAST: dict[str, tuple[float, FaultKind, float]] = {
    "restarts": (3, "crash_loop", 0.4),
    "restart_count": (3, "crash_loop", 0.4),
    "waiting_locks": (1, "latency_regression", 0.5),
    "blocked": (1, "latency_regression", 0.6),
}
"""Numbers from which a field is a sign. Restarts are counted since ever: by themselves they support only."""
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
    word: str = ""
    """Of the closed list, as Kubernetes and its like write it; empty where a number or a flag is the sign."""
    service: str = ""
    instance: str = ""


def signs(answer: JsonObject) -> tuple[Sign, ...]:
    """All signs in an answer, each once, strongest first."""
    found = dict.fromkeys(sign for sign, _ in _walk(answer, ("", ""), DEPTH))
    return tuple(sorted(found, key=lambda sign: (-sign.score, sign.service, sign.kind, sign.field)))


def worst(answer: JsonObject) -> JsonObject:
    """The object in an answer that holds its strongest sign; the answer itself where there is none."""
    found = [(sign.score, value) for sign, value in _walk(answer, ("", ""), DEPTH)]
    return max(found, key=lambda one: one[0])[1] if found else answer


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


def _walk(value: JsonValue, above: tuple[str, str], depth: int) -> Iterator[tuple[Sign, JsonObject]]:
    """Each sign with the object that holds it."""
    if depth == 0:
        return
    if isinstance(value, list):
        for each in value:
            yield from _walk(each, above, depth - 1)
    elif isinstance(value, dict):
        mine = owner(value, above)
        for kind, score, name, word in _of(value):
            yield Sign(kind=kind, score=score, field=name, word=word, service=mine[0], instance=mine[1]), value
        for each in value.values():
            yield from _walk(each, mine, depth - 1)


def _of(thing: Mapping[str, JsonValue]) -> Iterator[tuple[FaultKind, float, str, str]]:
    for name, value in thing.items():
        key = name.lower()
        if isinstance(value, bool):
            if (key, value) in FLAGS:
                yield *FLAGS[key, value], key, ""
        elif isinstance(value, int | float):
            if key in LEAST and value >= LEAST[key][0]:
                yield *LEAST[key][1:], key, ""
        elif isinstance(value, str) and key in STATES:
            word = _KNOWN.get(re.sub(r"[\s_-]", "", value.lower()))
            if word is not None:
                kind, score = WORDS[word]
                yield (_complaint(thing) if word == "Firing" else kind), score, key, word
    for used, most in PAIRS:
        a, b = thing.get(used), thing.get(most)
        if isinstance(a, int | float) and isinstance(b, int | float) and b > 0 and a >= USED_UP * b:
            yield "pool_exhaustion", 0.8, used, ""


def _complaint(alert: Mapping[str, JsonValue]) -> FaultKind:
    """The kind of fault that an alert's name is about, by the words that also name metrics."""
    labels = alert.get("labels")
    name = labels.get("alertname") if isinstance(labels, dict) else alert.get("name")
    known = family(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()) if isinstance(name, str) else None
    return known.kind if known else "unknown"
