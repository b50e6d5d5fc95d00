"""One write from intent to outcome: compare-and-set, read-back, retries, what cancellation and bugs leave behind."""

import asyncio

import pytest
from tests.unit.gate.bench import RUN, STORE, bench, call, forward, results, step

from steersman.domain.errors import (
    ConcurrencyError,
    DriftError,
    InputError,
    OutcomeUnknownError,
    ToolError,
    UnavailableError,
)
from steersman.domain.event import CallIntended, CallSettled, Decided, ReadMade
from steersman.domain.plan import Retry
from steersman.testing.toolset import Twist

SET = step("s", "set", {"name": "a", "items": ["new"]})
CREATE = step("c", "create", {"name": "b", "items": ["new"]})
APPEND = step("p", "append", {"name": "a", "items": ["more"]})
SEND = step("m", "send", {"name": "a", "items": []})
THRICE = Retry(attempts=3, backoff_s=1)


async def test_decision_and_look_are_in_the_journal_before_the_intent_and_the_look_after_before_the_outcome(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)
        seen = len(await b.events())
        await b.gate.call(forward(SET, grant))
        kinds = [type(e) for e in (await b.events())[seen:] if type(e).__name__ != "ApprovalMoved"]
        assert kinds == [Decided, ReadMade, CallIntended, ReadMade, CallSettled]


async def test_a_write_that_the_tool_ignored_is_an_error_that_says_what_differs(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)
        b.store.twist("set", Twist(ignore=True))
        with pytest.raises(ToolError, match=r"items is \['old'\], not \['new'\]"):
            await b.gate.call(forward(SET, grant))
        assert results(await b.events()) == ["unknown"]


async def test_what_read_back_contradicted_never_becomes_a_success_by_asking_again(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)
        b.store.twist("set", Twist(ignore=True), Twist(ignore=True))
        for _ in range(2):
            with pytest.raises(ToolError):
                await b.gate.call(forward(SET, grant))
        assert results(await b.events()) == ["unknown", "not_happened", "unknown"]
        assert (await b.gate.call(forward(SET, grant))).after == {"exists": True, "items": ["new"]}


async def test_an_attempt_that_was_said_to_have_failed_and_has_happened_is_not_repeated(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)
        b.store.twist("set", Twist(after=UnavailableError("503, so they say")))
        outcome = await b.gate.call(forward(SET, grant, retry=THRICE))
        assert (outcome.settled, outcome.before) == ("probed", {"exists": True, "items": ["old"]})
        assert len(b.store.effects) == 1
        assert results(await b.events()) == ["failed", "done"]


async def test_a_natural_write_is_not_repeated_on_what_others_have_changed_since(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)

        b.store.twist("set", Twist(before=UnavailableError("busy")))
        b.clock.on_sleep = lambda: b.store.state.update(a=("theirs",))
        with pytest.raises(DriftError, match="theirs"):
            await b.gate.call(forward(SET, grant, retry=THRICE))
        assert b.store.state["a"] == ("theirs",)
        assert not b.store.effects


async def test_a_keyed_write_is_repeated_under_the_same_key(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(CREATE)
        b.store.twist("create", Twist(before=UnavailableError("busy")), Twist(before=UnavailableError("busy")))
        outcome = await b.gate.call(forward(CREATE, grant, retry=THRICE))
        assert outcome.attempts == 3
        assert [e.key for e in b.store.effects] == [f"{RUN}/c/do"]


async def test_a_write_that_is_neither_keyed_nor_natural_is_never_repeated_by_itself(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(APPEND)
        b.store.twist("append", Twist(before=UnavailableError("busy")))
        with pytest.raises(UnavailableError):
            await b.gate.call(forward(APPEND, grant, retry=THRICE))
        assert b.store.calls.count("append") == 1


async def test_whoever_is_told_to_come_back_much_later_is_told_so_at_once(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)
        b.store.twist("set", Twist(before=UnavailableError("maintenance", retry_after_s=3_600)))
        with pytest.raises(UnavailableError, match="maintenance"):
            await b.gate.call(forward(SET, grant, retry=THRICE))
        assert b.clock.monotonic() < 60


async def test_a_tool_that_says_when_to_come_back_is_asked_then(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)
        b.store.twist("set", Twist(before=UnavailableError("busy", retry_after_s=7)))
        await b.gate.call(forward(SET, grant, retry=THRICE))
        assert 7 <= b.clock.monotonic() < 8


async def test_a_lost_answer_without_a_probe_is_unknown_and_stays_so(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SEND)
        b.store.twist("send", Twist(after=OutcomeUnknownError("dead")))
        for _ in range(2):
            with pytest.raises(OutcomeUnknownError, match="person"):
                await b.gate.call(forward(SEND, grant, retry=THRICE))
        assert len(b.store.effects) == 1
        assert (await b.gate.settle(RUN, SEND.id, "do")).result == "unknown"
        assert results(await b.events()) == ["unknown"]


async def test_a_cancelled_write_leaves_an_unknown_outcome_that_is_settled_later(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)
        stuck = b.store.twist("set", Twist(wait=asyncio.Event()))
        task = asyncio.ensure_future(b.gate.call(forward(SET, grant)))
        await stuck.entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert results(await b.events()) == ["unknown"]
        assert (await b.gate.settle(RUN, SET.id, "do")).result == "not_happened"


async def test_a_timeout_of_a_write_is_settled_and_of_a_read_is_unavailable(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)
        b.store.twist("set", Twist(wait=asyncio.Event()))
        with pytest.raises(UnavailableError, match="read-back shows that it had no effect"):
            await b.gate.call(forward(SET, grant, timeout_s=0.01))
        b.store.twist("get", Twist(wait=asyncio.Event()))
        with pytest.raises(UnavailableError, match=r"within 0\.01 s"):
            await b.gate.call(call("store.get", arguments={"name": "a"}, environment=STORE, timeout_s=0.01))


async def test_two_callers_of_one_step_have_one_effect(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)
        found = await asyncio.gather(*(b.gate.call(forward(SET, grant)) for _ in range(20)), return_exceptions=True)
        assert len(b.store.effects) == 1
        assert all(not isinstance(each, BaseException) or isinstance(each, ConcurrencyError) for each in found)


async def test_a_rehearsal_never_looks_like_a_step_that_was_done(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET, APPEND)
        for each in (SET, APPEND):
            outcome = await b.gate.call(forward(each, grant, dry_run=True))
            assert outcome.before == {"exists": True, "items": ["old"]}
        assert not b.store.effects
        assert not results(await b.events())


async def test_a_state_is_expected_of_an_operation_that_cannot_show_it_is_refused(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SEND)
        with pytest.raises(DriftError, match="no probe"):
            await b.gate.call(forward(SEND, grant, expects={"exists": True}))


async def test_a_value_that_the_journal_holds_redacted_is_never_sent(tmp_path):
    async with bench(tmp_path) as b:
        with pytest.raises(InputError, match="redacted"):
            await b.gate.call(
                call("store.set", arguments={"name": "a", "items": ["x [redacted 12345678]"]}, environment=STORE)
            )


async def test_a_read_of_a_plan_keeps_its_answer_and_an_error_is_written_down(tmp_path):
    look = step("g", "get", {"name": "a"})
    async with bench(tmp_path) as b:
        grant = await b.stored(look)
        b.store.twist("get", Twist(before=ToolError("no")), Twist(before=ZeroDivisionError("password=hunter22")))
        with pytest.raises(ToolError):
            await b.gate.call(forward(look, grant))
        with pytest.raises(ZeroDivisionError):
            await b.gate.call(forward(look, grant))
        await b.gate.call(forward(look, grant))
        settled = [e for e in await b.events() if isinstance(e, CallSettled)]
        assert [(e.result, e.error) for e in settled] == [
            ("failed", "ToolError: no"),
            ("failed", "ZeroDivisionError"),
            ("done", ""),
        ]
        assert settled[-1].output == {"exists": True, "items": ["old"]}
