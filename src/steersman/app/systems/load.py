"""Load generators: what of an environment may be put under load, and how hard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from pydantic import Field, StringConstraints

from steersman.app.secrets import VAULT, learn, resolve
from steersman.app.section import Section
from steersman.app.systems.opened import Opened, Opening
from steersman.domain.environment import Environment
from steersman.domain.errors import ConfigError
from steersman.domain.fact import digest
from steersman.domain.load import LoadCaps
from steersman.domain.reference import place_of

Host = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$|^[0-9a-f:.]{2,45}$")]


class LoadSettings(Section):
    """Bounds of every load test in the environment."""

    hosts: tuple[Host, ...] = Field(min_length=1)
    """Hosts that may be put under load, whole names without port; no other is ever asked."""
    targets: dict[str, str] = {}
    """URLs by the names that people call them, for tests that are asked for in words: `{payments: https://pay/quote}`."""
    max_rate: float = Field(default=500.0, gt=0, le=1_000_000)
    """Requests per second."""
    max_users: int = Field(default=200, gt=0, le=10_000)
    """Users, or requests under way, at once."""
    max_duration_s: float = Field(default=1_800.0, gt=0, le=86_000)
    """Seconds of one test, or of one search for a limit."""

    locust_processes: int = Field(default=0, ge=0, le=64)
    """Locust's processes that send requests; 0: one for each 250 requests/s, and no more than there are cores."""

    @property
    def caps(self) -> LoadCaps:
        """The same, as the toolsets take it."""
        return LoadCaps(
            hosts=self.hosts, requests_s=self.max_rate, users=self.max_users, duration_s=self.max_duration_s
        )


@asynccontextmanager
async def opened(settings: LoadSettings, opening: Opening) -> AsyncIterator[Opened]:
    """k6, Locust and Vegeta, each of them as far as it is installed; nothing is started yet."""
    from steersman.app.loads import load_toolsets

    identity = digest([*sorted(settings.hosts)])[:24]
    where = Environment(kind="load", name=opening.name, uid=identity, url="", tier=opening.tier)

    async def secret(reference: str) -> str:
        if reference.startswith(VAULT) and opening.reveal is not None:
            place = place_of(reference)
            found = (await opening.reveal(place)).get(place.field)
            if found is None:
                raise ConfigError(f"the secret {reference!r} has no such field; say vault:PATH#FIELD")
            learn((found,))
            return found
        return resolve(reference).get_secret_value()

    async def target() -> Environment:
        return where

    first, *others = load_toolsets(
        opening.home, target, caps=settings.caps, secrets=secret, locust_processes=settings.locust_processes
    )
    yield Opened(first, where, also=tuple(others))
