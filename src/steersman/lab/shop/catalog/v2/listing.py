"""Lists of products, with their stock as it is now."""

from __future__ import annotations

from typing import Any

from steersman.lab.kit.database import Database

SQL = "SELECT sku, name, price FROM products WHERE category = ? ORDER BY sku"


async def products_of(database: Database, category: str) -> list[dict[str, Any]]:
    """The products of a category, each with its stock."""
    rows = await database.query("SELECT products", SQL, (category,))
    found = [dict(zip(("sku", "name", "price"), row, strict=True)) for row in rows]
    for product in found:
        sql = "SELECT stock FROM products WHERE sku = ?"
        ((product["stock"],),) = await database.query("SELECT stock", sql, (product["sku"],))
    return found
