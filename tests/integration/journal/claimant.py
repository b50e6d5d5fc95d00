"""A process that tries to claim an approval for one call. Arguments: journal, key file, approval id."""

import asyncio
import sys
from pathlib import Path

from tests.integration.journal.appender import SystemClock

from steersman.domain.errors import ConcurrencyError
from steersman.domain.ids import ApprovalId
from steersman.journal.keyring import Keyring
from steersman.journal.sqlite import SqliteJournal
from steersman.testing.journal_facts import RUN, claim, intent


async def main(path: str, keys: str, approval_id: str) -> None:
    async with SqliteJournal.open(Path(path), Keyring.open(Path(keys)), SystemClock()) as journal:
        asked = (await journal.approval(ApprovalId(approval_id))).request
        try:
            await journal.intend(RUN, intent(), claim(asked))
        except ConcurrencyError:
            print("refused")  # noqa: T201 - its answer to the test
        else:
            print("acted")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
