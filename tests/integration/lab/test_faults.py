"""Each fault of the catalogue is visible where production would show it, and goes away when it is switched off."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from tests.integration.lab.looking import (
    Eyes,
    Sight,
    above,
    changed,
    gap_before,
    last,
    many_spans,
    more_than,
    risen,
    says,
    until,
)

from steersman.domain.signal import Selector, SignalName
from steersman.lab.catalogue import FAULTS, LabFault
from steersman.lab.control import LabClient
from steersman.toolsets.lab_telemetry import LabSource

MB = 1_000_000
STILL_ILL = 0.05
WATCHED: tuple[SignalName, ...] = ("cpu", "memory", "error_rate", "latency_p50")
SIGHTS: Mapping[tuple[str, str], tuple[Sight, ...]] = {
    ("payments", "error_bug"): (
        above("error_rate", "payments", 0.2, version="v2"),
        above("error_rate", "checkout", 0.1),
        says("payments", "AttributeError: 'NoneType' object has no attribute 'lower'"),
        changed("deploy"),
    ),
    ("catalog", "error_bug"): (
        above("error_rate", "catalog", 0.2),
        above("error_rate", "front", 0.1),
        says("catalog", "KeyError: 'campaign'"),
    ),
    ("checkout", "wrong_result"): (says("front", "the basket said"), changed("deploy")),
    ("payments", "latency_regression"): (
        above("latency_p50", "payments", 0.13, version="v3"),
        above("latency_p50", "checkout", 0.13),
    ),
    ("catalog", "n_plus_one"): (many_spans("SELECT stock", 24), changed("traffic")),
    ("catalog", "memory_leak"): (risen("memory", "catalog", 25 * MB),),
    ("front", "memory_leak"): (risen("memory", "front", 25 * MB), says("front", "nothing evicted")),
    ("catalog", "cpu_burn"): (above("cpu", "catalog", 0.15), says("catalog", "sales report")),
    ("checkout", "cpu_burn"): (above("cpu", "checkout", 0.15),),
    ("payments", "dependency_timeout"): (
        above("error_rate", "payments", 0.2),
        above("error_rate", "checkout", 0.2),
        says("payments", "card-network did not answer within 2 s"),
    ),
    ("checkout", "pool_exhaustion"): (above("pool_usage", "checkout", 0.9),),
    ("front", "bad_config"): (
        above("error_rate", "front", 0.5),
        changed("config"),
        says("front", "configuration reloaded: catalog_timeout_s 3 -> 0.002"),
    ),
    ("payments", "crash_loop"): (
        above("restarts", "payments", 0.9),
        above("error_rate", "payments", 0.2),
        says("payments", "fatal: signing key expired"),
        says("proxy", "upstream connect error"),
        changed("restart"),
    ),
    ("catalog", "crash_loop"): (above("restarts", "catalog", 0.9), above("error_rate", "front", 0.2)),
    ("payments", "slow_disk"): (above("disk_latency", "payments", 0.018), says("payments", "commit took longer")),
    ("checkout", "retry_storm"): (
        more_than("request_rate", "payments", 1.5, other="checkout"),
        says("checkout", "retrying payments"),
    ),
    ("checkout", "queue_backlog"): (above("queue_depth", "checkout", 20), says("checkout", "messages wait")),
    ("catalog", "network_delay"): (gap_before("catalog", 0.08),),
    ("payments", "network_delay"): (gap_before("payments", 0.08),),
}


async def well(source: LabSource) -> Mapping[tuple[str, str], float] | None:
    """Signals now, or None while something still fails."""
    found: dict[tuple[str, str], float] = {}
    for service in ("front", "catalog", "checkout", "payments"):
        for name in WATCHED:
            values = (await source.range(name, Selector(service=service), last(3.5))).values
            if not values:
                return None
            found[name, service] = sum(values) / len(values)
        if found["error_rate", service] > STILL_ILL:
            return None
    return found


def test_every_fault_of_the_catalogue_is_looked_for() -> None:
    assert {(fault.service, fault.kind) for fault in FAULTS} == set(SIGHTS)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.service}-{fault.kind}")
async def test_it_is_seen(fault: LabFault, source: LabSource, client: LabClient) -> None:
    before = await until(lambda: well(source), for_s=40)
    eyes = Eyes(source, datetime.now(UTC), before)
    client.fault(fault.service, fault.kind, on=True)
    try:
        for number, sight in enumerate(SIGHTS[fault.service, fault.kind]):

            async def seen(sight: Sight = sight) -> bool | None:
                return True if await sight(eyes) else None

            try:
                await until(seen, for_s=25)
            except AssertionError as e:
                raise AssertionError(f"sight {number} of {fault.service} {fault.kind} was not seen") from e
    finally:
        client.fault(fault.service, fault.kind, on=False)


async def test_after_all_of_it_no_payment_was_lost_altered_or_doubled(source: LabSource, client: LabClient) -> None:
    await until(lambda: well(source), for_s=40)
    await asyncio.sleep(0.5)
    found = client.ask("reconcile", {"service": "payments"})
    assert {**found, "orders": 0} == {"reconciled": True, "lost": 0, "altered": 0, "duplicated": 0, "orders": 0}
    assert client.status()["faults"] == []


async def test_a_healthy_shop_shows_none_of_it(source: LabSource, client: LabClient) -> None:
    client.load(40)  # a step of traffic is no fault
    await until(lambda: well(source), for_s=40)
    eyes = Eyes(source, datetime.now(UTC), await until(lambda: well(source)))
    await asyncio.sleep(5)
    for place, sights in SIGHTS.items():
        assert not all([await sight(eyes) for sight in sights]), place
    client.load(25)
