"""A strict registry: the OCI distribution API with token authentication, tags, manifests, blobs and redirects."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import httpx

from steersman.testing.routes import Asked, Routes

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
EMPTY = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@dataclass(slots=True)
class RegistryDouble:
    """Answers as a registry does; `token` empty asks for no credentials."""

    url: str = "https://registry.test"
    token: str = "t0ken"  # noqa: S105  # the one of the double
    username: str = "steersman"
    password: str = "pass-word-1"  # noqa: S105  # the one of the double
    page: int = 1_000
    redirect: str = ""
    """Where blobs are fetched from instead."""
    manifests: dict[str, dict[str, tuple[str, bytes]]] = field(default_factory=dict)
    """Media type and bytes by repository and digest."""
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    routes: Routes = field(default_factory=Routes)

    def __post_init__(self) -> None:
        on = self.routes.on
        on("GET", "/v2/", lambda _: httpx.Response(200, json={}))
        on("GET", "/token", self._grant)
        on("GET", "/v2/{name*}/tags/list", self._tags)
        on("GET", "/v2/{name*}/manifests/{reference}", self._manifest)
        on("PUT", "/v2/{name*}/manifests/{reference}", self._put)
        on("DELETE", "/v2/{name*}/manifests/{reference}", self._delete)
        on("GET", "/v2/{name*}/blobs/{digest}", self._blob)

    def image(self, name: str, tag: str, *, labels: dict[str, str] | None = None, arch: str = "amd64") -> str:
        """Pushes an image of one platform; gives its digest."""
        config = json.dumps({"os": "linux", "architecture": arch, "config": {"Labels": labels or {}}, "tag": tag})
        blob = _digest(config.encode())
        self.blobs[blob] = config.encode()
        described = {"mediaType": CONFIG, "digest": blob, "size": len(config)}
        return self._store(name, MANIFEST, {"mediaType": MANIFEST, "config": described, "layers": []}, tag=tag)

    def index(self, name: str, tag: str, *platforms: str) -> str:
        """Pushes an image of several platforms, with an attestation as buildx makes it."""
        listed: list[dict[str, Any]] = []
        for platform in platforms:
            os, _, arch = platform.partition("/")
            digest = self.image(name, "", arch=arch)
            listed.append({"mediaType": MANIFEST, "digest": digest, "platform": {"os": os, "architecture": arch}})
        unknown = {"os": "unknown", "architecture": "unknown"}
        listed.append({"mediaType": MANIFEST, "digest": EMPTY, "platform": unknown})
        return self._store(name, INDEX, {"mediaType": INDEX, "manifests": listed}, tag=tag)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Asks for a token of the right scope first."""
        path = request.url.path
        if self.token and path.startswith("/v2/"):
            name = path.removeprefix("/v2/")
            for kind in ("/manifests/", "/blobs/", "/tags/"):
                name = name.partition(kind)[0]
            scope = f"repository:{name}:{'pull' if request.method in ('GET', 'HEAD') else 'pull,push,delete'}"
            if request.headers.get("authorization") != f"Bearer {self.token}:{scope}":
                said = f'Bearer realm="{self.url}/token",service="registry.test",scope="{scope}"'
                return _error(401, "UNAUTHORIZED", headers={"www-authenticate": said})
        return self.routes(request)

    def _grant(self, asked: Asked) -> httpx.Response:
        wanted = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        if asked.request.headers.get("authorization") != f"Basic {wanted}":
            return _error(401, "UNAUTHORIZED")
        return httpx.Response(200, json={"token": f"{self.token}:{asked.query['scope']}", "expires_in": 300})

    def _tags(self, asked: Asked) -> httpx.Response:
        name = asked.parts["name"]
        if name not in self.manifests:
            return _error(404, "NAME_UNKNOWN")
        last = asked.query.get("last", "")
        found = [tag for tag in sorted(self.tags.get(name, {})) if tag > last]
        shown = found[: min(self.page, int(asked.query.get("n", "100")))]
        further = f"/v2/{name}/tags/list?n={self.page}&last={shown[-1]}" if len(found) > len(shown) else ""
        headers = {"link": f'<{further}>; rel="next"'} if further else {}
        return httpx.Response(200, json={"name": name, "tags": shown}, headers=headers)

    def _manifest(self, asked: Asked) -> httpx.Response:
        name, digest = asked.parts["name"], self._named(asked)
        found = self.manifests.get(name, {}).get(digest)
        if found is None:
            return _error(404, "MANIFEST_UNKNOWN")
        kind, body = found
        if kind not in asked.request.headers.get("accept", ""):
            return _error(404, "MANIFEST_UNKNOWN")
        return httpx.Response(200, content=body, headers={"content-type": kind, "docker-content-digest": digest})

    def _put(self, asked: Asked) -> httpx.Response:
        name, tag, body = asked.parts["name"], asked.parts["reference"], asked.request.content
        kind = asked.request.headers.get("content-type", "")
        if json.loads(body).get("mediaType") != kind:
            return _error(400, "MANIFEST_INVALID")
        self.manifests.setdefault(name, {})[_digest(body)] = (kind, body)
        self.tags.setdefault(name, {})[tag] = _digest(body)
        return httpx.Response(201, headers={"docker-content-digest": _digest(body)})

    def _delete(self, asked: Asked) -> httpx.Response:
        name, reference = asked.parts["name"], asked.parts["reference"]
        if reference.startswith("sha256:"):
            return _error(405, "UNSUPPORTED")
        found = self.tags.get(name, {}).pop(reference, None)
        return httpx.Response(202) if found else _error(404, "MANIFEST_UNKNOWN")

    def _blob(self, asked: Asked) -> httpx.Response:
        digest = asked.parts["digest"]
        if digest not in self.blobs:
            return _error(404, "BLOB_UNKNOWN")
        if self.redirect:
            return httpx.Response(307, headers={"location": f"{self.redirect}/{digest}?signature=1"})
        return httpx.Response(200, content=self.blobs[digest], headers={"content-type": "application/octet-stream"})

    def _named(self, asked: Asked) -> str:
        reference = asked.parts["reference"]
        return reference if ":" in reference else self.tags.get(asked.parts["name"], {}).get(reference, "")

    def _store(self, name: str, kind: str, document: dict[str, Any], *, tag: str) -> str:
        body = json.dumps({"schemaVersion": 2, **document}, indent=3).encode()
        self.manifests.setdefault(name, {})[_digest(body)] = (kind, body)
        if tag:
            self.tags.setdefault(name, {})[tag] = _digest(body)
        return _digest(body)


def _digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _error(status: int, code: str, *, headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.Response(status, json={"errors": [{"code": code, "message": code.lower()}]}, headers=headers)
