"""Loyalty points."""

from __future__ import annotations

import logging
from typing import Any


def points_for(charge: dict[str, Any], _log: logging.Logger) -> int:
    """One point for each whole unit of money."""
    return int(charge["amount"]) // 100
