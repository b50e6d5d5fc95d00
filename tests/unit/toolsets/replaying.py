"""Clients whose server is a cassette, or a function."""

from collections.abc import Callable
from pathlib import Path

import httpx

from steersman.remote.endpoint import Endpoint, open_client
from steersman.remote.exchange import Remote
from steersman.testing.cassette import Exchange, Player, load

CASSETTES = Path(__file__).parents[2] / "cassettes"


def cassette(server: str, name: str) -> Exchange:
    return load(CASSETTES / server / f"{name}.json")


def remote_of(server: Callable[[httpx.Request], httpx.Response], name: str = "server", **limits: float) -> Remote:
    endpoint = Endpoint.model_validate({"url": "http://server.test:9090", **limits})
    return Remote.at(name, open_client(endpoint, transport=httpx.MockTransport(server)), endpoint)


def replayed(server: str, *names: str) -> tuple[Remote, Player]:
    player = Player([cassette(server, name) for name in names])
    return remote_of(player, server), player
