"""Changes in a history of runs are found where they are, and chance is not taken for one."""

import numpy as np

from steersman.judgement.change_points import change_points


def test_a_step_of_ten_percent_is_found_at_its_run() -> None:
    dice = np.random.default_rng(1)
    hits = 0
    for _ in range(20):
        values = 100 * np.exp(dice.normal(0, 0.03, 40))
        values[22:] *= 1.1
        found = change_points(values.tolist())
        hits += len(found) == 1 and abs(found[0].index - 22) <= 2 and found[0].after > found[0].before
    assert hits >= 18


def test_chance_is_seldom_a_change() -> None:
    dice = np.random.default_rng(2)
    alarms = sum(bool(change_points((100 * np.exp(dice.normal(0, 0.05, 30))).tolist())) for _ in range(60))
    assert alarms <= 2


def test_two_steps_are_two_changes_and_the_same_history_says_the_same() -> None:
    values = [10.0 + 0.01 * (i % 3) for i in range(12)] + [20.0 + 0.01 * (i % 5) for i in range(12)] + [10.0] * 12
    found = change_points(values)
    assert [change.index for change in found] == [12, 24]
    assert change_points(values) == found


def test_few_runs_or_equal_ones_say_nothing() -> None:
    assert change_points([1.0, 9.0, 1.0, 9.0, 9.0, 9.0]) == ()
    assert change_points([5.0] * 30) == ()
    assert change_points([]) == ()
