import json
from datetime import UTC, datetime

import httpx
import pytest
from tests.unit.toolsets.replaying import cassette, remote_of

from steersman.domain.errors import NoSourceError
from steersman.domain.signal import Selector, Window
from steersman.toolsets.tempo import TempoClient, TempoSource

WINDOW = Window(start=datetime.fromtimestamp(1795388700, UTC), end=datetime.fromtimestamp(1795388720, UTC))
PAYMENTS = Selector(service="payments")


class Fake:
    """A search with one trace, or more of the same."""

    def __init__(self, traces: int = 1) -> None:
        self.traces = traces
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if request.url.path == "/api/search":
            document = cassette("tempo", "search-errors").document
            one = document["traces"][0]
            found = [{**one, "traceID": f"{number:032x}"} for number in range(self.traces)]
            return httpx.Response(200, json={**document, "traces": found})
        if request.url.path == "/api/v2/search/tags":
            return cassette("tempo", "tags-v2-scope").response()
        return cassette("tempo", "trace-v2").response()


def source(fake: Fake) -> TempoSource:
    return TempoSource(TempoClient(remote_of(fake, "tempo")))


async def test_spans_come_oldest_first_with_who_called_whom() -> None:
    page = await source(Fake()).spans(Selector(), WINDOW)
    assert page.left_out == 0
    assert [s.start for s in page.spans] == sorted(s.start for s in page.spans)
    assert {s.service for s in page.spans} == {"front", "checkout", "payments"}
    known = {s.span_id for s in page.spans}
    assert [s.parent_id for s in page.spans if s.parent_id not in known] == [""]


async def test_only_spans_of_what_is_selected_are_shown() -> None:
    fake = Fake()
    page = await source(fake).spans(PAYMENTS, WINDOW)
    assert {s.service for s in page.spans} == {"payments"}
    assert fake.asked[0].url.params["q"] == '{ resource.service.name = "payments" }'


async def test_the_attribute_of_an_instance_is_found() -> None:
    fake = Fake()
    await source(fake).spans(Selector(service="payments", instance='p"1'), WINDOW)
    asked = next(r for r in fake.asked if r.url.path == "/api/search")
    assert asked.url.params["q"] == '{ resource.service.name = "payments" && resource.k8s.pod.name = "p\\"1" }'


async def test_a_pool_that_no_resource_names_has_no_spans() -> None:
    assert (await source(Fake()).spans(Selector(pool="blue"), WINDOW)).spans == ()


async def test_traces_that_were_not_read_are_counted() -> None:
    page = await source(Fake(traces=12)).spans(PAYMENTS, WINDOW, limit=13)
    stats = cassette("tempo", "search-errors").document["traces"][0]["serviceStats"]
    each = stats["payments"]["spanCount"]
    assert len(page.spans) + page.left_out == 12 * each, json.dumps(stats)


async def test_spans_outside_of_the_window_are_not_shown() -> None:
    early = Window(start=datetime.fromtimestamp(1795388600, UTC), end=datetime.fromtimestamp(1795388700, UTC))
    assert (await source(Fake()).spans(Selector(), early)).spans == ()


async def test_signals_logs_and_changes_name_who_has_them() -> None:
    eyes = source(Fake())
    with pytest.raises(NoSourceError, match="Prometheus"):
        await eyes.range("cpu", Selector(), WINDOW)
    with pytest.raises(NoSourceError, match="Loki"):
        await eyes.logs(Selector(), WINDOW)
    with pytest.raises(NoSourceError, match="Grafana"):
        await eyes.changes(WINDOW)
