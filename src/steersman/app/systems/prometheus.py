"""Prometheus, and what speaks its API: metrics, rules, alerts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from steersman.app.section import ServerSettings
from steersman.app.systems.opened import Opened, Opening
from steersman.app.systems.signals import SignalSection
from steersman.domain.signal import UNIT


class PrometheusSettings(ServerSettings):
    """A Prometheus, VictoriaMetrics, Mimir or Thanos."""

    signals: SignalSection = SignalSection()


@asynccontextmanager
async def opened(settings: PrometheusSettings, opening: Opening) -> AsyncIterator[Opened]:
    """Open to be asked; nothing is sent yet."""
    from steersman.remote.endpoint import identity, open_client
    from steersman.remote.exchange import Remote
    from steersman.toolsets.prometheus import Checker, PrometheusClient, PrometheusSource, PrometheusToolset
    from steersman.toolsets.prometheus.facts import Nothing

    endpoint, signals = settings.endpoint(), settings.signals.settings()
    async with open_client(endpoint) as http:
        client = PrometheusClient(Remote.at("prometheus", http, endpoint))
        source = PrometheusSource(client, opening.clock, signals)
        where = identity("prometheus", opening.name, opening.tier, endpoint=endpoint)

        async def version() -> str:
            return (await client.buildinfo(Nothing())).version

        yield Opened(
            PrometheusToolset(client, where, Checker(source, opening.clock)),
            where,
            source=source,
            version=version,
            signals=frozenset(UNIT),
        )
