"""A load run as samples of metrics: the same names and labels in every form that monitoring systems take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from steersman.domain.fact import Fact
from steersman.domain.load import LoadProfile
from steersman.domain.load_result import LoadResult, LoadVerdict

PREFIX = "steersman_load_"
QUANTILES = (0.5, 0.95, 0.99)
LE_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class MetricSample(Fact):
    """One number with its labels."""

    family: str
    """Name of the metric; those of a histogram share it."""
    kind: Literal["gauge", "histogram"] = "gauge"
    name: str
    labels: dict[str, str]
    value: float


def load_samples(profile: LoadProfile, result: LoadResult, verdict: LoadVerdict) -> tuple[MetricSample, ...]:
    """What a run measured; durations in seconds."""
    labels = {"run": result.name, "profile": profile.name, "generator": result.generator}
    plain = {
        "requests": result.requests,
        "failures": result.failures,
        "rate": result.rate,
        "passed": int(verdict.result == "pass"),
        "started_timestamp_seconds": result.started_at.timestamp(),
    }
    gauges = [
        MetricSample(family=f"{PREFIX}{name}", name=f"{PREFIX}{name}", labels=labels, value=value)
        for name, value in plain.items()
    ]
    return (*gauges, *_latency(result, labels))


def _latency(result: LoadResult, labels: dict[str, str]) -> Iterator[MetricSample]:
    latency, name = result.latency, f"{PREFIX}latency_seconds"
    for q in QUANTILES if latency.count else ():
        value = latency.quantile_ms(q) / 1_000
        yield MetricSample(family=name, name=name, labels={**labels, "quantile": f"{q:g}"}, value=value)
    name = f"{PREFIX}duration_seconds"
    below = {f"{bound}": latency.count - latency.above(bound * 1_000) for bound in LE_S} | {"+Inf": latency.count}
    for le, count in below.items():
        yield MetricSample(
            family=name, kind="histogram", name=f"{name}_bucket", labels={**labels, "le": le}, value=count
        )
    for part, value in (("sum", latency.sum_us / 1e6), ("count", latency.count)):
        yield MetricSample(family=name, kind="histogram", name=f"{name}_{part}", labels=labels, value=value)


def exposition(samples: tuple[MetricSample, ...]) -> str:
    """The samples as OpenMetrics text, which takes every family in one piece; also Prometheus' own text format.

    Source: the OpenMetrics specification, 1.0.
    """
    lines, last = [], ""
    for sample in samples:
        if sample.family != last:
            lines.append(f"# TYPE {sample.family} {sample.kind}")
            if sample.family.endswith("_seconds"):
                lines.append(f"# UNIT {sample.family} seconds")
        last = sample.family
        labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in sample.labels.items())
        value = int(sample.value) if sample.value.is_integer() else sample.value
        lines.append(f"{sample.name}{{{labels}}} {value}")
    return "\n".join((*lines, "# EOF")) + "\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
