"""The four kinds of patch."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from typing import Any

from steersman.testing.kubernetes.fields import Place
from steersman.testing.kubernetes.schema import Items, Leaf, Map, Schema, Struct, key_of
from steersman.testing.kubernetes.status import Document, bad_request, refused


def json_patch(document: Document, operations: list[Document]) -> Document:
    """RFC 6902. Raises Refused 422 when one does not fit: without the reason, as the API server does."""
    found = copy.deepcopy(document)
    for each in operations:
        try:
            _apply_one(found, each)
        except (KeyError, IndexError, TypeError, ValueError) as e:
            message = "the server rejected our request due to an error in our request"
            raise refused(422, "Invalid", message, details={}) from e
    return found


def _apply_one(document: Document, operation: Document) -> None:
    verb, parts = operation["op"], _parts(operation["path"])
    if verb in {"move", "copy"}:
        source = _parts(operation["from"])
        value = copy.deepcopy(_get(document, source))
        if verb == "move":
            _remove(document, source)
        _add(document, parts, value)
    elif verb == "test":
        if _get(document, parts) != operation["value"]:
            raise ValueError("test failed")
    elif verb == "remove":
        _remove(document, parts)
    elif verb == "replace":
        _get(document, parts)
        _remove(document, parts)
        _add(document, parts, operation["value"])
    elif verb == "add":
        _add(document, parts, operation["value"])
    else:
        raise ValueError(verb)


def _parts(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise ValueError(path)
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _get(document: Any, parts: list[str]) -> Any:
    here = document
    for part in parts:
        here = here[int(part)] if isinstance(here, list) else here[part]
    return here


def _add(document: Any, parts: list[str], value: Any) -> None:
    parent, last = _get(document, parts[:-1]), parts[-1]
    if isinstance(parent, list):
        parent.insert(len(parent) if last == "-" else int(last), value)
    else:
        parent[last] = value


def _remove(document: Any, parts: list[str]) -> None:
    parent, last = _get(document, parts[:-1]), parts[-1]
    if isinstance(parent, list):
        parent.pop(int(last))
    else:
        del parent[last]


def merge_patch(document: Any, patch: Any) -> Any:
    """RFC 7386: lists are replaced whole, null deletes."""
    if not isinstance(patch, dict):
        return patch
    found = dict(document) if isinstance(document, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merge_patch(found.get(name), value)
    return found


def strategic(document: Any, patch: Any, schema: Schema) -> Any:
    """Lists with keys are merged by them; `$patch: delete` and `$patch: replace` are understood."""
    match schema:
        case Struct() | Map() if isinstance(patch, dict):
            if patch.get("$patch") == "replace":
                return {name: value for name, value in patch.items() if name != "$patch"}
            return _strategic_object(document, patch, schema)
        case Items(keys=keys) if keys and isinstance(patch, list):
            return _strategic_list(document if isinstance(document, list) else [], patch, schema)
        case _:
            return merge_patch(document, patch) if isinstance(schema, Leaf) and isinstance(patch, dict) else patch


def _strategic_object(document: Any, patch: Document, schema: Struct | Map) -> Document:
    found = dict(document) if isinstance(document, dict) else {}
    for name, value in patch.items():
        if name.startswith("$"):
            continue
        inner = schema.item if isinstance(schema, Map) else schema.fields.get(name, Leaf())
        if value is None:
            found.pop(name, None)
        else:
            found[name] = strategic(found.get(name), value, inner)
    return found


def _strategic_list(items: list[Any], patch: list[Any], schema: Items) -> list[Any]:
    if any(each.get("$patch") == "replace" for each in patch):
        return [each for each in patch if "$patch" not in each]
    kept = {key_of(each, schema): each for each in items}
    fresh: list[Any] = []
    for each in patch:
        try:
            key = key_of(each, schema)
        except KeyError as e:
            raise bad_request(f"map: {each} does not contain declared merge key: {e.args[0]}") from e
        if each.get("$patch") == "delete":
            kept.pop(key, None)
        elif key in kept:
            kept[key] = strategic(kept[key], each, schema.item)
        else:
            fresh.append(strategic({}, each, schema.item))
    return [*fresh, *kept.values()]


def applied(document: Any, configuration: Any, schema: Schema) -> Any:
    """What server-side apply makes of the live object, before anything is removed."""
    if getattr(schema, "atomic", False):
        return configuration
    match schema:
        case Struct() if isinstance(configuration, dict):
            found = dict(document) if isinstance(document, dict) else {}
            for name, value in configuration.items():
                found[name] = applied(found.get(name), value, schema.fields.get(name, Leaf()))
            return found
        case Map() if isinstance(configuration, dict):
            found = dict(document) if isinstance(document, dict) else {}
            return {**found, **{k: applied(found.get(k), v, schema.item) for k, v in configuration.items()}}
        case Items(keys=keys) if keys and isinstance(configuration, list):
            kept = {key_of(each, schema): each for each in document or []}
            for each in configuration:
                kept[key_of(each, schema)] = applied(kept.get(key_of(each, schema), {}), each, schema.item)
            return list(kept.values())
        case _:
            return configuration


def without(document: Document, gone: Iterable[Place]) -> Document:
    """The document without these places; what then is empty stays."""
    found = copy.deepcopy(document)
    for place in sorted(gone, key=len, reverse=True):
        _drop(found, place)
    return found


def _drop(document: Any, place: Place) -> None:
    here = document
    for part in place[:-1]:
        here = _step(here, part)
        if here is None:
            return
    last = place[-1]
    if last.startswith("f:") and isinstance(here, dict):
        here.pop(last[2:], None)
    elif isinstance(here, list):
        wanted = json.loads(last[2:])
        here[:] = [each for each in here if not all(each.get(k, v) == v for k, v in wanted.items())]


def _step(here: Any, part: str) -> Any:
    if part.startswith("f:"):
        return here.get(part[2:]) if isinstance(here, dict) else None
    wanted = json.loads(part[2:])
    items = here if isinstance(here, list) else []
    return next((each for each in items if all(each.get(k, v) == v for k, v in wanted.items())), None)
