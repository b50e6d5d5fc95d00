"""What an order costs."""

from __future__ import annotations

from typing import Any


def total_of(items: list[dict[str, Any]], prices: dict[str, int]) -> int:
    """The sum in cents."""
    return sum(prices[item["sku"]] * item["quantity"] for item in items)
