"""Where reports and advisories come from: folders, scanners of the machine, the OSV service."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import httpx

from steersman.domain.errors import ToolError, UnavailableError
from steersman.remote.exchange import Remote, Request
from steersman.remote.program import Program
from steersman.remote.shape import items, mapping, reading
from steersman.remote.text import one_line
from steersman.toolsets.scan.findings import Component, Report
from steersman.toolsets.scan.reports import components_of, report_of

Json = dict[str, Any]
MOST_FILES = 10_000
LARGEST_FILE = 64 * 2**20
MOST_PAGES = 20
NOT_FOUND = frozenset({httpx.codes.NOT_FOUND})


class Reports(Protocol):
    """Gives the newest report of an image."""

    async def of(self, image: str) -> Report:
        """Raises UnavailableError when there is none: no report is not a clean one."""
        ...

    async def check(self) -> None:
        """Raises what `of` would raise when nothing can be had at all."""
        ...


class Advisories(Protocol):
    """Gives what is known of a package."""

    async def of(self, ecosystem: str, package: str, *, version: str) -> tuple[Json, ...]:
        """Advisories of OSV that may affect it."""
        ...

    async def named(self, advisory: str) -> Json | None:
        """One advisory by its id."""
        ...


@dataclass(frozen=True, slots=True)
class ReportFolder:
    """Reports that CI has left: JSON and SARIF files, the newest first."""

    root: Path

    async def check(self) -> None:
        """Raises UnavailableError when there is no such folder."""
        if not self.root.is_dir():
            raise UnavailableError(f"there is no folder {str(self.root)!r}; look at `reports`")

    async def of(self, image: str) -> Report:
        """The newest report that names the image."""
        await self.check()
        found = await asyncio.to_thread(self._find, image)
        if found is None:
            raise UnavailableError(f"no report of {image!r} is in {str(self.root)!r}: have it scanned first")
        return found

    async def components(self, image: str) -> tuple[Component, ...]:
        """Packages that the newest SBOM of the image names."""
        await self.check()
        return await asyncio.to_thread(self._bill, image)

    def _find(self, image: str) -> Report | None:
        for document in _documents(self.root):
            report = report_of(document)
            if report is not None and any(_is(name, image) for name in report.names):
                return report
        return None

    def _bill(self, image: str) -> tuple[Component, ...]:
        for document in _documents(self.root):
            about = mapping(mapping(document.get("metadata")).get("component")) if "bomFormat" in document else document
            found = components_of(document)
            if found and _is(str(about.get("name", "")), image):
                return found
        raise UnavailableError(f"no SBOM of {image!r} is in {str(self.root)!r}")


@dataclass(frozen=True, slots=True)
class Scanner:
    """Trivy or Grype, run for each question."""

    kind: Literal["trivy", "grype"]
    program: str
    server: str = ""
    """A Trivy server that has the database."""
    timeout_s: float = 600.0

    async def check(self) -> None:
        """Raises UnavailableError when the program is not there."""
        Program.found(self.program)

    async def of(self, image: str) -> Report:
        """Scans it now."""
        done = await Program.found(self.program, timeout_s=self.timeout_s).run(self.arguments(image))
        if done.code != 0:
            raise ToolError(f"{self.kind} could not scan {image!r}: {one_line(done.err)}")
        with reading(self.kind, "report"):
            report = report_of(mapping(json.loads(done.out)))
        if report is None:
            raise ToolError(f"{self.kind} answered with something that is no report of its own")
        return report

    def arguments(self, image: str) -> list[str]:
        """Of the command line; an image never begins like an option."""
        if self.kind == "grype":
            return [image, "--output", "json", "--quiet"]
        server = ["--server", self.server] if self.server else []
        return ["image", "--format", "json", "--quiet", "--scanners", "vuln", *server, image]


@dataclass(frozen=True, slots=True)
class OsvService:
    """api.osv.dev, or what speaks its API."""

    remote: Remote

    async def of(self, ecosystem: str, package: str, *, version: str) -> tuple[Json, ...]:
        """`POST /v1/query`, all pages."""
        found: list[Json] = []
        token = ""
        for _ in range(MOST_PAGES):
            body: Json = {"version": version, "package": {"ecosystem": ecosystem, "name": package}}
            if token:
                body["page_token"] = token
            document = await self.remote.json(Request("POST", "/v1/query", body=body))
            with reading(self.remote.name, "query"):
                found += items(mapping(document).get("vulns"))
                token = str(mapping(document).get("next_page_token") or "")
            if not token:
                return tuple(found)
        raise ToolError(f"{self.remote.name}: too many advisories of {package!r}")

    async def named(self, advisory: str) -> Json | None:
        """`GET /v1/vulns/{id}`."""
        request = Request("GET", f"/v1/vulns/{advisory}")
        answer = await self.remote.ask(request, accept=NOT_FOUND)
        if answer.status == httpx.codes.NOT_FOUND:
            return None
        with reading(self.remote.name, "vulns"):
            return mapping(self.remote.decoded(request, answer))


@dataclass(frozen=True, slots=True)
class OsvFolder:
    """Advisories as files, as OSV's own exports hold them."""

    root: Path

    async def of(self, ecosystem: str, package: str, *, version: str) -> tuple[Json, ...]:  # noqa: ARG002  # the caller compares versions
        """Those that name the package."""
        return await asyncio.to_thread(self._naming, ecosystem, package)

    async def named(self, advisory: str) -> Json | None:
        """The file of that name, or the advisory that has it as an alias."""

        def find() -> Json | None:
            own = [each for each in _documents(self.root) if advisory in (each.get("id"), *(each.get("aliases") or ()))]
            return next((each for each in own if each.get("id") == advisory), own[0] if own else None)

        return await asyncio.to_thread(find)

    def _naming(self, ecosystem: str, package: str) -> tuple[Json, ...]:
        def names(document: Json) -> bool:
            with reading("osv", str(document.get("id"))):
                named = [mapping(each.get("package")) for each in items(document.get("affected"))]
            known = {
                (str(each.get("ecosystem", "")).partition(":")[0], str(each.get("name")).lower()) for each in named
            }
            return (ecosystem.partition(":")[0], package.lower()) in known

        return tuple(document for document in _documents(self.root) if names(document))


def _documents(root: Path) -> Iterator[Json]:
    """Objects in the files of a folder, the newest file first. What is no JSON object is passed over."""
    files = [path for path in root.rglob("*") if path.suffix in (".json", ".sarif") and path.is_file()]
    if len(files) > MOST_FILES:
        raise ToolError(f"{str(root)!r} holds more than {MOST_FILES} files; keep one folder for each repository")
    for path in sorted(files, key=lambda each: (each.stat().st_mtime_ns, str(each)), reverse=True):
        if path.stat().st_size > LARGEST_FILE:
            continue
        try:
            document = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            continue
        if isinstance(document, dict):
            yield document


def _is(name: str, image: str) -> bool:
    """The same name, or the same digest behind whatever name."""
    if name == image:
        return True
    mine, theirs = name.partition("@")[2] or name, image.partition("@")[2]
    return bool(theirs) and mine == theirs
