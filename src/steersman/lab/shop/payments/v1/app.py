"""Payments: authorises a charge with the card network and keeps it. A repeated order is the same charge."""

from __future__ import annotations

import sqlite3
from typing import Any

from steersman.lab.kit import App, Kit, Request, Response, answer
from steersman.lab.kit.chain import TABLE, append

from .loyalty import points_for
from .risk import assess

KNOWN = "SELECT seq, amount FROM payments WHERE order_id = ?"


async def create(kit: Kit) -> App:
    """The service's routes."""
    database = kit.open_database(kit.data_folder / "payments.sqlite")
    await database.write("CREATE payments", lambda connection: connection.execute(TABLE))

    async def charges(request: Request) -> Response:
        charge = request.document()
        known = await database.query("SELECT payments", KNOWN, (charge["order_id"],))
        if known:
            return answer(dict(zip(("seq", "amount"), known[0], strict=True)))
        await assess(charge)
        points = points_for(charge, kit.log)
        approval = await kit.calls.post("card-network", "/authorize", {"amount": charge["amount"]})

        def keep(connection: sqlite3.Connection) -> dict[str, Any]:
            return append(
                connection,
                order_id=charge["order_id"],
                customer=charge["customer"]["name"],
                amount=charge["amount"],
                points=points,
                code=approval["code"],
            )

        return answer(await database.write("INSERT payments", keep))

    async def quote(request: Request) -> Response:
        charge = request.document()
        return answer({"amount": charge["amount"], "points": points_for(charge, kit.log)})

    async def offer(_: Request) -> Response:
        """A quote for nobody in particular: it can be asked for any number of times, and leaves nothing."""
        charge = {"order_id": "offer", "amount": 1_250, "customer": {"name": "anybody", "tier": "gold"}}
        await assess(charge)
        return answer({"amount": charge["amount"], "points": points_for(charge, kit.log)})

    app = App()
    app.add("POST", "/charges", charges)
    app.add("POST", "/quote", quote)
    app.add("GET", "/quote", offer)
    return app
