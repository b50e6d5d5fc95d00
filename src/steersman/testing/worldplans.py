"""Plans over the simulated world, observed as the planner would observe them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from pydantic import JsonValue

from steersman.domain.expression import substitute
from steersman.domain.fact import JsonObject
from steersman.domain.ids import OperationName, ResourceId, StepId
from steersman.domain.operation import Invocation
from steersman.domain.plan import Condition, Observation, Plan, Provenance, Step
from steersman.testing.world import ABSENT, ENVIRONMENT, World

MADE_AT = datetime(2026, 11, 25, 12, tzinfo=UTC)


def sim_step(
    step_id: str,
    verb: str,
    name: str,
    value: JsonValue = None,
    *,
    needs: Iterable[str] = (),
    phase: str = "deploy",
) -> Step:
    """A step of the `sim` toolset with the inverse that its operation declares.

    A hold is added with `model_copy`.
    """
    found = next(b.operation for b in World().bindings() if b.operation.name == f"sim.{verb}")
    arguments: JsonObject = (
        {"name": name} if verb in ("get", "wait", "delete", "end") else {"name": name, "value": value}
    )
    inverse = None
    if found.inverse is not None:
        filled = substitute(found.inverse.arguments, arguments)
        assert isinstance(filled, dict)
        inverse = Invocation(operation=found.inverse.operation, arguments=filled)
    return Step(
        id=StepId(step_id),
        phase=phase,
        operation=OperationName(f"sim.{verb}"),
        arguments=arguments,
        needs=tuple(StepId(need) for need in needs),
        inverse=inverse,
        timeout_s=2.0,
    )


def sim_plan(world: World, steps: Sequence[Step], *, conditions: Sequence[Condition] = ()) -> Plan:
    """A plan of these steps, with what the world shows now of everything that they write."""
    names = dict.fromkeys(
        str(step.arguments["name"]) for step in steps if step.operation not in ("sim.get", "sim.wait")
    )
    return Plan(
        goal="change the simulated world",
        environment=ENVIRONMENT,
        steps=tuple(steps),
        conditions=tuple(conditions),
        observations=tuple(
            Observation(
                resource=ResourceId(f"sim/{name}"),
                probe=Invocation(operation=OperationName("sim.get"), arguments={"name": name}),
                state=dict(world.state.get(name, ABSENT)),
                observed_at=MADE_AT,
            )
            for name in names
        ),
        provenance=Provenance(planner="file", made_at=MADE_AT),
    )
