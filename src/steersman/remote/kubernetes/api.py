"""Requests to the API server, and what its answers mean."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from steersman.domain.errors import OutcomeUnknownError, SteersmanError, ToolError, UnavailableError
from steersman.remote.exchange import retry_after
from steersman.remote.text import one_line

Document = dict[str, Any]
MANAGER = "steersman"
APPLY = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
NAMES_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Asks for the metadata of a list's items alone: a tenth of the bytes."""
MOST_BYTES = 64 * 2**20
PAGE = 500
UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, CONFLICT, GONE, INVALID, TOO_MANY = (
    400,
    401,
    403,
    404,
    409,
    410,
    422,
    429,
)
SERVER_ERROR = 500


class RefusalError(ToolError):
    """The API server answered that it will not."""

    def __init__(self, message: str, *, code: int, reason: str = "", causes: Sequence[Document] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.causes = tuple(causes)


class ExpiredError(UnavailableError):
    """410: the version that was asked from is forgotten; list again."""


class DisruptionError(UnavailableError):
    """An eviction that a disruption budget does not allow now."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    media_type: str = "application/json"
    accept: str = ""
    """Empty: JSON, whole."""

    @property
    def writes(self) -> bool:
        """Whether it may have an effect: then no answer means that the outcome is not known."""
        held = self.body if isinstance(self.body, dict) else {}
        options = held.get("deleteOptions") or held
        rehearsed = self.query.get("dryRun") == "All" or options.get("dryRun") == ["All"]
        return self.method != "GET" and not rehearsed and "/selfsubject" not in self.path


@dataclass(frozen=True, slots=True)
class Api:
    """One cluster. Raises ToolError, UnavailableError, OutcomeUnknownError and nothing else."""

    http: httpx.AsyncClient
    context: str
    timeout_s: float = 30.0

    async def json(self, ask: Ask) -> Document:
        """The answer as an object."""
        document = self._parsed(ask, await self.raw(ask))
        if not isinstance(document, dict):
            raise UnavailableError(f"{self._where}: the answer to {ask.path!r} is no object; is this a Kubernetes API?")
        return document

    async def raw(self, ask: Ask) -> bytes:
        """The answer as it is."""
        content = None if ask.body is None else json.dumps(ask.body, separators=(",", ":")).encode()
        headers = {"content-type": ask.media_type} if content is not None else {}
        headers |= {"accept": ask.accept} if ask.accept else {}
        try:
            async with asyncio.timeout(self.timeout_s):
                response = await self.http.request(
                    ask.method, ask.path, params=dict(ask.query) or None, content=content, headers=headers
                )
        except TimeoutError as e:
            raise self._lost(ask, f"no answer within {self.timeout_s:g} s") from e
        except UNSENT as e:
            raise self._unreachable(e) from e
        except (httpx.TransportError, httpx.DecodingError) as e:
            raise self._lost(ask, f"the answer broke off ({type(e).__name__})") from e
        if not response.is_success:
            raise refusal(self.context, ask, response)
        if len(response.content) > MOST_BYTES:
            raise ToolError(
                f"{self._where}: the answer to {ask.path!r} is longer than {MOST_BYTES} bytes; ask for less"
            )
        return response.content

    async def every(
        self, path: str, query: Mapping[str, str] | None = None, *, most: int = 10_000, accept: str = ""
    ) -> list[Document]:
        """The items of a list, page by page; begins anew when a page's token has expired."""
        try:
            return await self._pages(path, dict(query or {}), most, accept)
        except ExpiredError:
            return await self._pages(path, dict(query or {}), most, accept)

    async def _pages(self, path: str, query: dict[str, str], most: int, accept: str) -> list[Document]:
        found: list[Document] = []
        token = ""
        while True:
            asked = {**query, "limit": str(min(PAGE, most)), **({"continue": token} if token else {})}
            page = await self.json(Ask("GET", path, asked, accept=accept))
            items = page.get("items")
            found += [each for each in items if isinstance(each, dict)] if isinstance(items, list) else []
            token = str((page.get("metadata") or {}).get("continue") or "")
            if not token or len(found) >= most:
                return found[:most]

    async def lines(self, path: str, query: Mapping[str, str], *, timeout_s: float) -> AsyncIterator[Document]:
        """The lines of a watch. Raises ExpiredError for 410, which comes as a line of a 200."""
        limits = httpx.Timeout(self.timeout_s, read=timeout_s)
        try:
            async with self.http.stream("GET", path, params=dict(query), timeout=limits) as response:
                if not response.is_success:
                    await response.aread()
                    raise refusal(self.context, Ask("GET", path), response)
                async for text in response.aiter_lines():
                    if text.strip():
                        yield self._line(path, text)
        except UNSENT as e:
            raise self._unreachable(e) from e
        except httpx.TransportError as e:
            raise UnavailableError(f"{self._where}: the watch of {path!r} broke off ({type(e).__name__})") from e

    def _line(self, path: str, text: str) -> Document:
        line = self._parsed(Ask("GET", path), text.encode())
        if not isinstance(line, dict) or not isinstance(line.get("object"), dict):
            raise UnavailableError(f"{self._where}: a line of the watch of {path!r} is no event")
        if line.get("type") == "ERROR":
            said = line["object"]
            if said.get("code") == GONE:
                raise ExpiredError(f"{self._where}: {one_line(str(said.get('message')))}")
            raise UnavailableError(f"{self._where}: watch of {path!r}: {one_line(str(said.get('message')))}")
        return line

    @property
    def _where(self) -> str:
        return f"kubernetes ({self.context})"

    def _parsed(self, ask: Ask, body: bytes) -> Any:
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as e:
            kind = OutcomeUnknownError if ask.writes else UnavailableError
            raise kind(f"{self._where}: the answer to {ask.path!r} is no JSON; is this a Kubernetes API?") from e

    def _unreachable(self, error: Exception) -> UnavailableError:
        said = one_line(str(error), limit=120) or type(error).__name__
        return UnavailableError(f"{self._where} at {str(self.http.base_url)!r} cannot be reached ({said}); is it up?")

    def _lost(self, ask: Ask, why: str) -> UnavailableError:
        kind = OutcomeUnknownError if ask.writes else UnavailableError
        return kind(f"{self._where}: {ask.method} {ask.path}: {why}")


def refusal(context: str, ask: Ask, response: httpx.Response) -> SteersmanError:
    """An answer that is no success, as the error that says who acts next."""
    status = _status(response)
    code, reason = response.status_code, str(status.get("reason") or "")
    said = one_line(str(status.get("message") or response.text), limit=400) or "it gave no reason"
    details = status.get("details")
    found = details.get("causes") if isinstance(details, dict) else None
    causes = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    what = f"kubernetes ({context}): {said}"
    wait = retry_after(response.headers.get("retry-after", ""))
    if code == GONE:
        return ExpiredError(what)
    if code == TOO_MANY and any(each.get("reason") == "DisruptionBudget" for each in causes):
        return DisruptionError(f"{what} {one_line(str(causes[0].get('message', '')))}; wait for healthy pods")
    if code == TOO_MANY:
        return UnavailableError(f"{what}; ask again later", retry_after_s=wait)
    if code >= SERVER_ERROR and "typed patch object" not in said:
        kind = OutcomeUnknownError if ask.writes else UnavailableError
        return kind(what, retry_after_s=wait)
    return RefusalError(f"{what}{_remedy(code)}", code=code, reason=reason, causes=causes)


def _remedy(code: int) -> str:
    if code == UNAUTHORIZED:
        return "; the credentials of this context are not taken: log in anew"
    if code == FORBIDDEN:
        return "; `steer doctor --privileges` lists what is missing"
    return ""


def _status(response: httpx.Response) -> Document:
    try:
        document = response.json()
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
