"""The version's own unit tests."""

from __future__ import annotations

from .stock import CATEGORIES, PRODUCTS


def check_every_category_has_products() -> None:
    """No category is empty."""
    assert {row[1] for row in PRODUCTS} == set(CATEGORIES)


def check_prices_are_positive() -> None:
    """Nothing is given away."""
    assert all(row[3] > 0 for row in PRODUCTS)
