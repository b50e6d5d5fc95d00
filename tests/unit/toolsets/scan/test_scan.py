"""Reports read, versions ordered, patches chosen; no report is never a clean one."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.toolsets.calling import call_on
from tests.unit.toolsets.replaying import remote_of
from tests.unit.toolsets.scan import documents
from tests.unit.toolsets.scan.documents import DIGEST, IMAGE

from steersman.domain.environment import Environment
from steersman.domain.errors import ToolError, UnavailableError
from steersman.domain.ports import Toolset
from steersman.testing.toolset_conformance import ToolsetConformance
from steersman.toolsets.scan import OsvFolder, OsvService, ReportFolder, Scanner, ScanToolset
from steersman.toolsets.scan.findings import Component, Vulnerability
from steersman.toolsets.scan.osv import affecting
from steersman.toolsets.scan.reports import components_of, report_of
from steersman.toolsets.scan.versions import patched, version

WHERE = Environment(kind="scan", name="test", uid="s1", url="file:///reports", tier="lab")


def folder(root: Path, **files: object) -> ScanToolset:
    for age, (name, document) in enumerate(files.items()):
        path = root / f"{name}.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        os.utime(path, (1_000_000 + age, 1_000_000 + age))
    return ScanToolset(ReportFolder(root), OsvFolder(root), WHERE)


class TestScan(ToolsetConformance):
    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Toolset]:
        yield folder(Path(__file__).parent)

    @asynccontextmanager
    async def unreachable(self) -> AsyncIterator[Toolset]:
        yield folder(Path("/nowhere/at/all"))


async def test_a_report_of_trivy_is_counted_worst_first(tmp_path: Path) -> None:
    found = await call_on(folder(tmp_path, a=documents.trivy()), "image", {"image": IMAGE})
    assert [found[name] for name in ("tool", "critical", "high", "medium", "low", "fixable")] == [
        "trivy",
        1,
        1,
        1,
        1,
        3,
    ]
    assert found["cves"] == ["CVE-2025-0001", "CVE-2024-35195", "CVE-2024-47081", "CVE-2025-0002"]


async def test_a_report_is_found_by_digest_under_any_name(tmp_path: Path) -> None:
    tools = folder(tmp_path, a=documents.trivy())
    assert (await call_on(tools, "image", {"image": f"mirror.test/x@{DIGEST}"}))["critical"] == 1
    with pytest.raises(UnavailableError):
        await call_on(tools, "image", {"image": "mirror.test/x@sha256:" + "2" * 64})


async def test_no_report_is_not_a_clean_report(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="have it scanned first"):
        await call_on(folder(tmp_path, a=documents.trivy()), "image", {"image": "registry.test/shop/payments:2.0.0"})


async def test_the_newest_report_counts(tmp_path: Path) -> None:
    assert (await call_on(folder(tmp_path, a=documents.trivy(), b=documents.clean()), "image", {"image": IMAGE}))[
        "cves"
    ] == []
    assert (await call_on(folder(tmp_path, b=documents.clean(), a=documents.trivy()), "image", {"image": IMAGE}))[
        "critical"
    ] == 1


async def test_files_that_are_no_reports_are_passed_over_and_broken_reports_are_not(tmp_path: Path) -> None:
    tools = folder(tmp_path, a=documents.trivy(), b="not json", c=[1, 2], d={"x": 1})
    assert (await call_on(tools, "image", {"image": IMAGE}))["critical"] == 1
    broken = {"ArtifactName": IMAGE, "Results": [{"Vulnerabilities": [{"PkgName": "x"}]}]}
    with pytest.raises(ToolError, match="unexpected shape"):
        await call_on(folder(tmp_path, z=broken), "image", {"image": IMAGE})


async def test_a_patch_is_the_smallest_version_that_fixes_everything(tmp_path: Path) -> None:
    tools = folder(tmp_path, a=documents.trivy())
    found = await call_on(tools, "patch", {"image": IMAGE, "package": "requests"})
    assert (found["installed"], found["version"]) == ("2.31.0", "2.32.4")
    assert found["fixes"] == ["CVE-2024-35195", "CVE-2024-47081"]
    openssl = await call_on(tools, "patch", {"image": IMAGE, "package": "openssl"})
    assert openssl["version"] == "3.0.15-1~deb12u1"


@pytest.mark.parametrize(("package", "said"), [("zlib1g", "block the way in"), ("curl", "nothing to patch")])
async def test_where_there_is_no_patch_it_says_so(tmp_path: Path, package: str, said: str) -> None:
    with pytest.raises(ToolError, match=said):
        await call_on(folder(tmp_path, a=documents.trivy()), "patch", {"image": IMAGE, "package": package})


def test_grype_and_sarif_say_the_same_in_the_same_form() -> None:
    found = report_of(documents.grype())
    assert found.findings[0] == Vulnerability(
        id="GHSA-9wx4-h78v-vm56",
        package="requests",
        installed="2.31.0",
        fixed=("2.32.0",),
        severity="medium",
        ecosystem="PyPI",
        aliases=("CVE-2024-35195",),
    )
    assert (found.findings[1].ecosystem, found.findings[1].severity, found.findings[1].fixed) == ("Debian", "low", ())
    (one,) = report_of(documents.sarif()).findings
    assert (one.id, one.package, one.fixed, one.severity) == (
        "CVE-2025-0001",
        "openssl",
        ("3.0.15", "3.1.7"),
        "critical",
    )


def test_sboms_name_their_packages() -> None:
    assert components_of(documents.cyclonedx()) == (
        Component(ecosystem="PyPI", package="requests", version="2.31.0"),
        Component(ecosystem="Debian", package="openssl", version="3.0.14"),
    )
    assert components_of(documents.spdx()) == (Component(ecosystem="npm", package="@scope/x", version="1.0.0"),)
    assert components_of({"x": 1}) == ()


async def test_components_are_listed_of_the_named_image(tmp_path: Path) -> None:
    found = await call_on(folder(tmp_path, a=documents.cyclonedx()), "components", {"image": IMAGE})
    assert [each["package"] for each in found["components"]] == ["requests", "openssl"]


async def test_advisories_are_compared_by_the_order_of_the_ecosystem(tmp_path: Path) -> None:
    tools = folder(tmp_path, a=documents.advisory())
    ask = {"ecosystem": "PyPI", "package": "Requests", "version": "2.31.0"}
    found = await call_on(tools, "package", ask)
    assert (found["vulnerable"], found["worst"], found["patched"]) == (True, "medium", "2.32.0")
    assert (await call_on(tools, "package", {**ask, "version": "2.32.0"}))["vulnerable"] is False
    assert (await call_on(tools, "advisory", {"id": "CVE-2024-35195"}))["id"] == "GHSA-9wx4-h78v-vm56"
    assert (await call_on(tools, "advisory", {"id": "CVE-1"}))["exists"] is False


async def test_the_service_is_asked_for_all_pages(tmp_path: Path) -> None:
    asked = []

    def server(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            known = request.url.path == "/v1/vulns/GHSA-9wx4-h78v-vm56"
            return httpx.Response(200 if known else 404, json=documents.advisory() if known else {"code": 5})
        body = json.loads(request.content)
        asked.append(body)
        assert body["package"] == {"ecosystem": "PyPI", "name": "requests"}
        if "page_token" not in body:
            return httpx.Response(200, json={"next_page_token": "more"})
        return httpx.Response(200, json={"vulns": [documents.advisory()]})

    tools = ScanToolset(ReportFolder(tmp_path), OsvService(remote_of(server, "osv")), WHERE)
    found = await call_on(tools, "package", {"ecosystem": "PyPI", "package": "requests", "version": "2.31.0"})
    assert found["vulnerable"]
    assert [body.get("page_token") for body in asked] == [None, "more"]
    assert (await call_on(tools, "advisory", {"id": "GHSA-9wx4-h78v-vm56"}))["exists"]
    assert (await call_on(tools, "advisory", {"id": "GHSA-none"}))["exists"] is False


def test_a_withdrawn_advisory_affects_nothing() -> None:
    gone = {**documents.advisory(), "withdrawn": "2025-01-01T00:00:00Z"}
    assert affecting(gone, ecosystem="PyPI", package="requests", installed="2.31.0") is None


@pytest.mark.parametrize(
    ("events", "inside", "outside"),
    [
        (
            [{"introduced": "0"}, {"fixed": "1.2.5"}, {"introduced": "1.3.0"}, {"fixed": "1.3.2"}],
            ["1.0", "1.3.1"],
            ["1.2.5", "1.3.2", "2"],
        ),
        ([{"introduced": "1.0"}, {"last_affected": "1.5"}], ["1.0", "1.5"], ["0.9", "1.5.1"]),
        ([{"fixed": "2.0"}, {"introduced": "1.0"}], ["1.9"], ["0.1", "2.0"]),
    ],
)
def test_ranges_are_read_as_osv_means_them(events: list[dict[str, str]], inside: list[str], outside: list[str]) -> None:
    part = {"package": {"ecosystem": "PyPI", "name": "x"}, "ranges": [{"type": "ECOSYSTEM", "events": events}]}
    for text, hit in [*((t, True) for t in inside), *((t, False) for t in outside)]:
        found = affecting({"id": "A", "affected": [part]}, ecosystem="PyPI", package="x", installed=text)
        assert (found is not None) == hit, text


@pytest.mark.parametrize(
    ("ecosystem", "ordered"),
    [
        ("PyPI", ["1.0.dev1", "1.0a1", "1.0", "1.0.post1", "1.10", "2!0.1"]),
        ("npm", ["1.0.0-alpha.1", "1.0.0-alpha.10", "1.0.0", "1.10.0"]),
        ("Debian", ["1.0~rc1-1", "1.0-1", "1.0-1+deb12u1", "1.0-2", "1:0.1-1"]),
        ("Alpine", ["3.0.12-r4", "3.0.12-r10", "3.1.0-r0"]),
        ("Red Hat", ["1.1.1k-9.el8", "1.1.1k-12.el8", "1.1.2-1.el8"]),
        ("Maven", ["2.0-alpha", "2.0-rc1", "2.0", "2.17.1"]),
        ("Go", ["0.9.0", "0.17.0", "1.2.3"]),
    ],
)
def test_versions_order_as_their_ecosystem_orders_them(ecosystem: str, ordered: list[str]) -> None:
    assert sorted(sorted(ordered), key=lambda text: version(ecosystem, text)) == ordered


def finding(*fixed: str) -> Vulnerability:
    return Vulnerability(id=f"CVE-{fixed}", package="x", fixed=fixed, ecosystem="PyPI")


@pytest.mark.parametrize(
    ("installed", "fixes", "wanted"),
    [
        ("1.2.0", [("1.2.5", "1.3.2")], "1.2.5"),
        ("1.3.0", [("1.2.5", "1.3.2")], "1.3.2"),
        ("1.2.0", [("1.2.5",), ("1.2.9",)], "1.2.9"),
        ("1.2.0", [("1.2.5", "1.3.2"), ("1.3.1",)], "1.3.2"),
        ("1.2.0", [()], None),
        ("1.2.0", [("1.1.0",)], None),
        ("1.2.0", [], None),
    ],
)
def test_the_patched_version_is_the_smallest_that_is_fixed_in_its_own_line(
    installed: str, fixes: list[tuple[str, ...]], wanted: str | None
) -> None:
    assert patched(installed, [finding(*each) for each in fixes], ecosystem="PyPI") == wanted


NUMBERS = st.tuples(*[st.integers(0, 5)] * 3).map(lambda parts: ".".join(map(str, parts)))


@given(NUMBERS, st.lists(st.lists(NUMBERS, min_size=1, max_size=3), min_size=1, max_size=4))
def test_a_patch_is_never_a_downgrade_and_lies_above_a_fix_of_each_finding(
    installed: str, fixes: list[list[str]]
) -> None:
    found = patched(installed, [finding(*each) for each in fixes], ecosystem="PyPI")
    if found is None:
        return
    assert version("PyPI", found) > version("PyPI", installed)
    assert all(any(version("PyPI", fix) <= version("PyPI", found) for fix in each) for each in fixes)


@pytest.mark.parametrize("text", ["", "not a version", "1.0; rm -rf /"])
def test_what_is_no_version_is_said(text: str) -> None:
    with pytest.raises(ToolError, match="is no version"):
        version("PyPI", text)


async def test_a_scanner_is_run_without_a_shell_and_its_report_is_read(tmp_path: Path) -> None:
    program = tmp_path / "trivy"
    program.write_text(
        f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {tmp_path}/args\ncat <<'X'\n{json.dumps(documents.trivy())}\nX\n"
    )
    program.chmod(0o755)
    tools = ScanToolset(Scanner("trivy", str(program), server="http://trivy.test:4954"), OsvFolder(tmp_path), WHERE)
    assert (await call_on(tools, "image", {"image": IMAGE}))["critical"] == 1
    assert (tmp_path / "args").read_text().splitlines()[-3:] == ["--server", "http://trivy.test:4954", IMAGE]


async def test_a_scanner_that_fails_is_no_clean_report(tmp_path: Path) -> None:
    program = tmp_path / "grype"
    program.write_text("#!/bin/sh\necho 'no database' >&2\nexit 1\n")
    program.chmod(0o755)
    tools = ScanToolset(Scanner("grype", str(program)), OsvFolder(tmp_path), WHERE)
    with pytest.raises(ToolError, match="no database"):
        await call_on(tools, "image", {"image": IMAGE})
    program.write_text("#!/bin/sh\necho '{}'\n")
    with pytest.raises(ToolError, match="no report"):
        await call_on(tools, "image", {"image": IMAGE})
    missing = ScanToolset(Scanner("grype", str(tmp_path / "none")), OsvFolder(tmp_path), WHERE)
    with pytest.raises(UnavailableError, match="no program"):
        await call_on(missing, "image", {"image": IMAGE})
