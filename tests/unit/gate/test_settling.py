"""What becomes of intents without outcome: after a lost answer, and after a crash."""

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.gate.bench import RUN, bench, forward, results, step

from steersman.domain.errors import OutcomeUnknownError, SteersmanError, ToolError, UnavailableError
from steersman.domain.event import CallSettled
from steersman.domain.plan import Retry
from steersman.testing.toolset import Twist

SET = step("s", "set", {"name": "a", "items": ["new"]})
SAME = step("n", "set", {"name": "a", "items": ["old"]})
APPEND = step("p", "append", {"name": "a", "items": ["more"]})


async def crashed(b, grant, made) -> None:
    """A call whose process died: the intent is there, and no outcome."""
    stuck = b.store.twist(made.operation.partition(".")[2], Twist(wait=asyncio.Event()))
    task = asyncio.ensure_future(b.gate.call(forward(made, grant)))
    await stuck.entered.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_an_effect_that_is_there_is_done_with_the_output_that_read_back_shows(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)
        await crashed(b, grant, SET)
        b.store.state["a"] = ("new",)
        settled = await b.gate.settle(RUN, SET.id, "do")
        assert (settled.result, settled.settled_by) == ("done", "probe")
        assert settled.output == {"exists": True, "items": ["new"]}


async def test_no_effect_is_believed_only_after_the_deadline(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)
        await crashed(b, grant, SET)
        started = b.clock.monotonic()
        assert (await b.gate.settle(RUN, SET.id, "do")).result == "not_happened"
        assert b.clock.monotonic() - started >= 5


async def test_an_effect_that_lands_while_it_is_waited_for_is_seen_at_once(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)
        await crashed(b, grant, SET)
        b.clock.on_sleep = lambda: b.store.state.update(a=("new",)) if b.clock.monotonic() >= 1 else None
        assert (await b.gate.settle(RUN, SET.id, "do")).result == "done"
        assert b.clock.monotonic() < 3


async def test_a_state_that_is_neither_needs_a_person(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)
        await crashed(b, grant, SET)
        b.store.state["a"] = ("theirs",)
        for _ in range(3):
            assert (await b.gate.settle(RUN, SET.id, "do")).result == "unknown"
        assert results(await b.events()) == ["unknown"]


async def test_a_write_that_was_to_change_nothing_is_done(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SAME)
        await crashed(b, grant, SAME)
        assert (await b.gate.settle(RUN, SAME.id, "do")).result == "done"


async def test_an_operation_that_cannot_say_what_it_leaves_is_known_only_not_to_have_happened(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(APPEND)
        await crashed(b, grant, APPEND)
        b.store.state["a"] = ("old", "more")
        assert (await b.gate.settle(RUN, APPEND.id, "do")).result == "unknown"
        b.store.state["a"] = ("old",)
        assert (await b.gate.settle(RUN, APPEND.id, "do")).result == "not_happened"


async def test_a_system_that_cannot_be_asked_leaves_it_unknown_and_is_asked_again_later(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)
        await crashed(b, grant, SET)
        b.store.twist("get", *(Twist(before=UnavailableError("down")) for _ in range(10)))
        assert (await b.gate.settle(RUN, SET.id, "do")).result == "unknown"
        b.store.twists.clear()
        b.clock.move(seconds=60)
        assert (await b.gate.settle(RUN, SET.id, "do")).result == "not_happened"


async def test_settling_twice_gives_the_same_and_writes_once(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)
        await crashed(b, grant, SET)
        b.store.state["a"] = ("new",)
        first = await b.gate.settle(RUN, SET.id, "do")
        assert await b.gate.settle(RUN, SET.id, "do") == first
        assert results(await b.events()) == ["unknown", "done"]
        assert await b.gate.settle(RUN, "other", "do") is None


TWISTS = st.sampled_from(["fine", "refuse", "busy", "lose_answer", "lose_request", "ignore", "bug", "busy_but_done"])


def twisted(kind: str) -> Twist:
    match kind:
        case "refuse":
            return Twist(before=ToolError("no"))
        case "busy":
            return Twist(before=UnavailableError("busy"))
        case "lose_answer":
            return Twist(after=OutcomeUnknownError("dead"))
        case "lose_request":
            return Twist(before=OutcomeUnknownError("dead"))
        case "ignore":
            return Twist(ignore=True)
        case "bug":
            return Twist(after=ZeroDivisionError("bug"))
        case "busy_but_done":
            return Twist(after=UnavailableError("busy"))
        case _:
            return Twist()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kinds=st.lists(TWISTS, min_size=1, max_size=8), verb=st.sampled_from(["set", "create", "append"]))
async def test_whatever_goes_wrong_there_is_at_most_one_effect_and_the_journal_agrees_with_the_world(
    tmp_path_factory, kinds, verb
):
    made = step("x", verb, {"name": "b" if verb == "create" else "a", "items": ["new"]})
    async with bench(tmp_path_factory.mktemp("law")) as b:
        grant = await b.stored(made)
        b.store.twist(verb, *map(twisted, kinds))
        for _ in range(len(kinds) + 1):
            try:
                await b.gate.call(forward(made, grant, retry=Retry(attempts=2)))
            except (SteersmanError, ZeroDivisionError):
                continue
            break
        assert len(b.store.effects) <= 1
        settled = [e for e in await b.events() if isinstance(e, CallSettled)]
        blind = verb == "append" and "ignore" in kinds  # it cannot say what it leaves, so nobody can contradict it
        if settled[-1].result == "done" and not blind:
            assert len(b.store.effects) == 1
        if settled[-1].result in ("failed", "not_happened") and b.store.effects:
            # Said not to have happened by a tool that lied; whoever asks again finds out instead of doing it twice.
            assert "busy_but_done" in kinds
