"""Untrusted text, instants and numbers, as people may safely see them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import datetime

WHOLE_FROM_S = 10
MINUTES_FROM_S = 120
BARS = "▁▂▃▄▅▆▇█"
BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def untrusted(text: str, limit: int = 300) -> str:
    """One visible line: control, escape and bidirectional characters replaced, cut at `limit`.

    Source: Trojan Source (CVE-2021-42574) for the bidirectional set.
    """
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(
        "␣" if char in BIDI or unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co") else char for char in cut
    )


def utc(at: datetime) -> str:
    """`2026-11-25T16:00:00.123Z`."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def clock(at: datetime) -> str:
    """`16:00:00.1`, for lines whose date is clear."""
    return at.strftime("%H:%M:%S.") + str(at.microsecond // 100_000)


def sparkline(values: Sequence[float], *, top: float | None = None) -> str:
    """One bar a value, scaled from 0 to `top` (default: the largest value)."""
    if not values:
        return ""
    ceiling = max(top if top is not None else max(values), 1e-12)
    return "".join(BARS[min(len(BARS) - 1, int(max(value, 0.0) / ceiling * (len(BARS) - 1) + 0.5))] for value in values)


def seconds(value: float) -> str:
    """`0.35 s`, `12 s`, `3 min`."""
    if value < MINUTES_FROM_S:
        return f"{value:.2g} s" if value < WHOLE_FROM_S else f"{value:.0f} s"
    return f"{value / 60:.0f} min"


def percent(value: float) -> str:
    """`5 %`, `0.4 %`."""
    return f"{value * 100:.3g} %"
