"""A real, labelled incident, from its files to the answer."""

from datetime import UTC
from pathlib import Path

from steersman.agents.investigate import investigate
from steersman.domain.signal import Window
from steersman.toolsets.capture import Capture

INCIDENT = Path(__file__).parents[1] / "data" / "captures" / "pet-65f969"


async def test_the_slow_service_of_the_petshop_is_named_before_its_victims() -> None:
    source = Capture(INCIDENT)
    window = Window(
        start=source.case.window_start.replace(tzinfo=UTC), end=source.case.window_end.replace(tzinfo=UTC), step_s=300
    )
    found = await investigate("why is the shop slow?", window, source)
    cause = found.root_causes[0]
    assert (cause.service, cause.kind) == ("PetSearch_AWS::ECS::Fargate", "latency_regression")
    assert [other.service for other in found.root_causes[1:]].count("PetSite") == 0
    assert found.evidence[cause.evidence[0]].source == "metrics"
