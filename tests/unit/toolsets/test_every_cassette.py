"""Each recorded exchange, asked again as it was: read whole, or a typed error in one line."""

import httpx
import pytest
from tests.unit.toolsets.replaying import CASSETTES, cassette, replayed

from steersman.domain.errors import OutcomeUnknownError, ToolError, UnavailableError
from steersman.remote.exchange import Request

SERVERS = ("alertmanager", "loki", "prometheus", "tempo")
EVERY = [(server, path.stem) for server in SERVERS for path in sorted((CASSETTES / server).glob("*.json"))]
REVERSED = "webhook-"
"""What Alertmanager sends to others: read in test_alert_files."""
ASKED = [(server, name) for server, name in EVERY if not name.startswith(REVERSED)]


def expected(status: int, *, writes: bool) -> type[Exception]:
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return UnavailableError
    if httpx.codes.is_server_error(status):
        return OutcomeUnknownError if writes else UnavailableError
    return ToolError


def test_all_cassettes_are_here() -> None:
    assert len(EVERY) == 205


@pytest.mark.parametrize(("server", "name"), ASKED)
async def test_a_recorded_exchange_is_read_whole_or_is_a_typed_error(server: str, name: str) -> None:
    exchange = cassette(server, name)
    remote, player = replayed(server, name)
    writes = exchange.method != "GET" and exchange.path.startswith(
        ("/api/v2/silence", "/api/v2/alerts", "/loki/api/v1/push")
    )
    upgraded = exchange.status == httpx.codes.SWITCHING_PROTOCOLS
    request = Request(exchange.method, exchange.path, query=exchange.query, writes=writes)
    player.exchanges = [type(exchange)(**{**{f: getattr(exchange, f) for f in exchange.__slots__}, "body": None})]
    if httpx.codes.is_success(exchange.status):
        answer = await remote.ask(request)
        assert answer.body == exchange.answer
        assert len(player.asked) == 1
        return
    kind = ToolError if upgraded else expected(exchange.status, writes=writes)
    with pytest.raises(kind) as caught:
        await remote.ask(request)
    assert "\n" not in str(caught.value)
    assert len(player.asked) == 1
