import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from steersman.domain.signal import Window
from steersman.queries.links import DataSource, explore_link

WINDOW = Window(start=datetime(2026, 11, 22, 23, 0, tzinfo=UTC), end=datetime(2026, 11, 22, 23, 30, tzinfo=UTC))


@given(st.text(max_size=40))
def test_a_hostile_query_stays_inside_of_the_link(query: str) -> None:
    link = explore_link("https://grafana.test/sub/", DataSource(type="loki", uid="l1"), query, window=WINDOW)
    parts = urlsplit(link)
    assert (parts.netloc, parts.path, parts.fragment) == ("grafana.test", "/sub/explore", "")
    pane = json.loads(parse_qs(parts.query)["panes"][0])["a"]
    assert pane["queries"][0]["expr"] == query
    assert pane["range"] == {"from": "1795388400000", "to": "1795390200000"}


def test_a_trace_is_asked_for_in_traceql() -> None:
    link = explore_link("https://g.test", DataSource(type="tempo", uid="t"), "{ status = error }", window=WINDOW)
    pane = json.loads(parse_qs(urlsplit(link).query)["panes"][0])["a"]
    assert (pane["queries"][0]["query"], pane["queries"][0]["queryType"]) == ("{ status = error }", "traceql")
