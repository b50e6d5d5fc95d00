"""What several toolsets read out of an object."""

from __future__ import annotations

from steersman.domain.errors import ToolError
from steersman.remote.kubernetes.api import Document
from steersman.remote.kubernetes.ownership import Path, metadata, notes

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
TEMPLATE: Path = ("spec", "template")
POD: Path = (*TEMPLATE, "spec")


def spec(document: Document) -> Document:
    """The spec of an object."""
    found = document.get("spec")
    return found if isinstance(found, dict) else {}


def status(document: Document) -> Document:
    """The status of an object."""
    found = document.get("status")
    return found if isinstance(found, dict) else {}


def main_container(document: Document) -> Document:
    """The container that operations mean: the annotated one, the one named as its workload, or the first."""
    template = spec(document).get("template") or {}
    containers = (template.get("spec") or {}).get("containers") or []
    if not containers:
        raise ToolError(f"{document.get('kind')} {metadata(document).get('name')!r} has no containers of its own")
    marked = notes(template).get(DEFAULT_CONTAINER) or metadata(document).get("name")
    return next((dict(each) for each in containers if each.get("name") == marked), dict(containers[0]))


def container_path(document: Document) -> Path:
    """The path of that container."""
    return (*POD, "containers", ("name", str(main_container(document)["name"])))


def selector_text(selector: Document) -> str:
    """A LabelSelector as a query has it."""
    parts = [f"{name}={value}" for name, value in sorted((selector.get("matchLabels") or {}).items())]
    for each in selector.get("matchExpressions") or []:
        values = ",".join(each.get("values") or [])
        text = {"In": f"{each['key']} in ({values})", "NotIn": f"{each['key']} notin ({values})", "Exists": each["key"]}
        parts.append(text.get(str(each["operator"]), f"!{each['key']}"))
    return ",".join(parts)
