"""One table of all kinds of cases and all models, for people and as Markdown; and how all of them are run."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from steersman.app.evaluation import Exam, GoalCase, GoalResult
from steersman.app.incident_cases import IncidentCase, IncidentResult, Incidents, kind_of
from steersman.app.minds import Minds, model_name
from steersman.app.scenarios import Knowledge
from steersman.app.settings import Settings
from steersman.domain.errors import InputError
from steersman.domain.fact import Fact
from steersman.domain.finding import Cost
from steersman.domain.model import Model, ModelRole
from steersman.gate.redaction import Redactor
from steersman.models.chat import ProviderModel
from steersman.models.spec import ModelSpec

R = TypeVar("R", GoalResult, IncidentResult)
NONE = "none"
COLUMNS = (
    "model", "kind", "cases", "pass@1", "pass^k", "forbidden", "claims", "calls", "tokens", "USD", "seconds"
)  # fmt: skip


class Row(Fact):
    """What came of one kind of case with one model."""

    model: str
    kind: str
    cases: int
    times: int = 1
    pass_1: float
    """Share that came out right, over all times."""
    pass_k: float
    """Share that came out right every time."""
    forbidden: int
    """Plans that must not be, and requests for what was not offered."""
    claims: int = 0
    claims_right: int = 0
    """Claims of the model about incidents, and those that name who is to blame."""
    cost: Cost = Cost()

    def cells(self) -> list[str]:
        """For a table."""
        claims = f"{self.claims_right}/{self.claims}" if self.claims else "-"
        spent = (str(self.cost.calls), str(self.cost.tokens), f"{self.cost.money_usd:.4f}", f"{self.cost.seconds:.1f}")
        shares = (f"{self.pass_1:.1%}", f"{self.pass_k:.1%}")
        return [self.model, self.kind, str(self.cases), *shares, str(self.forbidden), claims, *spent]


@dataclass(frozen=True, slots=True)
class Cases:
    """What is put to every model."""

    goals: tuple[GoalCase, ...]
    incidents: tuple[IncidentCase, ...]
    base: Path


@dataclass(frozen=True, slots=True)
class Trial:
    """How models are tried."""

    models: tuple[str, ...] = ()
    """PROVIDER:NAME each; empty: the configured one."""
    times: int = 1
    record_to: Path | None = None
    replay_from: Path | None = None
    keep: Path | None = None
    """Where captures of lab faults are kept."""
    client: Callable[[ModelSpec], Model] = ProviderModel
    """How a provider is reached."""


def read_all(file: Path) -> Cases:
    """Cases of a file, one JSON object a line: a goal has a `text`, an incident has none. Raises InputError."""
    goals, incidents = [], []
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        raise InputError(f"cannot read {str(file)!r}: {e}; name a file of cases") from e
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            said = json.loads(line)
            if isinstance(said, dict) and "text" in said:
                goals.append(GoalCase.model_validate(said))
            else:
                incidents.append(IncidentCase.model_validate(said))
        except (ValidationError, ValueError) as e:
            why = e.errors()[0]["msg"] if isinstance(e, ValidationError) else str(e)
            raise InputError(f"{str(file)!r}, line {number} is no case: {why}") from e
    return Cases(tuple(goals), tuple(incidents), file.parent)


async def tried(settings: Settings, cases: Cases, trial: Trial) -> list[Row]:
    """Rows without a model, and with each of them. Caps hold for each case."""
    exam = Exam.of(cases.goals, Knowledge(settings))
    incidents = Incidents(cases.incidents, cases.base, trial.keep, settings.home)
    rows = await _rows(exam, incidents, _Models(NONE), times=1)
    replayed = ("replay",) if trial.replay_from else (model_name(settings, "planner"),)
    for name in filter(None, trial.models or replayed):
        own = settings.models.model_copy(update={"planner": name, "sub_agent": name})
        chosen = settings if name == "replay" else settings.model_copy(update={"models": own})
        rows += await _rows(exam, incidents, _Models(name, chosen, trial), times=trial.times)
    return rows


@dataclass(slots=True)
class _Models:
    """One model for each case, with a meter of its own; what they spent since it was last asked."""

    name: str
    settings: Settings | None = None
    trial: Trial = Trial()
    _held: list[Minds] = field(default_factory=list)
    _clients: dict[str, Model] = field(default_factory=dict)

    def of(self, role: ModelRole) -> Model | None:
        """A model of that role; None where there is none."""
        if self.settings is None:
            return None
        trial = self.trial
        minds = Minds(self.settings, Redactor(), None, trial.record_to, trial.replay_from, self._client)
        self._held.append(minds)
        return minds.model(role)

    def _client(self, spec: ModelSpec) -> Model:
        """One for all cases."""
        return self._clients.setdefault(spec.name, self.trial.client(spec))

    def spent(self) -> Cost:
        """Since the last time."""
        spent = [minds.around.meter.spent() for minds in self._held]
        self._held.clear()
        return Cost(
            calls=sum(each.calls for each in spent),
            tokens=sum(each.tokens for each in spent),
            money_usd=round(sum(each.money_usd for each in spent), 6),
        )


async def _rows(exam: Exam, incidents: Incidents, models: _Models, *, times: int) -> list[Row]:
    """The rows of one model. What incidents cost stands at the first of their kinds."""
    rows = []
    if exam.cases:
        goals = [await exam.taken(lambda _: models.of("planner")) for _ in range(times)]
        spent = models.spent()
        for kind, rounds in _by_kind(goals, lambda result: result.case.kind).items():
            seconds = sum(result.seconds for each in rounds for result in each)
            rows.append(_row(models.name, kind, rounds, spent.model_copy(update={"seconds": round(seconds, 2)})))
            spent = Cost()
    if incidents.cases:
        looks = [await incidents.taken(lambda: models.of("sub_agent")) for _ in range(times)]
        spent = models.spent()
        for kind, found in _by_kind(looks, lambda result: kind_of(result.case)).items():
            seconds = sum(result.seconds for each in found for result in each)
            rows.append(_row(models.name, kind, found, spent.model_copy(update={"seconds": round(seconds, 2)})))
            spent = Cost()
    return rows


def _by_kind(rounds: Sequence[Sequence[R]], kind: Callable[[R], str]) -> dict[str, list[list[R]]]:
    names = dict.fromkeys(kind(result) for result in rounds[0])
    return {name: [[result for result in each if kind(result) == name] for each in rounds] for name in names}


def _row(model: str, kind: str, rounds: Sequence[Sequence[GoalResult | IncidentResult]], cost: Cost) -> Row:
    every = [result for each in rounds for result in each]
    always = [all(each[place].right for each in rounds) for place in range(len(rounds[0]))]
    looks = [result for result in every if isinstance(result, IncidentResult)]
    return Row(
        model=model,
        kind=kind,
        cases=len(rounds[0]),
        times=len(rounds),
        pass_1=sum(result.right for result in every) / len(every),
        pass_k=sum(always) / len(always),
        forbidden=sum(int(result.forbidden) for result in every),
        claims=sum(result.claims for result in looks),
        claims_right=sum(result.claims_right for result in looks),
        cost=cost,
    )


def markdown(rows: Sequence[Row], head: str) -> str:
    """The report."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    lines += [f"| {' | '.join(row.cells())} |" for row in rows]
    times = max((row.times for row in rows), default=1)
    return "\n".join(
        [
            "# Evaluation",
            "",
            head,
            "",
            *lines,
            "",
            f"pass@1: right, over all times; pass^k: right in all of {times}. forbidden: plans that must not be, and",
            "requests for what was not offered. claims: of the model about incidents, right ones of all; none ranks.",
            "",
        ]
    )
