"""The knowledge base: shipped scenarios, and those that people have added, recalled by words and meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from steersman.domain.environment import Environment
from steersman.domain.errors import InputError
from steersman.domain.event import RunState
from steersman.domain.fact import JsonObject
from steersman.domain.ids import ScenarioId
from steersman.domain.ports import Embedder
from steersman.domain.scenario import Match, Scenario
from steersman.index.embedders import Vectors
from steersman.index.files import builtin
from steersman.index.meaning import floor, passages
from steersman.index.store import Record, VectorStore
from steersman.knowledge.document import Loaded, read, write
from steersman.knowledge.elaborate import Elaborated, elaborate
from steersman.knowledge.fit import Ask
from steersman.knowledge.outcomes import Outcomes
from steersman.knowledge.recall import recall_for
from steersman.knowledge.shelf import Entry, Shelf

DEFAULT = "default"
LONGEST_GOAL = 4_000
SHIPPED = "_shipped"
"""Namespace of the shipped scenarios' vectors."""
CANDIDATES = 200
"""Nearest entries that are scored by meaning; the others count as unrelated."""
_OUTCOMES = "outcomes/"
"""Before a namespace: where its runs are counted, one entry a run, so that none is counted twice or lost in a race."""
_LATE = "late/"
"""Before a namespace: the ids of its entries that have no vectors yet."""
BOOKS = frozenset({"outcomes", "late"})
"""Kinds of entries that are no scenarios."""


@dataclass(slots=True)
class KnowledgeBase:
    """Scenarios of one namespace. A scenario that was added replaces a shipped one of the same id."""

    store: VectorStore
    embedder: Embedder | None = None
    namespace: str = DEFAULT
    shipped: bool = True
    """Whether the shipped scenarios are part of it."""
    _shelf: Shelf | None = None
    _floor: float = field(default=0.0)

    def recall(self, goal: str, environment: Environment | None, *, limit: int = 5) -> list[Match]:
        """The scenarios for a goal, best first, with reasons; an empty list when nothing fits."""
        return self.search(Ask(goal=goal, environment=environment, limit=limit))

    def search(self, ask: Ask) -> list[Match]:
        """The same, with all that may be known: tools, signals, mode, limit. Raises InputError for a goal too long."""
        if len(ask.goal) > LONGEST_GOAL:
            raise InputError(f"a goal of {len(ask.goal)} characters, and {LONGEST_GOAL} are the limit; say it shorter")
        shelf = self.shelf()
        return recall_for(ask, shelf=shelf, dense=self._closeness(ask.goal)) if shelf.entries else []

    def entries(self) -> Sequence[Entry]:
        """All scenarios, by id."""
        return sorted(self.shelf().entries.values(), key=lambda entry: entry.scenario.id)

    def show(self, scenario_id: str) -> Entry:
        """One scenario. Raises InputError when there is none of that id."""
        entry = self.shelf().entries.get(ScenarioId(scenario_id))
        if entry is None:
            raise InputError(f"no scenario {scenario_id!r}; `steer scenarios list` shows what there is")
        return entry

    def add(
        self, scenarios: Sequence[Scenario], *, reviewed_by: str | None = None, late: bool = False
    ) -> list[Elaborated]:
        """Holds these, with what code could read out of their text; what it could not is in the answer.

        reviewed_by: whoever vouches for them. A review that a document claims for itself does not count.
        late: their vectors are made by whoever searches next; an embedder takes a second to load.
        """
        done = [elaborate(_vouched(scenario, reviewed_by)) for scenario in scenarios]
        if late:
            marks = [Record(id=item.scenario.id, document={"kind": "late"}) for item in done]
            self.store.put(_LATE + self.namespace, marks, [self.nothing() for _ in marks])
        self._put([item.scenario for item in done], late=late)
        return done

    def remove(self, scenario_id: str) -> None:
        """Forgets an added scenario. Raises InputError when there is none; shipped ones stay."""
        if not self.store.remove(self.namespace, [scenario_id]):
            raise InputError(f"no added scenario {scenario_id!r}; shipped ones cannot be removed")
        self._shelf = None

    def export(self) -> Mapping[str, str]:
        """A YAML text for each added scenario, by file name."""
        return {f"{entry.scenario.id}.yaml": write(entry.scenario) for entry in self.entries() if not entry.builtin}

    def record(self, scenario_id: str, run_id: str, state: RunState) -> Outcomes:
        """Counts a finished run of a scenario, once however often it is told; its latest state counts.

        Raises InputError when there is no such scenario.
        """
        self.show(scenario_id)
        document: JsonObject = {"kind": "outcomes", "scenario": scenario_id, "state": state}
        self.store.put(_OUTCOMES + self.namespace, [Record(id=run_id, document=document)], [self.nothing()])
        self._shelf = None
        return self.show(scenario_id).outcomes

    def stats(self) -> Mapping[str, int]:
        """How many scenarios there are, of which kinds, and what their runs came to."""
        entries = self.entries()
        return {
            "scenarios": len(entries),
            "shipped": sum(entry.builtin for entry in entries),
            "added": sum(not entry.builtin for entry in entries),
            "reviewed": sum(bool(entry.scenario.provenance.reviewed_by) for entry in entries),
            "plannable": sum(entry.scenario.method is not None for entry in entries),
            "tried": sum(entry.outcomes.tried for entry in entries),
            "succeeded": sum(entry.outcomes.succeeded for entry in entries),
            "undone": sum(entry.outcomes.undone for entry in entries),
        }

    def refresh(self) -> None:
        """Sees at the next call what other processes have written."""
        self._shelf = None

    def shelf(self) -> Shelf:
        """Everything that may be recalled, read from the store once."""
        if self._shelf is None:
            self._shelf = self._read()
        return self._shelf

    def _read(self) -> Shelf:
        counts = self._counts()
        added = [Scenario.model_validate(record.document) for record in self.store.records(self.namespace)]
        shipped = builtin().scenarios if self.shipped else ()
        entries = {s.id: Entry(s, builtin=True) for s in shipped} | {s.id: Entry(s) for s in added}
        return Shelf.of(
            Entry(entry.scenario, builtin=entry.builtin, outcomes=counts.get(entry.scenario.id, Outcomes()))
            for entry in entries.values()
        )

    def _counts(self) -> Mapping[str, Outcomes]:
        found: dict[str, Outcomes] = {}
        for record in self.store.records(_OUTCOMES + self.namespace):
            scenario, state = str(record.document["scenario"]), cast("RunState", record.document["state"])
            found[scenario] = found.get(scenario, Outcomes()).after(state)
        return found

    def _put(self, scenarios: Sequence[Scenario], namespace: str | None = None, *, late: bool = False) -> None:
        records = [
            Record(id=s.id, document=s.model_dump(mode="json", by_alias=True), labels=labels_of(s)) for s in scenarios
        ]
        vectors = [self.nothing() for _ in records] if late else self.vectors(scenarios)
        self.store.put(namespace or self.namespace, records, vectors)
        self._shelf = None

    def vectors(self, scenarios: Sequence[Scenario]) -> list[Vectors]:
        """The vectors of each scenario's passages; one of zeros where there is no embedder."""
        if self.embedder is None or not scenarios:
            return [self.nothing() for _ in scenarios]
        texts = [passages(scenario) for scenario in scenarios]
        rows = np.asarray(self.embedder.embed([text for part in texts for text in part]), np.float32)
        ends = np.cumsum([len(part) for part in texts])[:-1]
        return [np.asarray(block, np.float32) for block in np.split(rows, ends)]

    def nothing(self) -> Vectors:
        """The vector of what has no text to embed."""
        return np.zeros((1, self.embedder.dimension if self.embedder else 1), np.float32)

    def _closeness(self, goal: str) -> Mapping[ScenarioId, float] | None:
        """Nearness in meaning of the nearest entries, added and shipped; None without an embedder."""
        if self.embedder is None or not goal.strip():
            return None
        self._index_shipped(self.embedder)
        self._index_late()
        asked = np.asarray(self.embedder.embed([goal]), np.float32)[0]
        hits = [hit for name in self._names() for hit in self.store.search(name, asked, limit=CANDIDATES)]
        return {ScenarioId(hit.id): max((hit.score - self._floor) / (1 - self._floor), 0.0) for hit in hits}

    def _names(self) -> tuple[str, ...]:
        return (SHIPPED, self.namespace) if self.shipped else (self.namespace,)

    def _index_shipped(self, embedder: Embedder) -> None:
        """Once for each version of the package and of the embedder."""
        if self._floor:
            return
        self._floor = floor(embedder)
        if not self.shipped:
            return
        held = {record.id: record.document for record in self.store.records(SHIPPED)}
        shipped = {str(s.id): s for s in builtin().scenarios}
        self.store.remove(SHIPPED, [identity for identity in held if identity not in shipped])
        stale = [s for s in shipped.values() if held.get(s.id) != s.model_dump(mode="json", by_alias=True)]
        if stale:
            self._put(stale, SHIPPED)

    def _index_late(self) -> None:
        """Gives their vectors to entries that were added without; those that were removed since are forgotten."""
        waiting = {record.id for record in self.store.records(_LATE + self.namespace)}
        if waiting:
            # Out of the store: another process may have added them since the shelf was read.
            held = (record for record in self.store.records(self.namespace) if record.id in waiting)
            self._put([Scenario.model_validate(record.document) for record in held])
            self.store.remove(_LATE + self.namespace, sorted(waiting))


def validate(text: str, *, file: str = "standard input") -> tuple[Loaded, list[Elaborated]]:
    """What a document would add, and everything that is wrong with it or stays text; changes nothing."""
    loaded = read(text, file=file)
    return loaded, [elaborate(scenario) for scenario in loaded.scenarios]


def labels_of(scenario: Scenario) -> frozenset[str]:
    """Labels that a store filters by."""
    held = scenario.labels
    return frozenset(
        [f"platform={name}" for name in held.platforms]
        + [f"service={name}" for name in held.services]
        + [f"tier={name}" for name in held.tiers]
    )


def _vouched(scenario: Scenario, reviewed_by: str | None) -> Scenario:
    provenance = scenario.provenance.model_copy(update={"reviewed_by": reviewed_by})
    return scenario.model_copy(update={"provenance": provenance})
