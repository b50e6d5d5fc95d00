"""A WebSocket of a server: messages as they come, with the credentials and limits of its endpoint.

Source: RFC 6455. As in `exchange`, redirects are not followed and every failure is a typed error of one line.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from steersman.domain.errors import SteersmanError, ToolError, UnavailableError
from steersman.remote.endpoint import Endpoint, basic_header, headers_of, tls_of
from steersman.remote.text import one_line

if TYPE_CHECKING:
    from websockets.exceptions import WebSocketException

Listen = Callable[[str, Sequence[tuple[str, str]]], AbstractAsyncContextManager[AsyncIterator[str]]]
"""Path and query -> messages. The iterator raises UnavailableError when the connection breaks; it ends when the server
has said goodbye.
"""
OPEN_S, CLOSE_S = 10.0, 1.0
THROTTLED, SERVER_ERROR = 429, 500


@asynccontextmanager
async def no_socket(path: str, query: Sequence[tuple[str, str]]) -> AsyncIterator[AsyncIterator[str]]:
    """Where none was wired. Raises UnavailableError."""
    del query
    raise UnavailableError(f"no WebSocket can be opened here for {path!r}; poll instead")
    yield  # makes it a generator, as a context manager is made of


def listener(name: str, endpoint: Endpoint) -> Listen:
    """Opens WebSockets of one server. name: how messages call it."""

    @asynccontextmanager
    async def listen(path: str, query: Sequence[tuple[str, str]]) -> AsyncIterator[AsyncIterator[str]]:
        from websockets.asyncio.client import connect
        from websockets.exceptions import WebSocketException

        class Straight(connect):
            """Follows no redirect: credentials stay with the server that they are for."""

            def process_redirect(self, exc: Exception) -> Exception | str:
                return exc

        secure = endpoint.url.startswith("https:")
        url = f"{'wss' if secure else 'ws'}{endpoint.url.removeprefix('https' if secure else 'http')}{path}"
        context = tls_of(endpoint)
        opening = Straight(
            f"{url}?{urlencode(query)}",
            additional_headers={**headers_of(endpoint), **basic_header(endpoint)},
            user_agent_header="steersman",
            ssl=(None if context is True else context) if secure else None,
            close_timeout=CLOSE_S,
            open_timeout=min(endpoint.timeout_s, OPEN_S),
            max_size=endpoint.max_body_bytes,
            proxy=None,
        )
        try:
            socket = await opening
        except (WebSocketException, OSError) as e:  # OSError: no connection, no TLS, no answer in time
            raise _refusal(name, path, e) from e
        try:
            yield _messages(name, socket)
        finally:
            await socket.close()

    return listen


async def _messages(name: str, socket: AsyncIterable[str | bytes]) -> AsyncIterator[str]:
    from websockets.exceptions import ConnectionClosed

    try:
        async for message in socket:
            yield message if isinstance(message, str) else message.decode(errors="replace")
    except (ConnectionClosed, OSError) as e:
        raise UnavailableError(f"{name}: the WebSocket broke off ({one_line(str(e), limit=120)})") from e


def _refusal(name: str, path: str, error: WebSocketException | OSError) -> SteersmanError:
    from websockets.exceptions import InvalidStatus

    if not isinstance(error, InvalidStatus):
        why = one_line(str(error), limit=120) or type(error).__name__
        return UnavailableError(f"{name}: no WebSocket at {path!r} ({why}); is it up, and is it passed on?")
    status = error.response.status_code
    said = one_line((error.response.body or b"").decode(errors="replace"), limit=160) or "it gave no reason"
    what = f"{name} answered {status} to {path!r}: {said}"
    if status == THROTTLED or status >= SERVER_ERROR:
        return UnavailableError(what)
    return ToolError(f"{what}; look at the credentials and the tenant, and whether WebSockets are passed on")
