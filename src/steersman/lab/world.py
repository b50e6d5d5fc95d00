"""The world outside of the shop: customers who come whether it keeps up or not, and the card network."""

from __future__ import annotations

import asyncio
import math
import signal
import socket
import time
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from random import Random
from typing import TextIO

from steersman.domain.fact import Fact
from steersman.lab.journeys import Journey, next_journey
from steersman.lab.wire.client import Address, Client, PoolExhaustedError, UnreachableError
from steersman.lab.wire.message import DEADLINE, Request, Response, answer
from steersman.lab.wire.server import Server

PATIENCE_S = 10.0
IN_FLIGHT_LIMIT = 150
AUTHORIZE_S = (0.003, 0.006)
HANG_S = 30.0
HANG_SHARE = 0.7


class WorldSpec(Fact):
    """What the world is started with; customers come once it is given a rate.

    Its sockets are its admin's and the card network's.
    """

    shop_port: int
    seed: int
    ledger: str
    """File of acknowledged orders: one line of order id and amount each."""
    admin_token: str


@dataclass(slots=True)
class Customers:
    """An open model: arrivals are Poisson at `rate`, however slow the shop is."""

    client: Client
    rate: float
    ledger: TextIO
    dice: Random
    counts: Counter[str] = field(default_factory=Counter)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    in_flight: int = 0
    number: int = 0

    async def arrive(self, group: asyncio.TaskGroup) -> None:
        """Sends customers until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            if self.rate <= 0:
                self.changed.clear()
                await self.changed.wait()
                due = loop.time()
            due += -math.log(1 - self.dice.random()) / self.rate
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            self.number += 1
            journey = next_journey(self.dice, self.number)
            if self.in_flight >= IN_FLIGHT_LIMIT:
                self.counts["turned_away"] += 1
                continue
            group.create_task(self._shop(journey))

    async def _shop(self, journey: Journey) -> None:
        self.in_flight += 1
        journey.request.headers[DEADLINE] = f"{time.time() + PATIENCE_S:.3f}"
        try:
            response = await self.client.send(journey.request, PATIENCE_S)
        except (UnreachableError, PoolExhaustedError, TimeoutError):
            self._count(journey, "unanswered")
            return
        finally:
            self.in_flight -= 1
        if response.status != HTTPStatus.OK:
            self._count(journey, "failed")
            return
        self._count(journey, "done")
        if journey.order_id:
            self.ledger.write(f"{journey.order_id}\t{response.document()['total']}\n")
            self.ledger.flush()

    def _count(self, journey: Journey, outcome: str) -> None:
        self.counts[f"{'buy' if journey.order_id else 'browse'}_{outcome}"] += 1


@dataclass(slots=True)
class CardNetwork:
    """Authorises every card after a few milliseconds, unless it hangs."""

    dice: Random
    hanging: bool = False

    async def handle(self, request: Request) -> Response:
        """The answer to `POST /authorize`."""
        if request.path != "/authorize":
            return answer({"error": "nothing here"}, HTTPStatus.NOT_FOUND)
        if self.hanging and self.dice.random() < HANG_SHARE:
            await asyncio.sleep(HANG_S)
        await asyncio.sleep(self.dice.uniform(*AUTHORIZE_S))
        return answer({"approved": True, "code": f"{self.dice.randrange(16**6):06x}"})


@dataclass(slots=True)
class World:
    """Its controls."""

    customers: Customers
    network: CardNetwork
    token: str

    async def handle(self, request: Request) -> Response:
        """`POST /load`, `POST /fault`, `GET /stats`."""
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return answer({"error": "wrong token"}, HTTPStatus.UNAUTHORIZED)
        match request.path:
            case "/load":
                self.customers.rate = float(request.document()["rate"])
                self.customers.changed.set()
            case "/fault":
                self.network.hanging = bool(request.document()["on"])
            case "/stats":
                return answer(dict(self.customers.counts))
            case _:
                return answer({"error": "nothing here"}, HTTPStatus.NOT_FOUND)
        return answer({})


async def serve(spec: WorldSpec, sockets: list[socket.socket]) -> None:
    """Sends customers until SIGTERM."""
    with Path(spec.ledger).open("a", encoding="utf-8") as ledger:  # noqa: ASYNC230 - once, before anything is served
        dice = Random(spec.seed)  # noqa: S311 - customers, not secrets
        client = Client(Address("127.0.0.1", spec.shop_port), limit=IN_FLIGHT_LIMIT)
        customers = Customers(client, 0.0, ledger, dice)
        network = CardNetwork(dice)
        servers = [Server(World(customers, network, spec.admin_token).handle), Server(network.handle)]
        for server, listening in zip(servers, sockets, strict=True):
            await server.start(listening)
        stopping = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
        async with asyncio.TaskGroup() as group:
            arrivals = group.create_task(customers.arrive(group))
            await stopping.wait()
            arrivals.cancel()
        for server in servers:
            await server.close(drain_s=0.2)
