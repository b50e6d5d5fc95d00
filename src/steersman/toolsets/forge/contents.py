"""Files and commits as GitHub and Gitea show them."""

from __future__ import annotations

import base64
import binascii

from steersman.domain.errors import ToolError
from steersman.remote.asking import Json
from steersman.remote.shape import items, mapping
from steersman.toolsets.forge.port import CommitInfo, StoredFile

LARGEST_FILE = 1_000_000


def file_of(document: Json, path: str) -> StoredFile:
    """A file out of the `contents` of GitHub and Gitea. Raises ToolError for what is no plain file."""
    if document.get("type") not in (None, "file"):
        raise ToolError(f"{path!r} is no plain file but a {document.get('type')!r}")
    return StoredFile(path, content_of(document, path), str(document["sha"]))


def content_of(document: Json, path: str) -> bytes:
    """Decoded content. Raises ToolError for a file that the API does not give."""
    if document.get("encoding") != "base64":
        raise ToolError(f"{path!r} is too large for this API (over {LARGEST_FILE} bytes)")
    try:
        return base64.b64decode(str(document["content"]))
    except binascii.Error as e:
        raise ToolError(f"the content of {path!r} is no base64") from e


def encoded(content: bytes) -> str:
    """Content for a body of JSON."""
    return base64.b64encode(content).decode()


def commit_of(document: Json) -> CommitInfo:
    """A commit as GitHub and Gitea show it."""
    parents = tuple(str(parent["sha"]) for parent in items(document.get("parents")))
    return CommitInfo(str(document["sha"]), str(mapping(document["commit"])["message"]), parents)
