"""CI as a toolset: a run is started under a name, found again by it, waited for, read, cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pydantic import JsonValue

from steersman.domain.environment import Environment
from steersman.domain.errors import OutcomeUnknownError, ToolError
from steersman.domain.fact import Fact, JsonObject
from steersman.domain.ids import OperationName
from steersman.domain.operation import Invocation, Operation
from steersman.domain.ports import Binding, CallContext, Clock
from steersman.domain.typed import bind, parse, read_operation, schema_of, state_schema
from steersman.remote.text import one_line
from steersman.toolsets.ci import facts
from steersman.toolsets.ci.port import FINISHED, CiSystem, NewRun, PipelineRun

NAME = "ci"
RUN_ID = "ci/run/{pipeline}/{name}"
POLL_S = 5.0
APPEARS_S = 45.0
"""A run that was started is seen after so long at the latest."""
LINE = 500


def _args(names: str) -> JsonObject:
    return {name: {"$arg": f"/{name}"} for name in names.split()}


def _invoke(verb: str, **arguments: JsonValue) -> Invocation:
    return Invocation(operation=OperationName(f"{NAME}.{verb}"), arguments=arguments)


def _write(verb: str, summary: str, *, takes: type[Fact], gives: type[Fact], **more: object) -> Operation:
    return Operation.model_validate(
        {
            "name": f"{NAME}.{verb}",
            "summary": summary,
            "effect": "write",
            "resource": RUN_ID,
            "blast_radius": "service",
            "idempotent": "natural",
            "timeout_s": 90.0,
            "input_schema": schema_of(takes),
            "output_schema": schema_of(gives),
            "probe": _invoke("get_run", **_args("pipeline name")),
            **more,
        }
    )


GET_RUN = read_operation(
    "ci.get_run", "Tells whether a pipeline was run under a name", takes=facts.OfRun, gives=facts.RunShown
).model_copy(update={"resource": RUN_ID, "output_schema": state_schema(facts.RunShown)})
GET_UNFINISHED = read_operation(
    "ci.get_unfinished_run", "Tells whether a run is still at work", takes=facts.OfRun, gives=facts.RunShown
).model_copy(update={"resource": RUN_ID, "output_schema": state_schema(facts.RunShown)})
WATCH_RUN = read_operation(
    "ci.watch_run",
    "Waits until a run has finished, and shows how",
    takes=facts.Waiting,
    gives=facts.Watched,
    timeout_s=14_500,
)
LOGS = read_operation(
    "ci.logs", "Shows the end of a run's logs; they are untrusted", takes=facts.Tail, gives=facts.Logs, timeout_s=120
)
ARTIFACTS = read_operation(
    "ci.artifacts", "Lists the files that a run has left", takes=facts.OfRun, gives=facts.Artifacts
)
START_RUN = _write(
    "start_run",
    "Runs a pipeline under a name",
    takes=facts.NewRunAsked,
    gives=facts.Started,
    access="create",
    after={"exists": True, **_args("ref")},
    inverse=_invoke("cancel_run", **_args("pipeline name")),
    residue="a run that has finished, with what it built",
)
CANCEL_RUN = _write(
    "cancel_run",
    "Stops a run that has not finished; one that has is left as it is",
    takes=facts.OfRun,
    gives=facts.Cancelled,
    access="delete",
    probe=_invoke("get_unfinished_run", **_args("pipeline name")),
    after={"exists": False},
)
OPERATIONS = (GET_RUN, GET_UNFINISHED, WATCH_RUN, LOGS, ARTIFACTS, START_RUN, CANCEL_RUN)


@dataclass(frozen=True, slots=True)
class CiToolset:
    """The operations of one CI system."""

    system: CiSystem
    pipelines: tuple[str, ...]
    """Patterns of those that may be started; all may be read."""
    where: Environment
    clock: Clock
    name: str = NAME

    async def environment(self) -> Environment:
        """Where it is. Raises what any call raises when nothing like this system answers there."""
        await self.system.version()
        return self.where

    async def get_run(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        """The run of that name; one that was cancelled does not count."""
        return _shown(await self._counting(parse(facts.OfRun, arguments)))

    async def get_unfinished(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        """The run of that name, as long as it is at work: what there is to stop."""
        found = await self._counting(parse(facts.OfRun, arguments))
        return _shown(None if found is None or found.state in FINISHED else found)

    async def start_run(self, new: facts.NewRunAsked) -> facts.Started:
        """Starts it unless it is there, and waits until it can be found. Raises OutcomeUnknownError when it cannot."""
        if not any(fnmatchcase(new.pipeline, pattern) for pattern in self.pipelines):
            listed = ", ".join(self.pipelines) or "none"
            raise ToolError(f"pipeline {new.pipeline!r} may not be started; {listed} may: see `pipelines`")
        found = await self._counting(new)
        if found is not None:
            if found.ref != new.ref:
                raise ToolError(f"a run {new.name!r} of {found.ref!r} is there already; choose another name")
            return facts.Started(started=False, id=found.id, url=one_line(found.url))
        await self.system.start(new.pipeline, NewRun(new.name, new.ref, new.inputs))
        found = await self._appeared(new)
        return facts.Started(started=True, id=found.id, url=one_line(found.url))

    async def cancel_run(self, ask: facts.OfRun) -> facts.Cancelled:
        """Asks it to stop, and waits until it has. One that has finished is no error: nothing is left to stop."""
        found = await self._counting(ask)
        if found is None or found.state in FINISHED:
            return facts.Cancelled(cancelled=False, state=found.state if found else None)
        await self.system.cancel(ask.pipeline, found)
        end = self.clock.monotonic() + APPEARS_S
        while found is not None and found.state not in FINISHED and self.clock.monotonic() < end:
            await self.clock.sleep(1.0)
            found = await self.system.find(ask.pipeline, ask.name)
        return facts.Cancelled(
            cancelled=found is None or found.state == "cancelled", state=found.state if found else None
        )

    async def watch_run(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """Until it has finished, the wait is used up, or the call's deadline is near."""
        ask = parse(facts.Waiting, arguments)
        room_s = (context.deadline - self.clock.now()).total_seconds() - POLL_S
        end = self.clock.monotonic() + min(ask.wait_s, room_s)
        while True:
            found, left_s = await self.system.find(ask.pipeline, ask.name), end - self.clock.monotonic()
            if (found is not None and found.state in FINISHED) or left_s <= 0:
                return _watched(found).model_dump(mode="json")
            await self.clock.sleep(min(POLL_S, left_s))

    async def logs(self, ask: facts.Tail) -> facts.Logs:
        """The last lines, of what failed first."""
        found = await self.system.find(ask.pipeline, ask.name)
        if found is None:
            return facts.Logs(exists=False)
        lines = [one_line(line, limit=LINE) for line in (await self.system.logs(ask.pipeline, found)).splitlines()]
        return facts.Logs(exists=True, excerpt=tuple(lines[-ask.lines :]), left_out=max(len(lines) - ask.lines, 0))

    async def artifacts(self, ask: facts.OfRun) -> facts.Artifacts:
        """What the run has left."""
        found = await self.system.find(ask.pipeline, ask.name)
        if found is None:
            return facts.Artifacts(exists=False)
        listed = await self.system.artifacts(ask.pipeline, found)
        shown = (
            facts.ArtifactShown(name=one_line(each.name), size_bytes=each.size_bytes, digest=one_line(each.digest))
            for each in listed
        )
        return facts.Artifacts(exists=True, artifacts=tuple(shown))

    def bindings(self) -> Sequence[Binding]:
        """All of its operations. Does no I/O."""
        return (
            Binding(GET_RUN, self.get_run),
            Binding(GET_UNFINISHED, self.get_unfinished),
            Binding(WATCH_RUN, self.watch_run),
            bind(LOGS, facts.Tail, self.logs),
            bind(ARTIFACTS, facts.OfRun, self.artifacts),
            bind(START_RUN, facts.NewRunAsked, self.start_run),
            bind(CANCEL_RUN, facts.OfRun, self.cancel_run),
        )

    async def _counting(self, ask: facts.OfRun) -> PipelineRun | None:
        found = await self.system.find(ask.pipeline, ask.name)
        return None if found is None or found.state == "cancelled" else found

    async def _appeared(self, new: facts.NewRunAsked) -> PipelineRun:
        end = self.clock.monotonic() + APPEARS_S
        while True:
            found = await self._counting(new)
            if found is not None:
                return found
            if self.clock.monotonic() >= end:
                raise OutcomeUnknownError(
                    f"{new.pipeline!r} was started and no run {new.name!r} is seen: does the pipeline show its key?"
                )
            await self.clock.sleep(1.0)


def _shown(found: PipelineRun | None) -> JsonObject:
    state = facts.RunShown(exists=found is not None, ref=found.ref if found else None)
    return state.model_dump(mode="json", exclude_none=True)


def _watched(found: PipelineRun | None) -> facts.Watched:
    if found is None:
        return facts.Watched(exists=False)
    return facts.Watched(
        exists=True,
        finished=found.state in FINISHED,
        succeeded=found.state == "succeeded",
        state=found.state,
        commit=one_line(found.commit),
        url=one_line(found.url),
    )
