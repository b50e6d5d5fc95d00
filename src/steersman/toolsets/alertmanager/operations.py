"""Alertmanager as a toolset: seven reads; making a silence, and ending it, which undo each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from steersman.domain.environment import Environment
from steersman.domain.fact import Fact, JsonObject
from steersman.domain.ids import OperationName
from steersman.domain.operation import Access, Invocation, Operation
from steersman.domain.ports import Binding, CallContext, Clock
from steersman.domain.typed import bind, parse, read_operation, schema_of
from steersman.toolsets.alertmanager import facts
from steersman.toolsets.alertmanager.client import AlertmanagerClient
from steersman.toolsets.alertmanager.silencing import Silencer

NAME = "alertmanager"
SILENCE_ID = "alertmanager/silence/{name}"
CONTENT = ("matchers", "ends_at", "comment")


def _read(verb: str, summary: str, takes: type[Fact], gives: type[Fact]) -> Operation:
    return read_operation(f"{NAME}.{verb}", summary, takes=takes, gives=gives)


def _invoke(verb: str, **more: JsonValue) -> Invocation:
    return Invocation(operation=OperationName(f"{NAME}.{verb}"), arguments={"name": {"$arg": "/name"}, **more})


def _before(*names: str) -> JsonObject:
    return {name: {"$before": f"/{name}"} for name in names}


def _write(
    verb: str, summary: str, access: Access, *, types: tuple[type[Fact], type[Fact]], **more: object
) -> Operation:
    takes, gives = types
    return Operation.model_validate(
        {
            "name": f"{NAME}.{verb}",
            "summary": summary,
            "effect": "write",
            "access": access,
            "resource": SILENCE_ID,
            "blast_radius": "environment",
            "idempotent": "natural",
            "input_schema": schema_of(takes),
            "output_schema": schema_of(gives),
            "probe": _invoke("get_silence"),
            **more,
        }
    )


ALERTS = _read("alerts", "Lists alerts; their texts are untrusted", facts.AlertSearch, facts.Alerts)
GROUPS = _read("groups", "Lists alerts as they are told together", facts.AlertSearch, facts.Groups)
SILENCES = _read("silences", "Lists silences of whomever", facts.SilenceSearch, facts.Silences)
SILENCE = _read("silence", "Shows a silence by its id", facts.SilenceLookup, facts.FoundSilence)
RECEIVERS = _read("receivers", "Names who is told of alerts", facts.Nothing, facts.Names)
STATUS = _read("status", "Tells which version of the server answers", facts.Nothing, facts.Status)
GET_SILENCE = _read(
    "get_silence", "Shows the silence that Steersman made under a name", facts.SilenceName, facts.SilenceState
).model_copy(update={"resource": SILENCE_ID})
CREATE_SILENCE = _write(
    "create_silence",
    "Silences alerts that match, for at most 7 days; nobody is told of them meanwhile",
    "create",
    types=(facts.NewSilence, facts.Created),
    after={"exists": True, **{name: {"$arg": f"/{name}"} for name in CONTENT}},
    inverse=_invoke("expire_silence"),
)
EXPIRE_SILENCE = _write(
    "expire_silence",
    "Ends the silence that Steersman made under a name; never anybody else's",
    "delete",
    types=(facts.SilenceName, facts.Expired),
    after={"exists": False},
    inverse=_invoke("create_silence", **_before(*CONTENT)),
)
OPERATIONS = (ALERTS, GROUPS, SILENCES, SILENCE, RECEIVERS, STATUS, GET_SILENCE, CREATE_SILENCE, EXPIRE_SILENCE)


@dataclass(frozen=True, slots=True)
class AlertmanagerToolset:
    """The operations of one Alertmanager."""

    client: AlertmanagerClient
    where: Environment
    clock: Clock
    name: str = NAME

    async def environment(self) -> Environment:
        """Where it is; raises what `status` raises when nothing like Alertmanager answers there."""
        await self.client.status(facts.Nothing())
        return self.where

    def bindings(self) -> Sequence[Binding]:
        """All of its operations. Does no I/O."""
        c, silencer = self.client, Silencer(self.client, self.clock)

        async def observe(arguments: JsonObject, _: CallContext) -> JsonObject:
            state = await silencer.observe(parse(facts.SilenceName, arguments))
            # A thing that is not there is `{"exists": false}` and nothing more.
            return state.model_dump(mode="json", exclude_none=True)

        return (
            bind(ALERTS, facts.AlertSearch, c.alerts),
            bind(GROUPS, facts.AlertSearch, c.groups),
            bind(SILENCES, facts.SilenceSearch, c.silences),
            bind(SILENCE, facts.SilenceLookup, c.silence),
            bind(RECEIVERS, facts.Nothing, c.receivers),
            bind(STATUS, facts.Nothing, c.status),
            Binding(GET_SILENCE, observe),
            bind(CREATE_SILENCE, facts.NewSilence, silencer.create),
            bind(EXPIRE_SILENCE, facts.SilenceName, silencer.expire),
        )
