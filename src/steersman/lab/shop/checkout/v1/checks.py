"""The version's own unit tests."""

from __future__ import annotations

from .totals import total_of


def check_one_item_costs_its_price() -> None:
    """The plain case."""
    assert total_of([{"sku": "a", "quantity": 1}], {"a": 250}) == 250


def check_items_add_up() -> None:
    """Two products."""
    assert total_of([{"sku": "a", "quantity": 1}, {"sku": "b", "quantity": 1}], {"a": 250, "b": 100}) == 350
