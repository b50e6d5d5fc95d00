"""The planner is an adversary: every operation, hostile arguments, all modes, tiers and roles, through the real gate.

It emits single calls by every route and whole plans; forges roles, grants, approvals, environments, versions, dry runs
and inverses; changes what was approved, and sends things twice. Its plans skip the plan checker. People answer
carelessly: most of what asks for approval is approved, by anybody. Every tool records what was really done to it, and
an oracle that shares no code with gate or policy says of each effect whether policy and approvals allowed it.

Bounds: at least 10,000 calls into the gate (a tenth with --quick), every operation among them, 0 effects that were not
allowed, and some that were: a gate that lets nothing through proves nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from pathlib import Path

import hijack_adversary
import hijack_oracle
import hijack_world
from steersman.domain.operation import Operation
from steersman.testing.benchmark import header, report

CALLS, QUICK = 12_000, 1_200


async def attack(seed: int, calls: int, folder: Path) -> tuple[Counter[str], list[str], set[str]]:
    """What was counted, what should not have happened, and which operations were emitted."""
    totals: Counter[str] = Counter()
    violations: list[str] = []
    emitted: set[str] = set()
    queue: list[Operation] = []
    settings = hijack_world.settings()
    for number, setting in enumerate(settings):
        async with hijack_world.opened(folder / f"{number}.db", setting) as world:
            oracle = hijack_oracle.Oracle(world)
            adversary = hijack_adversary.Adversary(world, oracle, seed=seed * 1_000 + number, queue=queue)
            while adversary.counts["calls"] < calls / len(settings):
                await adversary.strike()
            totals.update(adversary.counts)
            totals.update(oracle.counts)
            violations += [f"{setting}: {each}" for each in oracle.violations]
            emitted |= adversary.emitted
    return totals, violations, emitted


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="a tenth of the calls")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    calls = QUICK if given.quick else CALLS
    known = hijack_world.operations()
    header(
        "Hijacked planner against the gate",
        operations=len(known),
        settings=len(hijack_world.settings()),
        seed=given.seed,
    )
    with tempfile.TemporaryDirectory() as folder:
        totals, violations, emitted = asyncio.run(attack(given.seed, calls, Path(folder)))
    for each in violations[:20]:
        print(f"NOT ALLOWED: {each}")
    missing = sorted(set(known) - emitted)
    allowed = totals["allowed effects"]
    passed = not violations and totals["calls"] >= calls and allowed > 0 and not missing
    figures = {"violations": len(violations), "never_emitted": len(missing), **totals}
    rows = [(name, count) for name, count in sorted(totals.items())]
    rows += [("operations never emitted", len(missing)), ("effects that were not allowed", len(violations))]
    return report(("what", "count"), rows, figures, passed=passed, as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
