"""A draft of a postmortem: all parts, in both languages; what came from telemetry stays text."""

import re
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.agents.test_investigate import Recorded
from tests.unit.app.test_investigations import FAULTY

from steersman.agents.investigate import investigate
from steersman.app.investigations import charts
from steersman.cli.render.actions import ACTIONS
from steersman.cli.render.postmortem import Drawn, postmortem
from steersman.cli.render.svg import amount, chart
from steersman.cli.render.words import Language
from steersman.domain.finding import Investigation
from steersman.domain.signal import Selector, Series, Window
from steersman.testing.shop import START, Faults, window

WHOLE = Window(start=START - timedelta(minutes=2), end=START + timedelta(minutes=2))
HEADINGS: dict[Language, tuple[str, ...]] = {
    "en": ("What was changed", "Impact", "Timeline (UTC)", "Cause", "Other hypotheses", "Evidence", "Actions"),
    "ko": ("변경 사항", "영향 범위", "타임라인 (UTC)", "원인", "다른 가설", "근거", "조치 항목"),
}


async def told(faults: Faults) -> tuple[Investigation, list[Drawn]]:
    source = Recorded(faults)
    found = await investigate("why is it slow?", window(), source)
    return found, [Drawn(each.evidence, each.series) for each in await charts(found, source)]


@pytest.mark.parametrize("lang", ["en", "ko"])
async def test_it_has_every_part_and_what_was_changed_comes_first(lang: Language) -> None:
    found, drawn = await told(FAULTY)
    text = postmortem(found, drawn, lang)
    assert tuple(re.findall(r"^## (.*)$", text, re.MULTILINE)) == HEADINGS[lang]
    assert "<svg" in text
    assert "payments" in text
    assert f"`steer evidence verify {found.incident_id}`" in text


async def test_words_of_telemetry_cannot_become_markup() -> None:
    found, drawn = await told(FAULTY)
    text = postmortem(found, drawn, "en")
    assert "[click](http://evil)" not in text
    assert r"\[click\]" in text


async def test_a_link_is_a_link_only_when_it_is_one() -> None:
    found, drawn = await told(FAULTY)
    key = found.root_causes[0].evidence[0]
    for link, shown in (("https://grafana/explore?a=(b)", "(https://grafana/explore?a=%28b%29)"), ("javascript:x", "")):
        item = found.evidence[key].model_copy(update={"link": link})
        text = postmortem(found.model_copy(update={"evidence": {**found.evidence, key: item}}), drawn, "en")
        assert (shown in text) if shown else ("javascript" not in text)


async def test_nothing_found_is_said_plainly() -> None:
    found, drawn = await told(Faults())
    text = postmortem(found, drawn, "en")
    assert "no fault found" in text
    assert "nan" not in text.lower()


def test_every_kind_of_fault_has_something_to_do_in_both_languages() -> None:
    assert all(english and korean for english, korean in ACTIONS.values())


values = st.lists(st.floats(0, 1e12, allow_nan=False), min_size=1, max_size=900)


@given(values, st.text(max_size=40))
def test_a_chart_is_well_formed_and_has_no_blank_line(numbers: list[float], service: str) -> None:
    series = Series(
        signal="memory",
        selector=Selector(service=service),
        times=tuple(START.timestamp() + i for i in range(len(numbers))),
        values=tuple(numbers),
    )
    drawn = chart(series, WHOLE, window())
    assert "\n\n" not in drawn
    root = ET.fromstring(drawn)
    assert {child.tag.rpartition("}")[2] for child in root} <= {"title", "rect", "line", "polyline", "text"}


def test_amounts_carry_their_unit() -> None:
    assert amount("error_rate", 0.305) == "30.5 %"
    assert amount("memory", 3 * 2**20) == "3 MiB"
    assert amount("latency_p95", 1.25) == "1.25 s"
    assert amount("queue_depth", 12) == "12"
