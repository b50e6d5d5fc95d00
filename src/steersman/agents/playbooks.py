"""What a sub-agent asks first, and asks for when there is no model: fixed questions, filled in with what is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from steersman.domain.fact import JsonObject
from steersman.domain.finding import FaultKind
from steersman.domain.ids import OperationName
from steersman.domain.operation import Operation
from steersman.domain.signal import Window
from steersman.queries.logql import CountQuery, LineFilter, LogQuery
from steersman.queries.matching import Matcher
from steersman.queries.traceql import Comparison, IntrinsicField, SpanSet, TraceQuery

Means = tuple[FaultKind, float]


@dataclass(frozen=True, slots=True)
class Ask:
    """One question. `rows`: what each row of the answer means, when the question asks for what is ill."""

    verb: str
    arguments: JsonObject
    rows: Means | None = None
    about: str = ""
    """The service whose findings rest on the answer as well, though it holds no sign."""


GRAVE = r"\b(FATAL|PANIC|panic:|Traceback)"
"""In lines that no healthy service writes."""
SOME: Means = ("error_bug", 0.4)
"""Healthy systems have a few as well: it supports a cause, and is none by itself."""
NAMED = frozenset({"service", "app", "deployment", "rollout", "workload", "name"})
AVOIDED = frozenset({"buildinfo", "version", "schema", "metadata"})
"""Verbs whose answers tell nothing of trouble."""
MOST_FOLLOWED = 3
"""Services that are asked about once more."""
FIRST = ("health", "status", "alert", "event", "list", "pod", "rollout", "activity", "lock")
"""Words in a verb that make it worth asking early."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a question can be filled in with."""

    window: Window
    service: str = ""
    namespace: str = ""

    @property
    def length_s(self) -> float:
        """Of the window."""
        return (self.window.end - self.window.start).total_seconds()

    def value(self, name: str) -> JsonValue:
        """The value of an argument of that name; None when it is not known."""
        if name in NAMED:
            return self.service or None
        values: dict[str, JsonValue] = {
            "namespace": self.namespace or None,
            "window": self.window.model_dump(mode="json"),
            "start": self.window.start.isoformat(),
            "since": self.window.start.isoformat(),
            "end": self.window.end.isoformat(),
            "until": self.window.end.isoformat(),
        }
        return values.get(name)


def asks(toolset: str, operations: Mapping[str, Operation], known: Known) -> tuple[Ask, ...]:
    """The questions to a system, the most telling first. operations: its reads, by verb.

    Systems whose queries must be written have them written here; others are asked whatever can be filled in.
    """
    written = PLAYBOOKS.get(toolset)
    if written is None:
        return tuple(_all(operations, known))
    return tuple(ask for ask in written(known) if ask.verb in operations)


def _prometheus(known: Known) -> tuple[Ask, ...]:
    return (
        Ask("query", {"query": "up == 0", "time": known.window.end.isoformat()}, rows=("crash_loop", 0.8)),
        Ask("alerts", {}),
        Ask("targets", {"state": "active"}),
    )


def _loki(known: Known) -> tuple[Ask, ...]:
    query = CountQuery(
        of=LogQuery(
            matchers=(Matcher(label="service_name", op="=~", value=".+"),),
            stages=(LineFilter(op="|~", value=GRAVE),),
        ),
        range_s=known.length_s,
        aggregation="sum",
        by=("service_name",),
    )
    return (
        Ask(
            "query",
            {"query": query.model_dump(mode="json"), "time": known.window.end.isoformat()},
            rows=SOME,
        ),
    )


def _tempo(known: Known) -> tuple[Ask, ...]:
    failed = Comparison(field=IntrinsicField(intrinsic="status"), status="error")
    query = TraceQuery(spans=SpanSet(all_of=(failed,)))
    span = {"start": known.window.start.isoformat(), "end": known.window.end.isoformat()}
    return (Ask("search", {"query": query.model_dump(mode="json"), **span}, rows=SOME),)


def _grafana(known: Known) -> tuple[Ask, ...]:
    span = {"start": known.window.start.isoformat(), "end": known.window.end.isoformat()}
    return (Ask("alert_rules", {}), Ask("annotations", {**span}))


def _nothing(_: Known) -> tuple[Ask, ...]:
    """Of what the investigation itself reads nothing is asked twice: a model may ask on."""
    return ()


PLAYBOOKS: dict[str, Callable[[Known], tuple[Ask, ...]]] = {
    "prometheus": _prometheus,
    "loki": _loki,
    "tempo": _tempo,
    "grafana": _grafana,
    "telemetry": _nothing,
}


def _all(operations: Mapping[str, Operation], known: Known) -> Iterator[Ask]:
    for verb in sorted(operations, key=lambda verb: (_place(verb), verb)):
        arguments = _arguments(operations[verb].input_schema, known)
        if verb not in AVOIDED and arguments is not None:
            yield Ask(verb, arguments)


def _place(verb: str) -> int:
    return next((place for place, word in enumerate(FIRST) if word in verb), len(FIRST))


def _arguments(schema: JsonObject, known: Known) -> JsonObject | None:
    """Known values for a question's arguments; None when one that it needs is not known."""
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list):
        return None
    found: JsonObject = {name: value for name in properties if (value := known.value(name)) is not None}
    return found if all(name in found for name in required) else None


def _logs(services: Sequence[str]) -> Iterator[Ask]:
    """What the ailing wrote last: for people to read."""
    return (Ask("logs", {"name": service}, about=service) for service in services[:MOST_FOLLOWED])


FOLLOW_UP: dict[str, Callable[[Sequence[str]], Iterator[Ask]]] = {"kubernetes": _logs}


def follow_up(toolset: str, operations: Mapping[str, Operation], services: Sequence[str]) -> tuple[Ask, ...]:
    """What is asked when the first answers are there. services: those with strong signs, the strongest first."""
    asked = FOLLOW_UP.get(toolset)
    return tuple(ask for ask in asked(services) if ask.verb in operations) if asked else ()


def verbs(toolset: str, catalogue: Mapping[OperationName, Operation]) -> dict[str, Operation]:
    """The reads of a toolset, by verb. Writes are left out here, whatever their names say."""
    return {
        name.partition(".")[2]: operation
        for name, operation in ((name, catalogue[name]) for name in catalogue if name.startswith(f"{toolset}."))
        if operation.effect == "read"
    }
