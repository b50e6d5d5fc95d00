"""What the scenarios stand on: `steer` from the shell, a ground to act on, a Prometheus, and the five paths."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any, ClassVar, Self

import httpx
import yaml
from tests.integration.data.servers import free_port

from steersman.testing.serving import serving
from steersman.testing.tripwire import POINTS, Point, Trip, Tripwire

PATHS = ("good", "breach", "refusal", "kill", "drift", "methods")
"""The last one is the good path by every method of a scenario that has several."""
PATIENCE_S = 600.0
WATCH_S = 3.0
"""Minutes of telemetry are as good as seconds here."""
MOST_S = 120.0
WRITE_TIMEOUT_S = 20.0
"""A resume waits so long before it believes that a write which read-back does not show has not happened."""
CONDITION = {"window_s": 120.0, "point_s": 0.5, "min_points": 2}
EXIT = {"done": 0, "refused": 4, "rolled_back": 5, "paused": 7}
Ledger = Counter[str]


class MissedError(Exception):
    """A cell that is not as it must be; says how it is."""


def must(claim: bool, why: str) -> None:
    """Raises MissedError unless the claim holds."""
    if not claim:
        raise MissedError(why)


@dataclass(frozen=True, slots=True)
class Kill:
    """A write in the middle of the run, by the wire that it goes over."""

    name: str
    wire: str
    """The ground's attribute, dotted."""
    request: bytes
    nth: int = 1
    after: bytes = b""
    points: tuple[Point, ...] = POINTS


@dataclass
class Ground(ABC):
    """The systems that one cell acts on. They are its own: nothing is left of a cell before."""

    home: Path
    more: dict[str, str] = field(default_factory=dict)
    """Variables of the environment, for secrets."""

    scenario: ClassVar[str] = ""
    variants: ClassVar[Mapping[str, Mapping[str, str]]] = {"": {}}
    """Methods of the scenario, by the parameters that lead to each; the first is taken everywhere."""
    deny: ClassVar[str] = ""
    """A policy rule forbids this operation: one in the middle of the plan."""
    after_breach: ClassVar[str] = "rolled_back"
    kills: ClassVar[tuple[Kill, ...]] = ()
    """Writes at which the process dies, each at its points."""

    @abstractmethod
    def up(self) -> AbstractContextManager[Self]:
        """With everything it needs."""

    @abstractmethod
    def systems(self) -> dict[str, Any]:
        """The environment, as `steersman.yaml` has it."""

    @abstractmethod
    def parameters(self) -> dict[str, str]:
        """Of the scenario."""

    @abstractmethod
    def state(self) -> Any:
        """What the run's inverses restore, read from the systems themselves."""

    @abstractmethod
    def ledger(self) -> Ledger:
        """Writes that the systems have seen and done, since they are up, by the systems' own account."""

    @abstractmethod
    def edit(self) -> None:
        """Somebody else changes the target."""

    @abstractmethod
    def spoil(self) -> None:
        """From now on what the run does goes wrong."""

    @abstractmethod
    def check_good(self, ledger: Ledger) -> None:
        """Raises MissedError when the goal was not reached, or not by the writes that it takes."""

    def check_method(self, name: str) -> None:
        """Raises MissedError when the method of that name did not reach the goal."""
        raise MissedError(f"nothing is known of a method {name!r}")

    def died(self) -> None:
        """The process was just killed: what must be so already then. Raises MissedError."""
        must(self.home.is_dir(), "the ground is gone")

    def shorten(self, plan: dict[str, Any]) -> None:
        """Makes the plan quick: nothing but its times."""
        for step in plan["steps"]:
            if step["hold"]:
                step["hold"] |= {"for_s": WATCH_S, "max_s": MOST_S}
            if step["inverse"]:
                step["timeout_s"] = WRITE_TIMEOUT_S
        for condition in plan["conditions"]:
            condition.update(CONDITION)


@dataclass(frozen=True)
class Shell:
    """`steer` in a folder that has one environment."""

    ground: Ground

    def __post_init__(self) -> None:
        self.configure()

    @property
    def home(self) -> Path:
        """Where it is called."""
        return self.ground.home

    def configure(self, **more: Any) -> None:
        """Writes `steersman.yaml`."""
        environment = {"tier": "lab", **self.ground.systems()}
        document = {"environment": "ground", "environments": {"ground": environment}, **more}
        (self.home / "steersman.yaml").write_text(yaml.safe_dump(document))

    def begin(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        """Starts it."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("STEER_")}
        own = {"STEER_HOME": str(self.home / "state"), "HOME": str(self.home), "LANG": "C.UTF-8", "NO_COLOR": "1"}
        environment = {**kept, **own, **self.ground.more}
        command = [sys.executable, "-m", "steersman.cli.main", *words]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        return subprocess.Popen(command, env=environment, cwd=self.home, text=True, **pipes)

    def __call__(self, *words: str, code: int | None = 0) -> tuple[str, str]:
        """What it said, when it ends with that exit code."""
        process = self.begin(*words)
        try:
            out, err = process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise MissedError(f"steer {words[0]}: not ended after {PATIENCE_S:.0f} s") from None
        said = " ".join(err.split())[-300:]
        must(code is None or process.returncode == code, f"steer {words[0]}: {process.returncode} for {code}: {said}")
        return out, err

    def planned(self, **parameters: str) -> Path:
        """A plan on what is there now."""
        given = {**self.ground.parameters(), **parameters}
        words = [word for name, value in given.items() for word in ("-p", f"{name}={value}")]
        plan = json.loads(self("plan", "-s", self.ground.scenario, *words, "-o", "json")[0])
        self.ground.shorten(plan)
        path = self.home / "plan.json"
        path.write_text(json.dumps(plan))
        return path

    def run(self, plan: Path, state: str) -> dict[str, Any]:
        """Runs it to that state."""
        out, err = self("run", "-f", str(plan), "--yes", "-o", "json", code=EXIT[state])
        found = json.loads(out) if out.strip() else {}
        must(not found or found["state"] == state, f"the run is {found.get('state')!r}: {err[-200:]}")
        return dict(found)

    def run_id(self) -> str:
        """Of the only run."""
        runs = json.loads(self("runs", "list", "-o", "json")[0])
        must(len(runs) == 1, f"{len(runs)} runs are there")
        return str(runs[0]["run_id"])


def settled(look: Callable[[], Any], wanted: Any, what: str, within_s: float = 60.0) -> None:
    """Waits until a look shows what is wanted: controllers are a little behind. Raises MissedError."""
    until = time.monotonic() + within_s
    while (found := look()) != wanted:
        must(time.monotonic() < until, f"{what}: {found!r}, not {wanted!r}")
        time.sleep(0.2)


def good(ground: Ground) -> str:
    """To the end."""
    shell, before = Shell(ground), ground.ledger()
    shell.run(shell.planned(), "done")
    ledger = ground.ledger() - before
    ground.check_good(ledger)
    return f"done, {ledger.total()} effects"


def methods(ground: Ground) -> str:
    """The goal by each of the scenario's methods, one after the other."""
    shell = Shell(ground)
    for number, (name, parameters) in enumerate(ground.variants.items()):
        shell.run(shell.planned(**parameters), "done")
        if number:
            ground.check_method(name)
    return f"done: {', '.join(ground.variants)}"


def breach(ground: Ground) -> str:
    """Something goes wrong on the way: all of it is taken back."""
    shell, before = Shell(ground), ground.ledger()
    plan, state = shell.planned(), ground.state()
    ground.spoil()
    shell.run(plan, ground.after_breach)
    if ground.after_breach == "paused":
        shell("runs", "undo", shell.run_id(), "-o", "json", code=EXIT["rolled_back"])
    done = ground.ledger() - before
    must(done.total() > 0, "nothing was done that could be taken back")
    settled(ground.state, state, "state after undo")
    return f"undone, {done.total()} effects, state as before"


def refusal(ground: Ground) -> str:
    """A rule forbids a later step: not even the first is taken."""
    shell = Shell(ground)
    plan = shell.planned()
    rule = {"id": "not-here", "effect": "deny", "when": f'operation == "{ground.deny}"', "reason": "not here"}
    (shell.home / "rules.yaml").write_text(yaml.safe_dump({"rules": [rule]}))
    shell.configure(policy={"files": ["rules.yaml"]})
    before, state = ground.ledger(), ground.state()
    _, err = shell("run", "-f", str(plan), "--yes", code=EXIT["refused"])
    must("not-here" in err, f"the rule is not named: {err[-200:]}")
    must(ground.ledger() == before, f"done in spite of it: {ground.ledger() - before}")
    must(ground.state() == state, "the state is another")
    return "refused, 0 effects"


def drift(ground: Ground) -> str:
    """Somebody else changes the target between plan and run: seen, and left as it is."""
    shell = Shell(ground)
    plan = shell.planned()
    ground.edit()
    before, state = ground.ledger(), ground.state()
    _, err = shell("run", "-f", str(plan), "--yes", code=EXIT["refused"])
    must("changed since the plan was made" in err, f"it is not called drift: {err[-200:]}")
    must(ground.ledger() == before, f"done in spite of it: {ground.ledger() - before}")
    must(ground.state() == state, "their edit was overwritten")
    return "seen, their edit stays"


def killed(ground: Ground, kill: Kill, point: Point) -> None:
    """Dies by SIGKILL at one request; resumed, it has done everything once."""
    shell, before = Shell(ground), ground.ledger()
    plan = shell.planned()
    process = shell.begin("run", "-f", str(plan), "--yes", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wire: Tripwire = attrgetter(kill.wire)(ground)
    wire.arm(Trip(kill.request, point, kill.nth, after=kill.after), process.kill)
    try:
        code = process.wait(PATIENCE_S)
    finally:
        wire.disarm()
        process.kill()
    must(code == -signal.SIGKILL, f"it ended with {code} before the kill")
    ground.died()
    out, _ = shell("runs", "resume", shell.run_id(), "-o", "json")
    must(json.loads(out)["state"] == "done", "the resumed run is not done")
    ground.check_good(ground.ledger() - before)


PLAYED: dict[str, Callable[[Ground], str]] = {
    "good": good,
    "breach": breach,
    "refusal": refusal,
    "drift": drift,
    "methods": methods,
}


class Telemetry:
    """A real Prometheus that scrapes what `measure` says now: gauges by name and labels, counters by their rate."""

    def __init__(self, folder: Path, measure: Callable[[], dict[str, float]]) -> None:
        self._folder, self._measure = folder, measure
        self._counts: dict[str, float] = {}
        self._at = time.monotonic()
        self._lock = threading.Lock()

    def exposition(self, _: httpx.Request) -> httpx.Response:
        """What a scrape gets: names that end with `_count` are rates, counted on until now."""
        with self._lock:
            now = time.monotonic()
            passed, self._at = now - self._at, now
            shown = {}
            for name, value in self._measure().items():
                if "_count{" in name:
                    self._counts[name] = self._counts.get(name, 0.0) + value * passed
                    shown[name] = self._counts[name]
                else:  # what stands still is no sign of life
                    shown[name] = value * (1 + 0.01 * (int(now * 4) % 7))
        text = "".join(f"{name} {value:.6f}\n" for name, value in shown.items())
        return httpx.Response(200, text=text, headers={"content-type": "text/plain; version=0.0.4"})

    @contextmanager
    def serving(self) -> Iterator[str]:
        """The URL of the Prometheus, which has looked a few times."""
        program = shutil.which("prometheus")
        must(program is not None, "prometheus is not installed: apt-get install prometheus")
        port = free_port()
        with serving(self.exposition) as url:
            scrape = {"job_name": "shop", "static_configs": [{"targets": [url.removeprefix("http://")]}]}
            document = {"global": {"scrape_interval": "250ms"}, "scrape_configs": [scrape]}
            (self._folder / "prometheus.yml").write_text(yaml.safe_dump(document))
            flags = [f"--config.file={self._folder}/prometheus.yml", f"--storage.tsdb.path={self._folder}/tsdb"]
            command = [str(program), *flags, f"--web.listen-address=127.0.0.1:{port}"]
            with (self._folder / "prometheus.log").open("wb") as log:
                process = subprocess.Popen(command, stdout=log, stderr=log)
            try:
                _scraped(f"http://127.0.0.1:{port}")
                yield f"http://127.0.0.1:{port}"
            finally:
                process.kill()
                process.wait()


def _scraped(url: str) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        time.sleep(0.3)
        try:
            found = httpx.get(f"{url}/api/v1/query", params={"query": "count_over_time(up[1m])"}, trust_env=False)
            if found.is_success and int((found.json()["data"]["result"] or [{"value": [0, "0"]}])[0]["value"][1]) > 8:
                return
        except httpx.TransportError:
            continue
    raise MissedError("prometheus did not come up")
