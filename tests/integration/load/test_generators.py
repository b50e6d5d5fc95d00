"""Real generators against a real target."""

import asyncio
import contextlib
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.integration.load.target import Target, serving

from steersman.domain.environment import Environment
from steersman.domain.errors import ToolError
from steersman.domain.load import (
    FailureGoal,
    Journey,
    LatencyGoal,
    LoadCaps,
    LoadProfile,
    Request,
    Stage,
)
from steersman.domain.load_port import Generator
from steersman.domain.ports import CallContext
from steersman.toolsets.k6 import K6
from steersman.toolsets.load import LoadToolset
from steersman.toolsets.locust import Locust

pytestmark = pytest.mark.integration
GENERATORS: list[Generator] = [K6(), Locust(), Locust(processes=2)]
NAMES = ["k6", "locust", "locust-two"]
LAB = Environment(kind="lab", name="t", uid="1", url="http://127.0.0.1", tier="lab")


async def lab() -> Environment:
    return LAB


def context(key: str = "r/s/do") -> CallContext:
    return CallContext(key=key, deadline=datetime.now(UTC) + timedelta(seconds=60))


def profile(target: Target, *requests: Request, **more: object) -> LoadProfile:
    plain = {
        "name": "t",
        "target": target.url,
        "stages": (Stage(duration_s=3, level=30),),
        "journeys": (Journey(name="j", requests=requests or (Request(name="r"),)),),
    }
    return LoadProfile.model_validate(plain | more)


def bound(toolset: LoadToolset, verb: str):
    return next(b.run for b in toolset.bindings() if b.operation.name.endswith(f".{verb}"))


@pytest.fixture(params=GENERATORS, ids=NAMES)
def toolset(request: pytest.FixtureRequest, tmp_path: Path) -> LoadToolset:
    return LoadToolset(request.param, tmp_path, lab, LoadCaps())


async def test_each_request_that_the_target_saw_is_counted_once(toolset: LoadToolset) -> None:
    async with serving(Target()) as target:
        goals = (LatencyGoal(quantile=0.5, max_ms=2_000), FailureGoal(max_count=0))
        arguments = {"name": "a", "profile": profile(target, goals=goals).model_dump(mode="json")}
        answer = await bound(toolset, "run")(arguments, context())
        seen = len(target.seen)
        # A journey that k6 starts at the very end lies outside of the measured time.
        assert seen - answer["requests"] in (0, 1)
        assert seen == pytest.approx(90, abs=2)
        again = await bound(toolset, "run")(arguments, context())
        assert (again, len(target.seen)) == (answer, seen), "the same call again sends nothing"
        with pytest.raises(ToolError, match="kept already"):
            await bound(toolset, "run")(arguments, context("another"))
        assert await bound(toolset, "get_run")({"name": "a"}, context()) == {"exists": True}
        assert await bound(toolset, "cancel_run")({"name": "a"}, context()) == {"exists": False}
        assert await bound(toolset, "watch_run")({"name": "a"}, context()) == {"finished": False}


async def test_failures_are_told_apart_and_redirects_are_not_followed(toolset: LoadToolset) -> None:
    async with serving(Target()) as target:
        requests = (
            Request(name="fine"),
            Request(name="missing", path="/missing"),
            Request(name="wanted", path="/missing", expect=(404,)),
            Request(name="broken", path="/broken"),
            Request(name="away", path="/away"),
        )
        load = profile(target, *requests, stages=(Stage(duration_s=2, level=5),))
        await bound(toolset, "run")({"name": "a", "profile": load.model_dump(mode="json")}, context())
        result = toolset.runs.load("a")[1]
    assert set(result.errors) == {"http_4xx", "http_5xx"}
    failed = {step.name: step.failures > 0 for step in result.steps}
    assert failed == {"j/fine": False, "j/missing": True, "j/wanted": False, "j/broken": True, "j/away": False}


async def test_timeouts_and_refusals_are_failures_of_their_kind(toolset: LoadToolset) -> None:
    async with serving(Target()) as target:
        load = profile(target, Request(name="h", path="/hang"), timeout_s=1, stages=(Stage(duration_s=2, level=3),))
        await bound(toolset, "run")({"name": "a", "profile": load.model_dump(mode="json")}, context())
        assert set(toolset.runs.load("a")[1].errors) == {"timeout"}
    await bound(toolset, "run")({"name": "b", "profile": load.model_dump(mode="json")}, context())
    result = toolset.runs.load("b")[1]
    assert set(result.errors) == {"refused"}
    assert (result.latency.count, result.failures) == (0, result.requests)


async def test_users_of_the_closed_model_come_and_go(toolset: LoadToolset) -> None:
    async with serving(Target(sigma=0.0, median_s=0.05)) as target:
        stages = (Stage(duration_s=2, level=4), Stage(duration_s=2, level=8))
        load = profile(target, model="closed", stages=stages)
        await bound(toolset, "run")({"name": "a", "profile": load.model_dump(mode="json")}, context())
        result = toolset.runs.load("a")[1]
    early = next(block for block in result.blocks if block.start_s >= 1).requests  # the first second is for starting
    late = result.blocks[-1].requests
    assert 1.3 < late / early < 2.7
    assert result.requests == pytest.approx(len(target.seen), abs=10)


async def test_a_cancelled_run_sends_nothing_two_seconds_later_and_keeps_no_result(toolset: LoadToolset) -> None:
    async with serving(Target()) as target:
        load = profile(target, stages=(Stage(duration_s=60, level=30),)).model_dump(mode="json")
        task = asyncio.create_task(bound(toolset, "run")({"name": "a", "profile": load}, context()))
        async with asyncio.timeout(30):
            await target.asked.wait()
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < 2
        seen = len(target.seen)
        await asyncio.sleep(1)
        assert len(target.seen) == seen
        assert not toolset.runs.exists("a")


async def test_a_generator_sees_no_variable_of_ours(toolset: LoadToolset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    monkeypatch.setenv("K6_VUS", "50")
    monkeypatch.setenv("LOCUST_USERS", "50")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    environments: list[bytes] = []
    async with serving(Target()) as target:
        load = profile(target).model_dump(mode="json")
        task = asyncio.create_task(bound(toolset, "run")({"name": "a", "profile": load}, context()))
        async with asyncio.timeout(30):
            await target.asked.wait()
        environments += environments_in(toolset.runs.folder("a"))
        await task
    assert environments
    assert not [text for text in environments if b"hunter2" in text or b"K6_VUS" in text or b"http_proxy" in text]


def environments_in(folder: Path) -> list[bytes]:
    """Of the processes that work there."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "cwd").readlink() == folder:
                found.append((entry / "environ").read_bytes())
    return found


def files_with(text: bytes, folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and text in path.read_bytes()]


async def test_secrets_reach_the_target_and_no_file(tmp_path: Path, toolset: LoadToolset) -> None:
    async def secrets(reference: str) -> str:
        return f"Bearer of {reference}"

    trusted = LoadToolset(toolset.generator, tmp_path, lab, LoadCaps(), secrets)
    async with serving(Target()) as target:
        load = profile(target, auth={"secret": "env:T"}, stages=(Stage(duration_s=1, level=3),))
        await bound(trusted, "run")({"name": "a", "profile": load.model_dump(mode="json")}, context())
        assert target.seen
    assert files_with(b"Bearer of", tmp_path) == []


async def test_what_may_change_data_needs_the_operation_that_says_so(toolset: LoadToolset) -> None:
    async with serving(Target()) as target:
        load = profile(target, Request(name="p", method="POST", body="{}"), stages=(Stage(duration_s=1, level=5),))
        arguments = {"name": "a", "profile": load.model_dump(mode="json")}
        with pytest.raises(ToolError, match="run_changing"):
            await bound(toolset, "run")(arguments, context())
        assert target.seen == []
        await bound(toolset, "run_changing")(arguments, context())
        assert target.seen[0].startswith("POST / ")


async def test_a_breached_abort_condition_ends_a_run_as_a_failure_with_its_figures(toolset: LoadToolset) -> None:
    async with serving(Target()) as target:
        abort = ({"kind": "errors", "above": 0.5, "for_s": 2},)
        load = profile(target, Request(name="b", path="/broken"), stages=(Stage(duration_s=60, level=20),), abort=abort)
        began = time.monotonic()
        answer = await bound(toolset, "run")({"name": "a", "profile": load.model_dump(mode="json")}, context())
        took = time.monotonic() - began
    assert took < 30
    assert answer["verdict"] == "fail"
    assert "ended early" in str(answer["reason"])
    result = toolset.runs.load("a")[1]
    assert 20 < result.requests < 600
    assert result.failures == result.requests


async def test_the_limit_lies_where_the_target_breaks(tmp_path: Path) -> None:
    toolset = LoadToolset(K6(), tmp_path, lab, LoadCaps())
    async with serving(Target(sigma=0.0, median_s=0.005, breaks_above=45)) as target:
        goals = (FailureGoal(max_count=0),)
        load = profile(target, stages=(Stage(duration_s=4, level=10),), goals=goals)
        asked = {"name": "s", "profile": load.model_dump(mode="json"), "lowest": 10, "highest": 200, "most_points": 6}
        found = await bound(toolset, "find_limit")(asked, context())
        assert found == await bound(toolset, "find_limit")(asked, context()), "the same call again sends nothing"
    assert [point["rate"] for point in found["points"]][:3] == [10, 20, 40]
    assert found["holds"] >= 40
    assert found["breaks"] <= 80
    assert await bound(toolset, "get_run")({"name": "s"}, context()) == {"exists": True}


async def test_two_runs_of_one_load_are_compared_and_a_slower_one_fails(tmp_path: Path) -> None:
    toolset = LoadToolset(K6(), tmp_path, lab, LoadCaps())
    for name, median_s in (("before", 0.01), ("after", 0.03)):
        async with serving(Target(sigma=0.1, median_s=median_s)) as target:
            load = profile(target, stages=(Stage(duration_s=12, level=40),))
            await bound(toolset, "run")({"name": name, "profile": load.model_dump(mode="json")}, context())
    found = await bound(toolset, "compare")({"names": ["after"], "baselines": ["before"]}, context())
    # On a machine that is busy with other work the generator is not believed; it never passes.
    assert found["verdict"] == "fail" or "not to be trusted" in str(found["reason"])
    assert "slower" in str(found["reason"]) or found["verdict"] == "inconclusive"
