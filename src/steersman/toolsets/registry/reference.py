"""Names of images: `registry.test:5000/shop/payments:1.2@sha256:...` taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

from steersman.domain.errors import ToolError

HUB = "docker.io"
_NAME = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


@dataclass(frozen=True, slots=True)
class Image:
    """An image in some registry."""

    host: str
    """Empty: the registry that is asked by default."""
    name: str
    tag: str
    digest: str

    @property
    def reference(self) -> str:
        """What the distribution API calls it by: the digest where there is one."""
        return self.digest or self.tag or "latest"


def image(text: str) -> Image:
    """The parts of a name. Raises ToolError for what is none. Source: OCI distribution specification 1.1."""
    plain, at, digest = text.partition("@")
    first, slash, rest = plain.partition("/")
    host = first if slash and (first == "localhost" or "." in first or ":" in first) else ""
    path = rest if host else plain
    name, colon, tag = path.partition(":")
    if host == HUB and "/" not in name:
        name = f"library/{name}"
    wrong = (colon and not _TAG.fullmatch(tag)) or (at and not _DIGEST.fullmatch(digest))
    if wrong or not _NAME.fullmatch(name):
        raise ToolError(f"{text!r} is no name of an image: HOST/NAME:TAG or HOST/NAME@sha256:...")
    return Image(host, name, tag, digest)
