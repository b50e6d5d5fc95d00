"""Advisories in the format of OSV, and whether a version is affected. Pure. Source: ossf.github.io/osv-schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from steersman.remote.shape import items, mapping, reading, texts
from steersman.remote.text import one_line
from steersman.toolsets.scan.findings import Severity, Vulnerability, severity
from steersman.toolsets.scan.versions import version

Json = dict[str, Any]


def affecting(advisory: Json, *, ecosystem: str, package: str, installed: str) -> Vulnerability | None:
    """The advisory as a finding when it affects this version of the package; None otherwise."""
    with reading("osv", str(advisory.get("id", ""))):
        if advisory.get("withdrawn"):
            return None
        parts = [each for each in items(advisory.get("affected")) if _is(each, ecosystem, package)]
        if not any(_hits(each, ecosystem, installed) for each in parts):
            return None
        fixed = tuple(dict.fromkeys(fix for each in parts for fix in _fixes(each)))
        return Vulnerability(
            id=one_line(str(advisory["id"])),
            package=package,
            installed=installed,
            fixed=fixed,
            severity=_severity(advisory),
            ecosystem=ecosystem,
            aliases=tuple(map(one_line, texts(advisory.get("aliases")))),
        )


def _is(affected: Json, ecosystem: str, package: str) -> bool:
    named = mapping(affected.get("package"))
    kind = str(named.get("ecosystem", ""))
    same = kind == ecosystem or kind.partition(":")[0] == ecosystem
    return same and _plain(ecosystem, str(named.get("name", ""))) == _plain(ecosystem, package)


def _plain(ecosystem: str, name: str) -> str:
    """PyPI does not tell `Foo_Bar` from `foo-bar`. Source: PEP 503."""
    return name.lower().replace("_", "-").replace(".", "-") if ecosystem == "PyPI" else name


def _hits(affected: Json, ecosystem: str, installed: str) -> bool:
    if installed in texts(affected.get("versions")):
        return True
    return any(
        _in_range(items(each.get("events")), ecosystem, installed)
        for each in items(affected.get("ranges"))
        if each.get("type") in ("SEMVER", "ECOSYSTEM")
    )


def _in_range(events: list[Json], ecosystem: str, installed: str) -> bool:
    here, inside = version(ecosystem, installed), False
    for kind, text in _sorted(events, ecosystem):
        start = text == "0" or here >= version(ecosystem, text)
        if kind == "introduced":
            inside = inside or start
        elif kind == "fixed":
            inside = inside and not start
        elif kind == "last_affected":
            inside = inside and not here > version(ecosystem, text)
    return inside


def _sorted(events: list[Json], ecosystem: str) -> list[tuple[str, str]]:
    flat = [(kind, str(text)) for event in events for kind, text in event.items()]
    begun = [each for each in flat if each[1] == "0"]
    return begun + sorted((each for each in flat if each[1] != "0"), key=lambda each: version(ecosystem, each[1]))


def _fixes(affected: Json) -> Iterator[str]:
    for each in items(affected.get("ranges")):
        if each.get("type") in ("SEMVER", "ECOSYSTEM"):
            yield from (one_line(str(event["fixed"])) for event in items(each.get("events")) if "fixed" in event)


def _severity(advisory: Json) -> Severity:
    """By the word of the database; a CVSS vector alone is not computed here."""
    own = mapping(advisory.get("database_specific")).get("severity")
    if own is not None and not isinstance(own, (dict, list)):
        return severity(own)
    for each in items(advisory.get("affected")):
        word = mapping(each.get("ecosystem_specific")).get("severity")
        if isinstance(word, str) and severity(word) != "unknown":
            return severity(word)
    return "unknown"
