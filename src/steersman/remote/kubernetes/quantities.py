"""Quantities as numbers. Source: the `Quantity` type of Kubernetes."""

from __future__ import annotations

import re

SUFFIXES = {
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60,
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
}  # fmt: skip


def amount(quantity: object) -> float:
    """`250m` is 0.25, `1Gi` is 1073741824. Raises ValueError for what is none."""
    text = str(quantity)
    for suffix, factor in SUFFIXES.items():
        if text.endswith(suffix):
            return float(text.removesuffix(suffix)) * factor
    return float(text)


def milliseconds(duration: str) -> int:
    """`1h2m3s500ms` as the Gateway API writes it. Source: GEP-2257."""
    units = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"([0-9]+)(ms|[hms])", duration))
