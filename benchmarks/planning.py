"""CPU of planning and checking: a fleet of services by HTN, and large plans of every shape through the checker.

Bounds: 400 services planned in under 0.5 s, 1,000 steps checked in under 1 s, nothing found in valid plans.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from time import process_time

from steersman.domain.goal import Goal
from steersman.domain.ids import OperationName
from steersman.domain.operation import Invocation
from steersman.domain.plan import Plan, Predicate
from steersman.domain.scenario import FactTest, Match, Method, MethodSet, Parameter, Scenario, Subtask
from steersman.planning.check import check
from steersman.planning.planner import plan
from steersman.planning.world import Reading, facts_of
from steersman.testing import plans
from steersman.testing.shelf import Shelf

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PLAN_BOUND_S = 0.5
CHECK_BOUND_S = 1.0


def fleet() -> Scenario:
    there = FactTest(
        probe=Invocation(operation=OperationName("shelf.get"), arguments={"name": "{name}"}),
        test=Predicate(path="/exists", op="==", value=True),
    )
    put = Subtask(operation="shelf.put", arguments={"name": "{name}", "value": 2})
    create = Subtask(operation="shelf.create", arguments={"name": "{name}", "value": 1})
    each = Subtask(id="have-{item}", task="have", arguments={"name": "{item}"}, for_each="services")
    methods = MethodSet(
        root="all",
        methods=(
            Method(name="each", task="all", subtasks=(each,)),
            Method(name="there", task="have", when=(there,), subtasks=(put,)),
            Method(name="new", task="have", subtasks=(create, put)),
        ),
    )
    services = Parameter(name="services", schema={"type": "array"})
    return Scenario(id="fleet", goal="fleet", method=methods, parameters=(services,))


def planned(count: int) -> tuple[Plan, float]:
    names = [f"s{i}" for i in range(count)]
    shelf = Shelf(dict.fromkeys(names[::2], 0))
    facts = facts_of(
        *(
            Reading(
                probe=Invocation(operation=OperationName("shelf.get"), arguments={"name": name}),
                state=shelf.state(name),
                observed_at=NOW,
            )
            for name in names
        )
    )
    matches = [Match(scenario=fleet(), score=1.0, why=())]
    started = process_time()
    made = plan(Goal(text="g", parameters={"services": names}), matches, facts, world=plans.world(), now=NOW)
    spent = process_time() - started
    assert isinstance(made, Plan)
    return made, spent


def checked(shape: str, size: int) -> tuple[int, float]:
    made = plans.make(shape, size=size)
    large = made.budget.model_copy(update={"seconds": 1e6, "calls": 100_000, "undo_calls": 10_000})
    started = process_time()
    found = check(made.model_copy(update={"budget": large}), plans.world())
    return len(found), process_time() - started


def header() -> None:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(f"{platform.machine()} {platform.system()}, Python {platform.python_version()}, ", end="")
    print(f"pydantic {version('pydantic')}, jsonschema-rs {version('jsonschema-rs')}, commit {commit.stdout.strip()}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    header()
    passed, figures = True, {}
    for count in (40, 400) if given.quick else (40, 400, 4_000):
        made, spent = planned(count)
        figures[f"plan_{count}_services_s"] = round(spent, 4)
        passed &= count > 400 or spent < PLAN_BOUND_S
        print(f"plan  {count:>6} services -> {len(made.steps):>6} steps   {spent * 1000:>9.1f} ms CPU")
    for shape in plans.SHAPES:
        found, spent = checked(shape, 1_000)
        figures[f"check_{shape}_1000_s"] = round(spent, 4)
        passed &= found == 0 and spent < CHECK_BOUND_S
        print(f"check {shape:>12} of 1000 steps: {found} problems {spent * 1000:>9.1f} ms CPU")
    print("pass" if passed else "FAIL: a bound is missed")
    if given.json:
        print(json.dumps({"pass": passed, **figures}))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
