"""Risk of a charge, scored by the amount's history."""

from __future__ import annotations

import asyncio
from typing import Any

LARGE = 1_000_000

POLL_S = 0.045
POLLS = 3


async def assess(charge: dict[str, Any]) -> bool:
    """Whether the charge is unusually large; waits until the score has settled."""
    score = 0.0
    for _ in range(POLLS):
        await asyncio.sleep(POLL_S)
        score += int(charge["amount"]) / POLLS
    return score > LARGE
