"""One question, one answer: read with limits of time and size, and every failure turned into a typed error."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NoReturn
from urllib.parse import urlencode

import httpx
from pydantic import JsonValue

from steersman.domain.errors import OutcomeUnknownError, SteersmanError, ToolError, UnavailableError
from steersman.remote.endpoint import Endpoint
from steersman.remote.hearing import overhear
from steersman.remote.text import one_line

Pairs = Sequence[tuple[str, str]]
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. A request that `writes` and gets no clear answer has an unknown outcome."""

    method: str
    path: str
    query: Pairs = ()
    form: Pairs = field(default=(), repr=False)
    body: JsonValue = field(default=None, repr=False)
    headers: Pairs = field(default=(), repr=False)
    """What is sent may be a secret, so neither it nor the headers stand in a traceback."""
    content: bytes | None = field(default=None, repr=False)
    """Sent as it is, under a content type that `headers` names."""
    writes: bool = False
    auth: httpx.Auth | None = field(default=None, repr=False)
    """Signs this request alone, instead of what the client does."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name; repeated ones are joined by a comma."""

    @property
    def text(self) -> str:
        """The body as text; bytes that are none are replaced."""
        return self.body.decode("utf-8", errors="replace")


@dataclass(frozen=True, slots=True)
class Remote:
    """One server. Never raises anything but ToolError, UnavailableError and OutcomeUnknownError, and never hangs."""

    name: str
    """How messages call it: `prometheus`, `loki` ..."""
    client: httpx.AsyncClient
    timeout_s: float = 15.0
    max_body_bytes: int = 16 * 2**20

    @classmethod
    def at(cls, name: str, client: httpx.AsyncClient, endpoint: Endpoint) -> Remote:
        """With the limits of an endpoint."""
        return cls(name, client, endpoint.timeout_s, endpoint.max_body_bytes)

    async def json(self, request: Request) -> JsonValue:
        """The answer as JSON. NaN and infinity arrive as strings, whether the server wrote them so or bare."""
        return self.decoded(request, await self.ask(request))

    def decoded(self, request: Request, answer: Answer) -> JsonValue:
        """An answer that was read already, as JSON."""
        if not answer.body.strip():
            self._broken(request, "the answer is empty")
        try:
            document: JsonValue = json.loads(answer.body, parse_constant=str)
        except (ValueError, RecursionError) as e:
            kind = answer.content_type or "no content type"
            self._broken(request, f"the answer is no JSON ({kind}); cut off, or is this another server's URL?", e)
        return document

    async def ask(self, request: Request, *, accept: frozenset[int] = frozenset()) -> Answer:
        """The answer. accept: statuses beside 2xx that the caller reads himself."""
        try:
            async with asyncio.timeout(self.timeout_s):
                answer, retry_after_s = await self._exchange(request)
        except TimeoutError as e:
            self._lost(request, f"no answer within {self.timeout_s:g} s", e)
        except _UNSENT as e:
            raise UnavailableError(
                f"{self.name} at {str(self.client.base_url)!r} cannot be reached ({_cause(e)}); is it up?"
            ) from e
        except (httpx.TransportError, httpx.DecodingError) as e:
            self._lost(request, f"the answer broke off ({_cause(e)})", e)
        if not httpx.codes.is_success(answer.status) and answer.status not in accept:
            raise self._refusal(request, answer, retry_after_s)
        overhear(answer.body)
        return answer

    async def _exchange(self, request: Request) -> tuple[Answer, float | None]:
        headers = dict(request.headers)
        if request.form:
            headers["content-type"] = "application/x-www-form-urlencoded"
        sent = self.client.build_request(
            request.method,
            request.path,
            params=list(request.query) or None,
            content=urlencode(request.form) if request.form else request.content,
            json=request.body,
            headers=headers,
        )
        auth = request.auth or httpx.USE_CLIENT_DEFAULT
        response = await self.client.send(sent, stream=True, auth=auth)
        try:
            body = await self._read(request, response)
        finally:
            await response.aclose()
        kind = response.headers.get("content-type", "")
        answer = Answer(response.status_code, kind, body, dict(response.headers))
        return answer, retry_after(response.headers.get("retry-after", ""))

    async def _read(self, request: Request, response: httpx.Response) -> bytes:
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > self.max_body_bytes:
                if not response.is_success:
                    break
                kind = OutcomeUnknownError if request.writes else ToolError
                raise kind(
                    f"{self.name}: the answer to {request.path!r} is longer than {self.max_body_bytes} bytes and was "
                    "not read; ask for a shorter range, a longer step or fewer series"
                )
            chunks.append(chunk)
        return b"".join(chunks)

    def _refusal(self, request: Request, answer: Answer, retry_after_s: float | None) -> SteersmanError:
        said = one_line(reason(answer.text)) or "it gave no reason"
        what = f"{self.name} answered {answer.status} to {request.path!r}: {said}"
        if answer.status == httpx.codes.TOO_MANY_REQUESTS or _is_throttled(answer, retry_after_s):
            return UnavailableError(f"{what}; ask again later", retry_after_s=retry_after_s)
        if httpx.codes.is_server_error(answer.status):
            kind = OutcomeUnknownError if request.writes else UnavailableError
            return kind(what, retry_after_s=retry_after_s)
        if answer.status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            return ToolError(f"{what}; look at the credentials and the tenant")
        if httpx.codes.is_redirect(answer.status):
            return ToolError(f"{what}; it redirects, which is not followed: set the URL that it redirects to")
        return ToolError(what)

    def _broken(self, request: Request, why: str, cause: Exception | None = None) -> NoReturn:
        kind = OutcomeUnknownError if request.writes else UnavailableError
        raise kind(f"{self.name}: {request.path!r}: {why}") from cause

    def _lost(self, request: Request, why: str, cause: Exception) -> NoReturn:
        kind = OutcomeUnknownError if request.writes else UnavailableError
        raise kind(f"{self.name} at {str(self.client.base_url)!r}: {why}") from cause


def _is_throttled(answer: Answer, retry_after_s: float | None) -> bool:
    """GitHub says so by 403, and tells it from a lack of rights by these headers."""
    spent = answer.headers.get("x-ratelimit-remaining") == "0"
    return answer.status == httpx.codes.FORBIDDEN and (spent or retry_after_s is not None)


def reason(body: str) -> str:
    """The server's words in the body of an error, which may be an object, a bare JSON string, or text."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return body
    if isinstance(document, dict):
        if isinstance(document.get("errors"), list):
            return "; ".join(map(str, document["errors"]))
        return next((str(document[key]) for key in ("error", "message", "detail") if document.get(key)), body)
    return document if isinstance(document, str) else body


def retry_after(value: str) -> float | None:
    """Seconds of a Retry-After header, which may be a number or a date; None when it is neither."""
    if re.fullmatch(r"[0-9]{1,6}", value.strip()):
        return float(value)
    try:
        then = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max((aware - datetime.now(UTC)).total_seconds(), 0.0)


def _cause(error: Exception) -> str:
    return one_line(str(error), limit=120) or type(error).__name__
