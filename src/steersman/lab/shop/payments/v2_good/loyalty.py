"""Loyalty points, more of them for better customers."""

from __future__ import annotations

import logging
from typing import Any

FACTORS = {"silver": 1.5, "gold": 2.0}


def points_for(charge: dict[str, Any], _log: logging.Logger) -> int:
    """Points for each whole unit of money, by the customer's tier; guests have none."""
    tier = charge["customer"]["tier"] or ""
    return round(int(charge["amount"]) // 100 * FACTORS.get(tier.lower(), 1.0))
