"""Lists of products."""

from __future__ import annotations

from typing import Any

from steersman.lab.kit.database import Database

SQL = "SELECT sku, name, price, stock FROM products WHERE category = ? ORDER BY sku"


async def products_of(database: Database, category: str) -> list[dict[str, Any]]:
    """The products of a category, in one query."""
    rows = await database.query("SELECT products", SQL, (category,))
    return [dict(zip(("sku", "name", "price", "stock"), row, strict=True)) for row in rows]
