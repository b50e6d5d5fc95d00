"""A state machine: the journal against a plain list, with crashes in between."""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.unit.journal.places import SqlitePlace

from steersman.domain.errors import ConcurrencyError
from steersman.domain.event import CallIntended
from steersman.domain.ids import RunId
from steersman.journal import audit
from steersman.testing.journal_facts import intent, noted, settled

RUNS = st.sampled_from([RunId("a"), RunId("b")])
STEPS = st.sampled_from(["s1", "s2"])


class JournalMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.place = SqlitePlace(Path(self.folder.name) / "journal.db")
        self.stack = AsyncExitStack()
        self.events = {RunId("a"): [], RunId("b"): []}

    def run(self, awaitable):
        return self.loop.run_until_complete(awaitable)

    @initialize()
    def start(self):
        self.journal = self.run(self.stack.enter_async_context(self.place.open()))

    @rule(run_id=RUNS, names=st.lists(st.text(max_size=8), min_size=1, max_size=4))
    def append(self, run_id, names):
        events = [noted(name) for name in names]
        self.run(self.journal.append(run_id, *events))
        self.events[run_id] += events

    @rule(run_id=RUNS, step=STEPS, attempt=st.integers(1, 3))
    def intend(self, run_id, step, attempt):
        mine = [e for e in self.events[run_id] if e.kind != "step_moved" and e.step_id == step]
        results = {e.attempt: e.result for e in mine if e.kind == "call_settled"}
        intents = [e.attempt for e in mine if isinstance(e, CallIntended)]
        wanted = intent(step, attempt=attempt)
        try:
            earlier = self.run(self.journal.intend(run_id, wanted, None))
        except ConcurrencyError:
            assert any(results.get(n, "unknown") == "unknown" for n in intents) or attempt <= max(intents)
            assert "done" not in results.values()
            return
        if earlier is not None:
            assert results[earlier.attempt] == "done"
            return
        assert not any(results.get(n, "unknown") in ("unknown", "done") for n in intents)
        assert attempt not in intents
        self.events[run_id].append(wanted)

    @rule(run_id=RUNS, step=STEPS, result=st.sampled_from(["done", "failed", "unknown", "not_happened"]))
    def settle(self, run_id, step, result):
        intents = [e.attempt for e in self.events[run_id] if isinstance(e, CallIntended) and e.step_id == step]
        if intents:
            event = settled(step, attempt=intents[-1], result=result)
            self.run(self.journal.append(run_id, event))
            self.events[run_id].append(event)

    @rule()
    def crash(self):
        """Another process opens the file while the first never closed it."""
        left_open, self.stack = self.stack, AsyncExitStack()
        self.start()
        self.stack.push_async_callback(left_open.aclose)

    @rule(seconds=st.integers(-100, 100))
    def move_clock(self, seconds):
        self.place.clock.move(seconds=seconds)

    @invariant()
    def what_is_read_is_what_was_written(self):
        for run_id, events in self.events.items():
            assert [entry.event for entry in self.run(self.journal.read(run_id))] == events

    def teardown(self):
        assert audit.verify(self.place.path, self.place.keyring) == []
        self.run(self.stack.aclose())
        assert audit.verify(self.place.path, self.place.keyring) == []
        self.folder.cleanup()
        self.loop.close()


TestJournal = JournalMachine.TestCase
TestJournal.settings = settings(max_examples=10, stateful_step_count=20, deadline=None)
