"""Load generators put together, and what was kept of their runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from steersman.app.settings import Settings
from steersman.domain.environment import Environment
from steersman.domain.errors import InputError
from steersman.domain.load import Compiled, GeneratorName, LoadCaps, LoadProfile
from steersman.domain.load_port import Generator
from steersman.domain.load_result import HistoryLine, Limit, LoadResult, LoadVerdict, Progress
from steersman.judgement.benchmark import judge_run
from steersman.judgement.change_points import ChangePoint, change_points
from steersman.toolsets.k6 import K6
from steersman.toolsets.load import History, LoadToolset, Runs
from steersman.toolsets.load.measuring import Secrets, no_secrets
from steersman.toolsets.load.watching import told
from steersman.toolsets.locust import Locust
from steersman.toolsets.vegeta import Vegeta

FOLDER = "loads"


def generator(name: GeneratorName) -> Generator:
    """The load generator of that name."""
    made: dict[GeneratorName, Callable[[], Generator]] = {"k6": K6, "locust": Locust, "vegeta": Vegeta}
    return made[name]()


def load_toolsets(
    home: Path,
    where: Callable[[], Awaitable[Environment]],
    *,
    caps: LoadCaps | None = None,
    secrets: Secrets = no_secrets,
    locust_processes: int = 0,
) -> tuple[LoadToolset, ...]:
    """One for each generator. where: the identity of what is put under load. locust_processes: 0: as needed."""
    made: tuple[Generator, ...] = (K6(), Locust(processes=locust_processes), Vegeta())
    return tuple(LoadToolset(each, home / FOLDER, where, caps or LoadCaps(), secrets) for each in made)


def caps_of(settings: Settings, where: Environment) -> LoadCaps:
    """How hard may be put under load there."""
    configured = settings.environments.get(where.name) if where.kind != "lab" else None
    return configured.load.caps if configured is not None and configured.load is not None else LoadCaps()


def folder(settings: Settings) -> Path:
    """Where runs are kept."""
    return settings.home / FOLDER


def compiled(profile: LoadProfile, name: GeneratorName) -> Compiled:
    """A profile in a generator's own language."""
    return generator(name).compile(profile)


def history(settings: Settings, *, profile: str = "", limit: int = 1_000) -> list[HistoryLine]:
    """Runs in short, oldest first."""
    return History(folder(settings)).lines(profile=profile, limit=limit)


def changes(lines: Sequence[HistoryLine]) -> dict[str, ChangePoint]:
    """Where the p95 of runs of one load against one target changed for good, by the first run of the new level."""
    found: dict[str, ChangePoint] = {}
    series: dict[tuple[str, str, str], list[HistoryLine]] = {}
    for line in lines:
        if line.p95_ms > 0:
            series.setdefault((line.fingerprint, line.target, line.generator), []).append(line)
    for group in series.values():
        for change in change_points([line.p95_ms for line in group]):
            found[group[change.index].name] = change
    return found


def progress(settings: Settings, name: str, generator_name: GeneratorName) -> list[Progress]:
    """How a run stands that goes on, in whichever process."""
    return told(Runs(folder(settings), generator_name).folder(name))


def is_kept(settings: Settings, name: str, generator_name: GeneratorName) -> bool:
    """Whether a run, or a search, of that name is kept; one that failed or was stopped is none."""
    return Runs(folder(settings), generator_name).exists(name)


def kept(settings: Settings, name: str) -> tuple[LoadProfile, LoadResult, LoadVerdict]:
    """A run by name: `RUN`, or `GENERATOR/RUN` where two have that name. Raises InputError when there is none."""
    wanted, _, plain = name.rpartition("/")
    found = [line for line in history(settings, limit=100_000) if line.name == plain and wanted in ("", line.generator)]
    if not found:
        raise InputError(f"no load run {name!r} is kept; `steer bench history` lists all")
    if len(found) > 1:
        both = ", ".join(f"'{line.generator}/{line.name}'" for line in found)
        raise InputError(f"{name!r} is ambiguous; say {both}")
    profile, result = Runs(folder(settings), found[0].generator).load(plain)
    return profile, result, judge_run(profile, result)


def kept_limit(settings: Settings, name: str, generator_name: GeneratorName) -> Limit:
    """What a search found. Raises ToolError when there is none."""
    return Runs(folder(settings), generator_name).load_limit(name)
