"""Planning goals in Korean and English: without a model, with a perfect one, and with garbage.

Bounds: without a model at least 85 % of the possible goals get the right scenario and parameters, all impossible and
adversarial ones are refused, and no invalid plan is handed out; with a scripted perfect model at least 95 %; with a
garbage model no invalid plan, every impossible goal refused, the caps kept, and the result that there is without one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from steersman.app.evaluation import Exam, GoalCase, GoalResult, read_cases
from steersman.app.scenarios import Knowledge
from steersman.app.settings import KnowledgeSettings, Settings
from steersman.app.store import CLOCK
from steersman.domain.errors import ToolError
from steersman.domain.fact import JsonObject
from steersman.domain.model import Model, Prompt
from steersman.models.meter import Meter, Metered
from steersman.models.spec import FREE, Caps
from steersman.testing.benchmark import header, report
from steersman.testing.models import FakeModel, GullibleModel, Reply, garbage

DATA = Path(__file__).parent / "data" / "planning_goals.jsonl"
ALONE_BOUND, PERFECT_BOUND = 0.85, 0.95
CAPS = Caps(calls=6, tokens=60_000)
QUICK = 3
"""Every third case."""


def perfect(case: GoalCase) -> Model:
    """Knows the answer, and says it in the forms that it is asked for."""

    def reply(prompt: Prompt) -> Reply:
        properties = (prompt.shape or {}).get("properties")
        assert isinstance(properties, dict)
        if "steps" in properties:
            return {"steps": [], "impossible": "no operation does this"}
        if "scenario" not in properties:
            return ToolError("what is this?")
        scenario = properties["scenario"]
        offered = scenario.get("enum") if isinstance(scenario, dict) else None
        known = isinstance(offered, list) and case.scenario in offered
        pairs = [{"name": k, "value": v if isinstance(v, str) else json.dumps(v)} for k, v in case.parameters.items()]
        answer: JsonObject = {"scenario": case.scenario if known else "none", "parameters": [*pairs] if known else []}
        return answer

    return FakeModel(reply)


def rated(results: Sequence[GoalResult]) -> dict[str, float]:
    possible = [r for r in results if not r.case.refused]
    refused = [r for r in results if r.case.refused]
    return {
        "right": sum(r.right for r in possible) / len(possible),
        "refused": sum(r.right for r in refused) / len(refused),
        "invalid": sum(r.problems > 0 for r in results),
        "seconds": sum(r.seconds for r in results) / len(results),
    }


def metered(kind: Callable[[GoalCase], Model], meters: list[Meter]) -> Callable[[GoalCase], Model]:
    def model_for(case: GoalCase) -> Model:
        meters.append(Meter(CAPS, CLOCK))
        return Metered(kind(case), meters[-1], FREE)

    return model_for


def same(left: Sequence[GoalResult], right: Sequence[GoalResult]) -> float:
    equal = [
        (a.scenario, a.parameters, a.right) == (b.scenario, b.parameters, b.right)
        for a, b in zip(left, right, strict=True)
    ]
    return sum(equal) / len(equal)


def within(meters: Sequence[Meter]) -> bool:
    return all(m.calls <= CAPS.calls and m.tokens <= CAPS.tokens + 20_000 for m in meters)


async def run(exam: Exam) -> tuple[dict[str, list[GoalResult]], bool]:
    meters: list[Meter] = []
    kinds: dict[str, Callable[[GoalCase], Model]] = {
        "perfect": perfect,
        "garbage": lambda case: FakeModel(garbage(int(case.id[1:]))),
        "gullible": lambda _: GullibleModel(),
    }
    results = {"alone": await exam.taken(lambda _: None)}
    for name, kind in kinds.items():
        results[name] = await exam.taken(metered(kind, meters))
    return results, within(meters)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--wrong", action="store_true", help="print each goal that went wrong")
    given = parser.parse_args()
    cases = read_cases(DATA)[:: QUICK if given.quick else 1]
    with tempfile.TemporaryDirectory() as home:
        knowledge = Knowledge(Settings(home=Path(home), knowledge=KnowledgeSettings()))
        exam = Exam.of(cases, knowledge)
        results, kept = asyncio.run(run(exam))
    refused = sum(bool(case.refused) for case in cases)
    header("Planning goals", goals=len(cases), impossible=refused, korean=sum(case.lang == "ko" for case in cases))
    rates = {name: rated(found) for name, found in results.items()}
    agree = {name: same(results["alone"], found) for name, found in results.items()}
    if given.wrong:
        for name, found in results.items():
            for each in found:
                if not each.right:
                    print(
                        name, each.case.id, each.case.text, "->", each.scenario or each.refused[:120], each.parameters
                    )
    passed = (
        rates["alone"]["right"] >= ALONE_BOUND
        and rates["perfect"]["right"] >= PERFECT_BOUND
        and all(rate["refused"] == 1 and rate["invalid"] == 0 for rate in rates.values())
        and agree["garbage"] == 1
        and kept
    )
    rows = [
        [
            name,
            f"{r['right']:.1%}",
            f"{r['refused']:.1%}",
            r["invalid"],
            f"{agree[name]:.1%}",
            f"{r['seconds'] * 1e3:.0f}",
        ]
        for name, r in rates.items()
    ]
    columns = ["model", "right", "impossible refused", "invalid plans", "as without", "ms a goal"]
    figures: JsonObject = {name: {**rate, "as_alone": agree[name]} for name, rate in rates.items()}
    return report(columns, rows, {**figures, "caps_kept": kept}, passed=passed, as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
