"""The lab's operations as the scenario needs them, and a lab in memory that answers probes: no process, no socket."""

from typing import Any

from steersman.domain.environment import Environment
from steersman.domain.fact import JsonObject
from steersman.domain.ids import OperationName
from steersman.domain.operation import Invocation, Operation
from steersman.planning.world import World

LAB = Environment(kind="lab", name="shop", uid="lab-1", url="http://127.0.0.1:1", tier="lab")
TEXT: JsonObject = {"type": "string"}
POOL: JsonObject = {"enum": ["blue", "green"]}
WEIGHTS: JsonObject = {
    "type": "object",
    "properties": {"blue": {"type": "integer"}, "green": {"type": "integer"}},
    "required": ["blue", "green"],
    "additionalProperties": False,
}
DIGEST: JsonObject = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
FIELDS: dict[str, JsonObject] = {
    "service": TEXT,
    "version": TEXT,
    "pool": POOL,
    "digest": DIGEST,
    "weights": WEIGHTS,
    "exists": {"type": "boolean"},
    "passed": {"type": "boolean"},
    "ready": {"type": "boolean"},
    "reconciled": {"type": "boolean"},
    "tests": {"type": "integer"},
}


def schema(*names: str, required: tuple[str, ...] | None = None) -> JsonObject:
    wanted = names if required is None else required
    return {
        "type": "object",
        "properties": {name: FIELDS[name] for name in names},
        "required": list(wanted),
        "additionalProperties": False,
    }


def arg(*names: str, **more: Any) -> JsonObject:
    return {**{name: {"$arg": f"/{name}"} for name in names}, **more}


def operation(verb: str, takes: tuple[str, ...], gives: tuple[str, ...], **more: Any) -> Operation:
    defaults = {"effect": "read", "access": "read", "idempotent": "natural", "summary": verb}
    given = {
        **defaults,
        "name": f"lab.{verb}",
        "input_schema": schema(*takes),
        "output_schema": schema(*gives, required=()),
        **more,
    }
    return Operation.model_validate(given)


def call(verb: str, arguments: JsonObject) -> Invocation:
    return Invocation(operation=OperationName(f"lab.{verb}"), arguments=arguments)


POOL_PROBE = call("get_pool", arg("service", "pool"))
ARTIFACT_PROBE = call("get_artifact", arg("service", "version"))
RUNNING = ("service", "pool", "version", "digest")
POOL_ID = "lab/pool/{service}/{pool}"
ARTIFACT_ID = "lab/artifact/{service}/{version}"

OPERATIONS = {
    made.name: made
    for made in (
        operation("get_service", ("service",), ("service", "weights"), resource="lab/service/{service}"),
        operation("get_weights", ("service",), ("exists", "weights"), resource="lab/route/{service}"),
        operation("get_pool", ("service", "pool"), ("exists", "version", "digest"), resource=POOL_ID),
        operation("get_artifact", ("service", "version"), ("exists", "digest"), resource=ARTIFACT_ID),
        operation("test_artifact", ("service", "digest"), ("passed", "tests")),
        operation("wait_ready", ("service", "pool"), ("ready",), resource=POOL_ID),
        operation("smoke_test", ("service", "pool"), ("passed",), resource=POOL_ID),
        operation("reconcile", ("service",), ("reconciled",)),
        operation(
            "build",
            ("service", "version"),
            ("exists", "digest"),
            effect="write",
            access="create",
            resource=ARTIFACT_ID,
            probe=ARTIFACT_PROBE,
            inverse=call("delete_artifact", arg("service", "version")),
        ),
        operation(
            "delete_artifact",
            ("service", "version"),
            ("exists",),
            effect="write",
            access="delete",
            resource=ARTIFACT_ID,
            probe=ARTIFACT_PROBE,
            after={"exists": False},
            inverse=call("build", arg("service", "version")),
        ),
        operation(
            "start",
            RUNNING,
            ("exists", "version", "digest"),
            effect="write",
            access="create",
            resource=POOL_ID,
            probe=POOL_PROBE,
            after=arg("version", "digest", exists=True),
            inverse=call("stop", arg("service", "pool")),
        ),
        operation(
            "stop",
            ("service", "pool"),
            ("exists",),
            effect="write",
            access="delete",
            resource=POOL_ID,
            probe=POOL_PROBE,
            after={"exists": False},
            inverse=call(
                "start", arg("service", "pool", version={"$before": "/version"}, digest={"$before": "/digest"})
            ),
        ),
        operation(
            "set_weights",
            ("service", "weights"),
            ("exists", "weights"),
            effect="write",
            access="update",
            resource="lab/route/{service}",
            probe=call("get_weights", arg("service")),
            after=arg("weights", exists=True),
            inverse=call("set_weights", arg("service", weights={"$before": "/weights"})),
        ),
    )
}

WORLD = World(
    environment=LAB,
    catalogue=OPERATIONS,
    kinds={"lab": "lab"},
    protected=lambda _: False,
    signals=frozenset({"error_rate", "latency_p99"}),
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
                return {"exists": True, "digest": V1_DIGEST} if there else {"exists": False}
            case _:
                raise AssertionError(f"the planner asked {probe.operation}")
