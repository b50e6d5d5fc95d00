"""A recipe as an operation: everything but a read is destructive and irreversible until an operator says otherwise."""

from __future__ import annotations

from pydantic import JsonValue

from steersman.domain.errors import InputError
from steersman.domain.fact import JsonObject
from steersman.domain.ids import OperationName
from steersman.domain.operation import Access, Idempotency, Invocation, Operation
from steersman.domain.overlay import Overlay, Said, View, overlaid
from steersman.toolsets.openapi.answering import OUTPUT
from steersman.toolsets.openapi.recipe import Recipe

_ACCESS: dict[str, Access] = {"GET": "read", "HEAD": "read", "POST": "create", "DELETE": "delete"}
_NATURAL = frozenset({"GET", "HEAD"})


def operation_of(recipe: Recipe, toolset: str, *, parts: JsonObject, version: int) -> Operation:
    """The operation as the description alone makes it."""
    schema = {**recipe.input_schema, "$defs": parts} if parts else recipe.input_schema
    idempotent: Idempotency = "natural" if recipe.method in _NATURAL else "no"
    return Operation.model_construct(  # the schemas are our own and large: checking them once more would copy them
        name=OperationName(f"{toolset}.{recipe.verb}"),
        version=version,
        summary=recipe.summary,
        effect="read" if recipe.reads else "destructive",
        access=_ACCESS.get(recipe.method, "update"),
        resource=_resource(recipe, toolset),
        blast_radius="none" if recipe.reads else "environment",
        idempotent=idempotent,
        input_schema=schema,
        output_schema=OUTPUT,
    )


def view_operation(base: Operation, verb: str, view: View, *, version: int) -> Operation:
    """A view as an operation of its own."""
    fields: dict[str, JsonValue] = dict.fromkeys(view.fields, True)
    schema: JsonObject = {
        "type": "object",
        "properties": {"exists": {"type": "boolean"}, **fields},
        "required": ["exists"],
        "additionalProperties": False,
    }
    return base.model_copy(
        update={
            "name": OperationName(f"{base.toolset}.{verb}"),
            "version": version,
            "summary": view.summary or f"{', '.join(view.fields)} of {base.name}",
            "output_schema": schema,
        }
    )


def shown(view: View, output: JsonObject) -> JsonObject:
    """What a view shows of an answer."""
    if output.get("status") in view.absent:
        return {"exists": False}
    return {"exists": True, **{name: _at(output.get("body"), path) for name, path in view.fields.items()}}


def with_names(said: Said, toolset: str) -> Said:
    """The operator's words with the toolset's name before the operations that they name."""

    def whole(invocation: Invocation | None) -> Invocation | None:
        if invocation is None or "." in invocation.operation:
            return invocation
        return invocation.model_copy(update={"operation": OperationName(f"{toolset}.{invocation.operation}")})

    return said.model_copy(update={"probe": whole(said.probe), "inverse": whole(said.inverse)})


def apply(operation: Operation, overlay: Overlay) -> Operation:
    """The operation as the overlay has it."""
    said = overlay.operations.get(operation.name.partition(".")[2])
    return operation if said is None else overlaid(operation, with_names(said, operation.toolset))


def must_fit(overlay: Overlay, verbs: frozenset[str]) -> None:
    """Raises InputError when an overlay speaks of operations that there are not, or names a view like one."""
    known = verbs | overlay.views.keys()
    wanted = [*overlay.operations, *overlay.hidden, *(view.of for view in overlay.views.values())]
    for said in overlay.operations.values():
        wanted += [each.operation.rpartition(".")[2] for each in (said.probe, said.inverse) if each]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise InputError(
            f"the overlay speaks of {unknown[0]!r}, which is no operation here; `steer tools list` shows all"
        )
    twice = [name for name in overlay.views if name in verbs]
    if twice:
        raise InputError(f"the overlay's view {twice[0]!r} has the name of an operation; give it another")


def _resource(recipe: Recipe, toolset: str) -> str:
    """The path, with arguments in its holes; literal parts as they stand."""
    path = recipe.path.strip("/") or "root"
    for each in recipe.parameters:
        if each.place == "path":
            path = path.replace(f"{{{each.name}}}", f"\0{each.argument}\1")
    parts = "/".join(part or "-" for part in path.split("/"))
    plain = parts.replace("{", "").replace("}", "")
    return f"{toolset}/{plain}".replace("\0", "{").replace("\1", "}")


def _at(document: JsonValue, path: str) -> JsonValue:
    here = document
    for raw in path.split("/")[1:]:
        key = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(here, dict):
            here = here.get(key)
        elif isinstance(here, list) and key.isdigit() and int(key) < len(here):
            here = here[int(key)]
        else:
            return None
    return here
