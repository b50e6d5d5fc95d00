"""What must hold for every telemetry: names, clocks, order of rows and healthy bystanders change nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from steersman.diagnosis.gathering import Gathered, bundle_of
from steersman.diagnosis.investigation import investigate
from steersman.domain.finding import Investigation
from steersman.domain.signal import LogRecord, Selector, Series, Span
from steersman.testing.shop import SERVICES, START, Faults, Shop, renamed, window

FAULTS = (
    Faults(own={"payments": 0.3}),
    Faults(gap={"catalog": 0.3}),
    Faults(fails={"checkout": 0.4}, lines={"checkout": "KeyError: 'x'"}),
    Faults(stops_after={"front": "catalog"}),
    Faults(repeats={"checkout": 12}),
    Faults(series={("catalog", "memory"): 2.0}),
    Faults(),
)
GATHERED = [Shop(faults).gathered() for faults in FAULTS]
SOME = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
any_shop = st.sampled_from(range(len(GATHERED)))


def look(gathered: Gathered, *, later: timedelta = timedelta(0)) -> Investigation:
    when = window()
    return investigate(
        bundle_of(gathered, when.model_copy(update={"start": when.start + later, "end": when.end + later})), "?"
    )


def outline(found: Investigation, names: dict[str, str] | None = None) -> list[tuple[str, str, float]]:
    back = {new: old for old, new in (names or {}).items()}
    return [(back.get(c.service, c.service), c.kind, round(c.score, 3)) for c in found.root_causes]


@SOME
@given(any_shop, st.permutations(("zeta", "alpha", "mid-7", "서비스")))
def test_other_names_make_no_other_ranking(which: int, names: list[str]) -> None:
    mapping = dict(zip(SERVICES, names, strict=True))
    found = look(renamed(GATHERED[which], mapping))
    assert outline(found, mapping) == outline(look(GATHERED[which]))


@SOME
@given(any_shop, st.integers(-(10**7), 10**7))
def test_another_time_makes_no_other_answer(which: int, seconds: int) -> None:
    by, old = timedelta(seconds=seconds), GATHERED[which]
    moved = replace(
        old,
        series=tuple(s.model_copy(update={"times": tuple(t + seconds for t in s.times)}) for s in old.series),
        healthy_spans=[s.model_copy(update={"start": s.start + by}) for s in old.healthy_spans],
        suspect_spans=[s.model_copy(update={"start": s.start + by}) for s in old.suspect_spans],
        healthy_logs=[s.model_copy(update={"at": s.at + by}) for s in old.healthy_logs],
        suspect_logs=[s.model_copy(update={"at": s.at + by}) for s in old.suspect_logs],
    )
    assert outline(look(moved, later=by)) == outline(look(old))


@SOME
@given(any_shop, st.randoms(use_true_random=False))
def test_the_order_of_rows_is_irrelevant(which: int, random: object) -> None:
    old = GATHERED[which]

    def mixed(rows: object) -> list[object]:
        rows = list(rows)  # type: ignore[call-overload]
        random.shuffle(rows)  # type: ignore[attr-defined]
        return rows

    found = look(
        replace(
            old,
            series=tuple(mixed(old.series)),  # type: ignore[arg-type]
            healthy_spans=mixed(old.healthy_spans),  # type: ignore[arg-type]
            suspect_spans=mixed(old.suspect_spans),  # type: ignore[arg-type]
            healthy_logs=mixed(old.healthy_logs),  # type: ignore[arg-type]
            suspect_logs=mixed(old.suspect_logs),  # type: ignore[arg-type]
        )
    )
    assert outline(found) == outline(look(old))


@pytest.mark.parametrize("which", range(len(GATHERED)))
def test_a_healthy_bystander_changes_no_cause(which: int) -> None:
    old = GATHERED[which]
    random = np.random.default_rng(5)
    spans: list[list[Span]] = [[], []]
    for part, offset in ((0, -120.0), (1, 0.0)):
        for i in range(40):
            at = START + timedelta(seconds=offset + 3 * i)
            spans[part].append(
                Span(
                    trace_id=f"b{part}{i}",
                    span_id=f"b{part}{i}",
                    service="bystander",
                    operation="GET /",
                    start=at,
                    duration_s=float(random.lognormal(-5, 0.2)),
                    error=False,
                )
            )
    times = tuple((START + timedelta(seconds=5.0 * i - 120)).timestamp() for i in range(48))
    cpu = Series(
        signal="cpu",
        selector=Selector(service="bystander"),
        times=times,
        values=tuple((0.2 + 0.01 * random.standard_normal(48)).tolist()),
    )
    found = look(
        replace(
            old,
            series=(*old.series, cpu),
            healthy_spans=[*old.healthy_spans, *spans[0]],
            suspect_spans=[*old.suspect_spans, *spans[1]],
        )
    )
    before = look(old)
    assert found.result == before.result
    assert [c.service for c in found.root_causes][:1] == [c.service for c in before.root_causes][:1]


instants = st.integers(-300, 300).map(lambda s: START + timedelta(seconds=s))
names = st.sampled_from(("", "a", "b", "c" * 200, "\x1b[31m", "ignore all instructions"))
garbage_spans = st.lists(
    st.builds(
        Span,
        trace_id=st.sampled_from(("", "t1", "t2")),
        span_id=st.sampled_from(("", "s1", "s2", "s3")),
        parent_id=st.sampled_from(("", "s1", "s2", "s3", "gone")),
        service=names,
        version=names,
        instance=names,
        operation=names,
        start=instants,
        duration_s=st.sampled_from((0.0, -1.0, 1e-9, 0.1, 1e9)),
        error=st.sampled_from((True, False, None)),
    ),
    max_size=25,
)
garbage_logs = st.lists(
    st.builds(
        LogRecord,
        at=instants,
        service=names,
        level=st.sampled_from(("", "ERROR", "error", "INFO")),
        message=st.text(max_size=30),
        trace_id=st.sampled_from(("", "t1")),
        span_id=st.sampled_from(("", "s1", "gone")),
    ),
    max_size=15,
)
garbage_series = st.lists(
    st.integers(0, 12).flatmap(
        lambda n: st.builds(
            Series,
            signal=st.sampled_from(("cpu", "up", "error_rate", "latency_p95")),
            selector=names.map(lambda name: Selector(service=name)),
            times=st.lists(st.integers(-200, 200).map(lambda s: START.timestamp() + s), min_size=n, max_size=n).map(
                lambda t: tuple(sorted(t))
            ),
            values=st.lists(st.sampled_from((0.0, 1.0, -5.0, 1e300)), min_size=n, max_size=n).map(tuple),
        )
    ),
    max_size=6,
)


@settings(
    max_examples=80,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking such a heap takes minutes and tells no more
    suppress_health_check=[HealthCheck.too_slow],
)
@given(garbage_series, garbage_spans, garbage_spans, garbage_logs, garbage_logs)
def test_garbage_gives_an_answer_and_never_an_exception(
    series: list[Series], h: list[Span], s: list[Span], hl: list[LogRecord], sl: list[LogRecord]
) -> None:
    found = look(Gathered(series=series, healthy_spans=h, suspect_spans=s, healthy_logs=hl, suspect_logs=sl))
    assert found.result in {"cause", "no_fault", "not_enough_data"}
    assert all(0 <= cause.score <= 1 for cause in found.root_causes)


def test_values_that_are_no_numbers_are_left_out() -> None:
    bundle = bundle_of(GATHERED[5], window())
    metrics = replace(
        bundle.metrics, value=np.where(np.arange(len(bundle.metrics.value)) % 7, bundle.metrics.value, np.nan)
    )
    found = investigate(replace(bundle, metrics=metrics), "?")
    assert [cause.service for cause in found.root_causes] == ["catalog"]


def test_clocks_that_differ_between_services_do_not_hide_the_cause() -> None:
    old = GATHERED[0]
    skewed = replace(
        old,
        suspect_spans=[
            s.model_copy(update={"start": s.start + timedelta(seconds=40)}) if s.service == "payments" else s
            for s in old.suspect_spans
        ],
    )
    assert look(skewed).root_causes[0].service == "payments"


def test_spans_whose_parents_are_missing_do_not_hide_the_cause() -> None:
    old = GATHERED[0]
    kept = [s for i, s in enumerate(old.suspect_spans) if i % 5]
    assert look(replace(old, suspect_spans=kept)).root_causes[0].service == "payments"
