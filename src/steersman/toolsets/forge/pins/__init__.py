"""Which version of an image or package a file uses, and the smallest edit that makes it another. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from steersman.domain.errors import ToolError
from steersman.toolsets.forge.pins.images import in_dockerfile, in_manifest
from steersman.toolsets.forge.pins.packages import in_npm, in_pyproject, in_requirements
from steersman.toolsets.forge.pins.span import Span, image_name, one_value, replaced

__all__ = ["image_name", "pinned", "repinned"]

_FINDERS: Mapping[str, Callable[[str, str], list[Span]]] = {
    "dockerfile": in_dockerfile,
    "manifest": in_manifest,
    "requirements": in_requirements,
    "pyproject": in_pyproject,
    "npm": in_npm,
}


def pinned(kind: str, text: str, package: str) -> str | None:
    """The version that a file uses; None when it does not name the package. Raises ToolError when there are several."""
    spans = _FINDERS[kind](text, package)
    return one_value(spans, package) if spans else None


def repinned(kind: str, text: str, package: str, value: str) -> str:
    """The text with another version, and nothing else changed.

    Raises ToolError when the file does not name the package, or would not say the new version afterwards.
    """
    spans = _FINDERS[kind](text, package)
    if not spans:
        raise ToolError(f"the file names no {package!r}; look at kind and package")
    one_value(spans, package)
    edited = replaced(text, spans, value)
    if pinned(kind, edited, package) != value or len(_FINDERS[kind](edited, package)) != len(spans):
        raise ToolError(f"{value!r} is no version of {package!r} that this file can hold")
    return edited
