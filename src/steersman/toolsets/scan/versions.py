"""Order of versions as each ecosystem has it, and the smallest version that is patched. Pure; order by `univers`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

from steersman.domain.errors import ConfigError, ToolError
from steersman.toolsets.scan.findings import Vulnerability

_KINDS = {
    "PyPI": "PypiVersion",
    "npm": "SemverVersion",
    "crates.io": "SemverVersion",
    "Go": "GolangVersion",
    "Maven": "MavenVersion",
    "RubyGems": "RubygemsVersion",
    "NuGet": "NugetVersion",
    "Packagist": "ComposerVersion",
    "Debian": "DebianVersion",
    "Ubuntu": "DebianVersion",
    "Alpine": "AlpineLinuxVersion",
    "Wolfi": "AlpineLinuxVersion",
    "Chainguard": "AlpineLinuxVersion",
    "Red Hat": "RpmVersion",
    "Rocky Linux": "RpmVersion",
    "AlmaLinux": "RpmVersion",
    "Amazon Linux": "RpmVersion",
    "Oracle Linux": "RpmVersion",
}


def version(ecosystem: str, text: str) -> Any:
    """A version that compares as its ecosystem orders. Raises ToolError for what is none there."""
    kind = _kind(ecosystem.partition(":")[0])
    try:
        return kind(text.removeprefix("v") if ecosystem in ("npm", "Go", "crates.io") else text)
    except ValueError as e:
        raise ToolError(f"{text!r} is no version of {ecosystem!r}") from e


def patched(installed: str, findings: Sequence[Vulnerability], *, ecosystem: str) -> str | None:
    """The smallest version above the installed one in which all of these are fixed; None when there is none.

    A finding may name a fix for each line of releases: 1.2.5 and 1.3.2. Version 1.3.0 lies above the first and is not
    fixed by it, so a version counts as fixed in its own line, or from the highest fix on.
    """
    here = version(ecosystem, installed)
    fixes = [tuple(sorted(version(ecosystem, text) for text in each.fixed)) for each in findings]
    if not fixes or not all(fixes):
        return None
    candidates = sorted({one for each in fixes for one in each if one > here})
    good = next((one for one in candidates if all(_fixed(one, each) for each in fixes)), None)
    return None if good is None else next(t for each in findings for t in each.fixed if version(ecosystem, t) == good)


def highest(ecosystem: str, texts: Iterable[str]) -> str | None:
    """The highest of some versions; None for none."""
    return max(texts, key=lambda text: version(ecosystem, text), default=None)


def _fixed(one: Any, fixes: tuple[Any, ...]) -> bool:
    below = [fix for fix in fixes if fix <= one]
    return bool(below) and (below[-1] == fixes[-1] or _line(below[-1]) == _line(one))


def _line(found: Any) -> tuple[str, ...]:
    return tuple(str(found.string).split(".")[:2])


@cache
def _kind(ecosystem: str) -> Callable[[str], Any]:
    try:
        from univers import versions
    except ImportError as e:
        raise ConfigError("versions cannot be compared: pip install 'steersman[delivery]'") from e
    if ecosystem not in _KINDS:
        raise ToolError(f"the order of versions of {ecosystem!r} is not known; known are {', '.join(sorted(_KINDS))}")
    found: Callable[[str], Any] = getattr(versions, _KINDS[ecosystem])
    return found
