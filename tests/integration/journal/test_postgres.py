"""The conformance suite on a real PostgreSQL server, which the test starts and stops itself."""

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from steersman.journal.keyring import Keyring
from steersman.testing.clock import FakeClock
from steersman.testing.journal_conformance import JournalConformance
from steersman.testing.journal_facts import RUN, noted, planned

psycopg = pytest.importorskip("psycopg", reason="needs the extra postgres")
postgres = pytest.importorskip("steersman.journal.postgres")

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
USER = "postgres"

pytestmark = pytest.mark.skipif(
    not PROGRAMS or shutil.which("setpriv") is None or os.geteuid() != 0,
    reason="needs root and Debian's postgresql: apt-get install postgresql",
)


def as_postgres(*command):
    """A server refuses to run as root."""
    account = pwd.getpwnam(USER)
    return ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", *command]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = Path("/tmp") / f"steersman-postgres-{os.getpid()}"  # the server's own user must reach it
    folder.mkdir()
    shutil.chown(folder, USER)
    programs, port = PROGRAMS[-1], free_port()
    data = str(folder / "data")
    subprocess.run(
        as_postgres(programs / "initdb", "-D", data, "-A", "trust", "-U", USER),
        check=True,
        capture_output=True,
        cwd="/",
    )
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    control = [programs / "pg_ctl", "-D", data, "-w", "-l", str(folder / "log")]
    subprocess.run(as_postgres(*control, "-o", options, "start"), check=True, capture_output=True, cwd="/")
    yield f"postgresql://{USER}@127.0.0.1:{port}"
    subprocess.run(as_postgres(*control, "-m", "immediate", "stop"), check=True, capture_output=True, cwd="/")
    shutil.rmtree(folder)


class PostgresPlace:
    def __init__(self, url, anchor):
        self.url, self.anchor = url, anchor
        self.keyring = Keyring.generate()
        self.clock = FakeClock()

    def open(self):
        return postgres.PostgresJournal.open(self.url, self.keyring, self.clock, anchor=self.anchor)

    def verify(self):
        return postgres.verify(self.url, self.keyring, anchor=self.anchor)


@pytest.fixture
def place(server, tmp_path):
    name = f"j{abs(hash(str(tmp_path)))}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return PostgresPlace(f"{server}/{name}", tmp_path / "anchor")


class TestPostgresJournal(JournalConformance):
    @pytest.fixture
    def place(self, place):
        return place


async def test_tampering_is_found(place):
    async with place.open() as journal:
        await journal.append(RUN, planned(), noted(), noted())
    assert place.verify() == []
    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute("DELETE FROM entries WHERE seq = 3")
    assert {problem.code for problem in place.verify()} == {"truncated"}


async def test_writers_on_several_connections_keep_one_chain(place):
    async with place.open() as one, place.open() as two:
        appends = (journal.append(RUN, noted()) for journal in (one, two) for _ in range(50))
        await asyncio.gather(*appends)
        assert len(await one.read(RUN)) == 100
    assert place.verify() == []
