"""One registry by the OCI distribution API: tags, manifests, configurations."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

import httpx
from pydantic import JsonValue

from steersman.domain.errors import ToolError
from steersman.remote.addresses import astray
from steersman.remote.exchange import Answer, Remote, Request
from steersman.remote.shape import items, mapping, reading, texts

INDEX = frozenset(
    {"application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"}
)
MANIFESTS = (
    *sorted(INDEX),
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
NOT_FOUND = frozenset({httpx.codes.NOT_FOUND})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_PAGES = 100
PAGE = 1_000
_NEXT = re.compile(r'<([^>]*)>\s*;\s*rel="?next"?')


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest or an index, byte for byte."""

    digest: str
    media_type: str
    body: bytes
    document: Mapping[str, JsonValue]

    @property
    def is_index(self) -> bool:
        """Whether it lists images of several platforms."""
        return self.media_type in INDEX


@dataclass(frozen=True, slots=True)
class RegistryClient:
    """Reads, and writes of tags; blobs are never written."""

    remote: Remote
    plain: Remote
    """Without credentials: blobs are often handed out by another host."""

    async def version(self) -> None:
        """Raises what any call raises when no registry answers. A 401 is an answer: rights are by repository."""
        await self.remote.ask(Request("GET", "/v2/"), accept=frozenset({httpx.codes.UNAUTHORIZED}))

    async def tags(self, name: str) -> tuple[str, ...] | None:
        """All tags; None when there is no such repository."""
        path, query = f"/v2/{name}/tags/list", [("n", str(PAGE))]
        found: list[str] = []
        for _ in range(MOST_PAGES):
            request = Request("GET", path, query=query)
            answer = await self.remote.ask(request, accept=NOT_FOUND)
            if answer.status == httpx.codes.NOT_FOUND:
                return None
            with reading(self.remote.name, "tags"):
                found += texts(mapping(self.remote.decoded(request, answer)).get("tags"))
            further = _NEXT.search(answer.headers.get("link", ""))
            if further is None:
                return tuple(found)
            where = httpx.URL(urljoin(path, further[1]))
            path, query = where.path, [(key, value) for key, value in where.params.multi_items()]
        raise ToolError(f"{self.remote.name}: {name!r} has more than {MOST_PAGES} pages of tags")

    async def manifest(self, name: str, reference: str) -> Manifest | None:
        """The manifest that a tag or digest names; None when there is none. Its bytes are checked by digest."""
        request = Request("GET", f"/v2/{name}/manifests/{reference}", headers=[("accept", ", ".join(MANIFESTS))])
        answer = await self.remote.ask(request, accept=NOT_FOUND)
        if answer.status == httpx.codes.NOT_FOUND:
            return None
        said = reference if reference.startswith("sha256:") else answer.headers.get("docker-content-digest", "")
        digest = _verified(answer.body, said, f"manifest of {name!r}")
        with reading(self.remote.name, "manifest"):
            document = mapping(self.remote.decoded(request, answer))
            kind = str(document.get("mediaType") or answer.content_type.partition(";")[0])
            return Manifest(digest, kind, answer.body, document)

    async def config(self, name: str, manifest: Manifest) -> dict[str, JsonValue]:
        """The configuration that a manifest names: platform, labels."""
        with reading(self.remote.name, "manifest"):
            digest = str(mapping(manifest.document["config"])["digest"])
        request = Request("GET", f"/v2/{name}/blobs/{digest}")
        answer = await self.remote.ask(request, accept=REDIRECTS)
        if answer.status in REDIRECTS:
            answer = await self._elsewhere(answer)
        _verified(answer.body, digest, f"configuration of {name!r}")
        with reading(self.remote.name, "config"):
            return mapping(self.remote.decoded(request, answer))

    async def put(self, name: str, tag: str, manifest: Manifest) -> None:
        """Makes a tag name a manifest that the repository has."""
        await self.remote.ask(
            Request(
                "PUT",
                f"/v2/{name}/manifests/{tag}",
                content=manifest.body,
                headers=[("content-type", manifest.media_type)],
                writes=True,
            )
        )

    async def delete_tag(self, name: str, tag: str) -> None:
        """Deletes a tag and keeps the manifest, where the registry can do that. Source: OCI distribution 1.1."""
        await self.remote.ask(Request("DELETE", f"/v2/{name}/manifests/{tag}", writes=True), accept=NOT_FOUND)

    async def _elsewhere(self, answer: Answer) -> Answer:
        """One redirect, without credentials, to no address that it must not go to."""
        where = httpx.URL(urljoin(str(self.remote.client.base_url), answer.headers.get("location", "")))
        own = self.remote.client.base_url
        why = astray(where.host, own.host)
        if where.scheme not in ("https", own.scheme) or why:
            raise ToolError(
                f"{self.remote.name} redirects to {where.host!r}, which is not followed: {why or 'refused'}"
            )
        return await self.plain.ask(Request("GET", str(where)))


def platforms(manifest: Manifest) -> tuple[str, ...]:
    """Platforms of an index, without attestations."""
    found = []
    for each in items(manifest.document.get("manifests")):
        platform = mapping(each.get("platform"))
        if platform and platform.get("os") not in (None, "unknown"):
            found.append(platform_of(platform))
    return tuple(found)


def platform_of(document: Mapping[str, JsonValue]) -> str:
    """`linux/arm64/v8`."""
    parts = [str(document.get(name) or "") for name in ("os", "architecture", "variant")]
    return "/".join(part for part in parts if part)


def _verified(body: bytes, said: str, what: str) -> str:
    found = f"sha256:{hashlib.sha256(body).hexdigest()}"
    if said.startswith("sha256:") and said != found:
        raise ToolError(f"{what} is not what its digest says: {found} instead of {said}; do not use it")
    return found
