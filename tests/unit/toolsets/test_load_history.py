"""Runs in short: kept, listed oldest first, forgotten with the run; changes are found within one load."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from steersman.app.loads import changes
from steersman.domain.histogram import Histogram
from steersman.domain.load import Journey, LoadProfile, Request, Stage
from steersman.domain.load_result import Block, GeneratorHealth, LoadResult, LoadVerdict
from steersman.toolsets.load import History, Runs

NOW = datetime(2026, 1, 1, tzinfo=UTC)
VERDICT = LoadVerdict(result="pass", reason="fine")


def profile(name: str = "a") -> LoadProfile:
    journeys = (Journey(name="j", requests=(Request(name="r"),)),)
    return LoadProfile(
        name=name, target="http://localhost:1", stages=(Stage(duration_s=10, level=1),), journeys=journeys
    )


def result(name: str, *, hours: int = 0, milliseconds: float = 10.0) -> LoadResult:
    latency = Histogram.of([milliseconds] * 10)
    return LoadResult(
        name=name,
        generator="k6",
        profile_digest=profile().fingerprint,
        started_at=NOW + timedelta(hours=hours),
        finished_at=NOW + timedelta(hours=hours, seconds=10),
        measured_s=10,
        blocks=(Block(start_s=0, duration_s=10, requests=10, failures=0, latency=latency),),
        health=GeneratorHealth(cores=1, started=10),
    )


def test_lines_come_oldest_first_and_by_profile(tmp_path: Path) -> None:
    history = History(tmp_path)
    assert history.lines() == []
    history.add(profile(), result("late", hours=2), VERDICT, "lab")
    history.add(profile("b"), result("early", hours=1), VERDICT, "lab")
    assert [line.name for line in history.lines()] == ["early", "late"]
    assert [line.name for line in history.lines(profile="b")] == ["early"]
    history.delete("k6", "late")
    assert [line.name for line in history.lines()] == ["early"]


def test_a_run_of_the_same_name_takes_the_place_of_the_former(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.add(profile(), result("x"), VERDICT, "lab")
    history.add(profile(), result("x", milliseconds=99), VERDICT, "lab")
    (line,) = history.lines()
    assert round(line.p95_ms) == 99


def test_a_slower_release_is_a_change_at_its_first_run(tmp_path: Path) -> None:
    history = History(tmp_path)
    for hour in range(20):
        jitter = 1 + (hour * 7 % 5) / 100
        slow = 1.4 if hour >= 12 else 1.0
        history.add(profile(), result(f"r{hour}", hours=hour, milliseconds=20 * jitter * slow), VERDICT, "lab")
    assert [*changes(history.lines())] == ["r12"]


def test_a_run_that_was_cut_off_is_not_there(tmp_path: Path) -> None:
    runs = Runs(tmp_path, "k6")
    runs.begin("x", profile(), "key")
    assert not runs.exists("x")
    runs.keep("x", result("x"))
    assert (runs.exists("x"), runs.key("x")) == (True, "key")
    runs.delete("x")
    assert not runs.exists("x")
