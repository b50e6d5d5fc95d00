"""What the page shows."""

from __future__ import annotations

from typing import Any


def render(category: str, products: list[dict[str, Any]]) -> dict[str, Any]:
    """The page of a category, cheapest first."""
    ordered = sorted(products, key=lambda product: product["price"])
    return {"title": category.title(), "count": len(ordered), "products": ordered[:12]}
