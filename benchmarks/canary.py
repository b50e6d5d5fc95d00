"""Simulated canaries, judged with every point while their hold is watched, as the engine does.

Requests are drawn one by one: Poisson arrivals at 0.5 to 100 a second, errors by chance, log-normal latencies; in the
family of waves the rate of errors and the latency of each arm follow an AR(0.7) of their own. A hold lasts at least 50
and at most 100 points. A healthy canary that is undone is a false alarm; a bad one (5x the errors, or 2x the p99) that
is not undone is missed. Families that were held out while the method was made are reported beside the two main ones.

Bounds, on the main families: false undo at most 1 %, caught at least 99 %. Bad canaries of all families that are
promoted: at most 0.1 %. Without data, with gaps, or with too few points: none is promoted or undone.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from steersman.domain.ids import ConditionId
from steersman.domain.plan import Comparison, Condition, Threshold
from steersman.domain.signal import Selector, Series, SignalName
from steersman.judgement.judge import judge

Array = NDArray[np.float64]
Random = np.random.Generator

START = 1_800_000_000.0
HOLD, LONGEST = 50, 100
ERRORS_RATIO, LATENCY_RATIO = 2.0, 1.5
BOUND = 0.15
"""Of the error rate: more than the worst that a healthy canary of the main families has.
"""
SIGMA = 0.5
"""Spread of the logarithm of one request's latency; its p99 is then 3.2 times the median."""
CANARY, STABLE = Selector(pool="canary"), Selector(pool="stable")
FALSE_UNDO, CAUGHT, PROMOTED = 0.01, 0.99, 0.001


@dataclass(frozen=True)
class Family:
    """How canaries of one kind are drawn."""

    name: str
    persistence: float = 0.0
    error_waves: float = 0.3
    latency_waves: float = 0.15
    base: tuple[float, float] = (0.005, 0.03)
    requests: tuple[float, float] = (20.0, 100.0)
    """Requests of a point, at least and at most: a point is as long as that takes, and `shortest` or more."""
    shortest: float = 1.0
    share: float = 0.5
    """The canary's part of the traffic of both arms."""
    common: str = ""
    """What moves both arms alike: `drift` or `bursts`."""


MAIN = (Family("independent"), Family("waves AR(0.7)", persistence=0.7))
HELD_OUT = (
    Family("longer waves AR(0.9)", persistence=0.9),
    Family("large waves AR(0.7)", persistence=0.7, error_waves=0.6, latency_waves=0.3),
    Family("drift in both arms", persistence=0.7, common="drift"),
    Family("bursts in both arms", persistence=0.7, common="bursts"),
    Family("canary gets 10 %", persistence=0.7, share=0.1),
    Family("many errors", persistence=0.7, base=(0.03, 0.1)),
)
WEAK = (
    Family("few errors", persistence=0.7, base=(0.0005, 0.002)),
    Family("few requests", persistence=0.7, requests=(1.0, 3.0), shortest=0.01),
)


@dataclass(frozen=True)
class Arm:
    """What a source would give of one arm."""

    times: Array
    requests: Array
    errors: Array
    p99: Array

    def series(self, signal: SignalName, selector: Selector, upto: int) -> Series:
        """The points so far; those without a request are left out."""
        some = self.requests[:upto] > 0
        n = self.requests[:upto][some]
        values = self.errors[:upto][some] / n if signal == "error_rate" else self.p99[:upto][some]
        times = self.times[:upto][some]
        return Series(signal=signal, selector=selector, times=_t(times), values=_t(values), counts=_t(n))


def _t(values: Array) -> tuple[float, ...]:
    return tuple(values.tolist())


def wave(random: Random, persistence: float, size: int) -> Array:
    """A stationary AR(1) of unit variance; zeros when nothing persists."""
    if persistence == 0:
        return np.zeros(size)
    noise = random.standard_normal(size)
    out = np.empty(size)
    out[0] = noise[0]
    for i in range(1, size):
        out[i] = persistence * out[i - 1] + np.sqrt(1 - persistence**2) * noise[i]
    return out


def common(random: Random, kind: str) -> tuple[Array, Array]:
    """Factors on errors and latency that both arms share."""
    if kind == "drift":
        slope = np.linspace(-0.5, 0.5, LONGEST) * random.choice((-1, 1))
        return np.exp(slope), np.exp(slope / 2)
    if kind == "bursts":
        state = np.zeros(LONGEST, dtype=bool)
        for i in range(1, LONGEST):
            state[i] = random.random() < (0.7 if state[i - 1] else 0.05)
        return np.where(state, 5.0, 1.0), np.where(state, 1.5, 1.0)
    return np.ones(LONGEST), np.ones(LONGEST)


@dataclass(frozen=True)
class Fault:
    """What is wrong with a bad canary."""

    errors: float = 1.0
    latency: float = 1.0
    tail: float = 0.0
    """Added to SIGMA: only slow requests become slower."""


HEALTHY = Fault()
BAD = (Fault(errors=5.0), Fault(latency=2.0), Fault(tail=float(np.log(2.0)) / 2.326))


def arms(random: Random, family: Family, fault: Fault) -> tuple[Arm, Arm, float]:
    """Canary and baseline, and the length of a point."""
    rate = float(np.exp(random.uniform(np.log(0.5), np.log(100.0))))
    base = float(np.exp(random.uniform(*np.log(family.base))))
    point_s = max(family.shortest, round(random.uniform(*family.requests) / rate, 3))
    shared = common(random, family.common)
    volume = rate * point_s / min(family.share, 0.5)
    sides = []
    for share, wrong in ((family.share, fault), (1 - family.share, HEALTHY)):
        n = random.poisson(volume * share, LONGEST)
        up = np.exp(family.error_waves * wave(random, family.persistence, LONGEST) - family.error_waves**2 / 2)
        slow = np.exp(family.latency_waves * wave(random, family.persistence, LONGEST))
        p = np.minimum(0.95, base * wrong.errors * (up if family.persistence else 1.0) * shared[0])
        quantiles = [
            float(np.quantile(0.1 * wrong.latency * f * np.exp((SIGMA + wrong.tail) * random.standard_normal(k)), 0.99))
            if k
            else 0.0
            for k, f in zip(n, slow * shared[1], strict=True)
        ]
        times = START + point_s * np.arange(LONGEST)
        sides.append(Arm(times, n.astype(float), random.binomial(n, p).astype(float), np.asarray(quantiles)))
    return sides[0], sides[1], point_s


def conditions(point_s: float) -> tuple[Condition, ...]:
    """What a careful plan would watch."""
    long = LONGEST * point_s * 2
    return tuple(
        Condition(id=ConditionId(name), signal=signal, selector=CANARY, test=test, window_s=long, point_s=point_s)
        for name, signal, test in (
            ("errors", "error_rate", Comparison(baseline=STABLE, ratio=ERRORS_RATIO)),
            ("latency", "latency_p99", Comparison(baseline=STABLE, ratio=LATENCY_RATIO)),
            ("any-errors", "error_rate", Threshold(op=">", value=BOUND)),
        )
    )


def watch(canary: Arm, baseline: Arm, watched: tuple[Condition, ...]) -> tuple[str, int]:
    """The end of a hold: `undone`, `promoted` or `paused`, and after how many points."""
    for upto in range(HOLD, LONGEST + 1):
        at = datetime.fromtimestamp(START + upto * watched[0].point_s, UTC)
        results = []
        for condition in watched:
            series = canary.series(condition.signal, CANARY, upto)
            other = baseline.series(condition.signal, STABLE, upto) if condition.test.kind == "comparison" else None
            results.append(judge(condition, series, other, at).result)
        if "fail" in results:
            return "undone", upto
        if all(result == "pass" for result in results):
            return "promoted", upto
    return "paused", LONGEST


def ends(family: Family, faults: tuple[Fault, ...], *, count: int, seed: int) -> Counter[str]:
    """How the holds of some canaries ended."""
    random = np.random.default_rng((seed, len(faults), *family.name.encode()))
    seen: Counter[str] = Counter()
    for i in range(count):
        canary, baseline, point_s = arms(random, family, faults[i % len(faults)])
        end, upto = watch(canary, baseline, conditions(point_s))
        seen[end] += 1
        seen["points"] += upto
        seen["false by rank"] += ranks_differ(canary.p99[:upto], baseline.p99[:upto])
    return seen


def ranks_differ(left: Array, right: Array) -> bool:
    """The rival: one plain Mann-Whitney test at 1 %, one-sided, at the end of the hold."""
    from scipy.stats import mannwhitneyu

    return bool(mannwhitneyu(left, right, alternative="greater").pvalue < FALSE_UNDO)


def blind(seed: int) -> Counter[str]:
    """Verdicts on bad and healthy canaries whose data are missing, few, old, torn, or stand still."""
    random = np.random.default_rng(seed)
    seen: Counter[str] = Counter()
    for i in range(100):
        canary, baseline, point_s = arms(random, MAIN[i % 2], (HEALTHY, *BAD)[i % 4])
        for condition in conditions(point_s):
            for spoiled in spoil(canary.series(condition.signal, CANARY, LONGEST)):
                at = datetime.fromtimestamp(START + (LONGEST + 1) * point_s, UTC)
                other = baseline.series(condition.signal, STABLE, LONGEST)
                seen[judge(condition, spoiled, other, at).result] += 1
    return seen


def spoil(series: Series) -> list[Series]:
    """Nothing; 49 points; numbers that are none; a level that stands still and whose requests nobody counted."""

    def some(keep: slice, values: tuple[float, ...], counts: tuple[float, ...]) -> Series:
        return Series.model_construct(
            signal=series.signal, selector=series.selector, times=series.times[keep], values=values, counts=counts
        )

    few, nan, still = slice(0, HOLD - 1), (float("nan"),) * len(series.values), (0.25,) * len(series.values)
    spoiled = [
        some(slice(0, 0), (), ()),
        some(few, series.values[few], series.counts[few]),
        some(slice(None), nan, series.counts),
    ]
    return [*spoiled, some(slice(None), still, ())] if series.signal != "error_rate" else spoiled


def header() -> None:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(f"{platform.machine()} {platform.system()}, Python {platform.python_version()}, ", end="")
    print(f"numpy {version('numpy')}, scipy {version('scipy')}, commit {commit.stdout.strip()}")
    print(
        f"{'family':<24} {'':<8} {'n':>5} {'undone':>8} {'promoted':>9} {'paused':>8} {'points':>7} {'rank test':>10}"
    )


def report(family: Family, kind: str, seen: Counter[str]) -> dict[str, float]:
    count = seen["undone"] + seen["promoted"] + seen["paused"]
    shares = {name: seen[name] / count for name in ("undone", "promoted", "paused")}
    rank = seen["false by rank"] / count
    row = f"{shares['undone']:>8.2%} {shares['promoted']:>9.2%} {shares['paused']:>8.2%}"
    print(f"{family.name:<24} {kind:<8} {count:>5} {row} {seen['points'] / count:>7.1f} {rank:>10.1%}", flush=True)
    return {"count": count, **shares, "points": seen["points"] / count, "mann_whitney": rank}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="200 canaries of each kind instead of 2,000")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    header()
    figures: dict[str, dict[str, dict[str, float]]] = {}
    passed = True
    for family in (*MAIN, *HELD_OUT, *WEAK):
        count = (100 if given.quick else 1_000) if family in MAIN else (20 if given.quick else 200)
        healthy = report(family, "healthy", ends(family, (HEALTHY,), count=count, seed=given.seed))
        bad = report(family, "bad", ends(family, BAD, count=count, seed=given.seed))
        figures[family.name] = {"healthy": healthy, "bad": bad}
    main_ones = [figures[family.name] for family in MAIN]
    false_undo = float(np.mean([each["healthy"]["undone"] for each in main_ones]))
    caught = float(np.mean([each["bad"]["undone"] for each in main_ones]))
    every = [each["bad"] for each in figures.values()]
    promoted = sum(each["promoted"] * each["count"] for each in every) / sum(each["count"] for each in every)
    unseen = blind(given.seed)
    passed = false_undo <= FALSE_UNDO and caught >= CAUGHT and promoted <= PROMOTED and set(unseen) == {"inconclusive"}
    print(
        f"false undo {false_undo:.2%} (at most {FALSE_UNDO:.0%}), caught {caught:.2%} (at least {CAUGHT:.0%}), ", end=""
    )
    print(f"bad promoted in all families {promoted:.2%}; without data: {dict(unseen)}")
    print("pass" if passed else "FAIL: a bound is missed")
    if given.json:
        totals = {"false_undo": false_undo, "caught": caught, "bad_promoted": promoted, "without_data": dict(unseen)}
        print(json.dumps({"pass": passed, **totals, "families": figures}))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
