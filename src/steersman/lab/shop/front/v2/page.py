"""What the page shows."""

from __future__ import annotations

from typing import Any


def render(category: str, products: list[dict[str, Any]]) -> dict[str, Any]:
    """The page of a category, cheapest first, with the price that it starts from."""
    ordered = sorted(products, key=lambda product: product["price"])
    start = ordered[0]["price"] if ordered else None
    return {"title": category.title(), "count": len(ordered), "from": start, "products": ordered[:12]}
