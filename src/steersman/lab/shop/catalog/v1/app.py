"""Catalog: products and prices out of its database."""

from __future__ import annotations

import sqlite3
from http import HTTPStatus

from steersman.lab.kit import App, Kit, RefusedError, Request, Response, answer

from .listing import products_of
from .stock import PRODUCTS

TABLE = """CREATE TABLE IF NOT EXISTS products(sku TEXT PRIMARY KEY, category TEXT, name TEXT, price INTEGER,
    stock INTEGER)"""


async def create(kit: Kit) -> App:
    """The service's routes."""
    database = kit.open_database(kit.data_folder / "catalog.sqlite")

    def seed(connection: sqlite3.Connection) -> None:
        connection.execute(TABLE)
        connection.executemany("INSERT OR IGNORE INTO products VALUES(?, ?, ?, ?, ?)", PRODUCTS)

    await database.write("SEED products", seed)

    async def products(request: Request) -> Response:
        return answer({"products": await products_of(database, request.parameters().get("category", ""))})

    async def prices(request: Request) -> Response:
        skus = request.parameters().get("skus", "").split(",")
        marks = ",".join("?" * len(skus))
        sql = f"SELECT sku, price FROM products WHERE sku IN ({marks})"  # noqa: S608 - marks only
        found = dict(await database.query("SELECT products", sql, skus))
        missing = sorted(set(skus) - set(found))
        if missing:
            raise RefusedError(HTTPStatus.NOT_FOUND, f"no such product: {missing[0]!r}")
        return answer({"prices": found})

    app = App()
    app.add("GET", "/products", products)
    app.add("GET", "/prices", prices)
    return app
