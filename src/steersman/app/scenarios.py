"""The knowledge base as configured: opened when it is first asked, never trusted beyond the mode."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from steersman.app.secrets import resolve
from steersman.app.settings import Settings
from steersman.domain.environment import Environment
from steersman.domain.errors import ConfigError, InputError, PolicyDeniedError, SteersmanError
from steersman.domain.plan import Assumption, Plan
from steersman.domain.ports import Embedder
from steersman.domain.run import Run
from steersman.domain.scenario import Match, Scenario
from steersman.domain.signal import SignalName
from steersman.index import embedders, opening
from steersman.index.base import KnowledgeBase
from steersman.index.memories import open_memories, remember_run
from steersman.index.sqlite import model_of
from steersman.knowledge.elaborate import unread
from steersman.knowledge.fit import Ask
from steersman.knowledge.trust import distrust

LOG = logging.getLogger(__name__)
LOCAL: dict[str, Callable[[], Embedder | None]] = {
    "auto": embedders.default,
    "words": lambda: None,
    "use": embedders.use_multilingual,
    "e5": embedders.e5_small,
}


@dataclass(slots=True)
class Knowledge:
    """The knowledge base of an application. Opened at the first question; belongs to the thread that asks it."""

    settings: Settings
    namespace: str = ""
    """Empty: the one of the configuration."""
    _base: KnowledgeBase | None = None
    _memories: KnowledgeBase | None = None

    @property
    def base(self) -> KnowledgeBase:
        """The base itself. Raises ConfigError when it was indexed by another embedder than the configured one."""
        if self._base is None:
            self._base = open_knowledge(self.settings, namespace=self.namespace)
        return self._base

    @property
    def memories(self) -> KnowledgeBase:
        """Past runs and incidents, in the same store."""
        if self._memories is None:
            self._memories = open_memories(
                self.settings.home,
                embedder=self.base.embedder,
                namespace=self.namespace or self.settings.knowledge.namespace,
                url=self.settings.knowledge.url,
            )
        return self._memories

    def recall(
        self,
        goal: str,
        where: Environment,
        toolsets: frozenset[str],
        *,
        signals: Mapping[SignalName, float] | None = None,
    ) -> list[Match]:
        """Scenarios that fit a goal there, best first; in autonomous mode only those that may be trusted.

        signals: what is measured now, in the unit of each; scenarios whose conditions hold come first among equals.
        """
        ask = Ask(goal=goal, environment=where, toolsets=toolsets, mode=self.settings.mode, signals=dict(signals or {}))
        return self.base.search(ask)

    def before(self, goal: str, *, limit: int = 3) -> list[Match]:
        """Past runs and incidents like this one, likest first."""
        return self.memories.search(Ask(goal=goal, limit=limit))

    def named(self, scenario_id: str) -> Match:
        """The scenario that somebody names.

        Raises InputError when there is none, PolicyDeniedError when it may not be used in the configured mode.
        """
        entry = self.base.show(scenario_id)
        why = distrust(entry.scenario, builtin=entry.builtin) if self.settings.mode == "autonomous" else ""
        if why:
            raise PolicyDeniedError(f"scenario {scenario_id!r} is not used in autonomous mode: {why}; review it first")
        return Match(scenario=entry.scenario, score=1.0, why=("named",))

    def must_trust(self, plan: Plan) -> None:
        """Raises PolicyDeniedError in autonomous mode for a plan of a scenario that may not be used in it.

        A plan is data and may come from a file: that it was made in another mode does not make its scenario reviewed.
        """
        if self.settings.mode != "autonomous" or plan.scenario_id is None:
            return
        try:
            self.named(plan.scenario_id)
        except InputError as e:
            raise PolicyDeniedError(
                f"the plan is of scenario {plan.scenario_id!r}, which is not in the knowledge base, and autonomous "
                "mode uses reviewed ones only; `steer scenarios add` it"
            ) from e

    def record(self, run: Run) -> None:
        """Counts and remembers a run that has come to its end.

        A count that cannot be kept is logged; the run stays what it is.
        """
        if not run.final:
            return
        try:
            remember_run(self.memories, run)
            if run.plan.scenario_id is not None:
                self.base.record(run.plan.scenario_id, run.run_id, run.state)
        except SteersmanError as e:
            LOG.warning("the outcome of run %s is not counted: %s", run.run_id, e)


def with_unread(plan: Plan, scenario: Scenario) -> Plan:
    """The plan that says which of the scenario's conditions stayed text: nobody watches them."""
    left = tuple(Assumption(name=item.field, value=item.text, why=item.why) for item in unread(scenario))
    return plan.model_copy(update={"assumptions": (*plan.assumptions, *left)}) if left else plan


def open_knowledge(settings: Settings, *, namespace: str = "") -> KnowledgeBase:
    """The knowledge base that the configuration names.

    With `knowledge.embedder: auto` an embedded store is indexed again when the `recall` extra has come or gone; another
    change of embedder raises ConfigError, since it may take long.
    """
    held, chosen = settings.knowledge, embedder(settings)
    if not held.url and held.embedder == "auto" and _is_stale(settings.home, chosen):
        opening.reindex(settings.home, embedder=chosen)
    return opening.open_base(
        settings.home, embedder=chosen, namespace=namespace or held.namespace, url=settings.knowledge.url
    )


def embedder(settings: Settings) -> Embedder | None:
    """What turns texts into vectors; None: words alone. Raises ConfigError for a name that is none."""
    name = settings.knowledge.embedder
    if name in LOCAL:
        return LOCAL[name]()
    parts = urlsplit(name)
    asked = dict(parse_qsl(parts.query))
    if parts.scheme not in ("http", "https") or not asked.get("model") or not asked.get("dimension", "").isdigit():
        raise ConfigError(
            f"knowledge.embedder = {name!r}: wants {', '.join(LOCAL)} or a URL as in "
            "'https://host/v1?model=NAME&dimension=768'"
        )
    url = parts._replace(query="", fragment="").geturl()
    reference = settings.knowledge.embedder_key
    key = resolve(reference).get_secret_value() if reference else ""
    return embedders.remote(url, model=asked["model"], dimension=int(asked["dimension"]), key=key)


def _is_stale(home: Path, chosen: Embedder | None) -> bool:
    held = model_of(home / opening.FILE)
    return held is not None and held[0] != (chosen.name if chosen else opening.WORDS_ONLY)
