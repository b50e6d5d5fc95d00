"""The figures of a verdict in words: typed values only, short, one line."""

from __future__ import annotations

from steersman.domain.plan import Comparison, Threshold
from steersman.domain.signal import UNIT, SignalName
from steersman.judgement.points import Points


def figure(signal: SignalName, value: float) -> str:
    """A value in its unit: `4.2%`, `180 ms`, `512 MiB`, `12 /s`."""
    match UNIT[signal]:
        case "ratio":
            return f"{100 * value:.3g}%"
        case "s":
            return f"{1000 * value:.3g} ms" if abs(value) < 1 else f"{value:.3g} s"
        case "bytes":
            return f"{value / 2**20:.4g} MiB"
        case "1/s":
            return f"{value:.3g} /s"
        case _:
            return f"{value:.4g}"


def side(test: Threshold | Comparison, *, bad: bool) -> str:
    """`above` or `below`: where the signal is said to be."""
    high = test.worse == "higher" if isinstance(test, Comparison) else test.op in (">", ">=")
    return "above" if high == bad else "below"


def sample(points: Points) -> str:
    """How much it rests on."""
    return f"{len(points)} points, {points.requests:.0f} requests" if points.counts else f"{len(points)} points"
