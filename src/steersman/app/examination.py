"""Whether every configured system answers, which version it is, and whether it takes the credentials."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from steersman.app.settings import Settings
from steersman.app.store import CLOCK
from steersman.app.systems.opened import Opened, Opening
from steersman.app.systems.table import SYSTEMS
from steersman.domain.errors import SteersmanError
from steersman.domain.fact import Fact

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Place:
    """A configured system."""

    environment: str
    system: str
    section: object


class Examined(Fact):
    """What became of asking a system."""

    environment: str
    system: str
    well: bool
    says: str
    """Its version, or what is wrong and what to do."""


async def examine(settings: Settings) -> tuple[Examined, ...]:
    """Every system of every environment, all at once."""
    places = [
        Place(name, system, section)
        for name, environment in settings.environments.items()
        for system in SYSTEMS
        if (section := getattr(environment, system))  # `apis` and `mcp` are empty where there are none
    ]
    return tuple(await asyncio.gather(*(_examined(settings, place) for place in places)))


async def _said(opened: Opened) -> str:
    if opened.version is not None:
        return f"version {await opened.version() or 'not said'}"
    return str(await opened.toolset.environment())


async def _examined(settings: Settings, place: Place) -> Examined:
    key = f"environments.{place.environment}.{place.system}"
    opening = Opening(place.environment, settings.environments[place.environment].tier, settings.home, CLOCK)
    try:
        async with asyncio.timeout(TIMEOUT_S), SYSTEMS[place.system](place.section, opening) as found:
            opened = found if isinstance(found, tuple) else (found,)
            says = ", ".join([await _said(each) for each in opened])
        well = True
    except TimeoutError:
        well, says = False, f"no answer within {TIMEOUT_S:g} s; is it reachable from here? look at {key}.url"
    except SteersmanError as e:
        well, says = False, f"{e}; its settings are under {key}"
    return Examined(environment=place.environment, system=place.system, well=well, says=says)
