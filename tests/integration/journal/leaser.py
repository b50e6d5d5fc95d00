"""A process that tries to take a lease. Arguments: journal, key file, owner."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from tests.integration.journal.appender import SystemClock

from steersman.domain.ids import RunId
from steersman.journal.keyring import Keyring
from steersman.journal.sqlite import SqliteJournal


async def main(path: str, keys: str, owner: str) -> None:
    async with SqliteJournal.open(Path(path), Keyring.open(Path(keys)), SystemClock()) as journal:
        print(await journal.acquire(RunId("run"), owner, timedelta(hours=1)))  # noqa: T201 - its answer to the test


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
