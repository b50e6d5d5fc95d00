"""Several sources as one: everyone is asked for what he has, and who is down is a hole."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from steersman.agents.investigate import investigate
from steersman.app.merged import MergedSource, Named
from steersman.domain.errors import NoSourceError, ToolError, UnavailableError
from steersman.domain.signal import Change, LogPage, LogRecord, Selector, Series, SignalName, Span, SpanPage, Window
from steersman.domain.source_operations import Citation, CiteQuery

START = datetime(2026, 11, 25, 12, tzinfo=UTC)
WINDOW = Window(start=START, end=START + timedelta(minutes=5))
ALL = Selector()


def nothing() -> None:
    raise NoSourceError("it has no such thing")


def down() -> None:
    raise UnavailableError("it is down")


def refused() -> None:
    raise ToolError("401")


class Fake:
    """Has some parts; what it has not it says so, and some of it may be broken."""

    def __init__(self, **parts: object) -> None:
        self.parts = parts

    def answer(self, part: str) -> object:
        found = self.parts.get(part, nothing)
        return found() if callable(found) else found

    async def range(self, signal: SignalName, selector: Selector, window: Window) -> Series:
        values = self.answer("metrics")
        assert isinstance(values, tuple)
        return Series(signal=signal, selector=selector, times=tuple(map(float, range(len(values)))), values=values)

    async def logs(self, selector: Selector, window: Window, *, limit: int = 1_000) -> LogPage:
        if self.parts.get("logs") == "hangs":
            await asyncio.Event().wait()
        page = self.answer("logs")
        assert isinstance(page, LogPage)
        return page

    async def spans(self, selector: Selector, window: Window, *, limit: int = 1_000) -> SpanPage:
        page = self.answer("spans")
        assert isinstance(page, SpanPage)
        return page

    async def changes(self, window: Window) -> tuple[Change, ...]:
        found = self.answer("changes")
        assert isinstance(found, tuple)
        return found


class Cited(Fake):
    async def services(self, window: Window) -> tuple[str, ...]:
        return ("front", "payments")

    async def calls(self, window: Window) -> tuple[tuple[str, str], ...]:
        return (("front", "payments"),)

    async def cite(self, asked: CiteQuery) -> Citation:
        return Citation(query="up", language="promql", link="http://prometheus/graph")


class Pages(Fake):
    def __init__(self, link: str = "http://grafana/explore", **parts: object) -> None:
        super().__init__(**parts)
        self.link = link

    async def explore(self, language: str, query: str, window: Window) -> str:
        if not self.link:
            raise UnavailableError("grafana is down")
        return f"{self.link}?{language}"


def merged(*sources: Fake, timeout_s: float = 8.0) -> MergedSource:
    return MergedSource([Named(f"s{number}", source) for number, source in enumerate(sources)], timeout_s)


def line(second: int) -> LogRecord:
    return LogRecord(at=START + timedelta(seconds=second), service="a", message=f"line {second}")


def span(number: int) -> Span:
    return Span(
        trace_id="t",
        span_id=str(number),
        service="a",
        operation="o",
        start=START + timedelta(seconds=number),
        duration_s=1,
    )


def change(second: int) -> Change:
    return Change(at=START + timedelta(seconds=second), service="a", kind="deploy", what="v2")


async def test_each_is_asked_for_what_it_has() -> None:
    source = merged(
        Fake(metrics=(1.0,)),
        Fake(logs=LogPage(records=(line(1),))),
        Fake(spans=SpanPage(spans=(span(1),))),
        Fake(changes=()),
    )
    assert (await source.range("cpu", ALL, WINDOW)).values == (1.0,)
    assert len((await source.logs(ALL, WINDOW)).records) == 1
    assert len((await source.spans(ALL, WINDOW)).spans) == 1
    assert await source.changes(WINDOW) == ()


async def test_of_two_sources_of_metrics_the_first_that_knows_the_thing_answers() -> None:
    assert (await merged(Fake(metrics=()), Fake(metrics=(2.0,))).range("cpu", ALL, WINDOW)).values == (2.0,)
    assert (await merged(Fake(metrics=()), Fake(metrics=())).range("cpu", ALL, WINDOW)).values == ()


async def test_an_empty_answer_says_nothing_while_another_that_may_know_is_down() -> None:
    with pytest.raises(UnavailableError, match="s1 is down"):
        await merged(Fake(metrics=()), Fake(metrics=down)).range("cpu", ALL, WINDOW)


async def test_lines_and_spans_of_several_are_merged_by_time_and_each_span_is_there_once() -> None:
    logs = merged(Fake(logs=LogPage(records=(line(2), line(4)), left_out=3)), Fake(logs=LogPage(records=(line(1),))))
    page = await logs.logs(ALL, WINDOW, limit=2)
    assert [record.message for record in page.records] == ["line 1", "line 2"]
    assert page.left_out == 4
    spans = merged(Fake(spans=SpanPage(spans=(span(2), span(3)))), Fake(spans=SpanPage(spans=(span(1), span(2)))))
    assert [one.span_id for one in (await spans.spans(ALL, WINDOW)).spans] == ["1", "2", "3"]


@pytest.mark.parametrize(("broken", "says"), [(down, "is down or busy"), (refused, "refused to answer")])
async def test_changes_of_those_that_answer_are_told_with_who_did_not(broken: object, says: str) -> None:
    found = await merged(Fake(changes=(change(2),)), Fake(changes=broken), Fake(changes=(change(1),))).change_list(
        WINDOW
    )
    assert [each.at.second for each in found.changes] == [1, 2]
    assert found.holes == (f"changes: s1 {says}; `steer doctor` says why",)


async def test_one_that_hangs_does_not_take_the_others_answers_with_it() -> None:
    source = merged(Fake(logs="hangs"), Fake(logs=LogPage(records=(line(1),))), timeout_s=0.02)
    page = await source.logs(ALL, WINDOW)
    assert len(page.records) == 1
    assert page.holes == ("logs: s0 gave no answer within 0.02 s",)


async def test_what_all_are_down_for_is_unavailable_and_what_none_has_is_not_there() -> None:
    with pytest.raises(UnavailableError):
        await merged(Fake(logs=down), Fake()).logs(ALL, WINDOW)
    with pytest.raises(NoSourceError, match="none of s0, s1 has 'logs'"):
        await merged(Fake(), Fake()).logs(ALL, WINDOW)
    with pytest.raises(NoSourceError):
        await merged(Fake()).range("queue_depth", ALL, WINDOW)


async def test_a_rest_that_is_left_out_everywhere_alike_stays_so_only_if_all_say_so() -> None:
    even, cut = LogPage(records=(line(1),), left_out=5, sampled=True), LogPage(records=(line(2),), left_out=1)
    whole = LogPage(records=(line(3),))
    assert (await merged(Fake(logs=even), Fake(logs=whole)).logs(ALL, WINDOW)).sampled
    assert not (await merged(Fake(logs=even), Fake(logs=cut)).logs(ALL, WINDOW)).sampled


async def test_evidence_opens_in_grafana_where_there_is_one_and_else_where_it_is_from() -> None:
    asked = CiteQuery(of="metrics", signal="cpu", window=WINDOW)
    assert (await merged(Cited(), Pages()).cite(asked)).link == "http://grafana/explore?promql"
    assert (await merged(Cited(), Pages(link="")).cite(asked)).link == "http://prometheus/graph"
    assert (await merged(Cited()).cite(asked)).link == "http://prometheus/graph"


async def test_services_and_calls_are_known_where_anybody_knows_them() -> None:
    assert await merged(Fake(), Cited()).services(WINDOW) == ("front", "payments")
    assert await merged(Fake(), Cited()).calls(WINDOW) == (("front", "payments"),)
    assert await merged(Fake()).calls(WINDOW) == ()


async def test_what_nobody_keeps_is_no_hole_and_who_is_down_is_one() -> None:
    quiet = Cited(metrics=tuple(0.5 for _ in range(20)))
    found = await investigate("?", WINDOW, merged(quiet))
    assert found.holes == ()
    assert {"logs", "spans", "changes"} <= set(found.not_looked_at)
    ill = await investigate("?", WINDOW, merged(quiet, Fake(logs=down)))
    assert any(hole.startswith("logs") for hole in ill.holes)
    assert ill.result == "not_enough_data"
    assert "logs" not in ill.not_looked_at
