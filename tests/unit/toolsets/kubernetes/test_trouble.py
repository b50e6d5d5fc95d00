"""What ails pods, as real servers and kubelets tell it; and what does not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.toolsets.kubernetes.shop import NAMESPACE, deployment, opened, shop
from tests.unit.toolsets.replaying import cassette

from steersman.domain.errors import InputError
from steersman.domain.ids import OperationName
from steersman.domain.ports import CallContext
from steersman.testing.kubernetes import Cluster
from steersman.toolsets.kubernetes import owners, trouble
from steersman.toolsets.kubernetes.things import AILING, WARNINGS

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
HOUR = trouble.During(NOW, since=NOW - timedelta(hours=1), until=NOW)
SAFE = "bcdfghjklmnpqrstvwxz2456789"


def ago(**how: float) -> str:
    return (NOW - timedelta(**how)).isoformat().replace("+00:00", "Z")


def ended(reason: str, code: int, **how: float) -> dict[str, Any]:
    return {"terminated": {"reason": reason, "exitCode": code, "finishedAt": ago(**how)}}


def waiting(reason: str) -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": "m"}}


RUNNING: dict[str, Any] = {"running": {"startedAt": ago(days=9)}}


def pod(
    *containers: dict[str, Any], ready: bool = False, since: str = ago(minutes=30), phase: str = "Running", **more: Any
) -> dict[str, Any]:
    condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": since}
    held = {"phase": phase, "conditions": [condition], "containerStatuses": list(containers), **more.pop("status", {})}
    names = {"name": "web-6c5f9d8b7c-x2k4z", "namespace": "shop", "creationTimestamp": ago(days=9), **more}
    return {"metadata": names, "spec": {"containers": [{"name": "web", "image": "shop/web:v1"}]}, "status": held}


def line(document: dict[str, Any], during: trouble.During = HOUR) -> dict[str, Any]:
    return dict(trouble.pod(document, during))


def test_recorded_pods_of_a_bad_image_and_of_a_crash_loop_tell_it() -> None:
    then = trouble.During(NOW)
    lines = [line(each, then) for each in cassette("kubernetes", "rollout-bad-image-pods").document["items"]]
    assert {each["reason"] for each in lines if not each["ready"]} <= {"ImagePullBackOff", "ErrImagePull"}
    assert [trouble.ails(each) for each in lines] == [not each["ready"] for each in lines]
    (crashing, *_) = [line(each, then) for each in cassette("kubernetes", "crashloop-pods").document["items"]]
    assert (crashing["workload"], crashing["reason"], crashing["ended_by"]) == ("runner", "CrashLoopBackOff", "Error")


def test_out_of_memory_is_told_while_the_container_waits_and_when_it_runs_again() -> None:
    again = {"restartCount": 4, "lastState": ended("OOMKilled", 137, minutes=3)}
    loops = line(pod({**again, "state": waiting("CrashLoopBackOff")}))
    assert (loops["reason"], loops["ended_by"], loops["restarting"]) == ("CrashLoopBackOff", "OOMKilled", True)
    assert trouble.shown(loops) == "CrashLoopBackOff (OOMKilled)"
    runs = line(pod({**again, "state": RUNNING}, ready=True))
    assert (runs["reason"], runs["ended_by"], runs["stuck"]) == ("", "OOMKilled", False)
    assert trouble.ails(runs)


def test_what_ended_outside_of_the_time_asked_about_ails_nobody() -> None:
    old = pod({"restartCount": 40, "lastState": ended("OOMKilled", 137, days=3), "state": RUNNING}, ready=True)
    told = line(old)
    assert (told["ended_by"], told["restarts"], told["restarting"]) == ("", 0, False)
    assert not trouble.ails(told)
    assert line(old, trouble.During(NOW))["restarts"] == 40
    yesterday = trouble.During(NOW, since=NOW - timedelta(days=2), until=NOW - timedelta(days=1))
    loops = pod({"restartCount": 4, "lastState": ended("Error", 1, minutes=3), "state": waiting("CrashLoopBackOff")})
    assert not trouble.ails(line(loops, yesterday))


def test_an_init_container_that_fails_is_why_the_pod_waits() -> None:
    first = {"restartCount": 2, "state": waiting("CrashLoopBackOff"), "lastState": ended("Error", 1, minutes=1)}
    found = line(pod({"state": waiting("PodInitializing")}, status={"initContainerStatuses": [first]}))
    assert (found["reason"], found["ended_by"]) == ("CrashLoopBackOff", "Error")


@pytest.mark.parametrize(("minutes", "ails"), [(1, False), (3, True)])
def test_a_pod_that_starts_is_not_ailing_until_it_is_stuck(minutes: int, ails: bool) -> None:
    for state in (waiting("ContainerCreating"), RUNNING):
        found = line(pod({"state": state}, since=ago(minutes=minutes)))
        assert (trouble.ails(found), found["stuck"]) == (ails, ails)


def test_a_pod_without_a_node_says_so() -> None:
    unplaced = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "lastTransitionTime": ago(hours=1),
    }
    found = line({**pod(), "status": {"phase": "Pending", "conditions": [unplaced]}})
    assert found["reason"] == "Unschedulable"


def test_a_pod_that_was_evicted_is_told_of_within_the_time_asked_about() -> None:
    for when, told in ((ago(minutes=5), "Evicted"), (ago(days=2), "")):
        found = line(pod(phase="Failed", since=when, status={"reason": "Evicted"}))
        assert (found["reason"], found["stuck"]) == (told, False)


def test_a_pod_that_is_well_a_job_that_is_done_and_a_pod_that_leaves_are_not_ailing() -> None:
    done = pod({"state": ended("Completed", 0, minutes=5)}, phase="Succeeded")
    leaving = pod({"state": ended("Error", 143, seconds=3)}, since=ago(seconds=3), deletionTimestamp=ago(seconds=20))
    for each in (pod({"state": RUNNING}, ready=True), done, leaving):
        assert not trouble.ails(line(each))


@given(
    name=st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True),
    hashed=st.text(SAFE, min_size=8, max_size=10),
    suffix=st.text(SAFE, min_size=5, max_size=5),
)
def test_a_workload_is_found_by_the_name_of_a_pod(name: str, hashed: str, suffix: str) -> None:
    assert owners.of_name("Pod", f"{name}-{hashed}-{suffix}") == name
    assert owners.of_name("ReplicaSet", f"{name}-{hashed}") == name
    assert owners.of_name("Deployment", name) == name
    assert owners.of_name("Pod", f"{name}x-3") == f"{name}x"


@pytest.mark.parametrize(
    ("kind", "name", "workload"),
    [
        ("Pod", "my-db-0", "my-db"),
        ("Pod", "calico-node-bx5k2", "calico-node"),
        ("Pod", "lonely", "lonely"),
        ("Job", "report-29402340", "report"),
        ("Job", "migrate", "migrate"),
        ("Node", "node-1", "node-1"),
    ],
)
def test_workloads_of_other_kinds(kind: str, name: str, workload: str) -> None:
    assert owners.of_name(kind, name) == workload


def test_a_controller_counts_more_than_labels() -> None:
    owner = {"kind": "StatefulSet", "name": "db", "controller": True}
    assert owners.workload({"metadata": {"name": "db-0", "labels": {"app": "x"}, "ownerReferences": [owner]}}) == "db"
    assert owners.workload({"metadata": {"name": "p", "labels": {"app": "x"}}}) == "x"


def test_recorded_warnings_name_the_workload() -> None:
    events = cassette("kubernetes", "events-core").document["items"]
    told = [trouble.warning(each, "") for each in events if each["type"] == "Warning"]
    assert told
    assert {(each["workload"], each["reason"]) for each in told} == {("crashy", "BackOff")}


def test_one_word_for_two_things_is_told_apart() -> None:
    about = {"kind": "Pod", "name": "p"}
    event = {"reason": "BackOff", "message": 'Back-off pulling image "x"', "involvedObject": about}
    assert trouble.warning(event, "")["reason"] == "ImagePullBackOff"


async def ask(cluster: Cluster, verb: str, **arguments: Any) -> dict[str, Any]:
    async with opened(cluster) as toolset:
        known = {binding.operation.name: binding for binding in toolset.bindings()}
        context = CallContext(key="k", deadline=datetime.now(UTC) + timedelta(seconds=60))
        return dict(await known[OperationName(f"kubernetes.{verb}")].run(arguments, context))


async def test_a_namespace_is_looked_through_and_only_who_ails_is_listed() -> None:
    cluster = shop()
    cluster.make(deployment("pay", "shop/pay:v2-oom"), deployment("cart", "shop/cart:v3-bad"))
    cluster.beat(12)
    found = await ask(cluster, "ailing_pods", namespace=NAMESPACE)
    assert {(each["workload"], each["reason"], each["ended_by"]) for each in found["ailing"]} == {
        ("pay", "CrashLoopBackOff", "OOMKilled"),
        ("cart", "ImagePullBackOff", ""),
    }
    assert found["count"] > len(found["ailing"]) == 4
    assert (await ask(cluster, "ailing_pods"))["namespace"] == "default"
    told = await ask(cluster, "warnings", namespace=NAMESPACE, since=ago(days=3650))
    assert {(each["workload"], each["reason"]) for each in told["warnings"]} == {("cart", "Failed")}
    assert (await ask(cluster, "warnings", namespace=NAMESPACE, until=ago(days=3650)))["warnings"] == []


async def test_a_healthy_namespace_has_nobody_who_ails() -> None:
    assert (await ask(shop(), "ailing_pods", namespace=NAMESPACE))["ailing"] == []


@pytest.mark.parametrize("operation", [AILING, WARNINGS])
async def test_a_time_that_is_none_is_refused(operation: Any) -> None:
    verb = operation.name.partition(".")[2]
    for text in ("yesterday", "2026-11-26T08:00:00"):
        with pytest.raises(InputError, match="no instant with an offset"):
            await ask(shop(), verb, namespace=NAMESPACE, since=text)


async def test_the_log_of_a_container_that_waits_is_that_of_its_former_run() -> None:
    cluster = shop()
    cluster.make(deployment("pay", "shop/pay:v2-oom", replicas=1), deployment("cart", "shop/cart:v3-bad", replicas=1))
    cluster.beat(12)
    told = await ask(cluster, "logs", namespace=NAMESPACE, name="pay")
    assert [each["line"] for each in told["lines"]] == ["pay started", "pay ready"]
    (said,) = (await ask(cluster, "logs", namespace=NAMESPACE, name="cart"))["lines"]
    assert "is waiting to start: ImagePullBackOff" in said["line"]


def test_a_container_that_runs_again_has_a_former_run() -> None:
    again = {"name": "web", "state": RUNNING, "lastState": ended("Error", 1, hours=2)}
    assert trouble.runs_again(pod(again), "web")
    assert not trouble.runs_again(pod({"name": "web", "state": RUNNING}), "web")
    assert not trouble.runs_again(pod({**again, "state": waiting("CrashLoopBackOff")}), "web")


async def test_pods_of_a_workload_that_is_no_deployment_are_found() -> None:
    cluster = shop()
    member = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "db-0", "namespace": NAMESPACE, "labels": {"app": "db"}},
        "spec": {"containers": [{"name": "db", "image": "shop/db:v1"}]},
    }
    cluster.make(member)
    cluster.beat(3)
    found = await ask(cluster, "pods", namespace=NAMESPACE, name="db")
    assert [(each["pod"], each["workload"]) for each in found["pods"]] == [("db-0", "db")]
    assert (await ask(cluster, "logs", namespace=NAMESPACE, name="db"))["count"] == 2
    assert (await ask(cluster, "pods", namespace=NAMESPACE, name="nobody"))["pods"] == []


@pytest.mark.parametrize(("back_s", "told"), [(5, "ImagePullBackOff"), (3_600, "")])
def test_whoever_asks_until_a_moment_ago_is_told_how_it_is_now(back_s: float, told: str) -> None:
    during = trouble.During.of({"since": ago(hours=2), "until": ago(seconds=back_s)}, NOW)
    assert line(pod({"state": waiting("ImagePullBackOff")}, since=ago(seconds=1)), during)["reason"] == told
