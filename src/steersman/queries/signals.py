"""From a tool-neutral signal to PromQL: the conventions of exporters as data, and how labels name a service.

A recipe is a query with holes. `$selector` becomes label matchers (written and escaped by code), `$window` the window
of a rate, `$seconds` the length of a point, `$status` the label that carries the answer's status.
Sources: OpenTelemetry semantic conventions, Istio standard metrics, ingress-nginx, cAdvisor, kube-state-metrics,
the "RED" and "USE" methods.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, field_validator

from steersman.domain.fact import Fact
from steersman.domain.signal import Selector, SignalName
from steersman.queries.matching import LabelName, Matcher, duration, exactly, number

SelectorField = Literal["service", "version", "pool", "instance", "namespace"]
LABELS: dict[SelectorField, tuple[str, ...]] = {
    "service": (
        "service_name",
        "service",
        "app",
        "app_kubernetes_io_name",
        "label_app",
        "application",
        "destination_service_name",
        "exported_service",
        "job",
        "exported_job",
        "deployment",
        "container",
        "pod",
    ),
    "version": ("version", "service_version", "app_kubernetes_io_version", "destination_version"),
    "pool": ("pool", "slot", "color", "track", "role", "rollouts_pod_template_hash"),
    "instance": ("pod", "service_instance_id", "exported_instance", "instance", "pod_name", "container"),
    "namespace": ("namespace", "k8s_namespace_name", "service_namespace", "exported_namespace"),
}
"""Labels that may carry a field of a selector, the likeliest first."""
JOBS = frozenset({"job", "exported_job"})
"""Labels whose values may be `namespace/service`."""
STATUS = ("http_response_status_code", "status_code", "code", "status", "http_status_code", "response_code")
_HOLE = re.compile(r"\$(selector|window|seconds|status)\b")
QUANTILE: dict[SignalName, float] = {"latency_p50": 0.5, "latency_p95": 0.95, "latency_p99": 0.99}


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to measure a signal."""

    signal: SignalName
    metric: str
    """Whose labels are looked at; it must exist."""
    query: str
    counts: str = ""
    """How many requests stand behind each point."""
    service: tuple[str, ...] = ()
    """Labels that name the service here, before the usual ones."""
    status: tuple[str, ...] = ()
    """Labels of which one must be there to fill `$status`."""


class SignalSettings(Fact):
    """What an operator knows better than the conventions."""

    queries: dict[SignalName, str] = {}
    """PromQL by signal with `$selector`, `$window` and `$seconds`, giving one series, for example
    `sum(rate(my_errors{$selector}[$window])) / sum(rate(my_calls{$selector}[$window]))`."""
    labels: dict[SelectorField, tuple[LabelName, ...]] = {}
    """Labels of a field, tried before all others."""
    rate_window_s: float = Field(default=60.0, ge=1, le=86_400)
    """Rates look back this far at least; four scrapes or more."""

    @field_validator("queries")
    @classmethod
    def _has_selector(cls, queries: dict[SignalName, str]) -> dict[SignalName, str]:
        for signal, query in queries.items():
            if "$selector" not in query:
                raise ValueError(f"the query of {signal!r} wants {{$selector}} where the labels go")
        return queries


def candidates(
    field: SelectorField, value: str, *, preferred: Sequence[str], present: Sequence[str]
) -> Iterator[Matcher]:
    """Matchers that may pick the thing that is meant, by labels that are there, the likeliest first."""
    order = dict.fromkeys((*preferred, *LABELS[field]))
    known = [label for label in order if label in present]
    for label in known:
        yield Matcher(label=label, value=value)
    if field != "service":
        return
    for label in known:
        if label in JOBS:
            yield Matcher(label=label, op="=~", value=f".+/{exactly(value)}")
        elif label == "pod":
            yield Matcher(label=label, op="=~", value=f"{exactly(value)}-[a-z0-9]+(-[a-z0-9]+)?")


def wanted(selector: Selector) -> dict[SelectorField, str]:
    """The fields of a selector that select."""
    fields: tuple[SelectorField, ...] = ("service", "version", "pool", "instance", "namespace")
    return {field: value for field in fields if (value := getattr(selector, field)) is not None}


def fill(query: str, matchers: Sequence[Matcher], *, step_s: float, window_s: float, status: str = "") -> str:
    """The query with its holes filled, in one pass: what fills a hole is never looked at again."""
    holes = {
        "selector": ",".join(map(str, matchers)),
        "window": duration(max(step_s, window_s)),
        "seconds": number(step_s),
        "status": status,
    }
    return _HOLE.sub(lambda hole: holes[hole[1]], query)
