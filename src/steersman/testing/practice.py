"""A lab in memory, to try agents on: it answers what planning looks at, and does nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

import yaml

from steersman.agents.planning import PlanningDeps
from steersman.domain.call import Call, Outcome
from steersman.domain.environment import Environment, Principal
from steersman.domain.errors import PolicyDeniedError
from steersman.domain.fact import JsonObject
from steersman.domain.ids import PrincipalId, RunId
from steersman.domain.model import Model
from steersman.domain.scenario import Match, Scenario
from steersman.planning.world import World
from steersman.testing.clock import NOON, FakeClock
from steersman.toolsets.lab import OPERATIONS

PRACTICE = Environment(kind="lab", name="practice", uid="practice-1", url="memory://lab", tier="lab")
SERVICES = frozenset({"front", "catalog", "checkout", "payments"})
DIGEST = "sha256:" + "1" * 64


@dataclass(slots=True)
class PracticeLab:
    """Implements `Caller` for reads: v1 runs in blue with all the traffic. A write is refused and remembered."""

    green: str = ""
    """Version in the green pool; empty: nothing runs there."""
    calls: list[Call] = field(default_factory=list)
    refused: list[Call] = field(default_factory=list)

    async def call(self, call: Call) -> Outcome:
        """The answer of a probe."""
        self.calls.append(call)
        answer = self._answer(call)
        if answer is None:
            self.refused.append(call)
            raise PolicyDeniedError(f"{call.operation!r}: the practice lab only answers reads")
        return Outcome(output=answer, started_at=NOON, finished_at=NOON)

    def _answer(self, call: Call) -> JsonObject | None:
        pools = {"blue": "v1", "green": self.green}
        match call.operation:
            case "lab.get_weights":
                return {"exists": True, "weights": {"blue": 100, "green": 0}}
            case "lab.get_pool":
                version = pools[str(call.arguments["pool"])]
                return {"exists": True, "version": version, "digest": DIGEST} if version else {"exists": False}
            case "lab.get_artifact":
                return {"exists": False}
        return None


def practice_deps(model: Model | None = None, *, lab: PracticeLab | None = None) -> PlanningDeps:
    """Dependencies of the planning agent, with nothing connected."""
    world = World(
        environment=PRACTICE,
        catalogue={operation.name: operation for operation in OPERATIONS},
        kinds={"lab": "lab"},
        protected=lambda _: False,
        signals=frozenset({"error_rate", "latency_p50"}),
        services=SERVICES,
    )
    me = Principal(id=PrincipalId("practice"), kind="human", roles=frozenset({"operator"}))
    return PlanningDeps(lab or PracticeLab(), world, FakeClock(), me, RunId("practice"), model=model)


@cache
def practice_match() -> Match:
    """The blue-green scenario of the lab, as if recalled."""
    text = files("steersman.knowledge").joinpath("scenarios/deploy-bluegreen-lab.yaml").read_text(encoding="utf-8")
    return Match(scenario=Scenario.model_validate(yaml.safe_load(text)), score=0.9, why=("practice",))
