"""Shipped scenarios on a cluster, from the shell, through the real application: planned, run, undone."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

STEER = [sys.executable, "-m", "steersman.cli.main"]
LIMIT_S = 600
WATCH_S = 3.0
STEPS = [{"setWeight": 25}, {"pause": {}}]


def workload(name: str, **more: Any) -> dict[str, Any]:
    container = {
        "name": name,
        "image": f"registry.local/{name}:v1",
        "ports": [{"containerPort": 8080}],
        "resources": {"limits": {"cpu": "1", "memory": "256Mi"}},
    }
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    return {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": template, **more}


def made(api_version: str, kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "shop"}, "spec": spec}


BACKENDS = [{"name": "cart", "port": 80, "weight": 100}, {"name": "cart-green", "port": 80, "weight": 0}]
OBJECTS = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}},
    made("apps/v1", "Deployment", "worker", workload("worker")),
    made("apps/v1", "Deployment", "cart", workload("cart")),
    made("gateway.networking.k8s.io/v1", "HTTPRoute", "cart", {"rules": [{"backendRefs": BACKENDS}]}),
    made("argoproj.io/v1alpha1", "Rollout", "pay", workload("pay", replicas=4, strategy={"canary": {"steps": STEPS}})),
]


class Shell:
    """`steer` in a folder that has one environment: a cluster, and telemetry that says what `value` says."""

    def __init__(self, home: Path, cluster: dict[str, str]) -> None:
        self.home = home
        kept = {name: value for name, value in os.environ.items() if not name.startswith("STEER_")}
        self.environ = {
            **kept,
            "STEER_HOME": str(home / "state"),
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
        }
        systems = {
            "tier": "lab",
            "kubernetes": {"kubeconfig": cluster["kubeconfig"], "context": "double", "namespace": "shop"},
            "prometheus": {"url": cluster["prometheus"]},
        }
        configured = {"environment": "seoul", "environments": {"seoul": systems}}
        (home / "steersman.yaml").write_text(yaml.safe_dump(configured))

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*STEER, *words],
            env=self.environ,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )

    def planned(self, scenario: str, **parameters: str) -> Path:
        """A plan on the real operations, its watches cut short: minutes of telemetry are as good as seconds here."""
        words = [word for name, value in parameters.items() for word in ("-p", f"{name}={value}")]
        done = self("plan", "-s", scenario, *words, "-p", "namespace=shop", "-o", "json")
        assert done.returncode == 0, done.stderr
        plan = json.loads(done.stdout)
        assert plan["environment"]["kind"] == "kubernetes"
        for step in plan["steps"]:
            if step["hold"]:
                step["hold"]["for_s"] = WATCH_S
        for condition in plan["conditions"]:
            condition |= {"window_s": 120.0, "point_s": 0.5, "min_points": 2}
        path = self.home / f"{scenario}.json"
        path.write_text(json.dumps(plan))
        return path

    def run(self, plan: Path, *, code: int = 0) -> dict[str, Any]:
        done = self("run", "-f", str(plan), "--yes", "-o", "json")
        assert done.returncode == code, done.stderr
        return dict(json.loads(done.stdout))

    def seen(self, kind: str, name: str) -> dict[str, Any] | None:
        path = self.home / "double" / "state.json"
        state = json.loads(path.read_text()) if path.exists() else []
        return next((each for each in state if (each["kind"], each["metadata"]["name"]) == (kind, name)), None)


@contextmanager
def cluster_of(home: Path, objects: list[dict[str, Any]]) -> Iterator[Shell]:
    folder = home / "double"
    folder.mkdir()
    (folder / "objects.yaml").write_text(yaml.safe_dump_all(objects))
    command = [sys.executable, str(Path(__file__).with_name("clusters.py")), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Shell(home, json.loads(process.stdout.readline()))
        process.terminate()


@pytest.fixture
def steer(tmp_path: Path) -> Iterator[Shell]:
    with cluster_of(tmp_path, OBJECTS) as shell:
        yield shell


def test_a_canary_on_argo_rollouts_goes_to_the_end(steer: Shell) -> None:
    told = steer.run(steer.planned("deploy-bluegreen-eks", service="pay", version="v2"))
    assert told["state"] == "done"
    pay = steer.seen("Rollout", "pay")
    assert pay is not None
    assert pay["status"]["phase"] == "Healthy"
    assert pay["status"]["stableRS"] == pay["status"]["currentPodHash"]
    assert pay["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.local/pay:v2"
    assert pay["spec"]["strategy"]["canary"]["steps"] == STEPS


def test_a_bad_canary_is_rolled_back_whole(steer: Shell) -> None:
    plan = steer.planned("deploy-bluegreen-eks", service="pay", version="v2")
    (steer.home / "double" / "value").write_text("0.99")
    told = steer.run(plan, code=5)
    assert told["state"] == "rolled_back"
    pay = steer.seen("Rollout", "pay")
    assert pay is not None
    assert pay["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.local/pay:v1"
    assert pay["spec"]["strategy"]["canary"]["steps"] == STEPS


def test_two_deployments_behind_a_route_do_without_argo(steer: Shell) -> None:
    told = steer.run(steer.planned("deploy-bluegreen-eks", service="cart", version="v2"))
    assert told["state"] == "done"
    green = steer.seen("Deployment", "cart-green")
    assert green is not None
    assert green["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.local/cart:v2"


def test_an_autoscaler_is_made_by_queue_depth(steer: Shell) -> None:
    told = steer.run(steer.planned("scale-hpa-on-queue-depth", service="worker"))
    assert told["state"] == "done"
    made = steer.seen("HorizontalPodAutoscaler", "worker")
    assert made is not None
    assert made["spec"]["metrics"][0]["external"]["metric"]["name"] == "queue_depth"
    assert made["metadata"]["managedFields"][0]["manager"] == "steersman"


def test_a_release_is_taken_back_without_naming_a_version(steer: Shell) -> None:
    steer.run(steer.planned("deploy-rolling-update", service="worker", version="v2"))
    plan = steer.planned("rollback-last-release", service="worker")
    steer.run(plan)
    worker = steer.seen("Deployment", "worker")
    assert worker is not None
    assert worker["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.local/worker:v1"


def test_what_ails_a_cluster_is_found_and_the_service_that_was_asked_about_comes_first(tmp_path: Path) -> None:
    objects = [OBJECTS[0]]
    for name, tag in {"pay-worker": "v2-oom", "cart-worker": "v3-bad", "web": "v1"}.items():
        pods = workload(name)
        pods["template"]["spec"]["containers"][0]["image"] = f"registry.local/{name}:{tag}"
        objects.append(made("apps/v1", "Deployment", name, pods))
    with cluster_of(tmp_path, objects) as steer:
        until = time.monotonic() + 60
        while ((steer.seen("Deployment", "web") or {}).get("status") or {}).get("readyReplicas") != 2:
            assert time.monotonic() < until
            time.sleep(0.2)
        done = steer("investigate", "cart-worker가 왜 안 떠?", "-o", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [(each["service"], each["kind"]) for each in found["root_causes"]] == [
        ("cart-worker", "bad_config"),
        ("pay-worker", "memory_leak"),
    ]
    assert all(key in found["evidence"] for cause in found["root_causes"] for key in cause["evidence"])
