"""Risk of a charge."""

from __future__ import annotations

from typing import Any

LARGE = 1_000_000


async def assess(charge: dict[str, Any]) -> bool:
    """Whether the charge is unusually large."""
    return int(charge["amount"]) > LARGE
