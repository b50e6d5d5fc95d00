"""Where the time of a service's requests goes."""

from datetime import UTC, datetime, timedelta

import pytest

from steersman.diagnosis.gathering import Gathered, bundle_of
from steersman.diagnosis.investigation import investigate
from steersman.domain.finding import TimeShare
from steersman.domain.signal import Span, Window

START = datetime(2026, 1, 1, tzinfo=UTC)
WINDOW = Window(start=START, end=START + timedelta(seconds=60), step_s=1.0)


def request(number: int, *, by: str = "front") -> list[Span]:
    """front (10 ms of its own) -> payments (20 ms) -> bank (70 ms)."""
    at = START + timedelta(seconds=number)
    way = [("front", 0.1), ("payments", 0.09), ("bank", 0.07)]
    way = way[[name for name, _ in way].index(by) :]
    return [
        Span(
            trace_id=f"t{number}{by}",
            span_id=f"{number}{by}{place}",
            parent_id=f"{number}{by}{place - 1}" if place else "",
            service=name,
            operation="POST",
            start=at,
            duration_s=seconds,
        )
        for place, (name, seconds) in enumerate(way)
    ]


def spent(spans: list[Span], service: str) -> tuple[TimeShare, ...]:
    gathered = Gathered(suspect_spans=spans)
    return investigate(bundle_of(gathered, WINDOW, suspect=service), "why?").time_spent


def test_what_lies_below_a_service_is_counted_and_not_what_calls_it() -> None:
    found = spent([span for n in range(20) for span in request(n)], "payments")
    assert [each.service for each in found] == ["bank", "payments"]
    assert found[0].own_ms == pytest.approx(70, rel=0.01)
    assert sum(each.share for each in found) == pytest.approx(1, abs=0.001)


def test_requests_of_others_that_come_straight_to_it_count_too() -> None:
    spans = [span for n in range(20) for span in (*request(n), *request(n, by="payments"))]
    assert spent(spans, "payments")[0].own_ms == pytest.approx(70, rel=0.01)
    assert spent(spans, "front")[0].share == pytest.approx(0.7, rel=0.01)


def test_without_spans_or_for_a_service_that_nobody_saw_nothing_is_said() -> None:
    assert spent([], "payments") == ()
    assert spent(request(1), "nobody") == ()
