"""Live lines of Loki, heard from a scripted WebSocket: each once, and what was lost is said."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from tests.unit.toolsets.replaying import cassette

from steersman.domain.errors import ToolError, UnavailableError
from steersman.queries.logql import LogQuery
from steersman.queries.matching import Matcher
from steersman.testing.clock import FakeClock
from steersman.toolsets.loki.facts import Follow
from steersman.toolsets.loki.following import MOST_BREAKS, Follower

ASK = Follow(query=LogQuery(matchers=(Matcher(label="service_name", value="payments"),)), follow_s=0.2)
BROKEN = "(broken)"


def message(*times: int, dropped: int = 0) -> str:
    streams = [{"stream": {"app": "a"}, "values": [[str(at), f"line {at}"] for at in times]}]
    lost = [{"labels": {"app": "a"}, "timestamp": "1"}] * dropped
    return json.dumps({"streams": streams, "dropped_entries": lost or None})


@dataclass
class Scripted:
    """One list of messages a connection; None refuses it."""

    connections: list[list[str] | None]
    asked: list[dict[str, str]] = field(default_factory=list)

    @asynccontextmanager
    async def listen(self, path: str, query: Sequence[tuple[str, str]]) -> AsyncIterator[AsyncIterator[str]]:
        assert path == "/loki/api/v1/tail"
        self.asked.append(dict(query))
        said = self.connections.pop(0) if self.connections else None
        if said is None:
            raise UnavailableError("refused")

        async def messages() -> AsyncIterator[str]:
            for text in said:
                if text == BROKEN:
                    raise UnavailableError("broke off")
                yield text

        yield messages()


def follower(*connections: list[str] | None) -> tuple[Follower, Scripted]:
    server = Scripted(list(connections))
    return Follower("loki", server.listen, FakeClock()), server


async def test_the_recorded_stream_is_heard_line_by_line() -> None:
    lines = cassette("loki", "tail").answer.decode().strip().splitlines()
    heard, server = follower(lines)
    answer = await heard.follow(ASK.model_copy(update={"limit": 4}))
    assert [line.labels["service_name"] for line in answer.lines] == ["payments"] * 4
    times = [int(line.at_ns) for line in answer.lines]
    assert times == sorted(times)
    assert not answer.complete, "there were more than the limit"
    assert server.asked[0]["query"] == '{service_name="payments"}'


async def test_after_a_break_it_goes_on_from_the_newest_line_and_tells_each_once() -> None:
    newest = 2_000_000_000 * 10**9
    heard, server = follower([message(newest - 5, newest), BROKEN], [message(newest, newest + 1)], None, None, None)
    answer = await heard.follow(ASK)
    assert [line.at_ns for line in answer.lines] == [str(newest - 5), str(newest), str(newest + 1)]
    assert (answer.complete, answer.breaks) == (False, MOST_BREAKS)
    assert server.asked[1]["start"] == str(newest)


async def test_lines_that_the_server_dropped_are_counted() -> None:
    heard, _ = follower([message(1, dropped=3), message(2, dropped=1)])
    answer = await heard.follow(ASK)
    assert (answer.dropped_lines, answer.complete) == (4, False)


async def test_a_server_that_was_never_reached_is_an_error_and_no_empty_answer() -> None:
    heard, _ = follower(None)
    with pytest.raises(UnavailableError):
        await heard.follow(ASK)


@pytest.mark.parametrize("text", ['{"streams": 5}', '{"streams": [{"values": [["x", "y"]]}]}', "not json", "[]"])
async def test_a_message_of_another_shape_is_one_clear_error(text: str) -> None:
    heard, _ = follower([text])
    with pytest.raises(ToolError, match="tail"):
        await heard.follow(ASK)
