"""Latency as an HDR histogram: every request counted, each value kept to three significant digits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from itertools import pairwise

from pydantic import Field, model_validator

from steersman.domain.fact import Fact

SUB_BITS = 11
"""2048 sub-buckets: values are kept to better than 1 part in 1000."""
SUB_COUNT = 1 << SUB_BITS
HALF = SUB_COUNT >> 1
HIGHEST_US = 3_600_000_000
"""One hour; longer ones count as that."""


def bucket_of(value_us: int) -> int:
    """The index that HdrHistogram's counts array has for a value in microseconds."""
    value = min(max(value_us, 0), HIGHEST_US)
    shift = max(value.bit_length() - SUB_BITS, 0)
    return value if shift == 0 else SUB_COUNT + (shift - 1) * HALF + (value >> shift) - HALF


def bounds_of(bucket: int) -> tuple[int, int]:
    """Lowest and highest whole microsecond that fall into a bucket."""
    if bucket < SUB_COUNT:
        return bucket, bucket
    shift, sub = divmod(bucket - SUB_COUNT, HALF)
    low = (sub + HALF) << (shift + 1)
    return low, low + (1 << (shift + 1)) - 1


class Histogram(Fact):
    """Counts by bucket, sparse. The layout is HdrHistogram's: unit 1 us, three significant digits.

    Source: hdrhistogram.org, `HdrHistogram.countsArrayIndex`.
    """

    buckets: tuple[tuple[int, int], ...] = ()
    """Pairs of bucket and count, buckets rising."""
    sum_us: int = Field(default=0, ge=0)
    """Of the values as they were, so that the mean is exact."""

    @model_validator(mode="after")
    def _rising(self) -> Histogram:
        indices = [bucket for bucket, _ in self.buckets]
        if any(b <= a for a, b in pairwise(indices)):
            raise ValueError("buckets of a histogram must rise")
        if any(bucket < 0 or count < 1 for bucket, count in self.buckets):
            raise ValueError("buckets must not be negative, and each must hold a count")
        return self

    @classmethod
    def of(cls, values_ms: Iterable[float]) -> Histogram:
        """A histogram of latencies in milliseconds."""
        micros = [max(round(value * 1_000), 0) for value in values_ms]
        return cls.counted(Counter(bucket_of(value) for value in micros), sum(micros))

    @classmethod
    def counted(cls, counts: Counter[int], sum_us: int) -> Histogram:
        """A histogram of counts by bucket."""
        return cls(buckets=tuple(sorted((b, n) for b, n in counts.items() if n)), sum_us=sum_us)

    @cached_property
    def count(self) -> int:
        """How many values there are."""
        return sum(count for _, count in self.buckets)

    @property
    def mean_ms(self) -> float:
        """The exact mean; 0 when empty."""
        return self.sum_us / self.count / 1_000 if self.count else 0.0

    @property
    def max_ms(self) -> float:
        """Upper end of the highest bucket; 0 when empty."""
        return bounds_of(self.buckets[-1][0])[1] / 1_000 if self.buckets else 0.0

    def quantile_ms(self, q: float) -> float:
        """The smallest value that at least a share `q` of all do not exceed. Raises ValueError when empty."""
        if not self.buckets:
            raise ValueError("an empty histogram has no quantiles")
        wanted, seen = q * self.count, 0
        for bucket, count in self.buckets:
            seen += count
            if seen >= wanted:
                low, high = bounds_of(bucket)
                return (low + high) / 2_000
        return self.max_ms

    def above(self, bound_ms: float) -> int:
        """How many values lie above a bound."""
        limit = bucket_of(round(bound_ms * 1_000))
        return sum(count for bucket, count in self.buckets if bucket > limit)

    def total_above(self, bound_ms: float) -> float:
        """The sum of the values above a bound, in milliseconds."""
        limit = bucket_of(round(bound_ms * 1_000))
        return sum(sum(bounds_of(b)) / 2_000 * count for b, count in self.buckets if b > limit)

    def plus(self, *others: Histogram) -> Histogram:
        """All values of these histograms together: exact, unlike averages of percentiles."""
        counts: Counter[int] = Counter()
        for histogram in (self, *others):
            counts.update(dict(histogram.buckets))
        return Histogram.counted(counts, self.sum_us + sum(other.sum_us for other in others))
