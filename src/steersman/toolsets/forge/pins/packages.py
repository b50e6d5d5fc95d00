"""Versions of packages in requirements.txt, pyproject.toml and package.json."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from steersman.domain.errors import ToolError
from steersman.toolsets.forge.pins.span import Span

_LINE = re.compile(r"^[ \t]*(?P<requirement>[A-Za-z0-9][^#\n;]*?)[ \t]*(?:;[^#\n]*)?(?:[ \t]#[^\n]*)?$", re.MULTILINE)
_HEAD = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)[ \t]*(?:\[[^\]]*\])?[ \t]*")
_LITERAL = re.compile(r"""\"[^\"\n\\]*\"|'[^'\n]*'""")
_NPM = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "overrides")


def in_requirements(text: str, package: str) -> list[Span]:
    """Where requirements name a package. Raises ToolError where hashes pin it: other bytes need other hashes."""
    joined = [line for line in text.splitlines() if "--hash=" in line]
    found: list[Span] = []
    for match in _LINE.finditer(text):
        written = match["requirement"]
        plain, hashed, _ = written.partition("--hash=")
        span = _span(plain.rstrip(" \\\t"), match.start("requirement"), package)
        if span is None:
            continue
        if hashed or (joined and match[0].rstrip().endswith("\\")):
            raise ToolError(f"{package!r} is pinned by hashes; make the file again with the tool that made it")
        found.append(span)
    return found


def in_pyproject(text: str, package: str) -> list[Span]:
    """Where a pyproject.toml names a package: PEP 621 and 735 lists, and Poetry's tables."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        raise ToolError(f"the file is no TOML: {e}") from e
    wanted = {written for written in _listed(document) if _is(written, package)}
    found: list[Span] = []
    for literal in _LITERAL.finditer(text):
        if (written := literal[0][1:-1]) in wanted:
            span = _span(written.split(";")[0].rstrip(), literal.start() + 1, package)
            found += [span] if span else []
    return found or _poetry(text, document, package)


def in_npm(text: str, package: str) -> list[Span]:
    """Where a package.json names a package."""
    try:
        document = json.loads(text)
    except ValueError as e:
        raise ToolError(f"the file is no JSON: {e}") from e
    tables = [document.get(name) for name in _NPM] if isinstance(document, dict) else []
    versions = {table[package] for table in tables if isinstance(table, dict) and isinstance(table.get(package), str)}
    entry = re.compile(rf'"{re.escape(package)}"\s*:\s*"(?P<version>[^"\\]*)"')
    return [
        Span(match.start("version"), match.end("version"), match["version"])
        for match in entry.finditer(text)
        if match["version"] in versions
    ]


def _span(written: str, start: int, package: str) -> Span | None:
    """The specifier of one requirement, which may be empty."""
    head = _HEAD.match(written)
    if head is None or not _is(written, package) or "@" in written:
        return None
    value = written[head.end() :]
    if value.startswith("(") and value.endswith(")"):
        return Span(start + head.end() + 1, start + len(written) - 1, value[1:-1])
    return Span(start + head.end(), start + len(written), value)


def _is(written: str, package: str) -> bool:
    try:
        return canonicalize_name(Requirement(written).name) == canonicalize_name(package)
    except InvalidRequirement:
        return False


def _listed(document: dict[str, Any]) -> Iterator[str]:
    project = document.get("project", {})
    tables = [project.get("optional-dependencies", {}), document.get("dependency-groups", {})]
    lists = [project.get("dependencies", []), document.get("build-system", {}).get("requires", [])]
    lists += [each for table in tables if isinstance(table, dict) for each in table.values()]
    for each in lists:
        yield from (item for item in each if isinstance(item, str)) if isinstance(each, list) else ()


def _poetry(text: str, document: dict[str, Any], package: str) -> list[Span]:
    poetry = document.get("tool", {}).get("poetry", {})
    groups = [group.get("dependencies", {}) for group in poetry.get("group", {}).values()]
    names = [name for table in (poetry.get("dependencies", {}), *groups) for name in table]
    found: list[Span] = []
    for name in {name for name in names if canonicalize_name(name) == canonicalize_name(package)}:
        entry = re.compile(
            rf'^[ \t]*"?{re.escape(name)}"?[ \t]*=[ \t]*(?:\{{[^}}\n]*?version[ \t]*=[ \t]*)?"(?P<version>[^"\\\n]*)"',
            re.MULTILINE,
        )
        found += [Span(m.start("version"), m.end("version"), m["version"]) for m in entry.finditer(text)]
    return found
