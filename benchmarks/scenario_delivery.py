"""Grounds of delivery: `run-k6-smoke-test-after-deploy` and `patch-vulnerability-cve`.

Real k6; a forge, CI, a registry and scan reports beside a cluster.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import httpx
from tests.unit.toolsets.forge.git_repository import DOCKERFILE
from tests.unit.toolsets.scan.documents import clean, trivy

from scenario_cluster import DEPLOYMENT, SHOP, cluster_served, made, requests_of, workload
from scenario_frame import Ground, Kill, Ledger, Shell, Telemetry, must
from steersman.testing.ci import ActionsDouble, Farm, Run
from steersman.testing.forges.github import GitHubDouble
from steersman.testing.forges.hub import Repo
from steersman.testing.registry import RegistryDouble
from steersman.testing.serving import serving
from steersman.testing.tripwire import Tripwire

RATE, SECONDS = 4, 5
REPOSITORY, PIPELINE = "shop/payments", "shop/payments/build.yml"
VERSION = "1.0.1"
BRANCH = f"steersman/payments-{VERSION}"
NONE_LATE_S = 1.5


class Target:
    """An endpoint that counts who asks it."""

    def __init__(self) -> None:
        self.asked = 0
        self.spoiled = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Well, or not."""
        self.asked += request.url.path == "/cart"
        return httpx.Response(500 if self.spoiled else 200, text="ok")


@dataclass
class Smoke(Ground):
    """A few requests a second against an endpoint, by real k6."""

    scenario: ClassVar = "run-k6-smoke-test-after-deploy"
    deny: ClassVar = "k6.run"
    kills: ClassVar = tuple(
        Kill(f"request {nth}", "wire", rb"GET /cart", nth) for nth in (1, RATE * SECONDS // 2, RATE * SECONDS)
    )
    target: Target = field(default_factory=Target)
    wire: Tripwire = field(init=False)
    cut_off: int = 0
    """Requests of a load that was cut off: they are no effect that anybody keeps."""

    @contextmanager
    def up(self) -> Iterator[Self]:
        """With everything it needs."""
        with serving(self.target) as url, Tripwire(int(url.rpartition(":")[2])) as self.wire:
            yield self

    def systems(self) -> dict[str, Any]:
        """Who may be put under load."""
        return {"load": {"hosts": ["127.0.0.1"]}}

    def parameters(self) -> dict[str, str]:
        """A short run."""
        return {
            "target": self.wire.url,
            "path": "/cart",
            "rate": str(RATE),
            "duration_s": str(SECONDS),
            "run": "smoke-1",
        }

    def kept(self) -> list[str]:
        """Names of the runs that were kept, on disk."""
        return sorted(path.parent.name for path in (self.home / "state").rglob("steersman-result.json"))

    def state(self) -> Any:
        """The runs that are kept. The endpoint itself is only asked."""
        return {"kept": self.kept()}

    def ledger(self) -> Ledger:
        """What the endpoint was asked."""
        return Counter({"requests": self.target.asked - self.cut_off})

    def spoil(self) -> None:
        """The deployment was a bad one."""
        self.target.spoiled = True

    def edit(self) -> None:
        """Somebody else, with the same installation, runs a test of that name."""
        shell = Shell(self)
        plan = shell.home / "plan.json"
        mine = plan.read_text()
        shell.run(shell.planned(), "done")
        plan.write_text(mine)

    def check_good(self, ledger: Ledger) -> None:
        """One load went to its end, and its result is kept."""
        wanted = RATE * SECONDS
        must(self.kept() == ["smoke-1"], f"kept: {self.kept()}")
        must(abs(ledger["requests"] - wanted) <= 1, f"{ledger['requests']} requests, not {wanted}")

    def died(self) -> None:
        """k6 must have died with its parent: nobody asks any more."""
        time.sleep(0.2)
        asked = self.target.asked
        time.sleep(NONE_LATE_S)
        must(self.target.asked == asked, f"{self.target.asked - asked} requests came after the kill")
        self.cut_off = 0 if self.kept() else asked


class Counted:
    """A double that says which writes it took."""

    def __init__(self, double: Callable[[httpx.Request], httpx.Response], before: Callable[[], None]) -> None:
        self._double, self._before = double, before
        self.writes: Ledger = Counter()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """The double's answer."""
        self._before()
        answer = self._double(request)
        if request.method not in ("GET", "HEAD") and answer.is_success:
            self.writes[f"{request.method} {request.url.path.removeprefix(f'/repos/{REPOSITORY}/')}"] += 1
        return answer


@dataclass
class Patch(Ground):
    """A fixed version, proposed, built, scanned and rolled out."""

    scenario: ClassVar = "patch-vulnerability-cve"
    variants: ClassVar = {
        "patch-build-deploy": {},
        "propose": {"version": "1.0.2", "pipeline": ""},
        "propose-what-the-scan-says": {"version": "1.0.3", "pipeline": "", "fix": "", "current": "1.0.0",
                                       "package": "requests", "kind": "requirements", "path": "requirements.txt"},
        "rebuild": {"version": "1.0.4", "repository": ""},
        "redeploy": {"version": "1.0.5", "repository": "", "pipeline": ""},
    }  # fmt: skip
    deny: ClassVar = "kubernetes.set_image"
    kills: ClassVar = (
        Kill("bump", "to_forge", rb"PATCH /repos/shop/payments/git/refs/heads/"),
        Kill("propose", "to_forge", rb"POST /repos/shop/payments/pulls"),
        Kill("build", "to_ci", rb"POST /repos/shop/payments/actions/workflows/"),
        Kill("roll out", "shop.wire", rb"PATCH /apis/apps/v1/[^ ]+/deployments/payments[? ]"),
    )
    spoiled: bool = False
    forge: GitHubDouble = field(default_factory=GitHubDouble)
    registry: RegistryDouble = field(default_factory=RegistryDouble)
    actions: ActionsDouble = field(default_factory=ActionsDouble)
    repo: Repo = field(init=False)
    urls: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def up(self) -> Iterator[Self]:
        """With everything it needs."""
        files = {"Dockerfile": DOCKERFILE, "requirements.txt": "requests==2.31.0\n"}
        self.repo = self.forge.hub.repo(REPOSITORY, files)
        self.actions.farm.pipeline(PIPELINE, "steersman_key", "tag")
        self.more |= {"FORGE": self.forge.hub.token, "CI": self.farm.token, "REGISTRY": self.registry.password}
        (self.home / "reports").mkdir()
        self.at_forge, self.at_ci = Counted(self.forge, self._work), Counted(self.actions, self._work)
        objects = (
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SHOP}},
            made("apps/v1", "Deployment", "payments", workload("payments")),
        )
        with ExitStack() as stack:
            self.shop, self.config = stack.enter_context(cluster_served(self.home, *objects))
            self.to_forge = self._wired(stack, "forge", self.at_forge)
            self.to_ci = self._wired(stack, "ci", self.at_ci)
            self.urls["registry"] = self.registry.url = stack.enter_context(serving(self.registry))
            self._report("old", trivy(self._image("1.0.0")))
            self._publish(self.variants["redeploy"]["version"])  # by others, past forge and CI
            self.urls["prometheus"] = stack.enter_context(Telemetry(self.home, self.measure).serving())
            yield self

    @property
    def farm(self) -> Farm:
        """What builds."""
        return self.actions.farm

    def measure(self) -> dict[str, float]:
        """Half of the requests fail, where it is spoiled, once the patched image runs."""
        bad = self.spoiled and self.shop.image(DEPLOYMENT, "payments").endswith(VERSION)
        return requests_of("payments", 0.5 if bad else 0.005)

    def systems(self) -> dict[str, Any]:
        """All six."""

        def bearer(name: str) -> dict[str, str]:
            return {"kind": "bearer", "token": f"env:{name}"}

        login = {"kind": "basic", "username": self.registry.username, "password": "env:REGISTRY"}
        return {
            "forge": {"kind": "github", "url": self.urls["forge"], "auth": bearer("FORGE")},
            "ci": {"kind": "github", "url": self.urls["ci"], "auth": bearer("CI"), "pipelines": [PIPELINE]},
            "registry": {"url": self.urls["registry"], "auth": login},
            "scan": {"reports": str(self.home / "reports")},
            "kubernetes": {"kubeconfig": str(self.config), "context": "double", "namespace": SHOP},
            "prometheus": {"url": self.urls["prometheus"], "signals": {"rate_window_s": 3.0}},
        }

    def parameters(self) -> dict[str, str]:
        """A fixed base image."""
        return {
            "service": "payments",
            "namespace": SHOP,
            "version": VERSION,
            "registry": f"{self.urls['registry'].removeprefix('http://')}/shop",
            "repository": REPOSITORY,
            "package": "python",
            "fix": "3.12.12-slim",
            "pipeline": PIPELINE,
            "checks_wait_s": "60",
        }

    def state(self) -> Any:
        """Branches, open pull requests, and the image that runs."""
        pulls = [pull.number for pull in self.repo.pulls if pull.state == "open"]
        return {"branches": dict(self.repo.branches), "pulls": pulls, "image": self.shop.image(DEPLOYMENT, "payments")}

    def ledger(self) -> Ledger:
        """Writes that forge, CI and cluster took. Loose objects of Git are none until a branch has them."""
        loose = ("POST git/blobs", "POST git/trees", "POST git/commits")
        kept = Counter({name: n for name, n in self.at_forge.writes.items() if name not in loose})
        return kept + self.at_ci.writes + self.shop.ledger()

    def spoil(self) -> None:
        """The patched version is a bad one."""
        self.spoiled = True

    def edit(self) -> None:
        """Somebody else bumps the base image meanwhile."""
        self.repo.push({"Dockerfile": DOCKERFILE.replace("3.12.7", "3.12.9").encode()})

    def check_good(self, ledger: Ledger) -> None:
        """Proposed, built and rolled out, each once."""
        state = self.state()
        must(state["image"] == self._image(VERSION), f"it runs {state['image']}")
        files = self.repo.commits[self.repo.branches[BRANCH]].files
        must(files["Dockerfile"][1].decode() == DOCKERFILE.replace("3.12.7", "3.12.12"), "the Dockerfile is another")
        commits = len(self.repo.between("main", BRANCH))
        counts = {"commits": commits, "pulls": len(state["pulls"]), "builds": len(self.farm.runs[PIPELINE])}
        must(set(counts.values()) == {1}, f"{counts}")
        must(set(ledger.values()) == {1} and ledger.total() == 5, f"other writes: {dict(ledger)}")

    def check_method(self, name: str) -> None:
        """A pull request where it proposes, the image where it rolls out."""
        version = self.variants[name]["version"]
        if name.startswith("propose"):
            found = self.repo.branches.get(f"steersman/payments-{version}")
            must(found is not None and len(self.repo.between("main", found)) == 1, f"{name}: no branch with one commit")
        else:
            image = self.shop.image(DEPLOYMENT, "payments")
            must(image == self._image(version), f"{name}: it runs {image}")

    def _image(self, version: str) -> str:
        return f"{self.urls['registry'].removeprefix('http://')}/shop/payments:{version}"

    def _wired(self, stack: ExitStack, name: str, double: Counted) -> Tripwire:
        url = stack.enter_context(serving(double))
        wire = stack.enter_context(Tripwire(int(url.rpartition(":")[2])))
        self.urls[name] = wire.url
        return wire

    def _work(self) -> None:
        """CI at work: what was started is built, and pull requests are checked; others push patched images."""
        self.farm.refs = frozenset(self.repo.branches)
        for run in self.farm.runs[PIPELINE]:
            if not run.result:
                self._build(run)
        for pull in self.repo.pulls:
            self.repo.checks[self.repo.branches.get(pull.head, "")] = {"build": "success"}
            self._publish(pull.head.removeprefix("steersman/payments-"))

    def _build(self, run: Run) -> None:
        run.result = "success"
        self._publish(run.inputs["tag"])

    def _publish(self, version: str) -> None:
        self.registry.image("shop/payments", version)
        self._report(version, clean(self._image(version)))

    def _report(self, name: str, document: dict[str, Any]) -> None:
        (self.home / "reports" / f"{name}.json").write_text(json.dumps(document))
