"""What there is: groups, versions, resources, the version of the server, its health."""

from __future__ import annotations

from steersman.testing.kubernetes.kinds import VERBS, Kind
from steersman.testing.kubernetes.status import Document, Reply, no_resource, page_not_found

VERSION = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.2",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2026-08-21T00:00:00Z",
    "goVersion": "go1.27.3",
    "compiler": "gc",
    "platform": "linux/amd64",
}
HEALTH = ("/healthz", "/livez", "/readyz")


def discovered(path: str, kinds: tuple[Kind, ...]) -> Reply | None:
    """The answer to a question about the API itself; None for any other path."""
    path = path.rstrip("/")
    if path == "/version":
        return Reply(200, dict(VERSION))
    if path in HEALTH:
        return Reply(200, text="ok")
    if path == "/api":
        return Reply(200, {"kind": "APIVersions", "versions": ["v1"]})
    if path == "/apis":
        return Reply(200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": _groups(kinds)})
    parts = path.split("/")[1:]
    if parts == ["api", "v1"]:
        return Reply(200, _resources("", "v1", kinds))
    if parts[:1] == ["apis"] and len(parts) == 2:  # noqa: PLR2004  # apis/GROUP
        found = next((each for each in _groups(kinds) if each["name"] == parts[1]), None)
        if found is None:
            raise page_not_found()
        return Reply(200, {"kind": "APIGroup", "apiVersion": "v1", **found})
    if parts[:1] == ["apis"] and len(parts) == 3:  # noqa: PLR2004  # apis/GROUP/VERSION
        return Reply(200, _version(parts[1], parts[2], kinds))
    return None


def _version(group: str, version: str, kinds: tuple[Kind, ...]) -> Document:
    if not any(kind.group == group for kind in kinds):
        raise page_not_found()
    if not any((kind.group, kind.version) == (group, version) for kind in kinds):
        raise no_resource()
    return _resources(group, version, kinds)


def _groups(kinds: tuple[Kind, ...]) -> list[Document]:
    found = []
    for group in dict.fromkeys(kind.group for kind in kinds if kind.group):
        versions = [
            {"groupVersion": f"{group}/{version}", "version": version}
            for version in dict.fromkeys(kind.version for kind in kinds if kind.group == group)
        ]
        found.append({"name": group, "versions": versions, "preferredVersion": versions[0]})
    return found


def _resources(group: str, version: str, kinds: tuple[Kind, ...]) -> Document:
    listed: list[Document] = []
    for kind in kinds:
        if (kind.group, kind.version) != (group, version):
            continue
        line: Document = {
            "name": kind.plural,
            "singularName": kind.kind.lower(),
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": list(VERBS),
        }
        listed.append({**line, "shortNames": list(kind.short)} if kind.short else line)
        listed += [_subresource(kind, name) for name in kind.subresources]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{group}/{version}" if group else version,
        "resources": listed,
    }


def _subresource(kind: Kind, name: str) -> Document:
    found: Document = {"name": f"{kind.plural}/{name}", "singularName": "", "namespaced": kind.namespaced}
    match name:
        case "scale":
            other: Document = {"group": "autoscaling", "version": "v1", "kind": "Scale"}
            return {**found, **other, "verbs": ["get", "patch", "update"]}
        case "eviction":
            return {**found, "group": "policy", "version": "v1", "kind": "Eviction", "verbs": ["create"]}
        case "log":
            return {**found, "kind": kind.kind, "verbs": ["get"]}
        case _:
            return {**found, "kind": kind.kind, "verbs": ["get", "patch", "update"]}
