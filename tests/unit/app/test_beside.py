"""Connected systems are looked at beside telemetry, by reads through the gate."""

from dataclasses import dataclass, field

import pytest

from steersman.app.beside import beside, joined
from steersman.app.investigations import told
from steersman.diagnosis.investigation import investigate
from steersman.domain.fact import JsonObject
from steersman.domain.model import ToolRequest
from steersman.testing.cluster import CATALOGUE, POD, System
from steersman.testing.journal_facts import AGENT
from steersman.testing.models import FakeModel, GullibleModel, garbage
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


def concluding(service: str, kind: str) -> FakeModel:
    claim = {"kind": kind, "service": service, "confidence": 0.9, "evidence": ["kubernetes-1"]}
    return FakeModel([(ToolRequest(id="1", name="conclude", arguments={"findings": [claim]}),)])


async def test_a_configured_model_adds_claims_and_does_not_rank() -> None:
    app = here(pods={"pods": []}, events={"events": []})
    model = concluding("payments", "latency_regression")
    answers = await beside(app, "?", window(), "", model=model)  # type: ignore[arg-type]
    ill = investigate(Shop(Faults(own={"payments": 0.3})).bundle(), "?")
    found = joined(ill, answers)
    assert [(c.service, c.kind, c.score) for c in found.root_causes] == [
        (c.service, c.kind, c.score) for c in ill.root_causes
    ]
    assert any("A model concluded it" in said for said in found.root_causes[0].speaks_for)
    assert told("fake", answers).startswith("fake: 2 of 2 sub-agents concluded")


@pytest.mark.parametrize("seed", range(10))
async def test_with_a_garbage_model_the_result_is_that_of_the_playbooks(seed: int) -> None:
    app = here(pods={"pods": [POD]}, events={"events": []})
    healthy = investigate(Shop(Faults()).bundle(), "?")
    alone = joined(healthy, await beside(app, "?", window(), ""))  # type: ignore[arg-type]
    for model in (FakeModel(garbage(seed)), GullibleModel()):
        helped = joined(healthy, await beside(app, "?", window(), "", model=model))  # type: ignore[arg-type]
        assert helped.root_causes == alone.root_causes
        assert helped.result == alone.result
