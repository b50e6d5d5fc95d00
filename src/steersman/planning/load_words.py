"""Short words for load tests: durations, rates, goals and abort conditions, as people type them. Pure."""

from __future__ import annotations

import re

from steersman.domain.errors import InputError
from steersman.domain.load import AbortWhen, ErrorGoal, FailureGoal, Goal, LatencyGoal

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)(ms|s|m|h|d))+")
PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
LATENCY = re.compile(r"p(\d{2}(?:\.\d{1,2})?|\d{2}\d{1,2})\s*<=?\s*(\S+)", re.IGNORECASE)
ERRORS = re.compile(r"errors?\s*<=?\s*(\d+(?:\.\d+)?)\s*%", re.IGNORECASE)
FAILURES = re.compile(r"failures?\s*<=?\s*(\d+)", re.IGNORECASE)
ABORT_ERRORS = re.compile(r"errors?\s*>\s*(\d+(?:\.\d+)?)\s*%(?:\s+for\s+(\S+))?", re.IGNORECASE)
ABORT_LATENCY = re.compile(r"p95\s*>\s*(\S+?)(?:\s+for\s+(\S+))?", re.IGNORECASE)
ABORT_FOR_S = 5.0


def duration_s(text: str) -> float:
    """Seconds of `90s`, `5m`, `1h30m`, `250ms`. Raises InputError for anything else."""
    plain = text.strip().lower()
    if not DURATION.fullmatch(plain):
        raise InputError(f"{text!r} is no duration; say 30s, 5m, 1h30m or 250ms")
    return sum(float(number) * SECONDS[unit] for number, unit in PART.findall(plain))


def goal(text: str) -> Goal:
    """What `p99<300ms`, `errors<1%` or `failures<=0` asks for. Raises InputError for anything else."""
    plain = text.strip()
    if found := LATENCY.fullmatch(plain):
        return LatencyGoal(quantile=quantile(found[1]), max_ms=round(1_000 * duration_s(found[2]), 6))
    if found := ERRORS.fullmatch(plain):
        return ErrorGoal(max_ratio=_share(text, found[1]))
    if found := FAILURES.fullmatch(plain):
        return FailureGoal(max_count=int(found[1]))
    raise InputError(f"{text!r} is no goal; say p99<300ms, errors<1% or failures<=0")


def abort(text: str) -> AbortWhen:
    """What `errors>20%` or `p95>2s for 10s` ends a run at. Raises InputError for anything else."""
    plain = text.strip()
    if found := ABORT_ERRORS.fullmatch(plain):
        return AbortWhen(kind="errors", above=_share(text, found[1]), for_s=_for(found[2]))
    if found := ABORT_LATENCY.fullmatch(plain):
        return AbortWhen(kind="latency", above=round(1_000 * duration_s(found[1]), 6), for_s=_for(found[2]))
    raise InputError(f"{text!r} is no abort condition; say errors>20%, or p95>2s for 10s")


def quantile(digits: str) -> float:
    """The share of `95`, `99.9`, `999`. Raises InputError below the median."""
    value = float(digits) if "." in digits or len(digits) <= 2 else float(f"{digits[:2]}.{digits[2:]}")  # noqa: PLR2004
    if not 50 <= value <= 99.99:  # noqa: PLR2004 - percent
        raise InputError(f"p{digits}: a percentile of a goal lies between p50 and p99.99")
    return round(value / 100, 6)


def _share(text: str, percent: str) -> float:
    share = float(percent) / 100
    if not 0 < share < 1:
        raise InputError(f"{text!r}: a share lies above 0 % and below 100 %; for none at all say failures<=0")
    return share


def _for(text: str | None) -> float:
    return duration_s(text) if text else ABORT_FOR_S


def written(wanted: Goal) -> str:
    """A goal as people type it."""
    match wanted:
        case LatencyGoal():
            return f"p{wanted.quantile * 100:g}<{wanted.max_ms:g}ms"
        case ErrorGoal():
            return f"errors<{wanted.max_ratio * 100:g}%"
        case FailureGoal():
            return f"failures<={wanted.max_count}"
