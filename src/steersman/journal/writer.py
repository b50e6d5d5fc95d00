"""Group commit: one thread takes what is waiting and commits all of it in one transaction, with one sync.

An operation that fails is rolled back alone, to its savepoint. A caller returns when its transaction is durable; one
that was cancelled while it waited is skipped when its turn has not come, and done whole when it has.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from itertools import groupby
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Protocol, TypeVar

from steersman.domain.errors import UnavailableError
from steersman.journal.chain import Head
from steersman.journal.transaction import Transaction

T = TypeVar("T")
Work = Callable[[Transaction], T]

BATCH = 256
"""Operations in one transaction at most, so that none waits long for others."""


class Store(Protocol):
    """One writing connection."""

    def begin(self) -> Transaction:
        """Opens a transaction that no other process can write beside."""
        ...

    def commit(self, head: Head) -> None:
        """Makes it durable and notes the new head of the chain."""
        ...

    def control(self, statement: str) -> None:
        """SAVEPOINT, ROLLBACK and the like."""
        ...

    def translated(self, error: BaseException) -> BaseException:
        """The error of the tree that stands for one of the database's."""
        ...

    def close(self) -> None:
        """Gives the connection back."""
        ...


class _Job:
    __slots__ = ("abandoned", "error", "future", "loop", "result", "work")

    def __init__(self, work: Work[Any], loop: asyncio.AbstractEventLoop) -> None:
        self.work = work
        self.loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()
        self.abandoned = False
        self.result: Any = None
        self.error: BaseException | None = None

    def deliver(self) -> None:
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class _Fate:
    """Carries whatever is raised inside to the callers that wait for it: it is raised there, not lost here."""

    __slots__ = ("_jobs", "_store", "_undo")

    def __init__(self, store: Store, jobs: list[_Job], *, undo: Callable[[], None]) -> None:
        self._store = store
        self._jobs = jobs
        self._undo = undo

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        if error is None:
            return False
        self._undo()
        told = self._store.translated(error)
        for job in self._jobs:
            job.error = job.error or told
        return True


class GroupWriter:
    """The one writer of a process."""

    def __init__(self, connect: Callable[[], Store]) -> None:
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._closed = False
        self._store = connect()
        self._thread = threading.Thread(target=self._work, name="journal-writer", daemon=True)
        self._thread.start()

    async def do(self, work: Work[T]) -> T:
        """Runs `work` in a transaction; returns its result when that is durable."""
        if self._closed:
            raise UnavailableError("the journal is closed; open it again")
        job = _Job(work, asyncio.get_running_loop())
        self._queue.put(job)
        try:
            result: T = await job.future
        except asyncio.CancelledError:
            job.abandoned = True
            raise
        return result

    async def close(self) -> None:
        """Commits what is waiting and ends the thread."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        going = True
        while going:
            jobs, going = self._take()
            if jobs:
                self._commit(jobs)
                _deliver(jobs)
        self._store.close()

    def _take(self) -> tuple[list[_Job], bool]:
        jobs: list[_Job] = []
        job = self._queue.get()
        while job is not None:
            if not job.abandoned:
                jobs.append(job)
            if len(jobs) >= BATCH:
                return jobs, True
            try:
                job = self._queue.get_nowait()
            except Empty:
                return jobs, True
        return jobs, False

    def _commit(self, jobs: list[_Job]) -> None:
        with _Fate(self._store, jobs, undo=lambda: self._store.control("ROLLBACK")):
            transaction = self._store.begin()
            if len(jobs) == 1:
                jobs[0].result = jobs[0].work(transaction)
            else:
                for job in jobs:
                    self._attempt(transaction, job)
            self._store.commit(transaction.head)

    def _attempt(self, transaction: Transaction, job: _Job) -> None:
        head = transaction.head

        def undo() -> None:
            self._store.control("ROLLBACK TO one")
            self._store.control("RELEASE one")
            transaction.rewind(head)

        self._store.control("SAVEPOINT one")
        with _Fate(self._store, [job], undo=undo):
            job.result = job.work(transaction)
            self._store.control("RELEASE one")


def _deliver(jobs: list[_Job]) -> None:
    """Wakes each event loop once, not once for each caller."""
    for loop, group in groupby(jobs, key=lambda job: job.loop):
        mine = list(group)
        try:
            loop.call_soon_threadsafe(lambda mine=mine: [job.deliver() for job in mine])
        except RuntimeError:
            # The loop was closed while we wrote: nobody waits there any more, and what was written stays written.
            continue
