"""Typed methods for a delivery that was described in words: start, wait, shift traffic behind conditions."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from steersman.domain.fact import Fact, JsonObject
from steersman.domain.operation import Invocation
from steersman.domain.plan import Check, Predicate
from steersman.domain.scenario import FactTest, HoldTemplate, Method, Parameter, Subtask
from steersman.knowledge.phrases.step import ReadStep

NAMED: JsonObject = {"namespace": "{namespace}", "name": "{service}"}
IMAGE = "{registry}/{service}:{version}"
HOLD_S = 60.0
HOLD_MAX_S = 600.0
READY_S = 600.0


class Delivery(Fact):
    """What the steps of a text add up to."""

    steps: tuple[ReadStep, ...]
    conditions: tuple[str, ...]

    def impossible(self, tools: Sequence[str]) -> str:
        """Why no method can be made of it; empty when one can."""
        kinds = [step.action for step in self.steps]
        if "apply" not in kinds:
            return "no step starts a new version; give the scenario a typed `method`"
        if kinds.count("shift_traffic") and not any("argo" in tool.casefold() for tool in tools):
            return "traffic is shifted, and no tool of the scenario has weights (Argo Rollouts does)"
        if not self._weights() and "shift_traffic" in kinds:
            return "traffic is shifted by shares that the text does not name"
        return ""

    def methods(self) -> tuple[Method, ...]:
        """One method for each state of the world that it can start from."""
        if not self._weights():
            return (self._rolling(),)
        canary = _shows("argo_rollouts.get_rollout", "/strategy", "canary", "the Rollout does not use canary")
        bluegreen = _shows("argo_rollouts.get_rollout", "/strategy", "blueGreen", "the Rollout does not use blueGreen")
        choose = Subtask(
            id="choose-canary",
            operation="argo_rollouts.set_strategy",
            arguments={**NAMED, "strategy": "canary"},
            phase="build",
            why="canary between old and new, since Argo's blueGreen has no weights: the same two versions, with shares",
        )
        return (
            self._argo("argo-canary", canary, (), why=choose.why),
            self._argo("argo-from-bluegreen", bluegreen, (choose,), why=choose.why),
        )

    def parameters(self) -> tuple[Parameter, ...]:
        """Service and version from the goal; the rest has defaults that the plan shows."""
        weights: list[JsonValue] = list(self._weights())
        found = [
            _parameter("service", "the service, which is also the name of its workload", kind="service"),
            _parameter("version", "the version that is wanted", kind="version"),
            _parameter("namespace", "the namespace of the workload", default="default"),
            _parameter("registry", "where images are pulled from", default="registry.local"),
        ]
        if weights:
            schema: JsonObject = {"type": "array", "items": {"type": "number"}}
            why = "shares of traffic, as the scenario's text says"
            found.append(_parameter("weights", why, kind="weights", default=weights, schema=schema))
        return tuple(found)

    def _argo(self, name: str, when: FactTest, first: tuple[Subtask, ...], *, why: str) -> Method:
        start = Subtask(
            id="start-new",
            operation="argo_rollouts.set_image",
            arguments={**NAMED, "image": IMAGE},
            phase="build",
            why=self._text("apply"),
        )
        shift = Subtask(
            id="shift-{item}",
            operation="argo_rollouts.set_weight",
            arguments={**NAMED, "weight": "{item}"},
            phase="deploy",
            hold=self._hold(),
            for_each="weights",
            why=self._text("shift_traffic"),
        )
        wait = self._wait("argo_rollouts.watch_rollout")
        return Method(
            name=name, task="deliver", when=(when,), subtasks=(*first, start, wait, shift), sequence=True, why=why
        )

    def _rolling(self) -> Method:
        here = _shows("kubernetes.get_deployment", "/exists", expected=True, why="there is no Deployment {service}")
        start = Subtask(
            id="set-image",
            operation="kubernetes.set_image",
            arguments={**NAMED, "image": IMAGE},
            phase="deploy",
            hold=self._hold(),
            why=self._text("apply"),
        )
        wait = self._wait("kubernetes.watch_deployment").model_copy(update={"phase": "observe"})
        return Method(
            name="rolling", task="deliver", when=(here,), subtasks=(start, wait), sequence=True, why="one Deployment"
        )

    def _wait(self, operation: str) -> Subtask:
        longest = next((step.max_s for step in self.steps if step.action == "wait_ready" and step.max_s), READY_S)
        ready = Check(
            call=Invocation.model_validate({"operation": operation, "arguments": NAMED}),
            expect=(Predicate(path="/ready", op="==", value=True),),
            why="every pod of the new version passes its probes",
        )
        return Subtask(
            id="wait-ready",
            operation=operation,
            arguments=NAMED,
            phase="test",
            postconditions=(ready,),
            timeout_s=longest,
            why=self._text("wait_ready"),
        )

    def _hold(self) -> HoldTemplate | None:
        watched = next((step.wait_s for step in self.steps if step.action == "watch" and step.wait_s), HOLD_S)
        if not self.conditions:
            return None
        return HoldTemplate(conditions=self.conditions, for_s=watched, max_s=max(HOLD_MAX_S, 2 * watched))

    def _weights(self) -> tuple[float, ...]:
        found = [weight for step in self.steps if step.action == "shift_traffic" for weight in step.weights]
        return tuple(int(weight) if weight == int(weight) else weight for weight in found)

    def _text(self, action: str) -> str:
        return next((step.text for step in self.steps if step.action == action), "")


def _shows(operation: str, path: str, expected: JsonValue, why: str) -> FactTest:
    probe = Invocation.model_validate({"operation": operation, "arguments": NAMED})
    return FactTest(probe=probe, test=Predicate(path=path, op="==", value=expected), why=why)


def _parameter(
    name: str, why: str, *, kind: str | None = None, default: JsonValue = None, schema: JsonObject | None = None
) -> Parameter:
    return Parameter.model_validate(
        {
            "name": name,
            "kind": kind,
            "schema": schema or {"type": "string"},
            "default": default,
            "required": default is None,
            "why": why,
        }
    )
