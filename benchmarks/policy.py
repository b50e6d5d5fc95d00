"""Cost of a policy decision: the shipped rules on requests of all kinds, CPU time; Cedar beside it where installed.

Bound: the median decision takes at most 100 microseconds.
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import median
from time import process_time_ns

from steersman.domain.environment import Environment, Principal
from steersman.domain.ids import OperationName, PrincipalId, ResourceId
from steersman.domain.policy import PolicyRequest
from steersman.policy.engine import load
from steersman.policy.schema import WORDS, facts

BOUND_US = 100.0
BATCH = 20


def requests() -> list[PolicyRequest]:
    axes = [WORDS[name] for name in ("effect", "mode", "route", "tier", "planner", "blast_radius")]
    return [_request(*words, reversible=number % 2 == 0) for number, words in enumerate(itertools.product(*axes))]


def _request(*words: str, reversible: bool) -> PolicyRequest:
    effect, mode, route, tier, planner, radius = words
    return PolicyRequest.model_validate(
        {
            "principal": Principal(id=PrincipalId("local:min"), kind="human", roles=frozenset({"operator"})),
            "operation": OperationName("kubernetes.set_image"),
            "toolset": "kubernetes",
            "effect": effect,
            "reversible": reversible,
            "blast_radius": radius,
            "resource": ResourceId("kubernetes/deployment/shop/payments"),
            "environment": Environment.model_validate(
                {"kind": "kubernetes", "name": "a", "uid": "b", "url": "", "tier": tier}
            ),
            "mode": mode,
            "route": route,
            "planner": planner,
            "frozen": False,
            "protected": False,
            "at": datetime(2026, 1, 7, 12, tzinfo=UTC),
        }
    )


def timed(action: Callable[[PolicyRequest], object], asked: list[PolicyRequest]) -> float:
    """Median CPU of one call in microseconds, over batches."""
    spent = []
    for start in range(0, len(asked) - BATCH, BATCH):
        began = process_time_ns()
        for request in asked[start : start + BATCH]:
            action(request)
        spent.append((process_time_ns() - began) / BATCH / 1_000)
    return median(spent)


def cedar(asked: list[PolicyRequest]) -> float | None:
    """The same number of rules in Cedar, forbids and permits: one of the two questions that its answer would take."""
    try:
        import cedarpy
    except ImportError:
        return None
    rules = cedarpy.PolicySet.from_str(
        "".join(
            f'{verb}(principal, action, resource) when {{ context.mode == "{mode}" && context.effect != "{effect}" }};'
            for verb in ("forbid", "permit")
            for mode in ("review", "suggest", "autonomous")
            for effect in WORDS["effect"]
        )
    )
    nothing = cedarpy.Entities.from_json_str("[]")

    def ask(request: PolicyRequest) -> object:
        question = {"principal": 'P::"a"', "action": 'A::"b"', "resource": 'R::"c"', "context": facts(request)}
        return cedarpy.is_authorized(question, rules, nothing)

    return timed(ask, asked[:2_000])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(f"{platform.machine()} {platform.system()}, Python {platform.python_version()}, ", end="")
    print(f"CEL {version('common-expression-language')}, commit {commit.stdout.strip()}")
    asked = requests()[:: 4 if given.quick else 1]
    policy = load()
    loading = process_time_ns()
    load()
    load_ms = (process_time_ns() - loading) / 1e6
    spent, rival = timed(policy.decide, asked), cedar(asked)
    print(
        f"decide   {spent:>8.1f} us CPU, {len(asked)} requests, {len(policy.rules)} rules; loaded in {load_ms:.0f} ms"
    )
    if rival is not None:
        print(f"Cedar    {rival:>8.1f} us CPU, one question of the two that a decision with approvals takes")
    passed = spent <= BOUND_US
    print("pass" if passed else "FAIL: a bound is missed")
    if given.json:
        print(json.dumps({"pass": passed, "decide_us": spent, "cedar_us": rival, "load_ms": load_ms}))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
