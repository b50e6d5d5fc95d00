"""The search for the highest rate that holds the goals, as runs in folders of their own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from steersman.domain.errors import ToolError
from steersman.domain.fact import JsonObject
from steersman.domain.load import LoadCaps, LoadProfile, Stage, excess
from steersman.domain.load_result import Limit, LoadResult, SearchPoint
from steersman.judgement.benchmark import judge_run
from steersman.judgement.limit import found, next_rate
from steersman.toolsets.load.measuring import Measuring

MOST_POINTS = 10
WARM_UP = 0.2
"""Share of each run that is sent and not measured."""


@dataclass(frozen=True, slots=True)
class LimitSearch:
    """What is looked for, within which bounds."""

    name: str
    profile: LoadProfile
    lowest: float
    highest: float
    most_points: int

    @classmethod
    def of(cls, name: str, profile: LoadProfile, arguments: JsonObject, caps: LoadCaps) -> Self:
        """The search that a call asks for. Raises ToolError when it could go beyond the caps."""
        lowest, highest = float(str(arguments["lowest"])), float(str(arguments["highest"]))
        points = int(str(arguments.get("most_points", MOST_POINTS)))
        search = cls(name, profile, lowest, highest, points)
        if profile.model != "open":
            raise ToolError(f"profile {profile.name!r} is of the closed model; a rate is sought in the open one")
        if not profile.goals:
            raise ToolError(f"profile {profile.name!r} has no goals to hold; give some, such as p95 < 300 ms")
        if lowest > highest:
            raise ToolError(f"the lowest rate {lowest:g} is above the highest {highest:g}; turn them round")
        problem = excess(search.at(highest), caps)
        whole_s = points * search.at(highest).duration_s
        if problem is None and whole_s > caps.duration_s:
            problem = f"{points} runs take {whole_s:g} s, more than the cap of {caps.duration_s:g} s; shorten the stage"
        if problem is not None:
            raise ToolError(f"search {name!r}: {problem}")
        return search

    def at(self, rate: float) -> LoadProfile:
        """The profile at a steady rate, for as long as the first stage of the one that was given."""
        duration_s = self.profile.stages[0].duration_s
        change = {"stages": (Stage(duration_s=duration_s, level=rate),), "warm_up_s": duration_s * WARM_UP}
        return LoadProfile.model_validate(self.profile.model_copy(update=change).model_dump())

    async def find(self, measuring: Measuring, folder: Path) -> Limit:
        """Runs until the limit is known well enough, or as many runs were made as may be."""
        points: list[SearchPoint] = []
        while len(points) < self.most_points:
            rate = next_rate(points, self.lowest, self.highest)
            if rate is None:
                break
            place = folder / f"point-{len(points) + 1}"
            place.mkdir(mode=0o700)
            profile = self.at(round(rate, 3))
            points.append(_point(profile, await measuring.measure(place.name, profile, place)))
        return found(self.name, measuring.generator.name, points)


def _point(profile: LoadProfile, result: LoadResult) -> SearchPoint:
    verdict = judge_run(profile, result)
    return SearchPoint(
        rate=profile.peak,
        requests_s=result.rate,
        p95_ms=result.latency.quantile_ms(0.95) if result.latency.count else 0.0,
        failures=result.failures,
        result=verdict.result,
        reason=verdict.reason,
    )
