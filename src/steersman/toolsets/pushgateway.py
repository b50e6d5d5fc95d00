"""A Prometheus Pushgateway: the figures of a load run as one group, made once, never over somebody else's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, JsonValue, StringConstraints

from steersman.domain.environment import Environment
from steersman.domain.errors import ToolError
from steersman.domain.fact import Fact
from steersman.domain.ids import OperationName
from steersman.domain.load_samples import PREFIX, MetricSample, exposition
from steersman.domain.operation import Invocation, Operation
from steersman.domain.ports import Binding
from steersman.domain.typed import bind, bind_state, read_operation, schema_of, state_schema
from steersman.remote.exchange import Remote, Request
from steersman.remote.shape import items, labels, mapping, reading

NAME = "pushgateway"
JOB = "steersman_load"
STARTED = f"{PREFIX}started_timestamp_seconds"
GROUP_ID = f"{NAME}/group/{{run}}"
RunName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class Group(Fact):
    """Arguments of `get_run` and `delete_run`."""

    run: RunName


class Push(Group):
    """Arguments of `push_run`."""

    samples: tuple[MetricSample, ...] = Field(min_length=1, max_length=1_000)


class GroupState(Fact):
    """Whether the figures of a run are there."""

    exists: bool


class Pushed(Fact):
    """Answer of a write."""

    samples: int


def _invoke(verb: str) -> Invocation:
    return Invocation(operation=OperationName(f"{NAME}.{verb}"), arguments={"run": {"$arg": "/run"}})


GET_RUN = read_operation(
    f"{NAME}.get_run", "Shows whether the figures of a load run are there", takes=Group, gives=GroupState
).model_copy(update={"resource": GROUP_ID, "output_schema": state_schema(GroupState)})


def _write(verb: str, summary: str, *, takes: type[Fact], **more: object) -> Operation:
    plain = {
        "name": f"{NAME}.{verb}",
        "summary": summary,
        "resource": GROUP_ID,
        "blast_radius": "instance",
        "idempotent": "natural",
        "input_schema": schema_of(takes),
        "output_schema": schema_of(Pushed),
        "probe": _invoke("get_run"),
    }
    return Operation.model_validate(plain | more)


PUSH_RUN = _write(
    "push_run",
    "Publishes the figures of a load run as a group of its own",
    takes=Push,
    effect="write",
    access="create",
    after={"exists": True},
    inverse=_invoke("delete_run"),
)
DELETE_RUN = _write(
    "delete_run",
    "Takes the figures of a load run off the Pushgateway",
    takes=Group,
    effect="destructive",
    access="delete",
    after={"exists": False},
)
OPERATIONS = (GET_RUN, PUSH_RUN, DELETE_RUN)


@dataclass(frozen=True, slots=True)
class PushgatewayToolset:
    """The operations of one Pushgateway. Groups are `job="steersman_load", run="NAME"`."""

    remote: Remote
    where: Environment
    name: str = NAME

    async def environment(self) -> Environment:
        """It has no identity of its own: its URL is."""
        return self.where

    async def version(self) -> str:
        """Of the server; raises ToolError when it is another one."""
        document = await self.remote.json(Request("GET", "/api/v1/status"))
        with reading(NAME, "status"):
            return str(mapping(mapping(mapping(document)["data"])["build_information"])["version"])

    async def get_run(self, ask: Group) -> GroupState:
        """The group of a run."""
        return GroupState(exists=await self._started(ask.run) is not None)

    async def push_run(self, push: Push) -> Pushed:
        """Publishes it, once. Raises ToolError where a run of that name is there that began at another time."""
        wanted = next((sample.value for sample in push.samples if sample.name == STARTED), 0.0)
        there = await self._started(push.run)
        if there is not None and abs(there - wanted) > 1e-3:  # noqa: PLR2004 - it says so as a rounded decimal
            raise ToolError(f"the figures of another run {push.run!r} are there; delete them first, or name it anew")
        if there is None:
            headers = (("content-type", "text/plain; version=0.0.4"),)
            text = exposition(push.samples).encode()
            await self.remote.ask(Request("PUT", _path(push.run), content=text, headers=headers, writes=True))
        return Pushed(samples=len(push.samples))

    async def delete_run(self, ask: Group) -> Pushed:
        """Deletes the group; none is no error."""
        await self.remote.ask(Request("DELETE", _path(ask.run), writes=True))
        return Pushed(samples=0)

    async def _started(self, run: str) -> float | None:
        """When the run that is there began."""
        document = await self.remote.json(Request("GET", "/api/v1/metrics"))
        with reading(NAME, "metrics"):
            for group in items(mapping(document)["data"]):
                if labels(group["labels"]) == {"job": JOB, "run": run}:
                    return _first_value(group.get(STARTED))
        return None

    def bindings(self) -> Sequence[Binding]:
        """All of its operations. Does no I/O."""
        return (
            bind_state(GET_RUN, Group, self.get_run),
            bind(PUSH_RUN, Push, self.push_run),
            bind(DELETE_RUN, Group, self.delete_run),
        )


def _path(run: str) -> str:
    return f"/metrics/job/{JOB}/run/{run}"


def _first_value(family: JsonValue) -> float:
    found = items(mapping(family)["metrics"]) if family is not None else []
    return float(str(found[0]["value"])) if found else 0.0
