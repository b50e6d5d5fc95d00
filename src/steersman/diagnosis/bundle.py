"""Telemetry in columns: what the detectors read. Rows may stand in any order; times are Unix seconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from steersman.domain.finding import Breach
from steersman.domain.signal import Change

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Bytes = NDArray[np.uint8]

NONE = np.int32(-1)
"""Code of an absent name, trace or parent."""


def _ints() -> Ints:
    return np.empty(0, np.int32)


def _floats() -> Floats:
    return np.empty(0, np.float64)


def _flags() -> Flags:
    return np.empty(0, np.bool_)


@dataclass(frozen=True, slots=True, eq=False)
class Metrics:
    """Series, one after the other: series `i` has the points `offsets[i]:offsets[i + 1]`."""

    name: tuple[str, ...] = ()
    """Name of each series' metric, as its source calls it."""
    service: Ints = field(default_factory=_ints)
    instance: Ints = field(default_factory=_ints)
    peer: Ints = field(default_factory=_ints)
    """Code of the other service of an edge metric, NONE for others."""
    offsets: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))
    time: Floats = field(default_factory=_floats)
    value: Floats = field(default_factory=_floats)
    reference: Flags = field(default_factory=_flags)


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Spans; `parent` is the row of the caller's span."""

    trace: Ints = field(default_factory=_ints)
    parent: Ints = field(default_factory=_ints)
    service: Ints = field(default_factory=_ints)
    instance: Ints = field(default_factory=_ints)
    version: Ints = field(default_factory=_ints)
    operation: Ints = field(default_factory=_ints)
    start: Floats = field(default_factory=_floats)
    duration: Floats = field(default_factory=_floats)
    """Seconds."""
    error: NDArray[np.int8] = field(default_factory=lambda: np.empty(0, np.int8))
    """1 failed, 0 not, -1 not said."""
    reference: Flags = field(default_factory=_flags)

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True, slots=True, eq=False)
class Logs:
    """Log lines; line `i` is `text[offsets[i]:offsets[i + 1]]`, UTF-8, untrusted."""

    time: Floats = field(default_factory=_floats)
    service: Ints = field(default_factory=_ints)
    instance: Ints = field(default_factory=_ints)
    version: Ints = field(default_factory=_ints)
    failed: Flags = field(default_factory=_flags)
    """Level is ERROR or worse."""
    trace: Ints = field(default_factory=_ints)
    span: Ints = field(default_factory=_ints)
    """Row of the span that wrote the line, NONE where that is not known."""
    text: Bytes = field(default_factory=lambda: np.empty(0, np.uint8))
    offsets: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))
    reference: Flags = field(default_factory=_flags)

    def __len__(self) -> int:
        return len(self.time)

    def line(self, row: int) -> str:
        """The text of one line; bytes that are not UTF-8 are replaced."""
        return self.text[self.offsets[row] : self.offsets[row + 1]].tobytes().decode("utf-8", "replace")


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """All telemetry of one incident.

    Rows marked `reference` come from a healthy window of the same system (the hour before, another day).
    """

    start: float
    end: float
    alert: float | None = None
    """About when a person was paged; None when nobody was: all of the window is then suspect."""
    services: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    candidates: frozenset[int] | None = None
    """Codes of the services that may be named; None: all."""
    edges: frozenset[tuple[int, int]] = frozenset()
    """Calls (caller, callee) known beforehand, beside those seen in spans. May be noisy."""
    virtual: frozenset[int] = frozenset()
    """Services that are known from their callers' side only, and so never the place of a fault that shows inside."""
    suspect: int | None = None
    """The service whose alert fired or that was asked about."""
    alert_metric: str = ""
    """Name of the metric whose alert fired."""
    metrics: Metrics = field(default_factory=Metrics)
    spans: Spans = field(default_factory=Spans)
    logs: Logs = field(default_factory=Logs)
    changes: tuple[Change, ...] = ()
    breaches: tuple[Breach, ...] = ()
    """Conditions that were judged breached: facts, not telemetry."""
    holes: tuple[str, ...] = ()
    """Sources that did not answer, one sentence each, made by code."""
    not_looked_at: tuple[str, ...] = ()
    """What nothing in the environment measures or keeps."""

    def with_holes(self, holes: Iterable[str]) -> Bundle:
        """The same with more sources that did not answer."""
        return replace(self, holes=(*self.holes, *holes))


class Vocabulary:
    """Gives each distinct name a small number, in order of first sight."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._codes: dict[str, int] = {}
        for name in names:
            self.code(name)

    def code(self, name: str | None) -> int:
        """The number of a name; NONE for an absent or empty one."""
        return int(NONE) if not name else self._codes.setdefault(name, len(self._codes))

    def codes(self, names: Sequence[str | None]) -> Ints:
        """The numbers of many names."""
        return np.fromiter((self.code(name) for name in names), np.int32, len(names))

    @property
    def names(self) -> tuple[str, ...]:
        """All names; a name's code is its place."""
        return tuple(self._codes)
