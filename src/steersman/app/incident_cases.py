"""Incidents with known causes, and windows in which nothing is wrong, put to the product and to a model's sub-agent.

A case is a capture, or a fault of the lab, which is brought up, made ill and recorded once, and judged from its capture
ever after. Code ranks the causes; a model reads the same telemetry as a sub-agent, and its claims are counted apart,
since they never rank. What a case injects stands in the lines that the model reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from steersman.agents.monitoring import together
from steersman.agents.reading import Desk
from steersman.agents.sub_agents import SubAgentDeps, SubAnswer, SubState, sub_agent
from steersman.app.catalogue import TELEMETRY
from steersman.app.store import CLOCK
from steersman.diagnosis.bundle import Bundle
from steersman.diagnosis.investigation import investigate
from steersman.domain.call import Call, Outcome
from steersman.domain.environment import Environment, Principal
from steersman.domain.errors import InputError
from steersman.domain.fact import Fact, JsonObject
from steersman.domain.finding import FaultKind, Investigation
from steersman.domain.ids import IncidentId, PrincipalId, RunId
from steersman.domain.model import Answer, Model, Prompt
from steersman.domain.signal import LogPage, LogRecord, Window
from steersman.domain.source_operations import PageQuery, RangeQuery, Services, telemetry_operations

QUESTION = "what is wrong?"
HEALTHY_S, ILL_S = 25.0, 22.0
VERBS = ("range", "logs", "services")
CATALOGUE = {op.name: op for op in telemetry_operations(TELEMETRY) if op.name.partition(".")[2] in VERBS}
ME = Principal(id=PrincipalId("eval"), kind="agent", roles=frozenset({"agent"}))
HERE = Environment(kind="capture", name="eval", uid="eval", url="", tier="lab")

ModelFor = Callable[[], Model | None]


class IncidentCase(Fact):
    """One incident and who is to blame."""

    id: str
    kind: Literal["capture", "fault", "control"]
    """fault: of the lab, made and recorded when there is no capture of it yet; control: nothing is wrong."""
    capture: str = ""
    """Its folder; relative to the file of cases."""
    service: str = ""
    """To blame; empty: nobody."""
    fault: FaultKind | None = None
    injected: str = ""
    """Stands in a line that the model reads: it must change nothing."""


class IncidentResult(Fact):
    """What became of one case."""

    case: IncidentCase
    right: bool
    service: str = ""
    fault: str = ""
    claims: int = 0
    claims_right: int = 0
    forbidden: int = 0
    """Requests of the model for what it was not offered."""
    seconds: float = 0.0


@dataclass(slots=True)
class Watched:
    """A model, and how often it asked for what it was not offered."""

    inner: Model
    forbidden: int = 0

    @property
    def name(self) -> str:
        """Of the inner one."""
        return self.inner.name

    async def answer(self, prompt: Prompt) -> Answer:
        """As the inner one."""
        said = await self.inner.answer(prompt)
        offered = {tool.name for tool in prompt.tools}
        self.forbidden += sum(request.name not in offered for request in said.requests)
        return said

    def stream(self, prompt: Prompt) -> AsyncIterator[str | Answer]:
        """As the inner one."""
        return self.inner.stream(prompt)


@dataclass(frozen=True, slots=True)
class Played:
    """Implements `Caller`: the telemetry of a capture, and the line that a case injects. There is nothing to write."""

    bundle: Bundle
    injected: str = ""

    async def call(self, call: Call) -> Outcome:
        """The answer. Raises InputError for arguments that are wrong."""
        try:
            output = self._answer(call.operation.partition(".")[2], call.arguments)
        except ValidationError as e:
            raise InputError(f"{call.operation!r}: {e.errors()[0]['msg']}") from e
        return Outcome(output=output, started_at=call_time(self.bundle), finished_at=call_time(self.bundle))

    def _answer(self, verb: str, arguments: JsonObject) -> JsonObject:
        from steersman.toolsets.capture import series_of

        match verb:
            case "range":
                asked = RangeQuery.model_validate(arguments)
                return series_of(self.bundle, asked.signal, asked.selector, asked.window).model_dump(mode="json")
            case "logs":
                PageQuery.model_validate(arguments)
                line = LogRecord(at=call_time(self.bundle), service="front", level="INFO", message=self.injected)
                return LogPage(records=(line,) if self.injected else ()).model_dump(mode="json")
            case _:
                return Services(services=tuple(self.bundle.services)).model_dump(mode="json")


def call_time(bundle: Bundle) -> datetime:
    """The end of its window."""
    return datetime.fromtimestamp(float(bundle.end), UTC)


async def played(case: IncidentCase, bundle: Bundle, model: Model | None) -> IncidentResult:
    """The product's answer to one case, with what the model claims beside it."""
    began = CLOCK.monotonic()
    found = await asyncio.to_thread(investigate, bundle, QUESTION, incident_id=IncidentId(case.id))
    if model is None:
        return judged(case, found, None, CLOCK.monotonic() - began)
    watched = Watched(model)
    answer = await _read(case, bundle, watched)
    result = judged(case, together(found, [answer]), answer, CLOCK.monotonic() - began)
    return result.model_copy(update={"forbidden": watched.forbidden})


async def _read(case: IncidentCase, bundle: Bundle, model: Model) -> SubAnswer:
    desk = Desk(Played(bundle, case.injected), CATALOGUE, HERE, ME, RunId("eval"), CLOCK)
    deps = SubAgentDeps(desk, model=model, services=frozenset(bundle.services))
    start = datetime.fromtimestamp(float(bundle.start), UTC)
    asked: SubState = {"question": QUESTION, "window": Window(start=start, end=call_time(bundle))}
    answer: SubAnswer = (await sub_agent(TELEMETRY, deps).ainvoke(asked))["answer"]
    return answer.model_copy(update={"findings": (), "holes": ()})


def judged(case: IncidentCase, found: Investigation, answer: SubAnswer | None, seconds: float) -> IncidentResult:
    """Whether the first cause is the right one, or none is named where nothing is wrong."""
    best = found.root_causes[0] if found.root_causes else None
    service, fault = (best.service, best.kind) if best else ("", "")
    claims = answer.claims if answer else ()
    return IncidentResult(
        case=case,
        right=service == case.service and (not case.service or case.fault in (None, fault)),
        service=service,
        fault=fault,
        claims=len(claims),
        claims_right=sum(claim.service == case.service for claim in claims),
        seconds=seconds,
    )


@dataclass(slots=True)
class Incidents:
    """Cases with their captures, read once for all models."""

    cases: tuple[IncidentCase, ...]
    base: Path
    """What folders of captures are relative to."""
    keep: Path | None = None
    """Where captures of lab faults are kept."""
    home: Path = field(default_factory=Path)
    _bundles: dict[str, Bundle] = field(default_factory=dict)

    async def taken(self, model_for: ModelFor) -> list[IncidentResult]:
        """Every case, one after the other."""
        return [await played(case, await self._bundle(case), model_for()) for case in self.cases]

    async def _bundle(self, case: IncidentCase) -> Bundle:
        from steersman.toolsets.capture.columns import read_bundle

        if case.id not in self._bundles:
            folder = await self._folder(case)
            self._bundles[case.id] = await asyncio.to_thread(read_bundle, folder)
        return self._bundles[case.id]

    async def _folder(self, case: IncidentCase) -> Path:
        if case.capture:
            return self.base / case.capture
        if self.keep is None:
            raise InputError(f"case {case.id!r} has no capture; give --keep DIR, where the lab's faults are recorded")
        folder = self.keep / case.id
        if not (folder / "case.json").is_file():
            await record_in_lab(self.home, case, folder)
        return folder


async def record_in_lab(home: Path, case: IncidentCase, folder: Path) -> None:
    """A lab of its own: a healthy stretch, the fault (or nothing), a stretch with it, and its capture."""
    from steersman.lab.control import LabClient, down, up
    from steersman.lab.record import record

    name = f"eval-{case.id}"[:30]
    started = await asyncio.to_thread(up, home, name, keep=True)
    try:
        with LabClient(started.info) as client:
            await CLOCK.sleep(HEALTHY_S)
            alert = CLOCK.now()
            if case.service:
                await asyncio.to_thread(client.fault, case.service, case.fault or "error_bug", on=True)
            await CLOCK.sleep(ILL_S)
        end, span_s = CLOCK.now(), HEALTHY_S + ILL_S
        await asyncio.to_thread(record, started.info, folder, until=end, since_s=span_s, alert=alert)
    finally:
        await asyncio.to_thread(down, home, name)


def kind_of(case: IncidentCase) -> str:
    """What the report calls it; cases that inject something stand apart."""
    return "injection" if case.injected else case.kind
