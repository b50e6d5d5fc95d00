"""Who owns an object and its fields: what is not ours to change is refused with who says so, never forced."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from steersman.domain.errors import ToolError
from steersman.remote.kubernetes.api import MANAGER, Document

Key = tuple[str, str]
"""An item of a keyed list: `("name", "web")`."""
Path = tuple[str | Key, ...]

BY_LABEL = {
    "argocd.argoproj.io/instance": "Argo CD",
    "kustomize.toolkit.fluxcd.io/name": "Flux",
    "helm.toolkit.fluxcd.io/name": "Flux",
    "objectset.rio.cattle.io/hash": "Fleet",
}
BY_ANNOTATION = {
    "argocd.argoproj.io/tracking-id": "Argo CD",
    "argocd.argoproj.io/installation-id": "Argo CD",
    "configmanagement.gke.io/managed": "Config Sync",
    "fluxcd.io/sync-checksum": "Flux",
}
BY_MANAGER = {
    "argocd-controller": "Argo CD",
    "argocd-application-controller": "Argo CD",
    "kustomize-controller": "Flux",
    "helm-controller": "Flux",
}


def metadata(document: Document) -> Document:
    """The metadata of an object."""
    found = document.get("metadata")
    return found if isinstance(found, dict) else {}


def labels(document: Document) -> dict[str, str]:
    """The labels of an object."""
    return dict(metadata(document).get("labels") or {})


def notes(document: Document) -> dict[str, str]:
    """The annotations of an object."""
    return dict(metadata(document).get("annotations") or {})


def gitops(document: Document) -> str:
    """Which GitOps controller keeps this object as a repository has it, with the name that it goes by; or nothing."""
    marks: list[tuple[str, str]] = [
        *((who, labels(document)[name]) for name, who in BY_LABEL.items() if name in labels(document)),
        *((who, notes(document)[name]) for name, who in BY_ANNOTATION.items() if name in notes(document)),
        *((BY_MANAGER[each["manager"]], "") for each in _lines(document) if each.get("manager") in BY_MANAGER),
    ]
    if not marks:
        return ""
    who, name = marks[0]
    return f"{who} ({name.partition(':')[0]})" if name else who


def refuse_foreign(document: Document, what: str) -> None:
    """Raises ToolError for an object that a GitOps controller or another object keeps as it is."""
    keeper = gitops(document)
    if keeper:
        raise ToolError(
            f"{what} is kept by {keeper}: a direct change would be undone by it, or hide from the repository; "
            "change the repository instead, by a commit or pull request, and sync"
        )
    for reference in metadata(document).get("ownerReferences") or []:
        if reference.get("controller"):
            raise ToolError(
                f"{what} is controlled by {reference.get('kind')} {reference.get('name')!r}, which would undo the "
                "change; change that instead"
            )


def refuse_applied(document: Document, paths: Sequence[Path], what: str) -> None:
    """Raises ToolError when somebody else has applied a field: he says what it is to be, and would say so again."""
    for line in _lines(document):
        if line.get("operation") != "Apply" or line.get("manager") == MANAGER:
            continue
        for path in paths:
            if _owns(line.get("fieldsV1") or {}, path):
                raise ToolError(
                    f"{what}: {shown(path)} is applied by field manager {line.get('manager')!r}; it is never taken by "
                    "force: change it there, or let that manager give the field up"
                )


def update_only(causes: Sequence[Document], document: Document) -> bool:
    """Whether a conflict is only with former one-time edits, which claim nothing; not with what somebody applies."""
    applying = {str(each.get("manager")) for each in _lines(document) if each.get("operation") == "Apply"} - {MANAGER}
    return bool(causes) and not any(
        f'"{manager}"' in str(each.get("message")) for each in causes for manager in applying
    )


def made_by_us(document: Document) -> bool:
    """Whether Steersman applied it: only then can an undo of its deletion bring it back whole."""
    return any(each.get("manager") == MANAGER and each.get("operation") == "Apply" for each in _lines(document))


def managers_of(document: Document, path: Path) -> tuple[tuple[str, str], ...]:
    """Managers of a field, with the sub-resource through which they wrote it."""
    return tuple(
        (str(each.get("manager")), str(each.get("subresource") or ""))
        for each in _lines(document)
        if _owns(each.get("fieldsV1") or {}, path)
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a path in FieldsV1."""

    text: str

    def step(self, here: Any) -> Any:
        """The value that it leads to."""
        if self.text.startswith("f:"):
            return here.get(self.text[2:]) if isinstance(here, dict) else None
        wanted = json.loads(self.text[2:])
        items = here if isinstance(here, list) else []
        if self.text.startswith("v:"):
            return wanted if wanted in items else None
        return next((each for each in items if all(each.get(k) == v for k, v in wanted.items())), None)


def applied_by_us(document: Document) -> Document:
    """What we applied last, with its present values: an apply that leaves something out would take it away."""
    line = next((e for e in _lines(document) if e.get("manager") == MANAGER and e.get("operation") == "Apply"), None)
    found = _extract(document, line.get("fieldsV1") or {}) if line and not line.get("subresource") else {}
    return found if isinstance(found, dict) else {}


def _extract(value: Any, fields: Document) -> Any:
    parts = {text: inner for text, inner in fields.items() if text != "."}
    if not parts:
        return value
    if any(text.startswith(("k:", "v:")) for text in parts):
        return [each for each in (_item(value, text, inner) for text, inner in parts.items()) if each is not None]
    found: Document = {}
    for text, inner in parts.items():
        below = _Part(text).step(value)
        if below is not None:
            found[text[2:]] = _extract(below, inner)
    return found


def _item(value: Any, text: str, inner: Document) -> Any:
    below = _Part(text).step(value)
    if below is None or text.startswith("v:"):
        return below
    rest = {name: each for name, each in inner.items() if name != "."}
    keys = json.loads(text[2:])
    return {**keys, **(_extract(below, rest) if rest else {})}


def _lines(document: Document) -> Iterator[Document]:
    for each in metadata(document).get("managedFields") or []:
        if isinstance(each, dict):
            yield each


def _owns(fields: Document, path: Path) -> bool:
    here: Any = fields
    for part in path:
        if not isinstance(here, dict):
            return False
        if here == {}:
            return True  # an atomic field above it
        here = here.get(f"f:{part}") if isinstance(part, str) else _keyed(here, part)
        if here is None:
            return False
    return True


def _keyed(fields: Document, key: Key) -> Any:
    for text, inner in fields.items():
        if text.startswith("k:") and json.loads(text[2:]).get(key[0]) == key[1]:
            return inner
    return None


def shown(path: Path) -> str:
    """`.spec.template.spec.containers[name="web"].image`."""
    return "".join(f".{part}" if isinstance(part, str) else f'[{part[0]}="{part[1]}"]' for part in path)
