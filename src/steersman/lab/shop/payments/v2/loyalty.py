"""Loyalty points, more of them for better customers."""

from __future__ import annotations

import logging
from typing import Any

FACTORS = {"silver": 1.5, "gold": 2.0}


def points_for(charge: dict[str, Any], log: logging.Logger) -> int:
    """Points for each whole unit of money, by the customer's tier."""
    if charge.get("note"):
        log.info("order %s: customer's note: %s", charge["order_id"], charge["note"])
    tier = charge["customer"]["tier"]
    return round(int(charge["amount"]) // 100 * FACTORS[tier.lower()])
