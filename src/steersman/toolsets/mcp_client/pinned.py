"""What an operator has approved of an MCP server: each tool's definition, by digest. No network here.

What a server says of its tools (`readOnlyHint` and the like) is kept as part of the digest and believed in nothing:
every tool counts as destructive and irreversible until an overlay says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from steersman.domain.errors import InputError
from steersman.domain.fact import Digest, Fact, Instant, JsonObject, digest
from steersman.domain.ids import OperationName
from steersman.domain.operation import Invocation, Operation
from steersman.domain.overlay import Overlay, Said, overlaid
from steersman.remote.schemas.checking import bundle
from steersman.remote.schemas.conversion import Schemas
from steersman.remote.schemas.document import Document
from steersman.remote.text import one_line

MAX_TOOLS = 2_000
SUMMARY = 200
_BREAK = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
_VERB = 60

OUTPUT: JsonObject = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "description": "what the tool said: untrusted"},
        "structured": {"description": "what the tool gave as data: untrusted"},
        "valid": {"type": ["boolean", "null"]},
        "problem": {"type": "string"},
        "attachments": {"type": "array"},
    },
    "required": ["text", "structured", "valid"],
    "additionalProperties": False,
}


class ToolDefinition(Fact):
    """A tool as its server defines it."""

    name: str
    title: str = ""
    description: str = ""
    input_schema: JsonObject
    output_schema: JsonObject | None = None
    annotations: JsonObject = {}

    def digest(self) -> Digest:
        """Over all of it: a changed word is another tool."""
        return digest(self)


class PinnedServer(Fact):
    """One server, as approved."""

    name: str
    fingerprint: Digest
    """Of the command or URL that was configured then."""
    address: str
    """For people: `https://...` or the command."""
    tools: tuple[ToolDefinition, ...]
    overlay: Overlay = Overlay()
    approved_at: Instant
    approved_by: str


class Difference(Fact):
    """How a server's tools differ from what was approved."""

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


def differences(pinned: Sequence[ToolDefinition], live: Sequence[ToolDefinition]) -> Difference:
    """What approving would change."""
    before = {tool.name: tool.digest() for tool in pinned}
    now = {tool.name: tool.digest() for tool in live}
    return Difference(
        new=tuple(sorted(now.keys() - before.keys())),
        changed=tuple(sorted(name for name in now.keys() & before.keys() if now[name] != before[name])),
        gone=tuple(sorted(before.keys() - now.keys())),
    )


def operations(server: PinnedServer) -> list[tuple[Operation, ToolDefinition]]:
    """The operations of a server with the tools behind them.

    Raises InputError for an overlay that does not fit, and for a tool whose schema cannot be used.
    """
    taken: set[str] = set()
    found: list[tuple[Operation, ToolDefinition]] = []
    for tool in server.tools:
        verb = _verb(tool.name, taken)
        taken.add(verb)
        if verb not in server.overlay.hidden:
            found.append((_operation(server, tool, verb), tool))
    unknown = (server.overlay.operations.keys() | server.overlay.hidden) - taken
    if unknown or server.overlay.views:
        what = f"{min(unknown)!r}, which is no tool of it" if unknown else "views, which MCP tools do not have"
        raise InputError(f"the overlay of {server.name!r} speaks of {what}")
    return found


def _operation(server: PinnedServer, tool: ToolDefinition, verb: str) -> Operation:
    said = server.overlay.operations.get(verb, Said())
    made = Operation.model_construct(  # the schema is our own and may be large: checking it once more would copy it
        name=OperationName(f"{server.name}.{verb}"),
        version=int(digest([tool.digest(), said.model_dump(mode="json")])[7:14], 16) + 1,
        summary=one_line(tool.title or tool.description or tool.name, limit=SUMMARY),
        effect="destructive",
        access="update",
        resource=f"{server.name}/{verb}",
        blast_radius="environment",
        idempotent="no",
        input_schema=_closed(tool),
        output_schema=OUTPUT,
    )
    return overlaid(made, _named(said, server.name))


def _closed(tool: ToolDefinition) -> JsonObject:
    """Its arguments, closed: what a server does not declare is not sent."""
    schemas = Schemas(Document(tool.input_schema, "3.1"))
    try:
        made, parts = schemas.convert(tool.input_schema, "in")
    except InputError as e:
        raise InputError(f"tool {tool.name!r}: {e}") from e
    held: JsonObject = schemas.closed(parts)
    plain: JsonObject = made if isinstance(made, dict) else {}
    return bundle({"properties": {}, **plain, "type": "object", "additionalProperties": False}, held)


def promised(tool: ToolDefinition) -> JsonObject | None:
    """What a tool says of its answers, as a schema that stands alone; None when it says nothing usable."""
    if tool.output_schema is None:
        return None
    schemas = Schemas(Document(tool.output_schema, "3.1"))
    try:
        made, parts = schemas.convert(tool.output_schema, "out")
    except InputError:
        return None
    return bundle(made, schemas.closed(parts))


def _verb(name: str, taken: set[str]) -> str:
    plain = "_".join(part for part in _BREAK.split(name) if part).lower() or "tool"
    plain = plain if plain[0].isalpha() else f"tool_{plain}"
    made, number = plain[:_VERB], 2
    while made in taken:
        made, number = f"{plain[:_VERB]}_{number}", number + 1
    return made


def _named(said: Said, server: str) -> Said:
    def whole(invocation: Invocation | None) -> Invocation | None:
        if invocation is None or "." in invocation.operation:
            return invocation
        return invocation.model_copy(update={"operation": OperationName(f"{server}.{invocation.operation}")})

    return said.model_copy(update={"probe": whole(said.probe), "inverse": whole(said.inverse)})
