"""A process that writes to a journal until it is killed, and says what was acknowledged.

Arguments: journal, key file, run id, how many tasks at once, how many appends each (0: for ever).
"""

import asyncio
import itertools
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from steersman.domain.event import StepMoved
from steersman.domain.ids import RunId, StepId
from steersman.journal.keyring import Keyring
from steersman.journal.sqlite import SqliteJournal


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        raise NotImplementedError("a journal asks for instants only")

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError("a journal never sleeps")


async def write(journal: SqliteJournal, run_id: RunId, name: str, *, count: int) -> None:
    for n in itertools.count() if count == 0 else range(count):
        step = f"{name}.{n}"
        await journal.append(run_id, StepMoved(step_id=StepId(step), direction="do", state="running"))
        # One unbuffered write for each acknowledgement: what stands in the pipe was acknowledged before the kill.
        os.write(sys.stdout.fileno(), f"{step}\n".encode())


async def main(path: str, keys: str, run_id: str, tasks: str, count: str) -> None:
    opened = SqliteJournal.open(Path(path), Keyring.open(Path(keys)), SystemClock())
    async with opened as journal, asyncio.TaskGroup() as group:
        for task in range(int(tasks)):
            group.create_task(write(journal, RunId(run_id), f"{os.getpid()}.{task}", count=int(count)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
