"""The six named scenarios from the shell, each by five paths.

To the end; a breach with undo; a refusal by policy; a kill -9 in the middle with resume; and a change by somebody else
between plan and run. `steer` runs against a strict Kubernetes API server with Argo Rollouts, a real PostgreSQL, a
real OpenBao, real k6, a real Prometheus, and doubles of a forge, CI and a registry. What was done is counted by these,
never by our journal. Each cell has systems of its own. The process is killed at one request to a system: before it is
sent, after it was applied and before its answer is read, and after the answer.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

sys.path.insert(0, str(Path(__file__).parents[1]))

from scenario_cluster import Autoscaled, BlueGreen
from scenario_data import Backup, Rotation
from scenario_delivery import Patch, Smoke
from scenario_frame import PATHS, PLAYED, Ground, MissedError, killed
from steersman.testing.benchmark import header, report
from steersman.testing.tripwire import Point

GROUNDS: tuple[type[Ground], ...] = (BlueGreen, Autoscaled, Smoke, Backup, Patch, Rotation)
FIVE = PATHS[:5]


@dataclass(frozen=True, slots=True)
class Trial:
    """One path of one scenario; a kill is one request and one point of it."""

    ground: type[Ground]
    path: str
    kill: str = ""
    point: Point | None = None

    @property
    def name(self) -> str:
        """As the table says it."""
        return " ".join(filter(None, (self.ground.scenario, self.path, self.kill, self.point)))


@dataclass(frozen=True, slots=True)
class Result:
    """How it went."""

    trial: Trial
    said: str
    missed: bool
    took_s: float


def trials(scenarios: list[str], paths: list[str], *, quick: bool) -> list[Trial]:
    """Everything that was asked for."""
    found: list[Trial] = []
    for ground in (each for each in GROUNDS if each.scenario in scenarios):
        for path in paths:
            if path == "kill":
                found += _kills(ground, quick=quick)
            elif path != "methods" or len(ground.variants) > 1:
                found.append(Trial(ground, path))
    return found


def _kills(ground: type[Ground], *, quick: bool) -> list[Trial]:
    every = [Trial(ground, "kill", kill.name, point) for kill in ground.kills for point in kill.points]
    return [each for each in every if each.point == "applied"][-1:] if quick else every


def play(trial: Trial) -> Result:
    """One trial, in systems of its own."""
    began = time.monotonic()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="steersman-scenario-", ignore_cleanup_errors=True) as folder,
            trial.ground(Path(folder)).up() as ground,
        ):
            if trial.point is None:
                said = PLAYED[trial.path](ground)
            else:
                (kill,) = [each for each in ground.kills if each.name == trial.kill]
                killed(ground, kill, trial.point)
                said = "nothing lost or doubled"
        missed = False
    except MissedError as e:
        said, missed = str(e), True
    except (AssertionError, OSError, httpx.HTTPError, psycopg.Error) as e:  # the ground broke, not the product
        said, missed = f"{type(e).__name__}: {e}", True
    result = Result(trial, said, missed, time.monotonic() - began)
    sys.stderr.write(f"{'MISSED' if missed else 'ok'}  {trial.name}: {said} ({result.took_s:.0f} s)\n")
    return result


def cell(results: list[Result]) -> str:
    """What the table says of a path."""
    if not results:
        return "-"
    bad = sum(result.missed for result in results)
    if results[0].trial.point is not None:
        return f"{len(results) - bad}/{len(results)} kills{' MISSED' if bad else ', none lost or doubled'}"
    return "MISSED" if bad else results[0].said


def main() -> int:
    """Plays and prints. Exit code 1 where a cell is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = [ground.scenario for ground in GROUNDS]
    parser.add_argument("--only", action="append", choices=names, metavar="SCENARIO", help=", ".join(names))
    parser.add_argument("--path", action="append", choices=PATHS, help="`methods` is not among the default five")
    parser.add_argument("--jobs", type=int, default=2, help="so many at once; most of the time is waiting")
    parser.add_argument("--quick", action="store_true", help="one kill for each scenario")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    paths = given.path or list(FIVE if given.quick else PATHS)
    todo = trials(given.only or names, paths, quick=given.quick)
    header("The named scenarios, by their paths", trials=len(todo), jobs=given.jobs)
    began = time.monotonic()
    with ThreadPoolExecutor(given.jobs) as pool:
        results = list(pool.map(play, todo))
    return _report(results, paths, took_s=time.monotonic() - began, as_json=given.json)


def _report(results: list[Result], paths: list[str], *, took_s: float, as_json: bool) -> int:
    def of(scenario: str, path: str) -> list[Result]:
        return [each for each in results if (each.trial.ground.scenario, each.trial.path) == (scenario, path)]

    shown: Callable[[str], list[str]] = lambda name: [name, *(cell(of(name, path)) for path in paths)]  # noqa: E731
    scenarios = list(dict.fromkeys(each.trial.ground.scenario for each in results))
    for each in results:
        if each.missed:
            sys.stdout.write(f"MISSED {each.trial.name}: {each.said}\n")
    missed = sum(each.missed for each in results)
    kills = [each for each in results if each.trial.point is not None]
    figures = {
        "trials": len(results),
        "missed": missed,
        "kills": len(kills),
        "kills_missed": sum(each.missed for each in kills),
        "seconds": round(took_s),
        "cells": {each.trial.name: each.said for each in results},
    }
    return report(
        ["scenario", *paths], [shown(name) for name in scenarios], figures, passed=not missed, as_json=as_json
    )


if __name__ == "__main__":
    sys.exit(main())
