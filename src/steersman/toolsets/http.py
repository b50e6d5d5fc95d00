"""A URL asked once, or until it answers as it should: on a list of hosts, never where credentials lie."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import httpx
import jsonschema_rs
from pydantic import Field, StringConstraints

from steersman.domain.environment import Environment
from steersman.domain.errors import ToolError, UnavailableError
from steersman.domain.fact import Fact, JsonObject
from steersman.domain.ports import Binding, CallContext, Clock
from steersman.domain.typed import parse, read_operation
from steersman.remote.addresses import Reach
from steersman.remote.exchange import Remote, Request
from steersman.remote.text import one_line

NAME = "http"
POLL_S = 2.0
MOST_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
ANY = frozenset(range(300, 600))
PATTERN_SIZE = 2**20

Url = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]{1,2000}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^(sha256:[0-9a-f]{64})?$")]


class Ask(Fact):
    """Arguments of `check`."""

    url: Url
    status: int = Field(default=0, ge=0, le=599)
    """What it must be; 0: anything from 200 to 299."""
    contains: str = Field(default="", max_length=1_000)
    """Text that the body must hold."""
    pattern: str = Field(default="", max_length=1_000)
    """Regular expression that must be found in the body; without look-around and back references, in linear time."""
    digest: Sha256 = ""
    """SHA-256 that the body must have."""
    max_latency_ms: int = Field(default=0, ge=0, le=300_000)
    """Longest time to the last byte; 0: any."""
    wait_s: float = Field(default=0.0, ge=0, le=3_600)
    """Ask again for so long, until it is as it should be."""


class Checked(Fact):
    """Answer of `check`."""

    ok: bool
    status: int
    latency_ms: int
    why: str = ""
    """What is not as it should be."""
    digest: str = ""
    size_bytes: int = 0
    url: str = ""
    """Where the answer came from, after redirects."""


CHECK = read_operation(
    "http.check", "Asks a URL and compares what it answers", takes=Ask, gives=Checked, timeout_s=3_700
)
OPERATIONS = (CHECK,)


@dataclass(frozen=True, slots=True)
class Pinned(httpx.AsyncBaseTransport):
    """Connects to an address that was checked; name and certificate stay those of the host."""

    reach: Reach
    inner: httpx.AsyncBaseTransport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises ToolError for a host or address that may not be asked."""
        host = request.url.host
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        address = (await self.reach.addresses(host, port))[0]
        request.headers.setdefault("host", request.url.netloc.decode())
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=address)
        return await self.inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Closes what is inside."""
        await self.inner.aclose()


@dataclass(frozen=True, slots=True)
class HttpToolset:
    """Checks of URLs. Its client goes through `Pinned`, follows no redirect by itself and sends no credentials."""

    remote: Remote
    reach: Reach
    where: Environment
    clock: Clock
    name: str = NAME

    async def environment(self) -> Environment:
        """It is what the list of hosts says."""
        return self.where

    async def check(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """Asks until it is as it should be, the wait is used up, or the call's deadline is near."""
        ask = parse(Ask, arguments)
        room_s = (context.deadline - self.clock.now()).total_seconds() - POLL_S
        end = self.clock.monotonic() + min(ask.wait_s, room_s)
        searches = _searcher(ask.pattern)
        while True:
            left_s = end - self.clock.monotonic()
            try:
                found = await self._once(ask, searches)
            except UnavailableError as e:
                if left_s <= 0:
                    raise
                found = Checked(ok=False, status=0, latency_ms=0, why=str(e))
            if found.ok or left_s <= 0:
                return found.model_dump(mode="json")
            await self.clock.sleep(min(POLL_S, left_s))

    async def _once(self, ask: Ask, searches: jsonschema_rs.Validator | None) -> Checked:
        url = httpx.URL(ask.url)
        if url.userinfo:
            raise ToolError("a URL that is checked holds no credentials")
        began = time.perf_counter()
        for _ in range(MOST_REDIRECTS + 1):
            self.reach.check_host(url.host)
            answer = await self.remote.ask(Request("GET", str(url)), accept=ANY)
            target = answer.headers.get("location", "")
            if answer.status not in REDIRECTS or not target or answer.status == ask.status:
                break
            url = _next(url, target)
        else:
            raise ToolError(f"{ask.url!r} redirects more than {MOST_REDIRECTS} times")
        latency_ms = round((time.perf_counter() - began) * 1_000)
        digest = f"sha256:{hashlib.sha256(answer.body).hexdigest()}"
        wrong = _wrong(ask, status=answer.status, latency_ms=latency_ms, digest=digest, text=answer.text)
        if searches is not None and not searches.is_valid(answer.text):
            wrong = wrong or f"nothing in the body matches {ask.pattern!r}"
        return Checked(
            ok=not wrong,
            status=answer.status,
            latency_ms=latency_ms,
            why=wrong,
            digest=digest,
            size_bytes=len(answer.body),
            url=one_line(str(url)),
        )

    def bindings(self) -> Sequence[Binding]:
        """All of its operations. Does no I/O."""
        return (Binding(CHECK, self.check),)


def _next(url: httpx.URL, target: str) -> httpx.URL:
    found = url.join(target)
    if found.scheme not in ("https", url.scheme) or not found.host or found.userinfo:
        raise ToolError(f"{str(url)!r} redirects to {one_line(target)!r}, which is not followed")
    return found


def _wrong(ask: Ask, *, status: int, latency_ms: int, digest: str, text: str) -> str:
    if status != ask.status and (ask.status or not httpx.codes.is_success(status)):
        return f"the status is {status}, not {ask.status or '200 to 299'}"
    if ask.digest and digest != ask.digest:
        return f"the digest is {digest}"
    if ask.contains and ask.contains not in text:
        return f"the body does not hold {ask.contains!r}"
    if ask.max_latency_ms and latency_ms > ask.max_latency_ms:
        return f"it took {latency_ms} ms"
    return ""


def _searcher(pattern: str) -> jsonschema_rs.Validator | None:
    """Looks for a pattern in linear time. Raises ToolError for a pattern that cannot be looked for so."""
    if not pattern:
        return None
    options = jsonschema_rs.RegexOptions(size_limit=PATTERN_SIZE)
    try:
        return jsonschema_rs.validator_for({"type": "string", "pattern": pattern}, pattern_options=options)
    except (jsonschema_rs.ValidationError, ValueError) as e:
        said = one_line(str(e), limit=160)
        raise ToolError(f"{pattern!r} is no pattern that can be looked for in linear time: {said}") from e
