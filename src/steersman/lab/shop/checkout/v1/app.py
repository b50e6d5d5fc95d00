"""Checkout: prices the order, has it paid, and sends a confirmation later."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from steersman.lab.kit import App, Kit, RefusedError, Request, Response, answer

from .totals import total_of

SEND_S = 0.002


async def create(kit: Kit) -> App:
    """The service's routes."""
    kit.config.update({"catalog_timeout_s": 3.0, "payments_timeout_s": 4.0})

    async def send(_: Any) -> None:
        await asyncio.sleep(SEND_S)

    confirmations = kit.open_outbox("confirmations", send)

    async def orders(request: Request) -> Response:
        order = request.document()
        if not confirmations.has_room:
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "the queue of confirmations is full")
        skus = ",".join(item["sku"] for item in order["items"])
        prices = (await kit.calls.get("catalog", f"/prices?skus={skus}"))["prices"]
        total = total_of(order["items"], prices)
        charge = {
            "order_id": order["order_id"],
            "customer": order["customer"],
            "amount": total,
            "note": order.get("note", ""),
        }
        payment = await kit.calls.post("payments", "/charges", charge)
        confirmations.put({"order_id": order["order_id"], "to": order["customer"]["name"]})
        return answer({"order_id": order["order_id"], "total": payment["amount"], "payment": payment["seq"]})

    async def totals(request: Request) -> Response:
        asked = request.document()
        return answer({"total": total_of(asked["items"], asked["prices"])})

    app = App()
    app.add("POST", "/orders", orders)
    app.add("POST", "/totals", totals)
    return app
