"""Real processes on one journal file: killed at random, and many at once."""

import asyncio
import random
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.integration.journal.appender import SystemClock

from steersman.domain.ids import RunId
from steersman.journal import audit
from steersman.journal.approvals import sign
from steersman.journal.keyring import Keyring
from steersman.journal.sqlite import SqliteJournal
from steersman.testing.journal_facts import APPROVER, RUN, request

ROOT = Path(__file__).parents[3]
KILLS = 20


@pytest.fixture
def keys(tmp_path):
    path = tmp_path / "keys.json"
    Keyring.open(path)
    return path


def start(script, *arguments):
    command = [sys.executable, "-m", f"tests.integration.journal.{script}", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


async def steps(path, keys, run_id):
    async with SqliteJournal.open(path, Keyring.open(keys), SystemClock()) as journal:
        return [entry.event.step_id for entry in await journal.read(run_id)]


async def test_no_acknowledged_entry_is_lost_to_a_kill(tmp_path, keys):
    path, chance = tmp_path / "journal.db", random.Random(3)
    acknowledged = []
    for _ in range(KILLS):
        process = start("appender", path, keys, RUN, chance.choice([1, 8]), 0)
        acknowledged.append(process.stdout.readline().strip())
        await asyncio.sleep(chance.uniform(0.0, 0.15))
        process.send_signal(signal.SIGKILL)
        acknowledged += process.communicate()[0].split()
    assert len(acknowledged) > 10 * KILLS
    written = await steps(path, keys, RUN)
    assert len(written) == len(set(written))
    assert set(acknowledged) <= set(written)
    assert audit.verify(path, Keyring.open(keys)) == []


async def test_many_processes_write_one_file_from_its_first_moment(tmp_path, keys):
    path = tmp_path / "journal.db"
    processes = [start("appender", path, keys, f"run-{n}", 2, 25) for n in range(6)]
    for process in processes:
        said = process.communicate(timeout=120)[0].split()
        assert process.returncode == 0
        assert len(said) == 50
    for n in range(6):
        assert len(set(await steps(path, keys, RunId(f"run-{n}")))) == 50
    assert audit.verify(path, Keyring.open(keys)) == []


async def test_of_many_processes_that_claim_one_approval_one_acts(tmp_path, keys):
    path, keyring = tmp_path / "journal.db", Keyring.open(keys)
    async with SqliteJournal.open(path, keyring, SystemClock()) as journal:
        now = datetime.now(UTC)
        asked = (await journal.ask(request(at=now))).request
        await journal.vote(sign(keyring, asked, approver=APPROVER, answer="approve", at=now))
    processes = [start("claimant", path, keys, asked.id) for _ in range(8)]
    answers = [process.communicate(timeout=120)[0].strip() for process in processes]
    assert sorted(set(answers)) == ["acted", "refused"]
    assert answers.count("acted") == 1
    assert audit.verify(path, keyring) == []


async def test_a_lease_is_held_by_one_of_many_processes(tmp_path, keys):
    path = tmp_path / "journal.db"
    processes = [start("leaser", path, keys, f"owner-{n}") for n in range(6)]
    answers = await asyncio.gather(*(asyncio.to_thread(process.communicate, timeout=120) for process in processes))
    assert [out.strip() for out, _ in answers].count("True") == 1
