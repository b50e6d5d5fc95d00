"""Several sources are asked at once and answer as one."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from tests.unit.agents.test_investigate import SLOW_PAYMENTS, Recorded

from steersman.agents.fanout import Member, merged
from steersman.agents.investigate import SIGNALS, Scope, arrived, investigate
from steersman.agents.monitoring import MonitoringDeps, composite_monitoring
from steersman.agents.sub_agents import SubAgentDeps
from steersman.domain.finding import Investigation
from steersman.domain.signal import Change, LogPage, Selector, Window
from steersman.testing.cluster import System, desk
from steersman.testing.shop import START, Faults, window


def members(faults: Faults, **ill: frozenset[str]) -> tuple[Member, ...]:
    names = ("prometheus", "loki", "tempo", "grafana")
    return tuple(Member.of(name, Recorded(faults, **({"down": ill[name]} if name in ill else {}))) for name in names)


async def found(sources: tuple[Member, ...], scope: Scope | None = None) -> Investigation:
    agent = composite_monitoring(MonitoringDeps(sources, scope=scope or Scope()))
    state = await agent.ainvoke({"question": "what is wrong?", "window": window()})
    investigation: Investigation = state["investigation"]
    return investigation


async def test_each_source_is_asked_for_what_it_has() -> None:
    sources = members(SLOW_PAYMENTS)
    answer = await found(sources)
    assert answer.root_causes[0].service == "payments"
    assert answer.holes == ()
    asked = {member.name: set(member.source.asked) for member in sources}  # type: ignore[attr-defined]
    assert asked == {
        "prometheus": set(SIGNALS),
        "loki": {"logs"},
        "tempo": {"spans"},
        "grafana": {"changes"},
    }


@pytest.mark.parametrize(
    ("name", "part"), [("prometheus", "cpu"), ("loki", "logs"), ("tempo", "spans"), ("grafana", "changes")]
)
async def test_a_source_that_is_down_is_named_and_never_all_is_well(name: str, part: str) -> None:
    answer = await found(members(Faults(), **{name: frozenset({part})}))
    assert answer.result == "not_enough_data"
    assert any(hole.startswith(f"{name}: {part}") for hole in answer.holes)


async def test_metrics_are_asked_for_as_soon_as_a_service_is_heard_of() -> None:
    release = asyncio.Event()

    class Late(Recorded):
        async def spans(self, selector: Selector, window: Window, *, limit: int = 1_000) -> object:  # type: ignore[override]
            await release.wait()
            return await super().spans(selector, window, limit=limit)

    metrics = Recorded(SLOW_PAYMENTS)

    class Telling(Recorded):
        async def range(self, signal: object, selector: Selector, window: Window) -> object:  # type: ignore[override]
            if selector.service == "front":
                release.set()
            return await metrics.range(signal, selector, window)  # type: ignore[arg-type]

    sources = (
        Member.of("prometheus", Telling(SLOW_PAYMENTS)),
        Member.of("loki", Recorded(SLOW_PAYMENTS)),
        Member.of("tempo", Late(SLOW_PAYMENTS)),
    )
    assert (await found(sources)).root_causes[0].service == "payments"


async def test_a_dead_source_of_metrics_is_given_up_after_a_few_signals() -> None:
    source = Recorded(Faults(), down=frozenset(SIGNALS))
    scope = Scope(services=tuple(f"s{n}" for n in range(40)), parallel=1)
    await investigate("?", window(), (Member.of("prometheus", source),), scope=scope)
    assert sum(source.asked.values()) == 3


async def test_rows_that_are_left_out_are_a_hole() -> None:
    class Short(Recorded):
        async def logs(self, selector: Selector, window: Window, *, limit: int = 1_000) -> LogPage:
            page = await super().logs(selector, window, limit=limit)
            return page.model_copy(update={"left_out": 7})

    answer = await investigate("?", window(), Short(Faults()))
    assert answer.result == "not_enough_data"
    assert "logs: 7 rows more than 200000" in answer.holes


def test_a_change_that_two_tell_of_is_one_change() -> None:
    one = Change(at=START, service="payments", kind="deploy", what="v2")
    same = one.model_copy(update={"at": START + timedelta(seconds=2), "what": "payments: v2 started"})
    later = one.model_copy(update={"at": START + timedelta(seconds=60)})
    other = one.model_copy(update={"kind": "scale"})
    assert merged((one,), (same, later, other)) == (one, other, later)


async def test_telemetry_that_has_arrived_is_not_waited_for() -> None:
    assert await arrived(Recorded(Faults()), START, within_s=5.0)


async def test_telemetry_that_never_arrives_is_not_waited_for_for_ever() -> None:
    assert not await arrived(Recorded(Faults(), silent=frozenset({"spans"})), START, within_s=0.02)
    assert not await arrived(Recorded(Faults(), down=frozenset({"spans"})), START, within_s=5.0)


POD = {"labels": {"app": "payments"}, "reason": "CrashLoopBackOff"}


async def test_what_a_cluster_shows_speaks_for_the_cause_in_telemetry() -> None:
    system = System(answers={"pods": {"pods": [POD]}, "events": {}})
    deps = MonitoringDeps(members(SLOW_PAYMENTS), looking=SubAgentDeps(desk(system)), systems=("kubernetes",))
    state = await composite_monitoring(deps).ainvoke({"question": "?", "window": window()})
    cause = state["investigation"].root_causes[0]
    assert cause.service == "payments"
    assert "kubernetes.pods shows CrashLoopBackOff in the field 'reason' (crash_loop)." in cause.speaks_for
    assert any(each.startswith("kubernetes-") for each in cause.evidence)
    assert all(each in state["investigation"].evidence for each in cause.evidence)
