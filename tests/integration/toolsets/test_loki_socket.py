"""Live lines over a real WebSocket, from a strict double of Loki's `tail`."""

import asyncio
import http
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.asyncio.server import Request, Response, ServerConnection, serve

from steersman.domain.errors import ToolError, UnavailableError
from steersman.queries.logql import LogQuery
from steersman.queries.matching import Matcher
from steersman.remote.endpoint import BasicAuth, BearerAuth, Endpoint
from steersman.remote.socket import listener
from steersman.toolsets.loki.facts import Follow
from steersman.toolsets.loki.following import Follower

pytestmark = pytest.mark.integration
ASK = Follow(query=LogQuery(matchers=(Matcher(label="app", value="a"),)), follow_s=1.5)
Say = Callable[[ServerConnection, int], Awaitable[None]]


class RealClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def refusal(connection: ServerConnection, request: Request) -> Response | None:
    """What Loki refuses: another path, a query that is missing, a start that is no number, a wrong tenant or token."""
    parts = urlsplit(request.path)
    query = parse_qs(parts.query)
    if parts.path != "/loki/api/v1/tail":
        return connection.respond(http.HTTPStatus.NOT_FOUND, "404 page not found\n")
    if request.headers.get("Authorization") not in {"Bearer good", "Basic dTpw"}:
        return connection.respond(http.HTTPStatus.UNAUTHORIZED, "no org id\n")
    if request.headers.get("X-Scope-OrgID") != "shop" or not query["start"][0].isdecimal() or not query.get("query"):
        return connection.respond(http.HTTPStatus.BAD_REQUEST, "bad request\n")
    return None


@asynccontextmanager
async def loki(say: Say) -> AsyncIterator[str]:
    opened = 0

    async def talk(connection: ServerConnection) -> None:
        nonlocal opened
        opened += 1
        await say(connection, opened)

    async with serve(talk, "127.0.0.1", 0, process_request=refusal) as server:
        yield f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


def follower(url: str, **more: object) -> Follower:
    endpoint = Endpoint.model_validate({"url": url, "tenant": "shop", "auth": BearerAuth(token="good"), **more})
    return Follower("loki", listener("loki", endpoint), RealClock())


def message(at: int) -> str:
    return json.dumps({"streams": [{"stream": {"app": "a"}, "values": [[str(at), f"line {at}"]]}]})


async def steadily(connection: ServerConnection, opened: int) -> None:
    """Three lines; the first connection then breaks without a goodbye."""
    now = time.time_ns()
    for number in range(3):
        await connection.send(message(now + number))
    if opened == 1:
        connection.transport.abort()
    await connection.wait_closed()


@pytest.mark.parametrize("auth", [BearerAuth(token="good"), BasicAuth(username="u", password="p")])
async def test_lines_come_over_a_break_within_the_time_that_was_given(auth: object) -> None:
    async with loki(steadily) as url:
        began = time.monotonic()
        answer = await follower(url, auth=auth).follow(ASK)
        took = time.monotonic() - began
    assert len(answer.lines) == 6
    assert (answer.breaks, answer.complete) == (1, False)
    assert 1.4 < took < 4


async def test_a_quiet_stream_is_complete_and_empty_when_the_time_is_up() -> None:
    async def quiet(connection: ServerConnection, _: int) -> None:
        await connection.wait_closed()

    async with loki(quiet) as url:
        answer = await follower(url).follow(ASK.model_copy(update={"follow_s": 0.5}))
    assert (answer.lines, answer.complete, answer.breaks) == ((), True, 0)


async def test_a_wrong_token_a_wrong_path_and_a_dead_port_are_typed_errors() -> None:
    async with loki(steadily) as url:
        with pytest.raises(ToolError, match="401"):
            await follower(url, auth=BearerAuth(token="bad")).follow(ASK)
        with pytest.raises(ToolError, match="404"):
            await follower(f"{url}/prefix").follow(ASK)
    with pytest.raises(UnavailableError):
        await follower(url).follow(ASK)


@pytest.mark.parametrize(("status", "kind"), [(403, ToolError), (429, UnavailableError), (503, UnavailableError)])
async def test_each_refusal_is_a_typed_error_of_one_line(status: int, kind: type[Exception]) -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(http.HTTPStatus(status), "first line\nsecond line")

    async with serve(lambda _: asyncio.sleep(0), "127.0.0.1", 0, process_request=refuse) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        with pytest.raises(kind, match=str(status)) as caught:
            await follower(f"http://127.0.0.1:{port}").follow(ASK)
    assert "\n" not in str(caught.value)


async def test_a_redirect_is_not_followed() -> None:
    def away(connection: ServerConnection, request: Request) -> Response:
        response = connection.respond(http.HTTPStatus.FOUND, "")
        response.headers["Location"] = "ws://127.0.0.1:1/loki/api/v1/tail"
        return response

    async with serve(lambda _: asyncio.sleep(0), "127.0.0.1", 0, process_request=away) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        with pytest.raises(ToolError, match="302"):
            await follower(f"http://127.0.0.1:{port}").follow(ASK)


async def test_a_message_above_the_limit_breaks_the_connection_and_is_said() -> None:
    async def flood(connection: ServerConnection, _: int) -> None:
        await connection.send(json.dumps({"streams": [], "pad": "x" * 100_000}))
        await connection.wait_closed()

    async with loki(flood) as url:
        answer = await follower(url, max_body_bytes=2_000).follow(ASK)
    assert answer.breaks > 0
    assert not answer.complete
