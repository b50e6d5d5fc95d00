"""Answers that are not objects: `Status`, as the API server words it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from steersman.testing.kubernetes.kinds import Kind

Document = dict[str, Any]


@dataclass(slots=True)
class Reply:
    """What is sent back: one document, a text, or a stream of lines."""

    status: int
    document: Document | None = None
    text: str | None = None
    stream: AsyncIterator[bytes] | None = None
    headers: dict[str, str] = field(default_factory=dict)


class Refused(Exception):  # noqa: N818  # it is an answer, not a fault of the double
    """Ends a request with a Status."""

    def __init__(self, reply: Reply) -> None:
        super().__init__((reply.document or {}).get("message", reply.text))
        self.reply = reply


def refused(code: int, reason: str, message: str, *, details: Document | None = None, **headers: str) -> Refused:
    """A failure as the API server words it; an empty reason is left out."""
    document: Document = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "code": code,
    }
    if reason:
        document["reason"] = reason
    if details is not None:
        document["details"] = details
    return Refused(Reply(code, document, headers={k.replace("_", "-"): v for k, v in headers.items()}))


def details_of(kind: Kind, name: str = "", *, of_kind: bool = False, **more: Any) -> Document:
    """`details` of a Status."""
    found: Document = {"name": name} if name else {}
    if kind.group:
        found["group"] = kind.group
    found["kind"] = kind.kind if of_kind else kind.plural
    return {**found, **more}


def not_found(kind: Kind, name: str) -> Refused:
    """There is no such object."""
    return refused(404, "NotFound", f'{kind.qualified} "{name}" not found', details=details_of(kind, name))


def no_resource() -> Refused:
    """There is no such resource in a group that is served."""
    return refused(404, "NotFound", "the server could not find the requested resource", details={})


def page_not_found() -> Refused:
    """There is no such path at all: plain text, no Status."""
    return Refused(Reply(404, text="404 page not found\n"))


def already_exists(kind: Kind, name: str) -> Refused:
    """An object of that name is there."""
    return refused(409, "AlreadyExists", f'{kind.qualified} "{name}" already exists', details=details_of(kind, name))


def modified(kind: Kind, name: str) -> Refused:
    """The resourceVersion that was sent is not the newest."""
    message = (
        f'Operation cannot be fulfilled on {kind.qualified} "{name}": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    return refused(409, "Conflict", message, details=details_of(kind, name))


def bad_request(message: str) -> Refused:
    """The request itself is wrong."""
    return refused(400, "BadRequest", message)


def invalid(kind: Kind, name: str, problems: Sequence[tuple[str, str, str]]) -> Refused:
    """The object is wrong. problems: field, reason of the cause, message."""
    said = [f"{where}: {message}" for where, _, message in problems]
    listed = said[0] if len(said) == 1 else f"[{', '.join(said)}]"
    causes = [{"reason": reason, "message": message, "field": where} for where, reason, message in problems]
    details = details_of(kind, name, of_kind=True, causes=causes)
    return refused(422, "Invalid", f'{kind.qualified_kind} "{name}" is invalid: {listed}', details=details)


def unsupported_media(accepted: Sequence[str]) -> Refused:
    """The body is of a type that is not taken."""
    if not accepted:
        return refused(415, "UnsupportedMediaType", "415: Unsupported Media Type", details={})
    message = "the body of the request was in an unknown format - accepted media types include: " + ", ".join(accepted)
    return refused(415, "UnsupportedMediaType", message)


def success(**details: Any) -> Document:
    """A Status that says that it is done."""
    made: Document = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return {**made, "details": details} if details else made
