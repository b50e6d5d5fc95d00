"""Scanning as a toolset: reads only; what it says decides whether others may write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steersman.domain.environment import Environment
from steersman.domain.errors import ToolError, UnavailableError
from steersman.domain.ports import Binding
from steersman.domain.typed import bind, read_operation
from steersman.remote.shape import items, mapping, reading, texts
from steersman.remote.text import one_line
from steersman.toolsets.scan import facts
from steersman.toolsets.scan.findings import Report, Vulnerability, worst_first
from steersman.toolsets.scan.osv import affecting
from steersman.toolsets.scan.sources import Advisories, ReportFolder, Reports
from steersman.toolsets.scan.versions import patched

NAME = "scan"
SHOWN = 200

IMAGE = read_operation(
    "scan.image", "Shows known vulnerabilities of an image", takes=facts.OfImage, gives=facts.Found, timeout_s=900
)
PATCH = read_operation(
    "scan.patch",
    "Finds the smallest version of a package of an image in which its vulnerabilities are fixed",
    takes=facts.OfPackage,
    gives=facts.Patch,
    timeout_s=900,
)
COMPONENTS = read_operation(
    "scan.components", "Lists the packages that an image's SBOM names", takes=facts.Limited, gives=facts.Components
)
PACKAGE = read_operation(
    "scan.package",
    "Shows known vulnerabilities of a version of a package",
    takes=facts.PackageVersion,
    gives=facts.PackageFound,
)
ADVISORY = read_operation("scan.advisory", "Shows an advisory", takes=facts.OfAdvisory, gives=facts.Advisory)
OPERATIONS = (IMAGE, PATCH, COMPONENTS, PACKAGE, ADVISORY)


@dataclass(frozen=True, slots=True)
class ScanToolset:
    """Reports of images, and advisories of packages."""

    reports: Reports
    advisories: Advisories
    where: Environment
    name: str = NAME

    async def environment(self) -> Environment:
        """Where it is. Raises UnavailableError when no report can be had."""
        await self.reports.check()
        return self.where

    async def image(self, ask: facts.OfImage) -> facts.Found:
        """What the newest report says. Raises UnavailableError without one: no report is not a clean one."""
        return _found(await self.reports.of(ask.image))

    async def patch(self, ask: facts.OfPackage) -> facts.Patch:
        """The smallest patched version. Raises ToolError when the package is clean, or nothing fixes it."""
        report = await self.reports.of(ask.image)
        found = [each for each in report.findings if each.package == ask.package]
        if not found:
            raise ToolError(f"the report of {ask.image!r} has nothing about {ask.package!r}: there is nothing to patch")
        fixable = [each for each in found if each.fixed]
        first = found[0]
        version = patched(first.installed, fixable, ecosystem=first.ecosystem) if fixable else None
        if version is None:
            raise ToolError(
                f"no version of {ask.package!r} is known that fixes {_ids(found)}; block the way in instead"
            )
        return facts.Patch(
            package=ask.package,
            ecosystem=first.ecosystem,
            installed=first.installed,
            version=version,
            specifier=f"=={version}" if first.ecosystem == "PyPI" else version,
            fixes=_ids(fixable),
            unfixed=_ids([each for each in found if not each.fixed]),
        )

    async def components(self, ask: facts.Limited) -> facts.Components:
        """What the SBOM says."""
        if not isinstance(self.reports, ReportFolder):
            raise UnavailableError("SBOMs are read out of a folder; configure `reports`")
        found = await self.reports.components(ask.image)
        return facts.Components(components=found[: ask.limit], left_out=max(len(found) - ask.limit, 0))

    async def package(self, ask: facts.PackageVersion) -> facts.PackageFound:
        """What OSV knows, compared by the ecosystem's own order of versions."""
        known = await self.advisories.of(ask.ecosystem, ask.package, version=ask.version)
        each = [affecting(a, ecosystem=ask.ecosystem, package=ask.package, installed=ask.version) for a in known]
        found = worst_first([one for one in each if one is not None])
        better = patched(ask.version, found, ecosystem=ask.ecosystem) if found else None
        return facts.PackageFound(
            vulnerable=bool(found),
            findings=found[:SHOWN],
            worst=found[0].severity if found else "unknown",
            patched=better or "",
        )

    async def advisory(self, ask: facts.OfAdvisory) -> facts.Advisory:
        """What OSV says of an id."""
        found = await self.advisories.named(ask.id)
        if found is None:
            return facts.Advisory(exists=False)
        with reading(NAME, ask.id):
            named = [mapping(each.get("package")) for each in items(found.get("affected"))]
            packages = (f"{each.get('ecosystem')}/{each.get('name')}" for each in named if each)
            return facts.Advisory(
                exists=True,
                id=one_line(str(found["id"])),
                aliases=tuple(map(one_line, texts(found.get("aliases")))),
                excerpt=one_line(str(found.get("summary") or found.get("details") or "")),
                packages=tuple(dict.fromkeys(map(one_line, packages))),
            )

    def bindings(self) -> Sequence[Binding]:
        """All of its operations. Does no I/O."""
        return (
            bind(IMAGE, facts.OfImage, self.image),
            bind(PATCH, facts.OfPackage, self.patch),
            bind(COMPONENTS, facts.Limited, self.components),
            bind(PACKAGE, facts.PackageVersion, self.package),
            bind(ADVISORY, facts.OfAdvisory, self.advisory),
        )


def _found(report: Report) -> facts.Found:
    return facts.Found(
        tool=report.tool,
        critical=report.count("critical"),
        high=report.count("high"),
        medium=report.count("medium"),
        low=report.count("low"),
        unknown=report.count("unknown"),
        cves=_ids(report.findings)[:SHOWN],
        fixable=sum(bool(each.fixed) for each in report.findings),
        findings=report.findings[:SHOWN],
        left_out=max(len(report.findings) - SHOWN, 0),
    )


def _ids(found: Sequence[Vulnerability]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.id for each in found))
