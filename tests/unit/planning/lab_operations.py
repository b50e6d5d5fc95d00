"""A lab in memory that answers probes as the lab does: no process, no socket. The operations are the real ones."""

from steersman.domain.environment import Environment
from steersman.domain.fact import JsonObject
from steersman.domain.operation import Invocation
from steersman.planning.world import World
from steersman.toolsets.lab import OPERATIONS

LAB = Environment(kind="lab", name="shop", uid="lab-1", url="http://127.0.0.1:1", tier="lab")
WORLD = World(
    environment=LAB,
    catalogue={operation.name: operation for operation in OPERATIONS},
    kinds={"lab": "lab"},
    protected=lambda _: False,
    signals=frozenset({"error_rate", "latency_p50"}),
    services=frozenset({"front", "catalog", "checkout", "payments"}),
)
V1_DIGEST = "sha256:" + "1" * 64


class FakeLab:
    """Pools, weights and artifacts, and the answers of the probes over them."""

    def __init__(self, blue: str | None = "v1", green: str | None = None, weights: tuple[int, int] = (100, 0)) -> None:
        self.pools = {"blue": blue, "green": green}
        self.weights = {"blue": weights[0], "green": weights[1]}
        self.artifacts: set[str] = set()

    def answer(self, probe: Invocation) -> JsonObject:
        match probe.operation:
            case "lab.get_weights":
                return {"exists": True, "weights": {**self.weights}}
            case "lab.get_pool":
                version = self.pools[str(probe.arguments["pool"])]
                return {"exists": True, "version": version, "digest": V1_DIGEST} if version else {"exists": False}
            case "lab.get_artifact":
                there = probe.arguments["version"] in self.artifacts
                return {"exists": there, "digest": V1_DIGEST}
            case _:
                raise AssertionError(f"the planner asked {probe.operation}")
