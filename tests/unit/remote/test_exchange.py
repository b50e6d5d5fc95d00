import gzip
import unicodedata

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.toolsets.replaying import remote_of

from steersman.domain.errors import OutcomeUnknownError, SteersmanError, ToolError, UnavailableError
from steersman.remote.exchange import Request, reason, retry_after
from steersman.remote.shape import real, sample
from steersman.remote.text import one_line
from steersman.remote.together import together

READ, WRITE = Request("GET", "/x"), Request("POST", "/x", body={"a": 1}, writes=True)


async def test_numbers_that_are_none_arrive_as_words() -> None:
    remote = remote_of(lambda _: httpx.Response(200, text='{"a": NaN, "b": -Infinity, "c": "+Inf", "d": 1e999}'))
    document = await remote.json(READ)
    assert isinstance(document, dict)
    assert [sample(document[name]) for name in "abcd"] == ["NaN", "-Inf", "+Inf", "+Inf"]


@pytest.mark.parametrize("value", [True, None, [], {}, "x", ""])
def test_what_is_no_number_is_not_taken_for_one(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        real(value)  # type: ignore[arg-type]


async def test_a_small_body_that_unpacks_to_a_large_one_is_not_read_to_its_end() -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    remote = remote_of(
        lambda _: httpx.Response(200, headers={"content-encoding": "gzip"}, content=bomb), max_body_bytes=1_000_000
    )
    with pytest.raises(ToolError, match="longer than"):
        await remote.json(READ)


async def test_a_body_that_claims_to_be_packed_and_is_not_is_unavailable() -> None:
    def server(_: httpx.Request) -> httpx.Response:
        async def body():
            yield b"plain"

        return httpx.Response(200, headers={"content-encoding": "gzip"}, content=body())

    with pytest.raises(UnavailableError, match="broke off"):
        await remote_of(server).json(READ)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ToolError),
        (409, ToolError),
        (429, UnavailableError),
        (500, OutcomeUnknownError),
        (502, OutcomeUnknownError),
    ],
)
async def test_a_write_that_may_have_been_done_is_not_called_undone(status: int, kind: type[SteersmanError]) -> None:
    with pytest.raises(kind) as caught:
        await remote_of(lambda _: httpx.Response(status)).json(WRITE)
    assert type(caught.value) is kind


@pytest.mark.parametrize("body", [b"", b"{", b"<html>"])
async def test_a_write_whose_answer_cannot_be_read_has_an_unknown_outcome(body: bytes) -> None:
    with pytest.raises(OutcomeUnknownError):
        await remote_of(lambda _: httpx.Response(200, content=body)).json(WRITE)


async def test_a_write_that_was_never_sent_had_no_effect() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(UnavailableError) as caught:
        await remote_of(refuse).json(WRITE)
    assert not isinstance(caught.value, OutcomeUnknownError)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("0", 0.0), ("", None), ("soon", None), ("-5", None), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0)],
)
def test_a_time_to_wait_is_read_in_both_spellings(value: str, seconds: float | None) -> None:
    assert retry_after(value) == seconds


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"status":"error","error":"bad query"}', "bad query"),
        ('{"code":601,"message":"no uuid"}', "no uuid"),
        ('"end time is past"', "end time is past"),
        ("parse error at line 1", "parse error at line 1"),
        ("[1]", "[1]"),
    ],
)
def test_the_servers_words_are_found(body: str, words: str) -> None:
    assert reason(body) == words


@given(st.text())
def test_text_of_a_server_becomes_one_plain_line(text: str) -> None:
    line = one_line(text)
    assert len(line) <= 300
    assert not any(unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"} for character in line)


async def test_the_first_failure_is_raised_as_it_is() -> None:
    async def fail() -> int:
        raise ToolError("no")

    async def work() -> int:
        return 1

    assert await together(work(), work()) == [1, 1]
    with pytest.raises(ToolError, match="no"):
        await together(work(), fail(), work(), at_once=1)
