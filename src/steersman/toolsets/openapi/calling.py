"""One call: written, signed, sent to a listed server, read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import httpx
from pydantic import JsonValue

from steersman.domain.errors import InputError, OutcomeUnknownError, ToolError
from steersman.domain.fact import JsonObject
from steersman.domain.ports import CallContext
from steersman.remote.exchange import Answer, Remote, Request
from steersman.remote.schemas.checking import bundle, validator
from steersman.toolsets.openapi.answering import Parts, Reader
from steersman.toolsets.openapi.recipe import Media, Recipe
from steersman.toolsets.openapi.sending import Written, media_of, write
from steersman.toolsets.openapi.signing import Signer

_MOVED = frozenset({301, 302, 303, 307, 308})
_NOT_DONE = frozenset({307, 308})
"""The server did nothing and asks to send the same elsewhere."""
MAX_HOPS = 3


@dataclass(frozen=True, slots=True)
class Server:
    """Where calls go, and where else an operation's own server may be."""

    url: str
    allowed: tuple[str, ...] = ()
    """Base URLs beside it."""

    def base(self, own: Sequence[str]) -> str:
        """The server of an operation. Raises ToolError when it names one that is not on the list."""
        if not own:
            return self.url
        for text in own:
            wanted = str(httpx.URL(self.url + "/").join(text)).rstrip("/")
            if wanted == self.url or any(_within(wanted, listed) for listed in self.allowed):
                return wanted
        raise ToolError(f"its own server {own[0]!r} is not on the list; import again with --allow {own[0]}")


@dataclass(slots=True)
class Caller:
    """Does one operation."""

    recipe: Recipe
    server: Server
    remote: Remote
    signer: Signer
    parts: Parts
    absent: frozenset[int] = frozenset()
    """Statuses that are an answer, beside success."""
    key_header: str = ""
    writes: bool = True
    _reader: Reader | None = None

    async def __call__(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """The output. Raises InputError, ToolError, UnavailableError or OutcomeUnknownError."""
        self._must_be_the_body(arguments)
        written = write(self.recipe, arguments)
        url = self.server.base(self.recipe.servers) + written.target
        answer = await self._ask(written, url, context)
        if self._reader is None:
            self._reader = Reader(self.recipe, self.parts)
        return self._reader.read(answer)

    async def _ask(self, written: Written, url: str, context: CallContext) -> Answer:
        headers = [*written.headers]
        if self.key_header:
            headers.append((self.key_header, context.key))
        for _ in range(MAX_HOPS):
            request = Request(
                written.method,
                url,
                headers=headers,
                writes=self.writes,
                content=written.content,
                auth=await self.signer.sign(self.recipe),
            )
            answer = await self.remote.ask(request, accept=_MOVED | self.absent)
            if answer.status not in _MOVED:
                return answer
            url = self._moved(url, answer)
        raise ToolError(f"{self.recipe.verb!r}: it redirects more than {MAX_HOPS} times")

    def _moved(self, url: str, answer: Answer) -> str:
        """Where to look instead. Only reads follow, and only on the same server: credentials stay where they belong."""
        to = answer.headers.get("location", "")
        try:
            target = httpx.URL(url).join(to)
        except (httpx.InvalidURL, ValueError) as e:
            raise ToolError(f"{self.recipe.verb!r}: it redirects to {to[:120]!r}, which is no URL") from e
        if self.writes and answer.status not in _NOT_DONE:
            raise OutcomeUnknownError(
                f"{self.recipe.verb!r}: the server answered {answer.status} and points to {to[:120]!r}; "
                "look whether it is done"
            )
        if self.writes or origin(target) != origin(httpx.URL(url)) or target.userinfo:
            raise ToolError(f"{self.recipe.verb!r}: it redirects to {to[:120]!r}, which is not followed")
        return str(target)

    def _must_be_the_body(self, arguments: JsonObject) -> None:
        """With several content types, the schema of the chosen one; the gate has checked that it is one of them."""
        body = self.recipe.body
        media = media_of(self.recipe, arguments)
        if body is None or media is None or not body.several:
            return
        wrong = self._wrong(media, arguments["body"])
        if wrong:
            raise InputError(f"{self.recipe.verb!r}: body of {media.content_type!r}: {wrong}")

    def _wrong(self, media: Media, value: JsonValue) -> str:
        compiled = validator(bundle(media.body, self.parts(self.recipe.parts)))
        error = next(iter(compiled.iter_errors(value)), None)
        return "" if error is None else error.message


def origin(url: httpx.URL) -> tuple[str, str, int]:
    """Scheme, host and port, in one spelling."""
    port = url.port or (443 if url.scheme == "https" else 80)
    return url.scheme, url.host.lower().rstrip("."), port


def _within(url: str, listed: str) -> bool:
    """Whether a base URL is a listed one or below it."""
    wanted, held = httpx.URL(url), httpx.URL(listed)
    if origin(wanted) != origin(held) or wanted.userinfo:
        return False
    below = held.path.rstrip("/")
    return not below or wanted.path == below or wanted.path.startswith(below + "/")
