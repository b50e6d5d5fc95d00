"""Connected systems are looked at beside telemetry, by reads through the gate."""

from dataclasses import dataclass, field

from steersman.app.beside import beside, joined
from steersman.diagnosis.investigation import investigate
from steersman.domain.fact import JsonObject
from steersman.testing.cluster import CATALOGUE, POD, System
from steersman.testing.journal_facts import AGENT
from steersman.testing.shop import Faults, Shop, window
from steersman.testing.world import ENVIRONMENT


class Gate(System):
    catalogue = CATALOGUE


@dataclass
class World:
    environment: object = ENVIRONMENT
    services: frozenset[str] = frozenset({"payments"})


@dataclass
class Here:
    """As much of an app as is asked for."""

    gate: Gate
    user: object = AGENT
    world: World = field(default_factory=World)


def here(**answers: JsonObject) -> Here:
    return Here(Gate(answers=answers))


async def test_a_crash_loop_in_the_cluster_is_a_cause_where_telemetry_shows_none() -> None:
    app = here(pods={"pods": [POD]}, events={"events": []}, health={"sealed": False})
    answers = await beside(app, "?", window(), "")  # type: ignore[arg-type]
    assert [answer.toolset for answer in answers] == ["kubernetes", "vault"]
    healthy = investigate(Shop(Faults()).bundle(), "?")
    assert healthy.result == "no_fault"
    found = joined(healthy, answers)
    assert (found.result, found.root_causes[0].service, found.root_causes[0].kind) == (
        "cause",
        "payments",
        "crash_loop",
    )


async def test_a_system_that_is_down_is_a_hole() -> None:
    app = here()
    app.gate.down = frozenset({"health"})
    answers = await beside(app, "?", window(), "")  # type: ignore[arg-type]
    found = joined(investigate(Shop(Faults()).bundle(), "?"), answers)
    assert found.result == "not_enough_data"
    assert "vault: health: UnavailableError" in found.holes


async def test_where_nothing_is_connected_nothing_is_added() -> None:
    healthy = investigate(Shop(Faults()).bundle(), "?")
    assert joined(healthy, ()) is healthy
