"""Each detector on small systems of which everything is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.diagnosis import errors, latency, logs, repetition, series, structure
from steersman.diagnosis.bundle import NONE, Bundle, Logs, Spans, Vocabulary
from steersman.diagnosis.concentration import concentrate
from steersman.diagnosis.graph import callees
from steersman.diagnosis.statistics import quantiles, stratified, surprise, trust, without
from steersman.diagnosis.symptom import Symptom
from steersman.diagnosis.templates import templates
from steersman.diagnosis.traces import shape
from steersman.testing.shop import Faults, Shop


def codes(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def strongest(bundle: Bundle, found: list[Symptom]) -> tuple[str, float]:
    top = max(found, key=lambda symptom: symptom.score)
    return bundle.services[top.service], top.score


def by_service(bundle: Bundle, found: list[Symptom]) -> dict[str, float]:
    return {bundle.services[symptom.service]: symptom.score for symptom in found}


# --- shape of traces


def tree() -> Spans:
    """0 front, 1 its call, 2 catalog (called by 1), 3 a step inside catalog, 4 a wait beside 3 that contains it."""
    return Spans(
        trace=codes(0, 0, 0, 0, 0),
        parent=codes(-1, 0, 1, 2, 2),
        service=codes(0, 0, 1, 1, 1),
        instance=codes(*[-1] * 5),
        version=codes(*[-1] * 5),
        operation=codes(0, 1, 2, 3, 4),
        start=np.array([0.0, 1.0, 1.5, 3.0, 2.0]),
        duration=np.array([10.0, 8.0, 7.0, 2.0, 4.0]),
        error=np.full(5, -1, np.int8),
        reference=np.zeros(5, bool),
    )


def test_shape_finds_entries_crossings_and_callees() -> None:
    form = shape(tree())
    assert form.entry.tolist() == [0, 0, 2, 2, 2]
    assert form.crossing.tolist() == [2]
    assert form.callee.tolist() == [NONE, 1, NONE, NONE, NONE]
    assert len(set(form.path.tolist())) == 2


def test_own_time_leaves_out_children_calls_and_what_a_sibling_contains() -> None:
    assert shape(tree()).own_s.tolist() == [2.0, 0.0, 3.0, 2.0, 2.0]


def test_parents_in_a_loop_end() -> None:
    spans = tree()
    loop = Spans(**{n: getattr(spans, n) for n in Spans.__slots__ if n != "parent"}, parent=codes(4, 0, 1, 2, 0))
    assert len(shape(loop).entry) == 5


# --- statistics


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.floats(0, 1))
def test_a_quantile_is_one_of_the_values_and_bounds_move_the_right_way(values: list[float], q: float) -> None:
    data, groups = np.array(values), np.zeros(len(values), np.int64)
    low, middle, high = (float(quantiles(data, groups, 1, q=q, deviations=d)[0]) for d in (-2, 0, 2))
    assert middle in values
    assert low <= middle <= high


def test_a_group_without_values_has_no_quantile() -> None:
    assert np.isnan(quantiles(np.array([1.0]), np.array([1]), 2, q=0.5)[0])


def test_a_mere_change_of_the_mix_is_no_change() -> None:
    # Stratum 0 does it always, stratum 1 never; the incident has more of stratum 0.
    z, change = stratified(
        (np.array([10.0, 0.0]), np.array([90.0, 0.0])),
        (np.array([10.0, 90.0]), np.array([90.0, 10.0])),
        np.zeros(2, np.int64),
        1,
    )
    assert (z[0], change[0]) == (0.0, 0.0)


def test_a_change_within_strata_is_found_with_its_size() -> None:
    z, change = stratified(
        (np.array([40.0]), np.array([2.0])), (np.array([40.0]), np.array([40.0])), np.zeros(1, np.int64), 1
    )
    assert z[0] < -6
    assert change[0] == pytest.approx(-0.95)


@given(st.floats(0, 1e6), st.floats(1e-3, 1e3))
def test_surprise_is_one_half_at_what_is_usual_and_grows(z: float, usual: float) -> None:
    assert surprise(usual, usual) == pytest.approx(0.5)
    assert 0 <= surprise(z, usual) <= surprise(z + 1, usual) <= 1
    assert surprise(-1.0, usual) == 0.0


def test_few_things_are_trusted_less() -> None:
    assert trust(3, 3) == 0.5
    assert trust(0, 3) == 0.0


def test_the_others_median_leaves_oneself_out() -> None:
    assert without(np.array([0.0, 1.0, 9.0]), 9.0) == 0.5
    assert without(np.array([9.0]), 9.0) == 0.0
    assert without(np.array([-3.0, 9.0]), 9.0) == 0.0


# --- lost time


def test_a_slow_service_loses_the_time_and_its_callers_do_not() -> None:
    bundle = Shop(Faults(own={"payments": 0.2})).bundle()
    scores = by_service(bundle, latency.detect(bundle, shape(bundle.spans)))
    assert scores["payments"] > 0.8
    assert scores.get("checkout", 0.0) < 0.2
    assert scores.get("front", 0.0) < 0.2


def test_all_calls_of_one_caller_late_is_the_caller() -> None:
    bundle = Shop(Faults(gap={"catalog": 0.2, "checkout": 0.2})).bundle()
    assert strongest(bundle, latency.detect(bundle, shape(bundle.spans)))[0] == "front"


def test_one_call_of_a_caller_late_is_the_callee() -> None:
    bundle = Shop(Faults(gap={"catalog": 0.2})).bundle()
    assert strongest(bundle, latency.detect(bundle, shape(bundle.spans)))[0] == "catalog"


# --- steps


def detected_steps(faults: Faults) -> dict[str, float]:
    bundle = Shop(faults).bundle()
    form = shape(bundle.spans)
    return by_service(bundle, structure.detect(bundle, form, errors.troubled(bundle, form)))


def test_a_service_that_raises_loses_its_steps() -> None:
    assert detected_steps(Faults(fails={"checkout": 0.7}))["checkout"] > 0.5


def test_whoever_is_heard_last_is_blamed() -> None:
    bundle = Shop(Faults(stops_after={"front": "catalog"})).bundle()
    form = shape(bundle.spans)
    found = structure.detect(bundle, form, errors.troubled(bundle, form))
    top = max(found, key=lambda symptom: symptom.score)
    assert bundle.services[top.service] == "catalog"
    assert bundle.services[top.blamed_from] == "front"


def test_a_healthy_system_keeps_its_habits() -> None:
    assert max(detected_steps(Faults()).values(), default=0.0) < 0.5


# --- failures


def test_failures_begin_where_nothing_that_was_called_failed() -> None:
    bundle = Shop(Faults(fails={"payments": 0.5})).bundle()
    found = errors.detect(bundle, shape(bundle.spans))
    assert set(by_service(bundle, found)) == {"payments"}


def test_a_source_that_does_not_say_whether_spans_failed_gives_no_failures() -> None:
    bundle = Shop(Faults(fails={"payments": 0.5})).bundle()
    spans = bundle.spans
    silent = Spans(
        **{n: getattr(spans, n) for n in Spans.__slots__ if n != "error"}, error=np.full(len(spans), -1, np.int8)
    )
    assert not errors.detect(Bundle(start=bundle.start, end=bundle.end, spans=silent), shape(silent))


@pytest.mark.parametrize(
    ("place", "bad", "found"),
    [
        ([0] * 90 + [1] * 10, [False] * 90 + [True] * 8 + [False] * 2, 1),
        ([0] * 50 + [1] * 50, ([True] + [False] * 9) * 10, int(NONE)),
        ([3] * 10, [True] * 10, 3),
        ([0] * 5, [False] * 5, int(NONE)),
        ([-1] * 5, [True] * 5, int(NONE)),
    ],
)
def test_what_is_bad_is_tied_to_one_place_only_when_it_sits_there(
    place: list[int], bad: list[bool], found: int
) -> None:
    assert concentrate(codes(*place), np.array(bad)) == found


# --- repetition


def test_a_call_in_a_loop_is_counted() -> None:
    bundle = Shop(Faults(repeats={"checkout": 10})).bundle()
    service, score = strongest(bundle, repetition.detect(bundle, shape(bundle.spans)))
    assert service == "checkout"
    assert score > 0.8


# --- lines


def lines(*texts: str) -> Logs:
    raw = [text.encode() for text in texts]
    n = len(texts)
    return Logs(
        time=np.arange(n, dtype=float),
        service=codes(*[0] * n),
        instance=codes(*[-1] * n),
        version=codes(*[-1] * n),
        failed=np.zeros(n, bool),
        trace=codes(*[-1] * n),
        span=codes(*[-1] * n),
        text=np.frombuffer(b"".join(raw), np.uint8),
        offsets=np.concatenate([[0], np.cumsum([len(r) for r in raw])]).astype(np.int64),
        reference=np.zeros(n, bool),
    )


def alike(*texts: str) -> list[int]:
    return templates(lines(*texts)).of_line.tolist()


def test_lines_that_differ_in_numbers_and_ids_are_one_template() -> None:
    first, second = alike("order 17 for user 9f3a2c paid 3 KRW", "order 4 for user 77e1 paid 129 KRW")
    assert first == second


def test_lines_that_differ_in_place_of_origin_are_two() -> None:
    first, second = alike("RouteController#47 query route", "RouteController#53 query route")
    assert first != second
    first, second = alike("at app.py:7 failed", "at app.py:9 failed")
    assert first != second


def test_lines_that_share_most_words_are_one_template_and_others_are_not() -> None:
    same = alike("user alice logged in from the web page", "user alina logged in from the web page")
    assert same[0] == same[1]
    other = alike("user alice logged in from the web", "disk is full on the data volume now")
    assert other[0] != other[1]


def test_empty_lines_and_bytes_beyond_ascii_are_taken() -> None:
    found = alike("", "결제 17 실패", "결제 4 실패", "")
    assert found[0] == found[3]
    assert found[1] == found[2] != found[0]


def test_a_line_longer_than_a_block_is_one_line() -> None:
    long = "word " * 60_000
    found = alike("short line", long, "short line")
    assert found[0] == found[2] != found[1]


@given(
    st.lists(st.sampled_from(("a 1", "b 2", "a 3", "c c", "", "x.y#7 z")), max_size=30),
    st.randoms(use_true_random=False),
)
def test_templates_do_not_depend_on_the_order_of_lines(texts: list[str], random: object) -> None:
    places = list(range(len(texts)))
    random.shuffle(places)  # type: ignore[attr-defined]
    one, other = alike(*texts), alike(*(texts[i] for i in places))
    assert [[a == b for b in one] for a in one] == [
        [other[places.index(i)] == other[places.index(j)] for j in range(len(texts))] for i in range(len(texts))
    ]


def test_a_new_line_is_found_and_quoted_as_an_excerpt_only() -> None:
    bundle = Shop(Faults(lines={"catalog": "boom <b>"})).bundle()
    form = shape(bundle.spans)
    found = logs.detect(bundle, form, errors.troubled(bundle, form), templates(bundle.logs))
    top = max(found, key=lambda symptom: symptom.score)
    assert (bundle.services[top.service], top.excerpt) == ("catalog", "boom <b>")
    assert "boom" not in top.text + top.value


# --- series


def test_a_level_that_healthy_stretches_never_reach_is_found() -> None:
    bundle = Shop(Faults(series={("checkout", "queue_depth"): 50.0})).bundle()
    assert strongest(bundle, series.detect(bundle))[0] == "checkout"


def test_a_pool_that_is_not_used_up_does_no_harm() -> None:
    bundle = Shop(Faults(series={("checkout", "pool_usage"): 5.0})).bundle()
    assert max((s.score for s in series.detect(bundle) if s.kind == "pool_exhaustion"), default=0.0) == 0.0


def test_what_rises_everywhere_is_the_machine() -> None:
    everywhere = {(service, "cpu"): 3.0 for service in ("front", "catalog", "checkout", "payments")}
    bundle = Shop(Faults(series=everywhere)).bundle()  # type: ignore[arg-type]
    assert max((s.score for s in series.detect(bundle)), default=0.0) < 0.5


@pytest.mark.parametrize(
    ("metric", "word"),
    [
        ("pod_cpu_usage_percent", "cpu"),
        ("availability_average", "availability"),
        ("pod_success_rate_percent", "success"),
        ("latency_p95", "latency"),
        ("up", "up"),
        ("node_cpu_usage_percent", None),
        ("entrypoint_latency_p50_seconds", None),
        ("pod_syscall_read", None),
        ("startup_count", None),
    ],
)
def test_metrics_are_read_by_their_family(metric: str, word: str | None) -> None:
    known = series.family(metric)
    assert (known.word if known else None) == word


# --- graph


def test_members_of_a_loop_do_not_explain_each_other() -> None:
    below = callees(frozenset({(0, 1), (1, 2), (2, 1), (2, 3)}))
    assert below[0] == {1, 2, 3}
    assert below[1] == {3}


def test_names_get_numbers_in_order_of_first_sight() -> None:
    names = Vocabulary(["b"])
    assert names.codes(["a", None, "", "b"]).tolist() == [1, -1, -1, 0]
    assert names.names == ("b", "a")
