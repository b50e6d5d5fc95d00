"""Front: shows the catalog and takes orders."""

from __future__ import annotations

from http import HTTPStatus

from steersman.lab.kit import App, Kit, RefusedError, Request, Response, answer

from .page import render


async def create(kit: Kit) -> App:
    """The service's routes."""
    kit.config.update({"catalog_timeout_s": 3.0, "checkout_timeout_s": 6.0})

    async def browse(request: Request) -> Response:
        category = request.parameters().get("category", "")
        products = await kit.calls.get("catalog", f"/products?category={category}")
        return answer(render(category, products["products"]))

    async def buy(request: Request) -> Response:
        order = request.document()
        if not order.get("items"):
            raise RefusedError(HTTPStatus.BAD_REQUEST, "the basket is empty")
        skus = ",".join(item["sku"] for item in order["items"])
        prices = (await kit.calls.get("catalog", f"/prices?skus={skus}"))["prices"]
        basket = sum(prices[item["sku"]] * item["quantity"] for item in order["items"])
        receipt = await kit.calls.post("checkout", "/orders", order)
        if receipt["total"] != basket:
            kit.log.warning(
                "order %s: checkout charged %d, the basket said %d", order["order_id"], receipt["total"], basket
            )
        return answer(receipt)

    app = App()
    app.add("GET", "/browse", browse)
    app.add("POST", "/buy", buy)
    return app
