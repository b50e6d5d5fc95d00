"""Shares of traffic are exact."""

import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from steersman.lab.weighting import SmoothWeights


@given(blue=st.integers(0, 100), rounds=st.integers(1, 4))
def test_each_hundred_requests_are_shared_exactly(blue: int, rounds: int) -> None:
    turns = SmoothWeights({"blue": blue, "green": 100 - blue})
    taken = Counter(turns.take() for _ in range(100 * rounds))
    assert (taken["blue"], taken["green"]) == (blue * rounds, (100 - blue) * rounds)


def test_a_tenth_comes_every_tenth_time_and_not_in_a_burst() -> None:
    turns = SmoothWeights({"blue": 90, "green": 10})
    places = [place for place in range(100) if turns.take() == "green"]
    assert {later - earlier for earlier, later in itertools.pairwise(places)} == {10}


def test_without_weight_nobody_takes_it() -> None:
    assert SmoothWeights({}).take() is None
    assert SmoothWeights({"blue": 0}).take() is None
