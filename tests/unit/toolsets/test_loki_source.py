from collections import Counter
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.toolsets.replaying import remote_of

from steersman.domain.errors import NoSourceError
from steersman.domain.signal import Selector, Window
from steersman.toolsets.loki import LokiClient, LokiSource

START = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
WINDOW = Window(start=START, end=START + timedelta(hours=1))
FIRST = int(START.timestamp()) * 10**9


class Fake:
    """Lines in nanoseconds after the start; answers pages as Loki does."""

    def __init__(self, lines: list[tuple[int, str]], labels: dict[str, str] | None = None, most: int = 5_000) -> None:
        self.lines = sorted(lines)
        self.labels = labels if labels is not None else {"service_name": "payments", "pod": "payments-1"}
        self.most = most
        self.queries: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        query = {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
        if path.endswith("/labels"):
            return self.success(sorted(self.labels))
        if path.endswith("/values"):
            label = path.split("/")[-2]
            return self.success([self.labels[label]] if f'{label}="{self.labels[label]}"' in query["query"] else [])
        if path.endswith("/query"):
            at = int(query["time"]) / 1e9
            return self.success(
                {"resultType": "vector", "result": [{"metric": {}, "value": [at, str(len(self.lines))]}]}
            )
        self.queries.append(query["query"])
        start, end = int(query["start"]) - FIRST, int(query["end"]) - FIRST
        found = [entry for entry in self.lines if start <= entry[0] < end][: min(int(query["limit"]), self.most)]
        values = [
            [str(FIRST + at), text, {"structuredMetadata": {"trace_id": "AB", "detected_level": "ERROR"}}]
            for at, text in found
        ]
        return self.success(
            {"resultType": "streams", "result": [{"stream": self.labels, "values": values}] if values else []}
        )

    @staticmethod
    def success(data: object) -> httpx.Response:
        return httpx.Response(200, json={"status": "success", "data": data})


def source(fake: Fake, page_lines: int = 5_000) -> LokiSource:
    return LokiSource(LokiClient(remote_of(fake, "loki")), page_lines=page_lines)


async def test_a_line_is_read_with_where_it_comes_from() -> None:
    page = await source(Fake([(5, "boom")])).logs(Selector(service="payments"), WINDOW)
    (record,) = page.records
    assert (record.service, record.instance, record.level, record.message) == (
        "payments",
        "payments-1",
        "error",
        "boom",
    )
    assert (record.trace_id, page.left_out) == ("ab".rjust(32, "0"), 0)


@given(
    offsets=st.lists(st.integers(min_value=0, max_value=40), max_size=120),
    page=st.integers(min_value=5, max_value=20),
    limit=st.integers(min_value=1, max_value=150),
)
async def test_no_line_is_lost_or_doubled_between_pages(offsets: list[int], page: int, limit: int) -> None:
    most_at_once = max(Counter(offsets).values(), default=0)
    lines = [(at, f"line {number % 3}") for number, at in enumerate(offsets)]
    fake = Fake(lines, most=page)
    found = await source(fake, page).logs(Selector(service="payments"), WINDOW, limit=limit)
    if most_at_once < page:
        assert [r.message for r in found.records] == [text for _, text in sorted(lines)][:limit]
        assert found.left_out == max(len(lines) - limit, 0)
    assert len(found.records) <= min(limit, len(lines))
    assert len(found.records) + found.left_out >= min(len(lines), limit)


async def test_more_lines_at_one_instant_than_a_page_holds_are_counted_as_left_out() -> None:
    fake = Fake([(7, str(n)) for n in range(6_000)])
    page = await source(fake).logs(Selector(service="payments"), WINDOW, limit=8_000)
    assert (len(page.records), page.left_out) == (5_000, 1_000)


async def test_a_service_that_writes_no_logs_has_none() -> None:
    page = await source(Fake([(5, "x")])).logs(Selector(service="ghost"), WINDOW)
    assert page.records == ()


async def test_a_version_that_is_no_label_is_looked_for_in_the_metadata() -> None:
    fake = Fake([(5, "x")])
    await source(fake).logs(Selector(service="payments", version='v2"'), WINDOW)
    assert fake.queries == ['{service_name="payments"} | version="v2\\""']


async def test_without_a_selector_everything_that_has_a_name_is_read() -> None:
    fake = Fake([(5, "x")])
    await source(fake).logs(Selector(), WINDOW)
    assert fake.queries == ['{service_name=~".+"}']


async def test_signals_spans_and_changes_name_who_has_them() -> None:
    eyes = source(Fake([]))
    with pytest.raises(NoSourceError, match="Prometheus"):
        await eyes.range("cpu", Selector(), WINDOW)
    with pytest.raises(NoSourceError, match="Tempo"):
        await eyes.spans(Selector(), WINDOW)
    with pytest.raises(NoSourceError, match="Grafana"):
        await eyes.changes(WINDOW)
