"""Reports as the scanners write them, shortened."""

from typing import Any

IMAGE = "registry.test/shop/payments:1.0.0"
DIGEST = "sha256:" + "1" * 64


def trivy(image: str = IMAGE, digest: str = DIGEST, *, fixed: str = "2.32.4") -> dict[str, Any]:
    return {
        "SchemaVersion": 2,
        "ArtifactName": image,
        "ArtifactType": "container_image",
        "Metadata": {"RepoTags": [image], "RepoDigests": [f"registry.test/shop/payments@{digest}"]},
        "Results": [
            {
                "Target": f"{image} (debian 12.8)",
                "Class": "os-pkgs",
                "Type": "debian",
                "Vulnerabilities": [
                    {
                        "VulnerabilityID": "CVE-2025-0001",
                        "PkgName": "openssl",
                        "InstalledVersion": "3.0.14-1~deb12u1",
                        "FixedVersion": "3.0.15-1~deb12u1",
                        "Severity": "CRITICAL",
                        "Title": "a title",
                    },
                    {
                        "VulnerabilityID": "CVE-2025-0002",
                        "PkgName": "zlib1g",
                        "InstalledVersion": "1:1.2.13",
                        "Severity": "LOW",
                    },
                ],
            },
            {
                "Target": "Python",
                "Class": "lang-pkgs",
                "Type": "python-pkg",
                "Vulnerabilities": [
                    {
                        "VulnerabilityID": "CVE-2024-47081",
                        "PkgName": "requests",
                        "InstalledVersion": "2.31.0",
                        "FixedVersion": fixed,
                        "Severity": "MEDIUM",
                    },
                    {
                        "VulnerabilityID": "CVE-2024-35195",
                        "PkgName": "requests",
                        "InstalledVersion": "2.31.0",
                        "FixedVersion": "2.32.0",
                        "Severity": "HIGH",
                    },
                ],
            },
            {"Target": "secrets", "Class": "secret"},
        ],
    }


def clean(image: str = IMAGE) -> dict[str, Any]:
    return {"SchemaVersion": 2, "ArtifactName": image, "Metadata": {}, "Results": [{"Target": "x", "Type": "debian"}]}


def grype(image: str = IMAGE) -> dict[str, Any]:
    return {
        "matches": [
            {
                "vulnerability": {
                    "id": "GHSA-9wx4-h78v-vm56",
                    "severity": "Medium",
                    "fix": {"versions": ["2.32.0"], "state": "fixed"},
                },
                "relatedVulnerabilities": [{"id": "CVE-2024-35195"}],
                "artifact": {
                    "name": "requests",
                    "version": "2.31.0",
                    "type": "python",
                    "purl": "pkg:pypi/requests@2.31.0",
                },
            },
            {
                "vulnerability": {
                    "id": "CVE-2025-0002",
                    "severity": "Negligible",
                    "fix": {"versions": [], "state": "wont-fix"},
                },
                "artifact": {
                    "name": "zlib1g",
                    "version": "1:1.2.13",
                    "type": "deb",
                    "purl": "pkg:deb/debian/zlib1g@1%3A1.2.13?arch=amd64",
                },
            },
        ],
        "source": {
            "type": "image",
            "target": {"userInput": image, "manifestDigest": DIGEST, "tags": [], "repoDigests": []},
        },
        "descriptor": {"name": "grype", "version": "0.100.0"},
    }


def sarif(tool: str = "Trivy") -> dict[str, Any]:
    message = (
        "Package: openssl\nInstalled Version: 3.0.14\nVulnerability CVE-2025-0001\nSeverity: CRITICAL\n"
        "Fixed Version: 3.0.15, 3.1.7\nLink: [CVE-2025-0001](https://avd.aquasec.com/nvd/cve-2025-0001)"
    )
    return {
        "version": "2.1.0",
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": tool,
                        "rules": [{"id": "CVE-2025-0001", "properties": {"security-severity": "9.8"}}],
                    }
                },
                "results": [{"ruleId": "CVE-2025-0001", "level": "error", "message": {"text": message}}],
                "properties": {"imageName": IMAGE, "repoDigests": [], "repoTags": []},
            }
        ],
    }


def advisory() -> dict[str, Any]:
    return {
        "id": "GHSA-9wx4-h78v-vm56",
        "aliases": ["CVE-2024-35195"],
        "summary": "Requests `Session` object does not verify requests after making first request with verify=False",
        "modified": "2024-05-21T00:00:00Z",
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": "requests"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.32.0"}]}],
                "versions": ["2.30.0", "2.31.0"],
            }
        ],
        "database_specific": {"severity": "MODERATE"},
    }


def cyclonedx() -> dict[str, Any]:
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {"component": {"type": "container", "name": IMAGE}},
        "components": [
            {"bom-ref": "a", "type": "library", "name": "requests", "purl": "pkg:pypi/requests@2.31.0"},
            {
                "bom-ref": "b",
                "type": "library",
                "name": "openssl",
                "purl": "pkg:deb/debian/openssl@3.0.14?distro=debian-12",
            },
            {"bom-ref": "c", "type": "file", "name": "x"},
        ],
    }


def spdx() -> dict[str, Any]:
    locator = "pkg:npm/%40scope/x@1.0.0"
    reference = {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": locator}
    return {"spdxVersion": "SPDX-2.3", "name": IMAGE, "packages": [{"name": "x", "externalRefs": [reference]}]}
