"""A run that went well becomes a file to review; it enters the knowledge base only when a person adds it."""

from __future__ import annotations

import json
from pathlib import Path

from steersman.app.scenarios import Knowledge
from steersman.app.store import CLOCK
from steersman.domain.errors import InputError
from steersman.domain.run import Run
from steersman.knowledge.document import read, write
from steersman.knowledge.learning import Proposal, learn


def propose(run: Run, knowledge: Knowledge, *, to: Path | None = None) -> tuple[Proposal, Path]:
    """A proposed scenario and the file that holds it, with its evidence in comments.

    to: file to write; without it `proposals/ID.yaml` under `home`. Raises InputError for a run that did not reach its
    goal, for one whose words cannot stand in a scenario, and for a file that is there already.
    """
    entries = {entry.scenario.id: entry for entry in knowledge.base.entries()}
    source = entries.get(run.plan.scenario_id) if run.plan.scenario_id else None
    proposal = learn(run, now=CLOCK.now())
    if source is not None:
        proposal = proposal.model_copy(update={"outcomes": source.outcomes})
    text = _comments(proposal) + write(proposal.scenario)
    defects = read(text).defects
    if defects:
        raise InputError(f"run {run.run_id!r} cannot be learned from: {defects[0].field}: {defects[0].reason}")
    path = to or knowledge.settings.home / "proposals" / f"{proposal.scenario.id}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as e:
        raise InputError(f"{str(path)!r} is there already; review that one, or name another with --to") from e
    return proposal, path


def _comments(proposal: Proposal) -> str:
    counts = proposal.outcomes
    lines = [
        "proposed from a run; review it, then: steer scenarios add FILE --reviewed-by YOU",
        *(f"evidence: {json.dumps(item)}" for item in proposal.evidence),
        f"runs of what it grew out of: {counts.tried} tried, {counts.succeeded} succeeded, {counts.undone} undone",
        f"parameters taken out of the run: {', '.join(proposal.generalised) or 'none'}",
    ]
    return "".join(f"# {line}\n" for line in lines)
