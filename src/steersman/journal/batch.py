"""Many operations, one transaction, one sync. An operation that fails is rolled back alone, to its savepoint."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Protocol, TypeVar

from steersman.journal.chain import Head
from steersman.journal.transaction import Transaction

T = TypeVar("T")
Work = Callable[[Transaction], T]


class Store(Protocol):
    """One writing connection."""

    def begin(self) -> Transaction | None:
        """Opens a transaction that nobody can write beside; None when others write and this store never waits."""
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

    def tend(self) -> None:
        """Housekeeping between transactions."""
        ...

    def close(self) -> None:
        """Gives the connection back."""
        ...


class Job:
    """One operation, and the caller that waits for it."""

    __slots__ = ("abandoned", "error", "future", "loop", "result", "work")

    def __init__(self, work: Work[Any], loop: asyncio.AbstractEventLoop) -> None:
        self.work = work
        self.loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()
        self.abandoned = False
        self.result: Any = None
        self.error: BaseException | None = None

    def deliver(self) -> None:
        """Wakes the caller; in its event loop only."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class _Fate:
    """Carries whatever is raised inside to the callers that wait for it: it is raised there, not lost here."""

    __slots__ = ("_jobs", "_store", "_undo")

    def __init__(self, store: Store, jobs: Sequence[Job], *, undo: Callable[[], None]) -> None:
        self._store = store
        self._jobs = jobs
        self._undo = undo

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        if error is None:
            return False
        told = self._store.translated(error)
        for job in self._jobs:
            job.error = job.error or told
        self._undo()
        return True


def commit(store: Store, jobs: Sequence[Job]) -> bool:
    """Does the jobs in one transaction; each then has its result or its error. False: others write, nothing done."""
    with _Fate(store, jobs, undo=lambda: store.control("ROLLBACK")):
        transaction = store.begin()
        if transaction is None:
            return False
        if len(jobs) == 1:
            jobs[0].result = jobs[0].work(transaction)
        else:
            for job in jobs:
                _attempt(store, transaction, job)
        store.commit(transaction.head)
    return True


def _attempt(store: Store, transaction: Transaction, job: Job) -> None:
    head = transaction.head

    def undo() -> None:
        store.control("ROLLBACK TO one")
        store.control("RELEASE one")
        transaction.rewind(head)

    store.control("SAVEPOINT one")
    with _Fate(store, [job], undo=undo):
        job.result = job.work(transaction)
        store.control("RELEASE one")
