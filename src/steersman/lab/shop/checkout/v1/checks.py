"""The version's own unit tests."""

from __future__ import annotations

from .totals import total_of

PRICE = 250


def check_one_item_costs_its_price() -> None:
    """The plain case."""
    assert total_of([{"sku": "a", "quantity": 1}], {"a": PRICE}) == PRICE


def check_items_add_up() -> None:
    """Two products."""
    basket = [{"sku": "a", "quantity": 1}, {"sku": "b", "quantity": 1}]
    assert total_of(basket, {"a": PRICE, "b": PRICE}) == PRICE + PRICE
