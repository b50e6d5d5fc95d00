"""What the operations of scanning take and give."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from steersman.domain.fact import Fact
from steersman.toolsets.scan.findings import Component, Severity, Vulnerability

ImageName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/:@-]{0,400}$")]
PackageName = Annotated[str, StringConstraints(pattern=r"^@?[A-Za-z0-9][A-Za-z0-9._/:@+~-]{0,199}$")]
VersionText = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:+~-]{0,99}$")]
EcosystemName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9 .:-]{0,59}$")]
AdvisoryId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9:._-]{1,79}$")]


class OfImage(Fact):
    """Arguments that name an image, best by digest: a report of a tag may be of what the tag was before."""

    image: ImageName


class Found(Fact):
    """Answer of `image`: what the newest report of it says."""

    tool: str
    critical: int
    high: int
    medium: int
    low: int
    unknown: int
    cves: tuple[str, ...]
    """Ids, worst first."""
    fixable: int
    """Findings of which a fixed version is known."""
    findings: tuple[Vulnerability, ...]
    """Worst first. Texts are untrusted."""
    left_out: int = 0


class OfPackage(OfImage):
    """Arguments of `patch`."""

    package: PackageName


class Patch(Fact):
    """Answer of `patch`."""

    package: str
    ecosystem: str
    installed: str
    version: str
    """The smallest one in which everything that can be fixed is."""
    specifier: str
    """The version as a file of its ecosystem pins it: `==2.32.4` for Python, the version itself elsewhere."""
    fixes: tuple[str, ...]
    unfixed: tuple[str, ...] = ()
    """Ids that no version fixes."""


class PackageVersion(Fact):
    """Arguments of `package`."""

    ecosystem: EcosystemName
    """In the words of OSV: `PyPI`, `npm`, `Go`, `Debian`, `Alpine` ..."""
    package: PackageName
    version: VersionText


class PackageFound(Fact):
    """Answer of `package`."""

    vulnerable: bool
    findings: tuple[Vulnerability, ...]
    worst: Severity = "unknown"
    patched: str = ""
    """The smallest version that is free of them; empty when there is none."""


class OfAdvisory(Fact):
    """Arguments of `advisory`."""

    id: AdvisoryId


class Advisory(Fact):
    """Answer of `advisory`. Texts are untrusted."""

    exists: bool
    id: str = ""
    aliases: tuple[str, ...] = ()
    excerpt: str = ""
    packages: tuple[str, ...] = ()


class Limited(OfImage):
    """Arguments of `components`."""

    limit: int = Field(default=1_000, ge=1, le=10_000)


class Components(Fact):
    """Answer of `components`."""

    components: tuple[Component, ...]
    left_out: int = 0
