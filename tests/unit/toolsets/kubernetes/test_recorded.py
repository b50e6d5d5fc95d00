"""What is read out of recorded answers of real servers, and what is sent to get them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.unit.toolsets.kubernetes.shop import opened, shop
from tests.unit.toolsets.replaying import cassette

from steersman.domain.errors import OutcomeUnknownError, ToolError, UnavailableError
from steersman.domain.ids import OperationName
from steersman.domain.ports import CallContext
from steersman.remote.kubernetes.api import Ask, DisruptionError, ExpiredError, RefusalError, refusal
from steersman.testing.cassette import Player
from steersman.toolsets.argo_rollouts import reading as rollouts
from steersman.toolsets.kubernetes import reading, settling


def recorded(name: str, server: str = "kubernetes") -> Any:
    return cassette(server, name).document


@pytest.mark.parametrize(
    ("name", "settled", "ready", "why"),
    [
        ("rollout-good-01", False, False, "has not seen the change"),
        ("rollout-good-02", False, False, "1 of 3 pods have the new template"),
        ("rollout-good-08", False, False, "1 old pods are still there"),
        ("rollout-good-09", True, True, ""),
        ("rollout-bad-image-03", False, False, "1 of 2"),
        ("rollout-bad-image-05", True, False, "ProgressDeadlineExceeded"),
        ("rollout-paused", True, False, "paused"),
    ],
)
def test_a_rollout_is_trusted_only_when_the_controller_has_seen_it(
    name: str, settled: bool, ready: bool, why: str
) -> None:
    found = settling.rollout(recorded(name))
    assert (found.settled, found.ready) == (settled, ready)
    assert why in found.reason


@pytest.mark.parametrize(
    ("name", "phase", "ready"),
    [
        ("canary-update", None, False),
        ("canary-progressing", None, False),
        ("canary-paused", "Paused", True),
        ("canary-aborted", "Degraded", False),
        ("canary-degraded-deadline", "Degraded", False),
        ("canary-healthy-after", "Healthy", True),
        ("canary-undone", "Healthy", True),
        ("bluegreen-paused", "Paused", True),
        ("bluegreen-aborted", "Degraded", False),
        ("rollout-invalid-spec-degraded", "Degraded", False),
    ],
)
def test_an_argo_rollout_has_settled_or_not(name: str, phase: str | None, ready: bool) -> None:
    found = rollouts.progress(recorded(name, "argo-rollouts"))
    assert (found is None) == (phase is None)
    if found is not None:
        assert (found["phase"], found["ready"]) == (phase, ready)


def test_aborted_and_timed_out_are_both_degraded_and_not_the_same() -> None:
    aborted, late = recorded("canary-aborted", "argo-rollouts"), recorded("canary-degraded-deadline", "argo-rollouts")
    assert rollouts.is_aborted(aborted)
    assert not rollouts.is_aborted(late)
    assert not rollouts.is_complete(aborted)
    assert rollouts.is_complete(recorded("bluegreen-promoted", "argo-rollouts"))


def test_states_of_recorded_objects() -> None:
    assert reading.deployment(recorded("rollout-good-09"))["image"] == "shop/front:v2"
    assert reading.autoscaler(recorded("hpa-get")) == {
        "exists": True, "signal": "cpu", "target": 70, "min_replicas": 2, "max_replicas": 10,
    }  # fmt: skip
    assert reading.budget(recorded("pdb-get")) == {"exists": True, "min_available": 3}
    assert reading.node(recorded("node-cordoned")) == {"exists": True, "schedulable": False, "drained": False}
    assert settling.job(recorded("job-complete")).ready
    assert not settling.job(recorded("job-active")).settled


@pytest.mark.parametrize(
    ("name", "writes", "kind"),
    [
        ("apply-conflict", True, RefusalError),
        ("apply-unknown-field-strict", True, RefusalError),
        ("unauthorized-bad-token", False, RefusalError),
        ("sa-forbidden-patch", True, RefusalError),
        ("evict-blocked", True, DisruptionError),
        ("get-future-resourceversion", False, UnavailableError),
    ],
)
def test_recorded_refusals_are_typed(name: str, writes: bool, kind: type[Exception]) -> None:
    exchange = cassette("kubernetes", name)
    found = refusal("double", Ask("PATCH" if writes else "GET", exchange.path), exchange.response())
    assert type(found) is kind
    assert "\n" not in str(found)
    assert not isinstance(found, (OutcomeUnknownError, ExpiredError))


async def test_what_is_sent_for_a_deployment_is_what_was_recorded() -> None:
    player = Player([cassette("kubernetes", "rollout-good-09")])
    async with opened(shop(), transport=httpx.MockTransport(player)) as toolset:
        known = {binding.operation.name: binding for binding in toolset.bindings()}
        context = CallContext(key="k", deadline=datetime.now(UTC) + timedelta(seconds=5))
        arguments = {"namespace": "shop", "name": "front"}
        found = await known[OperationName("kubernetes.get_deployment")].run(arguments, context)
    assert found["replicas"] == 3
    assert len(player.asked) == 1


async def test_an_answer_that_is_no_kubernetes_says_so() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text="<html>welcome</html>"))
    async with opened(shop(), transport=transport) as toolset:
        with pytest.raises((ToolError, UnavailableError), match="is this a Kubernetes API"):
            await toolset.environment()
