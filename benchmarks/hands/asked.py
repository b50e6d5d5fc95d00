"""What the benchmarks of hands are asked by, alike."""

from __future__ import annotations

import argparse

import httpx

from steersman.domain.errors import SteersmanError

BREAKS = (SteersmanError, AssertionError, TimeoutError, httpx.HTTPError)
"""What may break a case: a result of it, too, and no end of the others."""


def arguments(description: str | None, *, cases: int, quick: int) -> argparse.Namespace:
    """How many cases, of which seed and system."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--cases", type=int, default=0, help=f"{cases} unless said otherwise")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", default="", help="one system by name")
    parser.add_argument("--quick", action="store_true", help=f"{quick} cases, without the slow servers")
    parser.add_argument("--json", action="store_true")
    found = parser.parse_args()
    found.total = found.cases or (quick if found.quick else cases)
    return found
