"""The verbs of a registry."""

from __future__ import annotations

from pydantic import JsonValue

from steersman.domain.fact import Fact
from steersman.domain.ids import OperationName
from steersman.domain.operation import Invocation, Operation
from steersman.domain.typed import read_operation, schema_of, state_schema
from steersman.toolsets.registry import facts

NAME = "registry"
TAG_ID = "registry/tag/{repository}/{tag}"


def _read(verb: str, summary: str, *, takes: type[Fact], gives: type[Fact], **more: object) -> Operation:
    return read_operation(f"{NAME}.{verb}", summary, takes=takes, gives=gives).model_copy(update=more)


def _invoke(verb: str, **arguments: JsonValue) -> Invocation:
    keys: dict[str, JsonValue] = {name: {"$arg": f"/{name}"} for name in ("repository", "tag")}
    return Invocation(operation=OperationName(f"{NAME}.{verb}"), arguments={**keys, **arguments})


def _write(verb: str, summary: str, *, takes: type[Fact], **more: object) -> Operation:
    return Operation.model_validate(
        {
            "name": f"{NAME}.{verb}",
            "summary": summary,
            "effect": "write",
            "resource": TAG_ID,
            "blast_radius": "service",
            "idempotent": "natural",
            "input_schema": schema_of(takes),
            "output_schema": schema_of(facts.Done),
            "probe": _invoke("get_tag"),
            "timeout_s": 60.0,
            **more,
        }
    )


_NAMED: dict[str, JsonValue] = {"exists": True, "digest": {"$arg": "/digest"}}
GET_IMAGE = _read("get_image", "Whether an image can be pulled", takes=facts.OfImage, gives=facts.ImageState)
WATCH_IMAGE = _read(
    "watch_image",
    "Waits until an image can be pulled",
    takes=facts.Waiting,
    gives=facts.ImageState,
    timeout_s=3_700.0,
)
TAGS = _read("tags", "Lists the tags of a repository", takes=facts.Repository, gives=facts.TagList)
NEWER_TAGS = _read(
    "newer_tags", "Finds newer tags of the same flavour as an image's", takes=facts.OfImage, gives=facts.NewerTags
)
GET_TAG = _read(
    "get_tag",
    "Shows which image a tag names",
    takes=facts.OfTag,
    gives=facts.TagState,
    resource=TAG_ID,
    output_schema=state_schema(facts.TagState),
)
CREATE_TAG = _write(
    "create_tag",
    "Gives an image one more tag",
    takes=facts.NewTag,
    access="create",
    after=_NAMED,
    inverse=_invoke("delete_tag"),
)
SET_TAG = _write(
    "set_tag",
    "Makes a tag name another image of its repository",
    takes=facts.NewTag,
    access="update",
    after=_NAMED,
    inverse=_invoke("set_tag", digest={"$before": "/digest"}),
)
DELETE_TAG = _write(
    "delete_tag",
    "Takes a tag away; the image stays",
    takes=facts.OfTag,
    access="delete",
    after={"exists": False},
    inverse=_invoke("create_tag", digest={"$before": "/digest"}),
)
OPERATIONS = (GET_IMAGE, WATCH_IMAGE, TAGS, NEWER_TAGS, GET_TAG, CREATE_TAG, SET_TAG, DELETE_TAG)
