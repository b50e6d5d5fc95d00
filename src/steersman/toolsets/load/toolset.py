"""Any load generator as a toolset. Runs a profile, keeps the result, and answers what became of it."""

from __future__ import annotations

import os
import platform
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from steersman import __version__
from steersman.domain.environment import Environment
from steersman.domain.errors import ToolError, UnavailableError
from steersman.domain.fact import JsonObject
from steersman.domain.load import LoadCaps, LoadProfile, excess
from steersman.domain.load_operations import load_operations
from steersman.domain.load_port import SECRET_VARIABLE, Finished, Generator, Measured
from steersman.domain.load_result import GeneratorHealth, LoadResult
from steersman.domain.operation import Operation
from steersman.domain.ports import Binding, CallContext
from steersman.judgement.benchmark import judge_run
from steersman.toolsets.load.process import located, run_all
from steersman.toolsets.load.runs import Runs

Secrets = Callable[[str], Awaitable[str]]
"""The value behind a reference such as `env:TOKEN`."""


async def no_secrets(reference: str) -> str:
    """Refuses every reference. Raises ToolError."""
    raise ToolError(f"secret {reference!r} cannot be resolved here; no secret store is configured")


@dataclass(frozen=True, slots=True)
class LoadToolset:
    """The operations of one load generator.

    root: where runs are kept. caps: stand in the schemas, which the gate checks, and are checked here once more.
    """

    generator: Generator
    root: Path
    environment_of: Callable[[], Awaitable[Environment]]
    """The identity of what is put under load."""
    caps: LoadCaps = field(default_factory=LoadCaps)
    secrets: Secrets = no_secrets

    @property
    def name(self) -> str:
        """The generator's."""
        return self.generator.name

    @property
    def runs(self) -> Runs:
        """What is kept."""
        return Runs(self.root, self.generator.name)

    async def environment(self) -> Environment:
        """That of the target."""
        return await self.environment_of()

    def bindings(self) -> Sequence[Binding]:
        """All operations. Does no I/O."""
        handlers = {
            "get_run": self._get_run,
            "watch_run": self._watch_run,
            "read_result": self._read_result,
            "compile": self._compile,
            "run": self._run,
            "run_changing": self._run_changing,
            "cancel_run": self._cancel_run,
        }
        return tuple(Binding(operation, handlers[_verb(operation)]) for operation in self.operations())

    def operations(self) -> tuple[Operation, ...]:
        """With the caps in their schemas."""
        return load_operations(self.generator.name, self.caps)

    async def _get_run(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        return {"exists": self.runs.exists(str(arguments["name"]))}

    async def _watch_run(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        name = str(arguments["name"])
        return figures(*self.runs.load(name)) if self.runs.exists(name) else {"finished": False}

    async def _read_result(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        return self.runs.load(str(arguments["name"]))[1].model_dump(mode="json")

    async def _compile(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        return self.generator.compile(self._profile(arguments)).model_dump(mode="json")

    async def _run_changing(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        return await self._load(arguments, context, changes_data=True)

    async def _run(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        return await self._load(arguments, context, changes_data=False)

    async def _cancel_run(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        # A generator lives only inside its call, which is cancelled with it, and dies with this process.
        self.runs.delete(str(arguments["name"]))
        return {"exists": False}

    def _profile(self, arguments: JsonObject) -> LoadProfile:
        try:
            profile = LoadProfile.model_validate(arguments["profile"])
        except ValidationError as e:
            raise ToolError(f"{self.name}: the profile is none: {e.errors(include_url=False)[0]['msg']}") from e
        problem = excess(profile, self.caps)
        if problem is not None:
            raise ToolError(f"{self.name}: {problem}")
        return profile

    async def _load(self, arguments: JsonObject, context: CallContext, *, changes_data: bool) -> JsonObject:
        name, profile = str(arguments["name"]), self._profile(arguments)
        if profile.changes_data and not changes_data:
            verb = f"{self.name}.run_changing"
            raise ToolError(f"profile {profile.name!r} has methods that may change data at the target; use {verb!r}")
        if self.runs.exists(name):
            if self.runs.key(name) == context.key:
                return figures(*self.runs.load(name))
            raise ToolError(f"a {self.name} run {name!r} is kept already; take another name, or cancel that one")
        compiled = self.generator.compile(profile)
        refused = [gap.detail for gap in compiled.gaps if gap.severity == "refused"]
        if refused:
            raise ToolError(f"{self.name} cannot run profile {profile.name!r}: {refused[0]}; take another generator")
        if context.dry_run:
            located(self.generator.launch(profile).commands[0][0])
            return {"finished": False}
        result = await self._measure(name, profile, context.key, files=compiled.files)
        return figures(profile, result)

    async def _measure(self, name: str, profile: LoadProfile, key: str, *, files: dict[str, str]) -> LoadResult:
        folder = self.runs.begin(name, profile, key)
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8")
        launch = self.generator.launch(profile)
        secret = {SECRET_VARIABLE: await self.secrets(profile.auth.secret)} if profile.auth else {}
        finished = await run_all(launch, folder, seconds=profile.duration_s + profile.timeout_s, environment=secret)
        (folder / "stdout.txt").write_text(finished.stdout, encoding="utf-8")
        (folder / "stderr.txt").write_text(finished.stderr, encoding="utf-8")
        if finished.exit_code not in launch.good_exits:
            last = " ".join(finished.stderr.split())[-300:]
            raise UnavailableError(f"{self.name} ended with exit code {finished.exit_code}: {last!r}")
        result = _result(name, profile, self.generator.read(profile, folder), finished, generator=self.generator)
        self.runs.keep(name, result)
        return result


def _verb(operation: Operation) -> str:
    return operation.name.partition(".")[2]


def _result(
    name: str, profile: LoadProfile, measured: Measured, finished: Finished, *, generator: Generator
) -> LoadResult:
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
            cpu_peak=finished.cpu_peak,
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


def figures(profile: LoadProfile, result: LoadResult) -> JsonObject:
    """A result in a few numbers, with its verdict."""
    verdict, latency = judge_run(profile, result), result.latency
    p50, p95, p99 = (latency.quantile_ms(q) if latency.count else 0.0 for q in (0.5, 0.95, 0.99))
    return {
        "finished": True,
        "requests": result.requests,
        "failures": result.failures,
        "failed_percent": 100 * result.failures / result.requests if result.requests else 0.0,
        "rate": result.rate,
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        "verdict": verdict.result,
        "reason": verdict.reason,
        "checks_passed": verdict.result == "pass",
    }
