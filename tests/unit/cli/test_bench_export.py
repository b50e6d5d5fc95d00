"""A load run for other tools: each form is well-formed, and untrusted text stays text."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from steersman.cli.render.bench_export import FORMS, Told, write
from steersman.domain.errors import InputError
from steersman.domain.fact import digest
from steersman.domain.histogram import Histogram
from steersman.domain.load import Journey, LoadProfile, Request, Stage
from steersman.domain.load_result import Block, GeneratorHealth, GoalVerdict, LoadResult, LoadVerdict

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVIL = 'x"><script>\x1b[2J & `|'


def told() -> Told:
    journeys = (Journey(name="j", requests=(Request(name="r"),)),)
    profile = LoadProfile(
        name="a", target="http://localhost:1", stages=(Stage(duration_s=10, level=1),), journeys=journeys
    )
    latency = Histogram.of([float(value) for value in range(1, 101)])
    result = LoadResult(
        name="run",
        generator="k6",
        profile_digest=digest({}),
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=10),
        measured_s=10,
        blocks=(Block(start_s=0, duration_s=10, requests=100, failures=0, latency=latency),),
        health=GeneratorHealth(cores=1, started=100),
    )
    parts = (
        GoalVerdict(what="p95", result="fail", reason=EVIL),
        GoalVerdict(what="p50", result="inconclusive", reason="few"),
        GoalVerdict(what="errors", result="pass", reason="none"),
    )
    return Told(profile, result, LoadVerdict(result="fail", reason=EVIL, parts=parts))


def test_junit_tells_failures_from_what_cannot_be_told() -> None:
    suite = ET.fromstring(FORMS["junit"](told()))
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "2", "1")
    cases = {case.get("name"): [child.tag for child in case] for case in suite}
    assert cases == {"p95": ["failure"], "p50": ["error"], "errors": [], "verdict": ["failure"]}


def test_openmetrics_ends_as_it_must_and_its_buckets_rise() -> None:
    lines = FORMS["openmetrics"](told()).splitlines()
    assert lines[-1] == "# EOF"
    buckets = [int(line.rsplit(" ", 1)[1]) for line in lines if "_bucket{" in line]
    assert buckets == sorted(buckets)
    assert buckets[-1] == 100
    assert any('quantile="0.95"' in line for line in lines)


def test_markdown_holds_untrusted_text_in_its_cells() -> None:
    text = FORMS["markdown"](told())
    assert "\x1b" not in text
    assert "<script>" not in text.replace("\\<script\\>", "")


def test_json_has_what_scripts_rely_on() -> None:
    document = json.loads(FORMS["json"](told()))
    assert (document["requests"], document["verdict"]["result"]) == (100, "fail")
    assert document["p95_ms"] == pytest.approx(95, rel=0.01)
    assert "blocks" not in document


def test_an_unknown_form_or_a_place_that_is_none_is_refused(tmp_path: Path) -> None:
    for wanted in ("pdf=x", "json", "json=", f"json={tmp_path}/no/where"):
        with pytest.raises(InputError, match="--export"):
            write(told(), wanted)
    assert write(told(), f"json={tmp_path}/a.json").is_file()
