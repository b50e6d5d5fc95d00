"""One run of a generator in a folder of its own, as a result."""

from __future__ import annotations

import asyncio
import os
import platform
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from steersman import __version__
from steersman.domain.errors import ToolError, UnavailableError
from steersman.domain.load import LoadProfile
from steersman.domain.load_port import SECRET_VARIABLE, Finished, Generator, Measured
from steersman.domain.load_result import GeneratorHealth, LoadResult
from steersman.toolsets.load.process import run_all
from steersman.toolsets.load.watching import Watcher

Secrets = Callable[[str], Awaitable[str]]
"""The value behind a reference such as `env:TOKEN`."""


async def no_secrets(reference: str) -> str:
    """Refuses every reference. Raises ToolError."""
    raise ToolError(f"secret {reference!r} cannot be resolved here; no secret store is configured")


def compiled(generator: Generator, profile: LoadProfile) -> dict[str, str]:
    """The files of a profile. Raises ToolError for what the generator cannot say and must not leave out."""
    made = generator.compile(profile)
    refused = [gap.detail for gap in made.gaps if gap.severity == "refused"]
    if refused:
        raise ToolError(f"{generator.name} cannot run profile {profile.name!r}: {refused[0]}; take another generator")
    return made.files


@dataclass(frozen=True, slots=True)
class Measuring:
    """Runs profiles."""

    generator: Generator
    secrets: Secrets

    async def measure(self, name: str, profile: LoadProfile, folder: Path) -> LoadResult:
        """What a run in a folder measured. Raises ToolError or UnavailableError when it measured nothing."""
        for file, text in compiled(self.generator, profile).items():
            (folder / file).write_text(text, encoding="utf-8")
        watcher = Watcher(self.generator, profile, folder, _free_port())
        launch = self.generator.launch(profile, port=watcher.port)
        secret = {SECRET_VARIABLE: await self.secrets(profile.auth.secret)} if profile.auth else {}
        following = asyncio.ensure_future(watcher.follow())
        try:
            finished = await run_all(
                launch,
                folder,
                seconds=profile.duration_s + profile.timeout_s,
                environment=secret,
                stop=watcher.stop,
            )
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        (folder / "stdout.txt").write_text(finished.stdout, encoding="utf-8")
        (folder / "stderr.txt").write_text(finished.stderr, encoding="utf-8")
        if finished.exit_code not in launch.good_exits and not watcher.aborted:
            last = " ".join(finished.stderr.split())[-300:]
            raise UnavailableError(f"{self.generator.name} ended with exit code {finished.exit_code}: {last!r}")
        measured = self.generator.read(profile, folder)
        result = result_of(name, profile, measured, finished, generator=self.generator)
        return _cut(result, finished, watcher) if watcher.aborted else result


def _cut(result: LoadResult, finished: Finished, watcher: Watcher) -> LoadResult:
    """A run that ended early, measured until then."""
    end_s = watcher.points[-1].at_s
    blocks = tuple(block for block in result.blocks if block.start_s <= end_s)
    health = result.health.model_copy(update={"cpu_peak": finished.cpu_peak(end_s)})
    until = min(end_s, watcher.profile.duration_s)
    planned = watcher.profile.planned(watcher.profile.warm_up_s, until) if result.model == "open" else None
    return result.model_copy(
        update={
            "aborted": watcher.aborted,
            "blocks": blocks,
            "health": health,
            "measured_s": max(until - watcher.profile.warm_up_s, 0.001),
            "planned_journeys": planned,
        }
    )


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def result_of(
    name: str, profile: LoadProfile, measured: Measured, finished: Finished, *, generator: Generator
) -> LoadResult:
    """Everything about a run in one schema."""
    is_open = profile.model == "open"
    return LoadResult(
        name=name,
        generator=generator.name,
        model=profile.model,
        profile_digest=profile.fingerprint,
        started_at=finished.started_at,
        finished_at=finished.finished_at,
        users=None if is_open else round(profile.peak),
        planned_journeys=profile.planned(profile.warm_up_s, profile.duration_s) if is_open else None,
        measured_s=profile.duration_s - profile.warm_up_s,
        blocks=measured.blocks,
        errors=dict(measured.errors),
        steps=measured.steps,
        health=GeneratorHealth(
            cores=finished.cores,
            cpu_s=finished.cpu_s,
            cpu_peak=finished.cpu_peak(profile.duration_s),
            wall_s=finished.wall_s,
            started=measured.started,
            dropped=measured.dropped,
            late_ms=measured.late_ms,
            exit_code=finished.exit_code,
        ),
        environment={
            "machine": platform.machine(),
            "system": platform.system(),
            "cores": str(os.cpu_count() or 1),
            "steersman": __version__,
        },
        raw=measured.raw,
    )
