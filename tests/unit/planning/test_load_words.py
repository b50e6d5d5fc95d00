"""Short words of load tests: each form is read, everything else is refused with a form that would do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.domain.errors import InputError
from steersman.domain.load import ErrorGoal, FailureGoal, LatencyGoal
from steersman.planning.load_preset import Wanted, preset, split_url
from steersman.planning.load_words import abort, duration_s, goal, written


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5m", 300), ("1h30m", 5_400), ("250ms", 0.25), ("1.5m", 90)]
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("p99<300ms", LatencyGoal(quantile=0.99, max_ms=300)),
        ("P99.9 <= 1s", LatencyGoal(quantile=0.999, max_ms=1_000)),
        ("p999<2s", LatencyGoal(quantile=0.999, max_ms=2_000)),
        ("errors<1%", ErrorGoal(max_ratio=0.01)),
        ("failures<=0", FailureGoal(max_count=0)),
    ],
)
def test_goals_are_read(text: str, wanted: object) -> None:
    assert goal(text) == wanted


@given(
    st.one_of(
        st.builds(LatencyGoal, quantile=st.sampled_from([0.5, 0.9, 0.95, 0.99]), max_ms=st.integers(1, 9_999)),
        st.builds(ErrorGoal, max_ratio=st.sampled_from([0.001, 0.01, 0.25])),
        st.builds(FailureGoal, max_count=st.integers(0, 1_000)),
    )
)
def test_a_goal_that_is_written_reads_as_itself(wanted: LatencyGoal | ErrorGoal | FailureGoal) -> None:
    assert goal(written(wanted)) == wanted


def test_abort_conditions_are_read_with_how_long_they_must_last() -> None:
    assert (abort("errors>20%").above, abort("errors>20%").for_s) == (0.2, 5.0)
    assert (abort("p95>2s for 10s").above, abort("p95>2s for 10s").for_s) == (2_000, 10.0)


@pytest.mark.parametrize(
    "text", ["", "p99", "p40<1s", "errors<100%", "errors<0%", "p99<fast", "goal", "p99<300", "1 week"]
)
def test_everything_else_is_refused_in_one_line(text: str) -> None:
    for read in (goal, abort, duration_s):
        with pytest.raises(InputError) as caught:
            read(text)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "ftp://a", "http://", "http://u:p@host/", "javascript:1", "http://host:99999/", "http://[::1", "//x"]
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(InputError):
        split_url(url)


def test_a_url_becomes_origin_and_path() -> None:
    assert split_url("https://Shop.Example:8443/a%20b?x=1") == ("https://shop.example:8443", "/a%20b?x=1")
    assert split_url("http://[::1]:80") == ("http://[::1]:80", "/")


def test_a_preset_needs_a_level_but_for_smoke() -> None:
    assert preset(Wanted(shape="smoke", url="http://localhost:1")).peak == 1
    with pytest.raises(InputError, match="--rate"):
        preset(Wanted(shape="stress", url="http://localhost:1"))
    with pytest.raises(InputError, match="percent-encode"):
        preset(Wanted(shape="smoke", url="http://localhost:1/a b"))
