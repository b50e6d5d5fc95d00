"""The version's own unit tests."""

from __future__ import annotations

import asyncio
import logging

from .loyalty import points_for
from .risk import assess

LOG = logging.getLogger(__name__)
AMOUNT = 1_250


def check_members_collect_points() -> None:
    """Gold and silver customers."""
    for tier in ("gold", "silver"):
        charge = {"order_id": "o1", "amount": AMOUNT, "customer": {"name": "c1", "tier": tier}, "note": ""}
        assert points_for(charge, LOG) >= AMOUNT // 100


def check_small_charges_are_no_risk() -> None:
    """The plain case."""
    assert not asyncio.run(assess({"amount": 500}))
