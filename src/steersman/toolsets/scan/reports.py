"""Reports of scanners, and SBOMs, read: Trivy and Grype in JSON, SARIF, CycloneDX, SPDX. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from steersman.remote.shape import items, mapping, reading, real, texts
from steersman.remote.text import one_line
from steersman.toolsets.scan.findings import (
    Component,
    Report,
    Severity,
    Vulnerability,
    ecosystem,
    severity,
    severity_of_score,
    worst_first,
)

Json = dict[str, Any]
_LINE = re.compile(r"^(Package|Installed Version|Vulnerability|Severity|Fixed Version): *(.*)$", re.MULTILINE)
_PURL = re.compile(r"pkg:(?P<type>[a-z.+-]+)/(?P<name>[^@?#]+)(?:@(?P<version>[^?#]+))?")
_SPLIT = re.compile(r"\s*,\s*")


def report_of(document: Json) -> Report | None:
    """The report that a document is; None for a document of another kind.

    Raises ToolError when it looks like a report and has another shape.
    """
    if "matches" in document and "descriptor" in document:
        with reading("scan", "grype"):
            return _grype(document)
    if "Results" in document or "ArtifactName" in document:
        with reading("scan", "trivy"):
            return _trivy(document)
    if "runs" in document and "sarif" in str(document.get("$schema", "sarif")).lower():
        with reading("scan", "sarif"):
            return _sarif(document)
    if document.get("bomFormat") == "CycloneDX" and "vulnerabilities" in document:
        with reading("scan", "cyclonedx"):
            return _cyclonedx(document)
    return None


def components_of(document: Json) -> tuple[Component, ...]:
    """Packages that an SBOM names, by their package URLs; none for a document of another kind."""
    with reading("scan", "sbom"):
        if document.get("bomFormat") == "CycloneDX":
            purls = [str(each.get("purl") or "") for each in items(document.get("components"))]
        elif "spdxVersion" in document:
            purls = [
                str(reference["referenceLocator"])
                for package in items(document.get("packages"))
                for reference in items(package.get("externalRefs"))
                if reference.get("referenceType") == "purl"
            ]
        else:
            return ()
        found = (component(purl) for purl in purls)
        return tuple(dict.fromkeys(each for each in found if each is not None))


def component(purl: str) -> Component | None:
    """The package that a package URL names; None without a version. Source: the purl specification."""
    match = _PURL.match(purl)
    if match is None or match["version"] is None:
        return None
    kind, name = match["type"], unquote(match["name"])
    if kind in ("deb", "apk", "rpm"):
        distribution, _, name = name.rpartition("/")
        kind = distribution or kind
    if kind == "maven":
        name = name.replace("/", ":")
    return Component(ecosystem=ecosystem(kind), package=name, version=unquote(match["version"]))


def _trivy(document: Json) -> Report:
    about = mapping(document.get("Metadata"))
    names = (str(document.get("ArtifactName", "")), *texts(about.get("RepoTags")), *texts(about.get("RepoDigests")))
    findings = [
        Vulnerability(
            id=one_line(str(each["VulnerabilityID"])),
            package=one_line(str(each["PkgName"])),
            installed=one_line(str(each.get("InstalledVersion") or "")),
            fixed=_versions(str(each.get("FixedVersion") or "")),
            severity=severity(each.get("Severity")),
            ecosystem=ecosystem(str(result.get("Type") or "")),
        )
        for result in items(document.get("Results"))
        for each in items(result.get("Vulnerabilities"))
    ]
    return Report(tool="trivy", names=_names(names), findings=worst_first(findings))


def _grype(document: Json) -> Report:
    target = mapping(document.get("source")).get("target")
    about = target if isinstance(target, dict) else {"userInput": target or ""}
    names = [str(about.get("userInput", "")), *texts(about.get("tags")), *texts(about.get("repoDigests"))]
    names.append(str(about.get("manifestDigest", "")))
    return Report(
        tool="grype", names=_names(names), findings=worst_first([_match(each) for each in items(document["matches"])])
    )


def _match(each: Json) -> Vulnerability:
    vulnerability, artifact = mapping(each["vulnerability"]), mapping(each["artifact"])
    fix = mapping(vulnerability.get("fix"))
    fixed = texts(fix.get("versions")) if fix.get("state", "fixed") == "fixed" else ()
    purl = component(str(artifact.get("purl") or ""))
    return Vulnerability(
        id=one_line(str(vulnerability["id"])),
        package=one_line(str(artifact["name"])),
        installed=one_line(str(artifact.get("version") or "")),
        fixed=tuple(map(one_line, fixed)),
        severity=severity(vulnerability.get("severity")),
        ecosystem=purl.ecosystem if purl else ecosystem(str(artifact.get("type") or "")),
        aliases=tuple(one_line(str(other["id"])) for other in items(each.get("relatedVulnerabilities"))),
    )


def _sarif(document: Json) -> Report:
    findings: list[Vulnerability] = []
    names: list[str] = []
    tools: list[str] = []
    for run in items(document["runs"]):
        driver = mapping(mapping(run["tool"])["driver"])
        tools.append(str(driver["name"]).lower())
        about = mapping(run.get("properties"))
        names += [str(about.get("imageName", "")), *texts(about.get("repoTags")), *texts(about.get("repoDigests"))]
        rules = {str(rule["id"]): rule for rule in items(driver.get("rules"))}
        findings += [_result(each, rules) for each in items(run.get("results"))]
    tool = tools[0] if tools else "sarif"
    return Report(tool=one_line(tool), names=_names(names), findings=worst_first(findings))


def _result(each: Json, rules: dict[str, Json]) -> Vulnerability:
    rule_id = str(each["ruleId"])
    said = dict(_LINE.findall(str(mapping(each["message"])["text"])))
    named, _, package = rule_id.partition("-pkg-") if "Package" not in said else (rule_id, "", "")
    return Vulnerability(
        id=one_line(str(said.get("Vulnerability") or named).split()[-1]),
        package=one_line(said.get("Package", package)),
        installed=one_line(said.get("Installed Version", "")),
        fixed=_versions(said.get("Fixed Version", "")),
        severity=_ruled(each, rules.get(rule_id, {}), said.get("Severity", "")),
    )


def _ruled(each: Json, rule: Json, word: str) -> Severity:
    if severity(word) != "unknown":
        return severity(word)
    score = mapping(rule.get("properties")).get("security-severity")
    if score is not None:
        return severity_of_score(real(score))
    return {"error": "high", "warning": "medium", "note": "low"}.get(str(each.get("level")), "unknown")  # type: ignore[return-value]  # words of Severity


def _cyclonedx(document: Json) -> Report:
    about = mapping(mapping(document.get("metadata")).get("component"))
    purls = {str(each.get("bom-ref")): str(each.get("purl") or "") for each in items(document.get("components"))}
    findings: list[Vulnerability] = []
    for each in items(document["vulnerabilities"]):
        ratings = items(each.get("ratings"))
        worst = next((severity(rating.get("severity")) for rating in ratings if rating.get("severity")), "unknown")
        for affected in items(each.get("affects")):
            found = component(purls.get(str(affected["ref"]), str(affected["ref"])))
            if found is not None:
                findings.append(
                    Vulnerability(
                        id=one_line(str(each["id"])),
                        package=found.package,
                        installed=found.version,
                        severity=worst,
                        ecosystem=found.ecosystem,
                    )
                )
    return Report(tool="cyclonedx", names=_names([str(about.get("name", ""))]), findings=worst_first(findings))


def _versions(text: str) -> tuple[str, ...]:
    return tuple(one_line(part) for part in _SPLIT.split(text.strip()) if part)


def _names(found: Iterator[str] | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one_line(name) for name in found if name))
