"""Investigations of runs and of windows, through the gate, kept in the journal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steersman.app.wiring import App
    from steersman.domain.fact import JsonObject
    from steersman.domain.finding import Evidence, Investigation
    from steersman.domain.ids import EvidenceId
    from steersman.domain.ports import Source
    from steersman.domain.run import Run
    from steersman.domain.signal import Window

STEP_S = 1.0
MOST_LINES = 20_000
MOST_ORDERS = 3
ARRIVED_S = 15.0
"""Telemetry of the last moments is waited for so long."""


async def investigate_run(app: App, run: Run) -> Investigation:
    """What was wrong while a run changed things, from its first shift to its verdict; kept with the run."""
    from steersman.agents.investigate import Scope, arrived, investigate
    from steersman.app.investigations import cited
    from steersman.app.run_facts import facts_of
    from steersman.domain.event import FindingsMade
    from steersman.domain.finding import Finding
    from steersman.domain.ids import RunId

    facts = facts_of(run, await app.journal.read(run.run_id), step_s=STEP_S)
    window, source = facts.window, app.source(RunId(f"why-{run.run_id}"))
    await arrived(source, window.end, within_s=ARRIVED_S)
    incident = await app.journal.incident(run.run_id, run.created_at)
    found = await investigate(
        run.plan.goal,
        window,
        source,
        scope=Scope(
            baseline=facts.baseline,
            onset_at=window.start,
            service=facts.service,
            services=tuple(sorted(app.world.services)),
            breaches=facts.breaches,
            changes=facts.changes,
        ),
        incident_id=incident.id,
    )
    found = await cited(found, source)
    asked = found.asked.model_copy(update={"environment": app.world.environment}) if found.asked else None
    orders = await _orders(source, window)
    found = found.model_copy(update={"evidence": {**found.evidence, **orders}, "asked": asked})
    await app.journal.add_investigation(found)
    findings = tuple(Finding.model_validate(cause.model_dump(exclude={"rank"})) for cause in found.root_causes)
    await app.journal.append(run.run_id, FindingsMade(findings=findings))
    return found


async def _orders(source: Source, window: Window) -> dict[EvidenceId, Evidence]:
    """Lines that try to give orders to whoever reads them: a person should see that, and that nobody obeyed."""
    from steersman.domain.finding import Evidence
    from steersman.domain.ids import EvidenceId
    from steersman.domain.signal import Selector
    from steersman.knowledge.trust import gives_orders

    page = await source.logs(Selector(), window, limit=MOST_LINES)
    found = [record for record in page.records if gives_orders(record.message)]
    by_text = {re.sub(r"\d+", "#", record.message): record for record in reversed(found)}
    return {
        EvidenceId(f"u{number}"): Evidence(
            id=EvidenceId(f"u{number}"),
            source="logs",
            query={"service": record.service, "version": record.version},
            window=window,
            value="a log line gives orders to whoever reads it: shown here, obeyed by nobody",
            excerpt=record.message,
        )
        for number, record in enumerate(list(by_text.values())[:MOST_ORDERS], start=1)
    }


async def investigate_window(
    app: App, question: str, *, window: Window, service: str = "", source: Source | None = None
) -> Investigation:
    """What was wrong in a window; kept as an incident of its own."""
    from steersman.app.investigations import Question
    from steersman.app.investigations import investigate as look

    return await look(app, Question(question, window, service=service), source)


def as_json(found: Investigation) -> JsonObject:
    """The shape that scripts rely on."""
    return {**found.model_dump(mode="json"), "verdict": found.result}
