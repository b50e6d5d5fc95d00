"""Operations: the closed set of typed verbs that Steersman can do."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from steersman.domain.expression import Scope, resolve
from steersman.domain.fact import Fact, JsonObject
from steersman.domain.ids import OperationName, ResourceId

Effect = Literal["read", "write", "destructive"]
Idempotency = Literal["natural", "keyed", "no"]
"""natural: the same call twice leaves the same state and says so; keyed: the tool drops a repeated key; no: neither."""
Access = Literal["read", "create", "update", "delete"]
BlastRadius = Literal["none", "instance", "service", "namespace", "environment"]


class Invocation(Fact):
    """An operation with its arguments, which may hold expressions."""

    operation: OperationName
    arguments: JsonObject = {}


class Operation(Fact):
    """What one verb takes, gives, touches, and how it is verified and undone. Registered by code, never by a model.

    A write names a `probe`: a read operation that shows the state which the write changes, as a JSON object, the same
    before, after, and after the undo. `after` says what that state will be, as a template over `$arg` and `$before`.
    From
    these follow, for every write alike: the diff on the plan card, drift, the answer to "did it happen?" after a crash,
    and the verification of the undo. A thing that does not exist is observed as `{"exists": false}`.
    """

    name: OperationName
    version: int = Field(default=1, ge=1)
    """Raised when the schema or the meaning changes; plans that name another version are refused."""
    summary: str
    effect: Effect
    access: Access
    resource: str = ""
    """Template of the resource id, for example `lab/route/{service}`; empty for reads that have no single target."""
    uses: tuple[str, ...] = ()
    """Templates of resources that must be there for the call to work, beside its target: what an undo may miss."""
    blast_radius: BlastRadius = "none"
    idempotent: Idempotency = "no"
    input_schema: JsonObject
    output_schema: JsonObject
    probe: Invocation | None = None
    after: JsonObject | None = None
    inverse: Invocation | None = None
    residue: str = ""
    """What an undo leaves, in words: it takes nothing from anybody and changes nothing that runs.

    With an inverse: what stays when that came too late (`the finished build`); without one: all that the write makes,
    because it is meant to outlive a run that is undone (`the backup`). An undo that leaves it is a whole one, and says
    so; policy asks for a write without an inverse as for anything irreversible.
    """
    dry_run: bool = False
    """Whether the tool itself can rehearse the call (server-side dry run)."""
    interruptible: bool = False
    """Whether a call may be broken off half-way: what is left shows in the probe as if it had not happened, or as if it
    had. A run that halts then need not wait for it; a load test must not go on while its deployment is taken back.
    """
    timeout_s: float = Field(default=30.0, gt=0, le=86_400)
    circuit: str = ""
    """What fails together with it, where one toolset reaches several systems; empty: its toolset."""
    secret_arguments: frozenset[str] = frozenset()
    """Top-level arguments whose values are never journaled, logged or shown."""

    @property
    def toolset(self) -> str:
        """The system that the verb belongs to."""
        return self.name.partition(".")[0]

    @property
    def fails_with(self) -> str:
        """Calls of the same name share a circuit breaker and places."""
        return self.circuit or self.toolset

    @property
    def reversible(self) -> bool:
        """Whether an inverse is declared; a write without one asks for more."""
        return self.effect == "read" or self.inverse is not None

    def target(self, arguments: JsonObject) -> ResourceId:
        """The resource that a call touches, computed by code. Raises KeyError when an argument is missing."""
        return resource_id(self.resource, arguments)

    def expected(self, arguments: JsonObject, before: JsonObject) -> JsonObject | None:
        """The state that the probe must show after the call; None when the operation cannot say."""
        if self.after is None:
            return None
        state = resolve(self.after, Scope(arguments=arguments, before=before))
        return state if isinstance(state, dict) else None


def resource_id(template: str, arguments: JsonObject) -> ResourceId:
    """A resource's id. Raises KeyError when an argument is missing, or is an expression that nobody knows yet."""
    return ResourceId(template.format_map({k: v for k, v in arguments.items() if not isinstance(v, dict)}))
