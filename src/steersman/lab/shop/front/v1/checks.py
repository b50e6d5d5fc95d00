"""The version's own unit tests."""

from __future__ import annotations

from .page import render


def check_the_cheapest_stands_first() -> None:
    """Order of the page."""
    page = render("ropes", [{"price": 5}, {"price": 2}])
    assert [product["price"] for product in page["products"]] == [2, 5]


def check_an_empty_category_has_a_page() -> None:
    """Nothing to sell is no error."""
    assert render("lamps", [])["count"] == 0
