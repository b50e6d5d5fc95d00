"""Everything put together: journal, policy, gate, engine, planner, for one environment."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

from steersman.agents.now import measured_now
from steersman.agents.planning import PlanningDeps, drifted
from steersman.agents.proposing import Proposal, propose
from steersman.app.catalogue import TELEMETRY
from steersman.app.cleaning import clean_goal, secrets_in
from steersman.app.critic import configured
from steersman.app.minds import Minds
from steersman.app.outcomes import CountedEngine
from steersman.app.rules import desk, directory, policy
from steersman.app.scenarios import Knowledge, with_unread
from steersman.app.secrets import redactor as known_secrets
from steersman.app.settings import Settings
from steersman.app.store import CLOCK, keyring, local_user, open_journal
from steersman.domain.call import Call
from steersman.domain.environment import Environment, Principal
from steersman.domain.goal import Goal
from steersman.domain.ids import OperationName, RunId, StepId
from steersman.domain.plan import Budget, Plan, Problem
from steersman.domain.ports import Toolset
from steersman.domain.scenario import Match
from steersman.domain.signal import SignalName
from steersman.engines.local.engine import LocalEngine
from steersman.engines.local.ports import Deps
from steersman.gate.desk import ApprovalDesk
from steersman.gate.gate import Gate, Needs
from steersman.gate.gate import Settings as GateSettings
from steersman.gate.redaction import Redactor
from steersman.gate.source import GatedSource
from steersman.journal.sql import SqlJournal
from steersman.judgement.judge import judge
from steersman.planning.check import check
from steersman.planning.drift import Drift
from steersman.planning.goal_names import named_service
from steersman.planning.world import World
from steersman.policy.engine import Policy


@dataclass(frozen=True, slots=True)
class Connection:
    """One environment with the toolsets that act on it."""

    environment: Environment
    toolsets: tuple[Toolset, ...]
    signals: frozenset[SignalName] = frozenset()
    defaults: Mapping[str, str] = field(default_factory=dict)
    """What parameters of plans are there where a goal does not say."""
    list_services: OperationName | None = None
    """The read that names the services there, as keys of its output's `services`."""


@dataclass(frozen=True, slots=True)
class App:
    """What commands and servers call."""

    settings: Settings
    journal: SqlJournal
    policy: Policy
    gate: Gate
    desk: ApprovalDesk
    engine: CountedEngine
    knowledge: Knowledge
    world: World
    user: Principal
    redactor: Redactor

    async def recall(self, goal: str) -> list[Match]:
        """Scenarios that fit a goal here and now, best first: what is measured of the service that it names counts."""
        goal = self.redactor.text(goal)  # an embedder may be somebody else's server
        toolsets = frozenset(name.partition(".")[0] for name in self.world.catalogue)
        service = named_service(goal, self.world.services)
        signals = {}
        if service is not None and self.world.signals:
            source = self.source(new_run_id("look"))
            signals = await measured_now(source, service, self.world.signals, now=CLOCK.now())
        return self.knowledge.recall(goal, self.world.environment, toolsets, signals=signals)

    async def plan(self, goal: Goal, matches: Sequence[Match]) -> Plan:
        """A checked plan on observed facts; changes nothing. Raises InputError when there is none."""
        return (await self.propose(goal, matches)).needed()

    async def propose(self, goal: Goal, matches: Sequence[Match]) -> Proposal:
        """The same, with a model's help where one is configured, and with what became of that."""
        deps = self._planning()
        goal = clean_goal(goal, self.redactor)
        found = await propose(goal, matches, replace(deps, model=self.minds(deps.run_id).model("planner")))
        made = found.plan
        used = next((match.scenario for match in matches if made and match.scenario.id == made.scenario_id), None)
        return found.model_copy(update={"plan": with_unread(made, used)}) if made and used else found

    def minds(self, run_id: RunId) -> Minds:
        """The language models of one run; what they cost is charged to it."""
        caps = self.settings.models.caps
        budget = Budget(tokens=caps.tokens, money_usd=caps.money_usd)
        return Minds(self.settings, self.redactor, partial(self.gate.charge, run_id, budget=budget))

    def check(self, plan: Plan) -> list[Problem]:
        """Everything that is wrong with a plan here."""
        return [*secrets_in(plan, self.redactor), *check(plan, self.world)]

    async def drift(self, plan: Plan) -> list[Drift]:
        """What has changed since the plan was made."""
        return await drifted(plan, self._planning())

    def source(self, run_id: RunId) -> GatedSource:
        """Telemetry of the environment, asked through the gate and charged to a run."""
        return GatedSource(self.gate, TELEMETRY, self.world.environment, self.user, run_id)

    def _planning(self) -> PlanningDeps:
        return PlanningDeps(self.gate, self.world, CLOCK, self.user, new_run_id("look"), route="cli")


LIST_WORKLOADS = OperationName("kubernetes.list_workloads")


def new_run_id(prefix: str = "run") -> RunId:
    """An id that no other run has."""
    return RunId(f"{prefix}-{CLOCK.now():%m%d-%H%M%S}-{secrets.token_hex(3)}")


@asynccontextmanager
async def open_app(settings: Settings, connection: Connection) -> AsyncIterator[App]:
    """Opens everything for one environment, and closes it again."""
    async with open_journal(settings) as journal:
        rules, user, redactor = policy(settings), local_user(settings), known_secrets()
        gate = _gate(settings, connection, journal, rules=rules, redactor=redactor)
        engine = LocalEngine(
            Deps(
                caller=gate,
                authority=gate,
                journal=journal,
                source=partial(GatedSource, gate, TELEMETRY, connection.environment, user),
                judge=judge,
                clock=CLOCK,
                operation=gate.operation,
            ),
            requester=user,
            checkpoints=settings.home / "checkpoints.db",
        )
        world = World(
            environment=connection.environment,
            catalogue=gate.catalogue,
            kinds={toolset.name: connection.environment.kind for toolset in connection.toolsets},
            protected=lambda resource: rules.is_protected(resource, OperationName("")),
            admits_new=rules.admits_new,
            signals=connection.signals,
            services=await _services(gate, connection, user),
            defaults=connection.defaults,
            list_workloads=LIST_WORKLOADS if LIST_WORKLOADS in gate.catalogue else None,
        )
        answers, knowledge = desk(settings, journal), Knowledge(settings)
        counted = CountedEngine(engine, knowledge)
        yield App(settings, journal, rules, gate, answers, counted, knowledge, world, user, redactor)


async def _services(gate: Gate, connection: Connection, user: Principal) -> frozenset[str]:
    if connection.list_services is None:
        return frozenset()
    look = Call(
        operation=connection.list_services,
        environment=connection.environment,
        principal=user,
        route="cli",
        run_id=new_run_id("look"),
        step_id=StepId("services"),
    )
    found = (await gate.call(look)).output.get("services")
    return frozenset(found) if isinstance(found, dict) else frozenset()


def _gate(
    settings: Settings, connection: Connection, journal: SqlJournal, *, rules: Policy, redactor: Redactor
) -> Gate:
    return Gate(
        Needs(
            toolsets=connection.toolsets,
            journal=journal,
            keyring=keyring(settings),
            rules=rules,
            directory=directory(settings),
            clock=CLOCK,
            redactor=redactor,
            settings=GateSettings(
                mode=settings.mode,
                approval_ttl=timedelta(seconds=settings.approvals.ttl_s),
                parallel_calls=settings.gate.parallel_calls,
            ),
            critic=configured(settings, redactor, journal),
        )
    )
