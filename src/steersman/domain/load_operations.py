"""The operations of a load generator: `<name>.run`, `.run_changing`, and what shows, reads and undoes a run.

A load run changes nothing of ours, and still is a write: it takes capacity from a target that others use, so policy,
approval, kill switch and budget must see it; a read would let any agent do it. What it creates is the run itself, kept
with its results under a name.

- effect: `run` sends only methods that are safe by RFC 9110 and is a plain write; `run_changing` may send the others,
  whose traces at the target nothing here can take back: destructive, and without an inverse.
- blast radius: the service under load.
- probe: `get_run` shows whether a finished run of that name is kept. A run that was cut off is not there, so after a
  crash "did it happen?" is answered by what is on disk.
- idempotency: keyed. The key of the call is kept with the run; the same call again gives back its result and sends
  nothing. A run that was cut off may be made again: requests without a result are no effect that anybody keeps.
- inverse: `cancel_run` ends the generator, if it still lives, and deletes what was kept.
- caps: they stand in the input schema (hosts, levels, durations, users), so the gate itself refuses what is above.
"""

from __future__ import annotations

import re
from typing import Any

from pydantic import JsonValue

from steersman.domain.fact import JsonObject
from steersman.domain.ids import OperationName
from steersman.domain.load import GeneratorName, LoadCaps, LoadProfile
from steersman.domain.operation import Invocation, Operation

NAME: JsonObject = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"}
FLAG: JsonObject = {"type": "boolean"}
NUMBER: JsonObject = {"type": "number", "minimum": 0}
COUNT: JsonObject = {"type": "integer", "minimum": 0}
TEXT: JsonObject = {"type": "string"}
STATE: JsonObject = {
    "type": "object",
    "properties": {"exists": FLAG},
    "required": ["exists"],
    "additionalProperties": False,
}
FIGURES: JsonObject = {
    "finished": FLAG,
    "target": TEXT,
    "requests": COUNT,
    "failures": COUNT,
    "failed_percent": NUMBER,
    "rate": NUMBER,
    "p50_ms": NUMBER,
    "p95_ms": NUMBER,
    "p99_ms": NUMBER,
    "verdict": {"enum": ["pass", "fail", "inconclusive"]},
    "reason": TEXT,
    "checks_passed": FLAG,
}
NAMES: JsonObject = {"type": "array", "items": NAME, "minItems": 1, "maxItems": 20}
COMPARISON: JsonObject = {
    "verdict": {"enum": ["pass", "fail", "inconclusive"]},
    "reason": TEXT,
    "passed": FLAG,
}
RATE: JsonObject = {"type": "number", "exclusiveMinimum": 0, "maximum": 1_000_000}
POINTS: JsonObject = {"type": "integer", "minimum": 2, "maximum": 20}
POINT: JsonObject = {
    "type": "object",
    "properties": {
        "rate": NUMBER,
        "requests_s": NUMBER,
        "p95_ms": NUMBER,
        "failures": COUNT,
        "result": {"enum": ["pass", "fail", "inconclusive"]},
        "reason": TEXT,
    },
    "required": ["rate", "requests_s", "p95_ms", "failures", "result", "reason"],
}
LIMIT: JsonObject = {
    "name": TEXT,
    "generator": TEXT,
    "holds": {"type": ["number", "null"]},
    "breaks": {"type": ["number", "null"]},
    "points": {"type": "array", "items": POINT},
}
GRACE_S = 60.0
"""For starting, for requests under way at the end, and for reading the results."""


def closed(properties: JsonObject, *required: str) -> JsonObject:
    """A JSON Schema of an object with no other fields."""
    needed: list[JsonValue] = list(required)
    return {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}


NAMED = closed({"name": NAME}, "name")
OWN: JsonObject = {"name": {"$arg": "/name"}}


def load_operations(generator: GeneratorName, caps: LoadCaps) -> tuple[Operation, ...]:
    """All operations of one generator, with the operator's caps in their schemas."""
    profile: JsonValue = profile_schema(caps)
    return (*_reads(generator, profile), *_writes(generator, profile, caps))


def _reads(generator: GeneratorName, profile: JsonValue) -> tuple[Operation, ...]:
    def read(verb: str, summary: str, gives: JsonObject) -> Operation:
        takes = {
            "compile": closed({"profile": profile}, "profile"),
            "compare": closed({"names": NAMES, "baselines": NAMES}, "names", "baselines"),
        }.get(verb, NAMED)
        return Operation(
            name=OperationName(f"{generator}.{verb}"),
            summary=summary,
            effect="read",
            access="read",
            resource=f"load/{generator}/{{name}}" if takes is NAMED else "",
            idempotent="natural",
            input_schema=takes,
            output_schema=gives,
        )

    return (
        read("get_run", "Shows whether a finished run of that name is kept", STATE),
        read("watch_run", "Shows the figures and the verdict of a run", closed(FIGURES, "finished")),
        read("read_result", "Gives the whole result of a run", {"type": "object"}),
        read(
            "compare",
            "Compares runs with baseline runs of the same load: slower, more errors, or surely not",
            closed(COMPARISON, *COMPARISON),
        ),
        read(
            "compile",
            "Shows a profile in the generator's own language, and what of it cannot be said there",
            {"type": "object"},
        ),
    )


def _write(generator: GeneratorName, verb: str, summary: str, **more: Any) -> Operation:
    return Operation(
        name=OperationName(f"{generator}.{verb}"),
        summary=summary,
        resource=f"load/{generator}/{{name}}",
        probe=Invocation(operation=OperationName(f"{generator}.get_run"), arguments=OWN),
        **more,
    )


def _writes(generator: GeneratorName, profile: JsonValue, caps: LoadCaps) -> tuple[Operation, ...]:
    run = _write(
        generator,
        "run",
        "Puts a target under the load of a profile that changes no data there, and keeps the result",
        effect="write",
        access="create",
        blast_radius="service",
        idempotent="keyed",
        input_schema=closed({"name": NAME, "profile": profile}, "name", "profile"),
        output_schema=closed(FIGURES, "finished"),
        after={"exists": True},
        inverse=Invocation(operation=OperationName(f"{generator}.cancel_run"), arguments=OWN),
        interruptible=True,
        timeout_s=min(caps.duration_s + GRACE_S, 86_400),
    )
    changing = {
        "name": OperationName(f"{generator}.run_changing"),
        "summary": "Puts a target under the load of a profile that may change data there, and keeps the result",
        "effect": "destructive",
        "inverse": None,
    }
    search = {
        "name": OperationName(f"{generator}.find_limit"),
        "summary": "Finds the highest rate at which a target holds the goals of a profile, by runs at several rates",
        "input_schema": closed(
            {"name": NAME, "profile": profile, "lowest": RATE, "highest": RATE, "most_points": POINTS},
            "name",
            "profile",
            "lowest",
            "highest",
        ),
        "output_schema": closed(LIMIT, *LIMIT),
    }
    return run, run.model_copy(update=changing), run.model_copy(update=search), _cancel(generator)


def _cancel(generator: GeneratorName) -> Operation:
    return _write(
        generator,
        "cancel_run",
        "Ends a run, if it still lives, and deletes what was kept of it",
        effect="destructive",
        access="delete",
        blast_radius="none",
        idempotent="natural",
        input_schema=NAMED,
        output_schema=STATE,
        after={"exists": False},
    )


def profile_schema(caps: LoadCaps) -> JsonObject:
    """The JSON Schema of a profile in its long form, narrowed to the caps."""
    schema: Any = _inlined(LoadProfile.model_json_schema())
    properties = schema["properties"]
    hosts = "|".join(re.escape(host) if ":" not in host else re.escape(f"[{host}]") for host in caps.hosts)
    if caps.hosts:  # none at all: a contract that is planned on where nothing is connected
        properties["target"]["pattern"] = rf"^https?://(?:{hosts})(?::[0-9]{{1,5}})?$"
    stage = properties["stages"]["items"]["properties"]
    stage["duration_s"]["maximum"] = caps.duration_s
    stage["level"]["maximum"] = max(caps.requests_s, caps.users)
    properties["max_in_flight"]["maximum"] = caps.users
    found: JsonObject = schema
    return found


def _inlined(schema: JsonObject) -> JsonValue:
    """Without references: readers of operations' schemas need not follow any. Raises KeyError for a recursive one."""
    definitions: Any = schema.get("$defs", {})

    def walk(value: JsonValue) -> JsonValue:
        if isinstance(value, list):
            return [walk(item) for item in value]
        if not isinstance(value, dict):
            return value
        reference = value.get("$ref")
        if isinstance(reference, str):
            return walk(definitions[reference.removeprefix("#/$defs/")])
        # `discriminator` is OpenAPI's and points into $defs.
        return {key: walk(item) for key, item in value.items() if key not in ("$defs", "discriminator")}

    return walk(schema)
