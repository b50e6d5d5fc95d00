"""Any load generator as a toolset. Runs a profile, keeps the result, and answers what became of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from steersman.domain.environment import Environment
from steersman.domain.errors import ToolError
from steersman.domain.fact import JsonObject
from steersman.domain.load import LoadCaps, LoadProfile, excess
from steersman.domain.load_operations import load_operations
from steersman.domain.load_port import Generator
from steersman.domain.load_result import Limit, LoadResult
from steersman.domain.operation import Operation
from steersman.domain.ports import Binding, CallContext
from steersman.judgement.benchmark import judge_run
from steersman.judgement.benchmark_compare import compare
from steersman.toolsets.load.history import History
from steersman.toolsets.load.limit import LimitSearch
from steersman.toolsets.load.measuring import Measuring, Secrets, compiled, no_secrets
from steersman.toolsets.load.process import located
from steersman.toolsets.load.runs import Runs


@dataclass(frozen=True)  # no slots: the operations are made once
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
            "compare": self._compare,
            "compile": self._compile,
            "run": self._run,
            "run_changing": self._run_changing,
            "find_limit": self._find_limit,
            "cancel_run": self._cancel_run,
        }
        return tuple(Binding(operation, handlers[_verb(operation)]) for operation in self.operations)

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """With the caps in their schemas."""
        return load_operations(self.generator.name, self.caps)

    async def _get_run(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        return {"exists": self.runs.exists(str(arguments["name"]))}

    async def _watch_run(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        name = str(arguments["name"])
        return figures(*self.runs.load(name)) if self.runs.has_result(name) else {"finished": False}

    async def _read_result(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        return self.runs.load(str(arguments["name"]))[1].model_dump(mode="json")

    async def _compare(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        sides = []
        for side in ("names", "baselines"):
            names = arguments[side]
            sides.append([self.runs.load(str(name))[1] for name in names] if isinstance(names, list) else [])
        verdict = compare(*sides)
        return {"verdict": verdict.result, "reason": verdict.reason, "passed": verdict.result == "pass"}

    async def _compile(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        return self.generator.compile(self._profile(arguments)).model_dump(mode="json")

    async def _run_changing(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        return await self._load(arguments, context, changes_data=True)

    async def _run(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        return await self._load(arguments, context, changes_data=False)

    async def _find_limit(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        name, profile = str(arguments["name"]), self._profile(arguments)
        search = LimitSearch.of(name, profile, arguments, self.caps)
        if profile.changes_data:
            raise ToolError(f"profile {profile.name!r} may change data at the target; a search sends it many times")
        if self._is_kept(name, context.key):
            return self.runs.load_limit(name).model_dump(mode="json")
        compiled(self.generator, profile)
        if context.dry_run:
            return self._rehearsed(profile, Limit(name=name, generator=self.generator.name, holds=None, breaks=None))
        folder = self.runs.begin(name, profile, context.key)
        limit = await search.find(Measuring(self.generator, self.secrets), folder)
        self.runs.keep_limit(name, limit)
        return limit.model_dump(mode="json")

    async def _cancel_run(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        # A generator lives only inside its call, which is cancelled with it, and dies with this process.
        self.runs.delete(str(arguments["name"]))
        History(self.root).delete(self.generator.name, str(arguments["name"]))
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
        if self._is_kept(name, context.key):
            return figures(*self.runs.load(name))
        compiled(self.generator, profile)
        if context.dry_run:
            located(self.generator.launch(profile).commands[0][0])
            return {"finished": False}
        folder = self.runs.begin(name, profile, context.key)
        result = await Measuring(self.generator, self.secrets).measure(name, profile, folder)
        self.runs.keep(name, result)
        where = str(await self.environment_of())
        History(self.root).add(profile, result, judge_run(profile, result), where)
        return figures(profile, result)

    def _is_kept(self, name: str, key: str) -> bool:
        """Whether this very call has been done. Raises ToolError when another one had that name."""
        if not self.runs.exists(name):
            return False
        if self.runs.key(name) == key:
            return True
        forget = f"`steer bench forget {self.name}/{name}`"
        raise ToolError(f"a {self.name} run {name!r} is kept already; take another name, or free it by {forget}")

    def _rehearsed(self, profile: LoadProfile, nothing: Limit) -> JsonObject:
        located(self.generator.launch(profile).commands[0][0])
        return nothing.model_dump(mode="json")


def _verb(operation: Operation) -> str:
    return operation.name.partition(".")[2]


def figures(profile: LoadProfile, result: LoadResult) -> JsonObject:
    """A result in a few numbers, with its verdict."""
    verdict, latency = judge_run(profile, result), result.latency
    p50, p95, p99 = (latency.quantile_ms(q) if latency.count else 0.0 for q in (0.5, 0.95, 0.99))
    return {
        "finished": True,
        "target": profile.target,
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
