"""Operations out of what a thing is: its keys and its state. Probe, `after` and inverse follow from these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from steersman.domain.fact import JsonObject
from steersman.domain.ids import OperationName
from steersman.domain.operation import BlastRadius, Invocation, Operation

NAME: JsonObject = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._/:@-]{0,251}$"}
AMOUNT: JsonObject = {"type": "string", "pattern": "^[0-9]{1,5}%?$"}
"""A number of pods, or a share of them."""
TEXT: JsonObject = {"type": "string", "maxLength": 2000}
COUNT: JsonObject = {"type": "integer", "minimum": 0}
PERCENT: JsonObject = {"type": "number", "minimum": 0, "maximum": 100}
NUMBER: JsonObject = {"type": "number"}
SECONDS: JsonObject = {"type": "number", "minimum": 0}
FLAG: JsonObject = {"type": "boolean"}
WORDS: JsonObject = {"type": "array", "items": NAME}
OBJECT: JsonObject = {"type": "object"}


def closed(properties: Mapping[str, JsonObject], *, optional: tuple[str, ...] = ()) -> JsonObject:
    """A JSON Schema of an object with exactly these fields."""
    required: list[JsonValue] = [name for name in properties if name not in optional]
    return {
        "type": "object",
        "properties": dict(properties),
        "required": required,
        "additionalProperties": False,
    }


@dataclass(frozen=True, slots=True)
class Thing:
    """A kind of thing in a system: what names it, and what can be seen of it."""

    system: str
    kind: str
    keys: Mapping[str, JsonObject]
    state: Mapping[str, JsonObject]
    """What is wanted of it: writes change these and an undo restores them."""
    observed: Mapping[str, JsonObject] = field(default_factory=dict)
    """What it does with that, such as `ready`: read by other reads only, because it moves by itself."""

    @property
    def resource(self) -> str:
        """Template of its id."""
        return "/".join([self.system, self.kind, *(f"{{{key}}}" for key in self.keys)])

    @property
    def probe(self) -> Invocation:
        """The read that shows its state."""
        return Invocation(operation=self._name(f"get_{self.kind}"), arguments={k: {"$arg": f"/{k}"} for k in self.keys})

    def reads(self) -> tuple[Operation, ...]:
        """`get_<kind>` for the state, and `watch_<kind>` for what moves by itself, where there is such."""
        shown = {"exists": FLAG, **self.state}
        get = self._read(f"get_{self.kind}", f"Shows {article(self.words)}", shown, optional=tuple(self.state))
        if not self.observed:
            return (get,)
        watch = self._read(
            f"watch_{self.kind}", f"Waits until {article(self.words)} has settled, and shows how it does", self.observed
        )
        return (get, watch.model_copy(update={"timeout_s": 900.0}))

    @property
    def words(self) -> str:
        """Its kind as people say it."""
        return self.kind.replace("_", " ")

    def create(self, verb: str, *, blast: BlastRadius = "service", remove: str = "") -> tuple[Operation, ...]:
        """A create and the delete that undoes it; the delete's own inverse creates it again as it was."""
        gone = remove or f"delete_{self.kind}"
        keys: JsonObject = {key: {"$arg": f"/{key}"} for key in self.keys}
        back: JsonObject = {**keys, **{name: {"$before": f"/{name}"} for name in self.state}}
        made: JsonObject = {"exists": True, **{name: {"$arg": f"/{name}"} for name in self.state}}
        taken: JsonObject = {"exists": False}
        create = self._write(verb, f"Creates {article(self.words)}", access="create", blast=blast).model_copy(
            update={
                "input_schema": closed({**self.keys, **self.state}),
                "after": made,
                "inverse": Invocation(operation=self._name(gone), arguments=keys),
            }
        )
        delete = self._write(gone, f"Deletes {article(self.words)}", access="delete", blast=blast).model_copy(
            update={
                "input_schema": closed(self.keys),
                "after": taken,
                "inverse": Invocation(operation=self._name(verb), arguments=back),
                "effect": "destructive",
            }
        )
        return (create, delete)

    def change(self, verb: str, summary: str, fields: str, *, blast: BlastRadius = "service") -> Operation:
        """A write of some fields, undone by writing what they were."""
        names = fields.split()
        after: JsonObject = {
            "exists": True,
            **{name: {"$arg": f"/{name}"} if name in names else {"$before": f"/{name}"} for name in self.state},
        }
        inverse: JsonObject = {
            **{key: {"$arg": f"/{key}"} for key in self.keys},
            **{name: {"$before": f"/{name}"} for name in names},
        }
        return self._write(verb, summary, access="update", blast=blast).model_copy(
            update={
                "input_schema": closed({**self.keys, **{name: self.state[name] for name in names}}),
                "after": after,
                "inverse": Invocation(operation=self._name(verb), arguments=inverse),
            }
        )

    def final(self, verb: str, summary: str, fields: str, *, blast: BlastRadius = "service") -> Operation:
        """A write that nothing undoes: irreversible, so policy asks for more."""
        return self.change(verb, summary, fields, blast=blast).model_copy(
            update={"inverse": None, "effect": "destructive"}
        )

    def _name(self, verb: str) -> OperationName:
        return OperationName(f"{self.system}.{verb}")

    def _read(
        self, verb: str, summary: str, shown: Mapping[str, JsonObject], *, optional: tuple[str, ...] = ()
    ) -> Operation:
        return Operation(
            name=self._name(verb),
            summary=summary,
            effect="read",
            access="read",
            resource=self.resource,
            idempotent="natural",
            input_schema=closed(self.keys),
            output_schema=closed(shown, optional=optional),
        )

    def _write(self, verb: str, summary: str, *, access: str, blast: BlastRadius) -> Operation:
        return Operation.model_validate(
            {
                "name": self._name(verb),
                "summary": summary,
                "effect": "write",
                "access": access,
                "resource": self.resource,
                "blast_radius": blast,
                "idempotent": "natural",
                "input_schema": closed(self.keys),
                "output_schema": closed({"exists": FLAG, **self.state}, optional=tuple(self.state)),
                "probe": self.probe,
            }
        )


def reading(name: str, summary: str, takes: Mapping[str, JsonObject], gives: Mapping[str, JsonObject]) -> Operation:
    """A read with no single target, such as a query."""
    return Operation(
        name=OperationName(name),
        summary=summary,
        effect="read",
        access="read",
        idempotent="natural",
        input_schema=closed(takes),
        output_schema=closed(gives),
        timeout_s=120.0,
    )


def article(words: str) -> str:
    """The words with `a` or `an` before them."""
    return f"{'an' if words[:1] in 'aeio' else 'a'} {words}"
