"""Which kind of fault symptoms add up to, and what explains what."""

from __future__ import annotations

import numpy as np
import pytest

from steersman.diagnosis.bundle import NONE, Bundle, Spans
from steersman.diagnosis.kinds import kind_of
from steersman.diagnosis.ranking import Suspect, Weighed, rank
from steersman.diagnosis.symptom import Modality, Symptom
from steersman.diagnosis.traces import shape
from steersman.diagnosis.waiting import waited
from steersman.domain.finding import FaultKind


def symptom(modality: Modality, kind: FaultKind, score: float, **more: object) -> Symptom:
    base = {"service": 0, "modality": modality, "kind": kind, "score": score, "text": "", "value": "", "query": {}}
    return Symptom(**{**base, **more})  # type: ignore[arg-type]


def suspect(*symptoms: Symptom) -> Suspect:
    weighed = tuple(Weighed(symptom=each, score=each.score) for each in sorted(symptoms, key=lambda s: -s.score))
    return Suspect(service=0, score=weighed[0].score, weighed=weighed)


def test_a_disk_that_seems_slow_while_the_processor_is_short_is_not_the_cause() -> None:
    assert kind_of(suspect(symptom("resources", "slow_disk", 0.8), symptom("resources", "cpu_burn", 0.6)), None) == (
        "cpu_burn"
    )
    assert kind_of(suspect(symptom("resources", "slow_disk", 0.8), symptom("resources", "cpu_burn", 0.3)), None) == (
        "slow_disk"
    )


def test_failures_at_once_are_not_explained_by_what_is_slow() -> None:
    slow = symptom("resources", "slow_disk", 0.6)
    assert kind_of(suspect(symptom("errors", "error_bug", 0.9, quick=True), slow), None) == "error_bug"
    assert kind_of(suspect(symptom("errors", "error_bug", 0.9), slow), None) == "slow_disk"


def test_a_resource_that_is_weighed_down_does_not_count() -> None:
    heavy = symptom("resources", "slow_disk", 0.7)
    found = Suspect(
        service=0,
        score=0.6,
        weighed=(
            Weighed(symptom=symptom("latency", "latency_regression", 0.6), score=0.6),
            Weighed(symptom=heavy, score=0.42),
        ),
    )
    assert kind_of(found, None) == "latency_regression"


def failing(durations: list[float]) -> Bundle:
    n = len(durations)
    spans = Spans(
        trace=np.arange(n, dtype=np.int32),
        parent=np.full(n, NONE, np.int32),
        service=np.zeros(n, np.int32),
        instance=np.full(n, NONE, np.int32),
        version=np.full(n, NONE, np.int32),
        operation=np.zeros(n, np.int32),
        start=np.arange(n, dtype=float),
        duration=np.array(durations),
        error=np.ones(n, np.int8),
        reference=np.zeros(n, bool),
    )
    return Bundle(start=0.0, end=100.0, services=("a",), operations=("GET /",), spans=spans)


@pytest.mark.parametrize(
    ("durations", "quick", "given_up"),
    [
        ([2.0, 2.01, 2.02, 2.05, 2.1, 2.2], False, True),
        ([0.01, 0.02, 0.015, 0.01, 0.02], True, False),
        ([0.5, 1.0, 2.0, 4.0, 8.0], False, False),
        ([0.2, 0.2, 0.2, 0.2, 0.2], False, False),
        ([2.0, 2.0], False, False),
    ],
)
def test_calls_that_end_after_one_time_were_ended_by_a_clock(
    durations: list[float], quick: bool, given_up: bool
) -> None:
    bundle = failing(durations)
    rows = np.arange(len(durations), dtype=np.int32)
    how = waited(bundle, shape(bundle.spans).entry, rows, np.array([0.05, 0.06, 0.07]))
    assert (how.quick, how.given_up) == (quick, given_up)


def test_nothing_failed_and_nothing_waited() -> None:
    bundle = failing([1.0])
    how = waited(bundle, shape(bundle.spans).entry, np.empty(0, np.int32), np.empty(0))
    assert not how.quick
    assert not how.given_up


def test_who_is_called_too_often_is_not_blamed_for_what_it_then_does_otherwise() -> None:
    bundle = Bundle(start=0.0, end=100.0, services=("checkout", "payments"))
    repeated = symptom("structure", "retry_storm", 0.75, toward=1)
    otherwise = symptom("structure", "error_bug", 0.9, service=1)
    depends = {0: frozenset({1})}
    first, *_ = rank(bundle, [repeated, otherwise], depends)
    assert bundle.services[first.service] == "checkout"
    first, *_ = rank(bundle, [otherwise, symptom("structure", "error_bug", 0.75)], depends)
    assert bundle.services[first.service] == "payments"


def test_what_has_lines_and_no_spans_tells_of_others() -> None:
    bundle = failing([1.0] * 4)
    lines = symptom("logs", "error_bug", 0.95, service=1)
    errors = symptom("errors", "error_bug", 0.8, query={"from": "spans"})
    known = Bundle(start=0.0, end=100.0, services=("a", "proxy"), operations=("GET /",), spans=bundle.spans)
    assert known.services[rank(known, [lines, errors], {})[0].service] == "a"
    untraced = Bundle(start=0.0, end=100.0, services=("a", "proxy"))
    assert untraced.services[rank(untraced, [lines, errors], {})[0].service] == "proxy"
