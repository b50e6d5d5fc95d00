"""Label and field selectors."""

from __future__ import annotations

import re
from typing import Any

from steersman.testing.kubernetes.kinds import Kind
from steersman.testing.kubernetes.status import Document, bad_request

_SET = re.compile(r"([\w./-]+)\s+(in|notin)\s+\(([^()]*)\)")
_EQUAL = re.compile(r"([\w./-]+)\s*(==|=|!=)\s*([\w.-]*)")
_PRESENT = re.compile(r"(!?)([\w./-]+)")
FIELDS = {
    "pods": {"spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase",
             "status.podIP", "status.nominatedNodeName", "spec.hostNetwork"},
    "events": {"involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
               "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason",
               "reportingComponent", "source", "type"},
    "nodes": {"spec.unschedulable"},
    "namespaces": {"status.phase"},
    "secrets": {"type"},
    "jobs": {"status.successful"},
}  # fmt: skip


def matches_labels(labels: dict[str, str], selector: str) -> bool:
    """Whether labels fit the text of a selector. Raises Refused 400 for one that cannot be read."""
    return all(_fits(labels, part.strip()) for part in _split(selector) if part.strip())


def _split(selector: str) -> list[str]:
    parts, depth, here = [], 0, ""
    for c in selector:
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            parts.append(here)
            here = ""
        else:
            here += c
    if depth:
        raise bad_request("unable to parse requirement: found '', expected: ',' or ')'")
    return [*parts, here]


def _fits(labels: dict[str, str], part: str) -> bool:
    if found := _SET.fullmatch(part):
        name, op, values = found.groups()
        inside = labels.get(name) in {value.strip() for value in values.split(",")}
        return inside if op == "in" else not inside
    if found := _EQUAL.fullmatch(part):
        name, op, value = found.groups()
        return (labels.get(name) == value) == (op != "!=")
    if found := _PRESENT.fullmatch(part):
        return (found[2] in labels) == (found[1] == "")
    raise bad_request(f"unable to parse requirement: <nil>: Invalid value: {part!r}")


def selects(selector: Document | None, labels: dict[str, str]) -> bool:
    """Whether a LabelSelector fits; an absent one fits nothing."""
    if not selector:
        return False
    if any(labels.get(name) != value for name, value in selector.get("matchLabels", {}).items()):
        return False
    return all(_expression(each, labels) for each in selector.get("matchExpressions", []))


def _expression(each: Document, labels: dict[str, str]) -> bool:
    value = labels.get(each["key"])
    match each["operator"]:
        case "In":
            return value in each.get("values", [])
        case "NotIn":
            return value not in each.get("values", [])
        case "Exists":
            return value is not None
        case _:
            return value is None


def matches_fields(document: Document, selector: str, kind: Kind) -> bool:
    """Whether an object fits a field selector. Raises Refused 400 for a field that cannot be asked for."""
    for part in filter(None, (each.strip() for each in selector.split(","))):
        name, op, value = _term(part)
        if name not in {"metadata.name", "metadata.namespace"} | FIELDS.get(kind.plural, set()):
            raise bad_request(f"field label not supported: {name}")
        if (str(_at(document, name)) == value) == (op == "!="):
            return False
    return True


def _term(part: str) -> tuple[str, str, str]:
    found = re.fullmatch(r"([^=!]+)(==|=|!=)(.*)", part)
    if found is None:
        raise bad_request(f'invalid field selector: "{part}"')
    return found[1], found[2], found[3]


def _at(document: Document, path: str) -> Any:
    here: Any = document
    for part in path.split("."):
        here = here.get(part) if isinstance(here, dict) else None
    return "" if here is None else {True: "true", False: "false"}.get(here, here) if isinstance(here, bool) else here
