"""Vulnerabilities as all scanners tell them, in one form. Pure."""

from __future__ import annotations

from typing import Literal

from steersman.domain.fact import Fact

Severity = Literal["critical", "high", "medium", "low", "unknown"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "unknown")

ECOSYSTEMS = {
    "python-pkg": "PyPI",
    "python": "PyPI",
    "pip": "PyPI",
    "pypi": "PyPI",
    "poetry": "PyPI",
    "uv": "PyPI",
    "node-pkg": "npm",
    "npm": "npm",
    "yarn": "npm",
    "pnpm": "npm",
    "gobinary": "Go",
    "gomod": "Go",
    "go-module": "Go",
    "golang": "Go",
    "jar": "Maven",
    "pom": "Maven",
    "java-archive": "Maven",
    "maven": "Maven",
    "gemspec": "RubyGems",
    "gem": "RubyGems",
    "bundler": "RubyGems",
    "rustbinary": "crates.io",
    "cargo": "crates.io",
    "rust-crate": "crates.io",
    "nuget": "NuGet",
    "dotnet": "NuGet",
    "composer": "Packagist",
    "php-composer": "Packagist",
    "debian": "Debian",
    "deb": "Debian",
    "ubuntu": "Ubuntu",
    "alpine": "Alpine",
    "apk": "Alpine",
    "wolfi": "Wolfi",
    "chainguard": "Chainguard",
    "redhat": "Red Hat",
    "centos": "Red Hat",
    "rocky": "Rocky Linux",
    "alma": "AlmaLinux",
    "amazon": "Amazon Linux",
    "oracle": "Oracle Linux",
    "rpm": "Red Hat",
}
"""Names of package types, as Trivy, Grype and package URLs say them, in the words of OSV."""


class Vulnerability(Fact):
    """One vulnerability of one installed package. Texts are untrusted."""

    id: str
    package: str
    installed: str = ""
    fixed: tuple[str, ...] = ()
    """Versions that no longer have it, one for each line of releases; empty: there is no fix."""
    severity: Severity = "unknown"
    ecosystem: str = ""
    aliases: tuple[str, ...] = ()


class Report(Fact):
    """What one scan found."""

    tool: str
    names: tuple[str, ...]
    """Names and digests of what was scanned."""
    findings: tuple[Vulnerability, ...]

    def count(self, severity: Severity) -> int:
        """Different vulnerabilities of a severity."""
        return len({each.id for each in self.findings if each.severity == severity})


class Component(Fact):
    """A package that an SBOM names."""

    ecosystem: str
    package: str
    version: str


def severity(text: object) -> Severity:
    """A severity by its word; `negligible` is low, what is not known is unknown."""
    word = str(text or "").lower()
    match word:
        case "critical" | "high" | "medium" | "low":
            return word
        case "moderate":
            return "medium"
        case "important":
            return "high"
        case "negligible":
            return "low"
        case _:
            return "unknown"


SCORES: tuple[tuple[float, Severity], ...] = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"))
"""Lower bounds of CVSS scores. Source: CVSS v3.1, section 5."""


def severity_of_score(score: float) -> Severity:
    """A severity by its CVSS score."""
    return next((word for bound, word in SCORES if score >= bound), "unknown")


def ecosystem(kind: str) -> str:
    """OSV's word for a type of package; the type itself when there is none."""
    return ECOSYSTEMS.get(kind.lower(), kind)


def worst_first(findings: list[Vulnerability]) -> tuple[Vulnerability, ...]:
    """Sorted by severity, then id; doubles are dropped."""
    unique = dict.fromkeys(findings)
    return tuple(sorted(unique, key=lambda each: (SEVERITIES.index(each.severity), each.id, each.package)))
