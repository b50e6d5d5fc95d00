"""A request, and which resource it is about."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import yaml

from steersman.testing.kubernetes.kinds import Kind
from steersman.testing.kubernetes.status import Document, bad_request, no_resource, page_not_found

JSON, YAML = "application/json", "application/yaml"
JSON_PATCH, MERGE = "application/json-patch+json", "application/merge-patch+json"
STRATEGIC, APPLY = "application/strategic-merge-patch+json", "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class Ask:
    """One HTTP request."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    """Lower-case names."""
    body: bytes = b""

    @property
    def media_type(self) -> str:
        """The content type without parameters."""
        return self.headers.get("content-type", JSON).partition(";")[0].strip()

    @property
    def manager(self) -> str:
        """The field manager: named, or the first word of the user agent."""
        return self.query.get("fieldManager") or self.headers.get("user-agent", "unknown").partition("/")[0]

    @property
    def rehearses(self) -> bool:
        """Whether it is a server-side dry run. Raises Refused 422-like 400 for another value than All."""
        value = self.query.get("dryRun", "")
        if value not in ("", "All"):
            raise bad_request(
                f'Invalid value: "{value}": dryRun: Unsupported value: "{value}": supported values: "All"'
            )
        return value == "All"

    def flag(self, name: str) -> bool:
        """A boolean of the query."""
        return self.query.get(name, "").lower() in ("true", "1", "t")

    def document(self, kind: str) -> Document:
        """The body as an object. Raises Refused 400 for one that cannot be read."""
        try:
            found: Any = yaml.safe_load(self.body) if "yaml" in self.media_type else json.loads(self.body)
        except (ValueError, yaml.YAMLError) as e:
            text = self.body.decode(errors="replace")
            raise bad_request(
                f"the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; "
                f"json parse error: {_go(str(e))} ({text})"
            ) from e
        if not isinstance(found, dict):
            raise bad_request(f"the object provided is unrecognized (must be of type {kind})")
        return found

    def value(self) -> Any:
        """The body as JSON. Raises Refused 400."""
        try:
            return json.loads(self.body)
        except ValueError as e:
            raise bad_request(f"error decoding patch: {e}") from e


@dataclass(frozen=True, slots=True)
class Target:
    """What a path points at."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def target(path: str, kinds: tuple[Kind, ...]) -> Target:
    """The resource behind a path. Raises Refused 404: text for an unknown group, Status for an unknown resource."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"]:
        group, version, rest = "", (parts[1] if len(parts) > 1 else ""), parts[2:]
    elif parts[:1] == ["apis"] and len(parts) > 2:  # noqa: PLR2004  # apis/GROUP/VERSION
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        raise page_not_found()
    if not any(kind.group == group for kind in kinds):
        raise page_not_found()
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) > 2 and rest[2] not in ("status", "finalize"):  # noqa: PLR2004
        namespace, rest = rest[1], rest[2:]
    return _target(group, version, namespace=namespace, rest=rest, kinds=kinds)


def _target(group: str, version: str, *, namespace: str, rest: list[str], kinds: tuple[Kind, ...]) -> Target:
    plural = rest[0] if rest else ""
    kind = next((k for k in kinds if (k.group, k.version, k.plural) == (group, version, plural)), None)
    if kind is None or (bool(namespace) and not kind.namespaced):
        raise no_resource()
    name, subresource = (rest[1:2] or [""])[0], "/".join(rest[2:])
    if subresource and subresource not in kind.subresources:
        raise no_resource()
    return Target(kind, namespace, name, subresource)


def _go(message: str) -> str:
    cut_off = "Expecting" in message or "Unterminated" in message
    return "unexpected end of JSON input" if cut_off else message
