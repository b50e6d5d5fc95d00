"""Which time is meant."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from steersman.app.store import CLOCK
from steersman.cli.when import LONGEST_S, When, instant, seconds
from steersman.domain.environment import Environment
from steersman.domain.errors import InputError

LIVE = Environment(kind="prometheus", name="prod", uid="u", url="http://p", tier="prod")
UNTIL = "2026-11-20T10:00:00Z"


def alert(tmp_path: Path, *, status: str = "firing", ends: str = "0001-01-01T00:00:00Z") -> Path:
    one = {
        "status": status,
        "labels": {"service": "payments"},
        "startsAt": "2026-11-20T09:30:00Z",
        "endsAt": ends,
        "fingerprint": "f1",
    }
    path = tmp_path / "alert.json"
    path.write_text(json.dumps({"version": "4", "alerts": [one]}))
    return path


@pytest.mark.parametrize(("text", "s"), [("90s", 90), ("5m", 300), ("1.5h", 5400), ("2d", 172800)])
def test_durations(text: str, s: float) -> None:
    assert seconds(text) == s


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "0s", "8d", "1h30m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        seconds(text)


def test_an_instant_without_a_zone_is_utc() -> None:
    assert instant("2026-11-20T10:00") == datetime(2026, 11, 20, 10, tzinfo=UTC)
    with pytest.raises(InputError):
        instant("yesterday")


def test_the_window_ends_when_it_is_said_and_never_in_the_future() -> None:
    window = When("30m", UNTIL).window(is_lab=False)
    assert (window.end, window.end - window.start) == (instant(UNTIL), timedelta(minutes=30))
    future = When("30m", "2099-01-01T00:00Z").window(is_lab=False)
    assert future.end <= CLOCK.now()


@pytest.mark.parametrize(("since", "step_s"), [("40s", 1.0), ("15m", 5.0), ("4h", 60.0)])
def test_points_are_few_enough_and_no_finer_than_scrapes(since: str, step_s: float) -> None:
    assert When(since, UNTIL).window(is_lab=False).step_s == step_s


def test_a_window_that_is_too_long_is_refused() -> None:
    assert LONGEST_S == 7 * 86_400
    with pytest.raises(InputError):
        When("169h", UNTIL).window(is_lab=False)


def test_the_baseline_is_a_length_before_or_a_stretch() -> None:
    window = When("10m", UNTIL).window(is_lab=False)
    before = When(baseline="1h").healthy(window)
    assert before is not None
    assert (before.end, before.end - before.start) == (window.start, timedelta(hours=1))
    stretch = When(baseline="2026-11-19T10:00Z/2026-11-19T11:00Z").healthy(window)
    assert stretch is not None
    assert stretch.start == datetime(2026, 11, 19, 10, tzinfo=UTC)
    assert When().healthy(window) is None
    with pytest.raises(InputError, match="before the window begins"):
        When(baseline="2026-11-20T09:55Z/2026-11-20T09:59Z").healthy(window)


def test_an_alert_says_when_what_and_which_incident(tmp_path: Path) -> None:
    asked = When(alert=alert(tmp_path)).question("", "", LIVE, lambda _: None)
    assert asked.service == "payments"
    assert asked.fingerprint == "f1"
    assert asked.alert_at == instant("2026-11-20T09:30:00Z")
    assert asked.window.start == instant("2026-11-20T09:20:00Z")
    assert asked.window.end == instant("2026-11-20T10:00:00Z")


def test_what_is_said_goes_before_what_the_alert_says(tmp_path: Path) -> None:
    when = When(since="5m", until="2026-11-20T09:32:00Z", alert=alert(tmp_path))
    asked = when.question("왜?", "checkout", LIVE, lambda _: None)
    assert asked.service == "checkout"
    assert asked.window.start == instant("2026-11-20T09:27:00Z")


def test_a_file_that_is_no_alert_names_itself(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("{}")
    with pytest.raises(InputError, match=r"x\.json.*no alert payload"):
        When(alert=path).question("", "", LIVE, lambda _: None)
    with pytest.raises(InputError, match="cannot be read"):
        When(alert=tmp_path / "none.json").question("", "", LIVE, lambda _: None)
