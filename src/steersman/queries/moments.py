"""Instants, steps and limits as telemetry queries take them."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Annotated

from pydantic import Field, StringConstraints

from steersman.domain.errors import InputError
from steersman.domain.fact import Instant
from steersman.domain.signal import Window
from steersman.queries.matching import duration, number, seconds

Moment = Annotated[float, Field(ge=0, le=32_503_680_000)] | Instant
"""Unix seconds, or an instant such as 2026-11-22T23:17:21Z."""
Duration = Annotated[str, StringConstraints(pattern=r"^([0-9]{1,9}(ms|[smhdwy]))+$", max_length=40)]
Step = Annotated[float, Field(ge=0.001, le=31_536_000)] | Duration
Limit = Annotated[int, Field(ge=1, le=10_000)]
_NS = 1_000_000_000


def unix(moment: Moment) -> float:
    """Unix seconds."""
    return moment.timestamp() if isinstance(moment, datetime) else moment


def in_seconds(moment: Moment) -> str:
    """As Prometheus takes it."""
    return number(unix(moment))


def in_nanoseconds(moment: Moment) -> str:
    """As Loki takes it; exact to the microsecond."""
    return str(round(unix(moment) * 1_000_000) * 1_000)


def step_seconds(step: Step) -> float:
    """The length of a step."""
    return seconds(step) if isinstance(step, str) else step


def step_text(step: Step) -> str:
    """A step as it was given, numbers in seconds."""
    return step if isinstance(step, str) else number(step)


def step_duration(step: Step) -> str:
    """A step with its unit."""
    return step if isinstance(step, str) else duration(step)


def window_s(start: Moment, end: Moment, *, at_most_s: float) -> float:
    """Length of a window. Raises InputError when it runs backwards or is longer than the server takes."""
    length = unix(end) - unix(start)
    if length < 0:
        raise InputError(f"the window ends before it starts: {in_seconds(start)} .. {in_seconds(end)}; swap them")
    if length > at_most_s:
        raise InputError(f"a window of {length:g} s is too long, at most {at_most_s:g} s; ask in parts")
    return length


def sliced(window: Window, count: int) -> list[Window]:
    """The window in so many parts of one length, one after the other."""
    length = (window.end - window.start) / count
    edges = [*(window.start + length * number for number in range(count)), window.end]
    return [Window(start=a, end=b, step_s=window.step_s) for a, b in pairwise(edges)]
