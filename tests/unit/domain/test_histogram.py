"""HDR histograms keep counts exactly and values to three digits."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.domain.histogram import HIGHEST_US, Histogram, bounds_of, bucket_of

VALUES = st.lists(st.floats(0, 3_600_000), min_size=1, max_size=50)


@given(st.integers(0, HIGHEST_US))
def test_a_value_lies_in_its_bucket_which_is_narrow(value: int) -> None:
    low, high = bounds_of(bucket_of(value))
    assert low <= value <= high
    assert high - low <= value / 1_000


@given(st.integers(0, 30_000))
def test_buckets_follow_each_other_without_gap(bucket: int) -> None:
    assert bounds_of(bucket + 1)[0] == bounds_of(bucket)[1] + 1


@given(VALUES, st.floats(0.01, 1))
def test_a_quantile_is_the_value_of_that_rank(values: list[float], q: float) -> None:
    wanted = sorted(values)[max(math.ceil(q * len(values) - 1e-9) - 1, 0)]
    assert Histogram.of(values).quantile_ms(q) == pytest.approx(wanted, rel=1e-3, abs=1e-3)


@given(VALUES, VALUES)
def test_the_sum_of_two_is_the_histogram_of_all(a: list[float], b: list[float]) -> None:
    assert Histogram.of(a).plus(Histogram.of(b)) == Histogram.of(a + b)


@given(VALUES)
def test_it_survives_json(values: list[float]) -> None:
    histogram = Histogram.of(values)
    assert Histogram.model_validate_json(histogram.model_dump_json()) == histogram


def test_an_empty_one_has_no_quantiles() -> None:
    with pytest.raises(ValueError, match="empty"):
        Histogram().quantile_ms(0.5)
