"""Reports of scanners, and advisories."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from steersman.app.section import Section, ServerSettings
from steersman.app.systems.opened import Opened, Opening

if TYPE_CHECKING:
    from steersman.domain.environment import Environment
    from steersman.toolsets.scan.sources import Advisories, Reports


class OsvSettings(ServerSettings):
    """The service that knows advisories."""

    url: str = "https://api.osv.dev"
    """api.osv.dev, or what speaks its API."""


class ScanSettings(Section):
    """What is known of vulnerabilities."""

    kind: Literal["reports", "trivy", "grype"] = "reports"
    """`reports` reads a folder that CI fills; `trivy` and `grype` are run for each question."""
    reports: Path | None = None
    """For `reports`: a folder of reports (Trivy and Grype in JSON, SARIF, CycloneDX) and SBOMs."""
    program: str = ""
    """Path or name of the scanner; empty: its kind."""
    server: str = ""
    """A Trivy server that holds the database."""
    timeout_s: float = Field(default=600.0, gt=0, le=3_600)
    """Seconds that a scan may take."""
    advisories: Path | None = None
    """A folder of advisories in OSV's format; empty: the service is asked."""
    osv: OsvSettings = OsvSettings()
    """The service, where `advisories` is empty."""

    @model_validator(mode="after")
    def _placed(self) -> ScanSettings:
        if (self.kind == "reports") != (self.reports is not None):
            raise ValueError("kind reports, and no other, wants `reports`, a folder")
        return self


@asynccontextmanager
async def opened(settings: ScanSettings, opening: Opening) -> AsyncIterator[Opened]:
    """Open to be asked; nothing is read yet."""
    from steersman.remote.endpoint import open_client
    from steersman.remote.exchange import Remote
    from steersman.toolsets.scan import OsvFolder, OsvService, ScanToolset

    reports, where = _reports(settings, opening)
    endpoint = settings.osv.endpoint()
    async with open_client(endpoint) as http:
        advisories: Advisories = OsvService(Remote.at("osv", http, endpoint))
        if settings.advisories is not None:
            advisories = OsvFolder(settings.advisories.expanduser().resolve())
        yield Opened(ScanToolset(reports, advisories, where), where)


def _reports(settings: ScanSettings, opening: Opening) -> tuple[Reports, Environment]:
    from steersman.remote.endpoint import local_identity
    from steersman.toolsets.scan import ReportFolder, Scanner

    if settings.reports is not None:
        root = settings.reports.expanduser().resolve()
        return ReportFolder(root), local_identity("scan", opening.name, opening.tier, place=root)
    kind: Literal["trivy", "grype"] = "grype" if settings.kind == "grype" else "trivy"
    program = settings.program or kind
    where = local_identity("scan", opening.name, opening.tier, place=Path("/") / kind / program.lstrip("/"))
    return Scanner(kind, program, settings.server, settings.timeout_s), where
