"""Investigations of windows: asked through the gate, cited, kept in the journal; recorded; asked again."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from steersman.agents.investigate import Scope, Tell
from steersman.agents.investigate import investigate as look
from steersman.agents.sub_agents import SubAnswer
from steersman.app.beside import beside, joined
from steersman.app.wiring import App, new_run_id
from steersman.domain.errors import ToolError, UnavailableError
from steersman.domain.finding import Cost, Evidence, Investigation
from steersman.domain.ids import EvidenceId
from steersman.domain.ports import Source
from steersman.domain.signal import UNIT, Selector, Series, SignalName, Window
from steersman.domain.source_operations import Citation, CiteQuery, Citing

OF: dict[str, Literal["metrics", "logs", "spans"]] = {"metrics": "metrics", "logs": "logs", "spans": "spans"}
MOST_CHARTS = 8


def _silent(_: str) -> None:
    """Tells nobody."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be found out."""

    text: str
    window: Window
    baseline: Window | None = None
    service: str = ""
    alert_at: datetime | None = None
    fingerprint: str = ""
    """Of the alert, where there is one: the same alert is the same incident."""
    capture: str = ""
    """Folder of the recorded incident, where it is one."""
    tell: Tell = field(default=_silent, compare=False)

    def scope(self, services: Collection[str]) -> Scope:
        """How far the agent looks."""
        return Scope(
            baseline=self.baseline,
            alert_at=self.alert_at,
            service=self.service,
            services=tuple(sorted(services)),
            tell=self.tell,
        )


async def investigate(app: App, question: Question, source: Source | None = None) -> Investigation:
    """Ranked causes with evidence that can be followed; kept as an investigation of the incident."""
    run_id = new_run_id("why")
    source = source or app.source(run_id)
    minds = app.minds(run_id)
    model = minds.model("sub_agent")
    where = app.world.environment
    key = question.fingerprint or f"{question.service}:{question.text}"
    began = question.alert_at or question.window.start
    incident = await app.journal.incident(f"{where.uid}:{key}", began)
    scope = question.scope(() if question.capture else app.world.services)
    found, answers = await asyncio.gather(
        look(question.text, question.window, source, scope=scope, incident_id=incident.id),
        beside(app, question.text, question.window, question.service, model=model),
    )
    found = await cited(joined(found, answers), source)
    if model is not None:
        found = found.model_copy(update={"cost": plus(found.cost, minds.around.meter.spent())})
        question.tell(told(model.name, answers))
    if found.asked is not None:
        place = None if question.capture else where
        asked = found.asked.model_copy(update={"environment": place, "capture": question.capture})
        found = found.model_copy(update={"asked": asked})
    await app.journal.add_investigation(found)
    return found


def plus(left: Cost, right: Cost) -> Cost:
    """Both together; they ran side by side."""
    return Cost(
        calls=left.calls + right.calls,
        seconds=max(left.seconds, right.seconds),
        tokens=left.tokens + right.tokens,
        money_usd=left.money_usd + right.money_usd,
    )


def told(name: str, answers: Sequence[SubAnswer]) -> str:
    """What came of the model: how many sub-agents came to a conclusion with it, and where only playbooks stand."""
    concluded = [answer for answer in answers if answer.stopped == "concluded"]
    alone = ", ".join(f"{answer.toolset} ({answer.stopped})" for answer in answers if answer not in concluded)
    claims = sum(len(answer.claims) for answer in concluded)
    said = f"{name}: {len(concluded)} of {len(answers)} sub-agents concluded, {claims} claims that cite evidence"
    return f"{said}; playbook alone: {alone}" if alone else said


async def cited(found: Investigation, source: Source) -> Investigation:
    """The same, each piece of evidence with the query that people would ask, and a link, where the source can say."""
    if not isinstance(source, Citing):
        return found
    answers = await asyncio.gather(*(_cite(source, item) for item in found.evidence.values()))
    return found.model_copy(update={"evidence": {item.id: item for item in answers}})


async def _cite(source: Citing, item: Evidence) -> Evidence:
    of = OF.get(item.source)
    if of is None:
        return item
    selector = Selector.model_validate(item.query.get("selector") or {})
    signal = str(item.query.get("signal", ""))
    try:
        told = await source.cite(CiteQuery(of=of, signal=signal, selector=selector, window=item.window))
    except (UnavailableError, ToolError):
        told = Citation()  # the evidence stands without a link
    if not told.query:
        return item
    query = {**item.query, "text": told.query, "language": told.language}
    return item.model_copy(update={"query": query, "link": told.link})


@dataclass(frozen=True, slots=True)
class Chart:
    """How a signal ran, for people to see."""

    evidence: EvidenceId
    series: Series


async def charts(found: Investigation, source: Source) -> tuple[Chart, ...]:
    """The signals behind the first causes' evidence, from the beginning of the baseline on."""
    cited_ids = dict.fromkeys(key for cause in found.root_causes for key in cause.evidence)
    wanted = [(key, _signal(found.evidence[key])) for key in cited_ids if key in found.evidence]
    distinct: dict[tuple[SignalName, str], EvidenceId] = {}
    for key, signal_of in wanted:
        if signal_of is not None:
            distinct.setdefault(signal_of, key)
    window = found.window
    if found.asked is not None and found.asked.baseline is not None:
        window = replace_start(window, min(found.asked.baseline.start, window.start))
    drawn = [
        _chart(source, key, signal, Selector(service=service), window) for (signal, service), key in distinct.items()
    ]
    return tuple(chart for chart in await asyncio.gather(*drawn[:MOST_CHARTS]) if chart is not None)


def replace_start(window: Window, start: datetime) -> Window:
    """The window from an earlier start on."""
    return Window(start=start, end=window.end, step_s=window.step_s)


def _signal(item: Evidence) -> tuple[SignalName, str] | None:
    """The signal that shows what the evidence says, and its service."""
    named = str(item.query.get("signal", ""))
    selector = Selector.model_validate(item.query.get("selector") or {})
    shown = "latency_p95" if named.startswith("latency") else "error_rate" if named == "log_template" else named
    signal = next((name for name in UNIT if name == shown), None)
    return (signal, selector.service) if signal and selector.service else None


async def _chart(
    source: Source, key: EvidenceId, signal: SignalName, selector: Selector, window: Window
) -> Chart | None:
    try:
        series = await source.range(signal, selector, window)
    except (UnavailableError, ToolError):
        return None  # a picture less
    return Chart(key, series) if len(series.times) > 1 else None
