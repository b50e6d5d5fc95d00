"""PostgreSQL's own programs: argument lists only, no shell; the password by a file in memory, for the child alone."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from steersman.domain.errors import ToolError, UnavailableError
from steersman.remote.text import one_line
from steersman.toolsets.postgres.settings import Login, Server

KEPT = ("PATH", "LANG", "LC_ALL", "TZ")
DEBIAN = Path("/usr/lib/postgresql")
SAID = 4_000


@dataclass(frozen=True, slots=True)
class Programs:
    """pg_dump and pg_restore, run against one server."""

    server: Server
    folder: Path | None = None
    """Where they are; None: the newest that is installed."""

    async def run(self, name: str, arguments: Sequence[str], login: Login) -> None:
        """Runs one to its end. Raises ToolError with what it said last; it dies with us, and when we are cancelled."""
        argv = [*_tether(), self._located(name), *self._where(login), *arguments]
        with _password_file(self.server, login) as (path, descriptors):
            process = await asyncio.create_subprocess_exec(
                *argv,
                env=self._environment(path),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=descriptors,
            )
            try:
                said = await _tail(process)
            finally:
                if process.returncode is None:
                    process.kill()
                    await asyncio.shield(process.wait())
        if process.returncode != 0:
            raise ToolError(f"{name} ended with {process.returncode}: {_reason(said)}")

    def _where(self, login: Login) -> list[str]:
        return [f"--host={self.server.host}", f"--port={self.server.port}", f"--username={login.user}", "--no-password"]

    def _environment(self, password_file: str) -> dict[str, str]:
        """Nothing of ours but what finds the program and the password."""
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        secure = {"PGSSLMODE": self.server.sslmode, "PGAPPNAME": "steersman", "PGPASSFILE": password_file}
        if self.server.ca_file:
            secure["PGSSLROOTCERT"] = str(self.server.ca_file)
        return {**kept, **secure, "PGCONNECT_TIMEOUT": str(self.server.connect_timeout_s)}

    def _located(self, name: str) -> str:
        if self.folder is not None:
            found = shutil.which(name, path=str(self.folder))
        else:
            newest = sorted(DEBIAN.glob("*/bin"), key=lambda p: int(p.parent.name) if p.parent.name.isdigit() else 0)
            found = next((f for each in reversed(newest) if (f := shutil.which(name, path=str(each)))), None)
            found = found or shutil.which(name)
        if found is None:
            raise UnavailableError(f"program {name!r} is not installed; install PostgreSQL's client programs")
        return found


def _tether() -> list[str]:
    """Where the system can arrange it, the child ends when we do, however that is."""
    tether = shutil.which("setpriv")
    return [tether, "--pdeathsig", "KILL", "--"] if tether else []


@contextmanager
def _password_file(server: Server, login: Login) -> Iterator[tuple[str, tuple[int, ...]]]:
    """A password file for libpq, and the descriptors that the child must inherit. In memory where there is such."""
    password = login.password.get_secret_value() if login.password else ""
    line = (
        ":".join(map(_escaped, (server.host, str(server.port)))) + f":*:{_escaped(login.user)}:{_escaped(password)}\n"
    )
    if sys.platform == "linux":
        descriptor = os.memfd_create("pgpass", 0)
        try:
            os.fchmod(descriptor, 0o600)
            os.write(descriptor, line.encode())
            yield f"/proc/self/fd/{descriptor}", (descriptor,)
        finally:
            os.close(descriptor)
        return
    with tempfile.TemporaryDirectory(prefix="steersman-") as folder:
        path = Path(folder) / "pgpass"
        path.touch(mode=0o600)
        path.write_text(line, encoding="utf-8")
        yield str(path), ()


def _escaped(part: str) -> str:
    return part.replace("\\", "\\\\").replace(":", "\\:")


async def _tail(process: asyncio.subprocess.Process) -> str:
    """The end of what a child says; the rest is read and dropped, so that it never blocks."""
    assert process.stderr is not None
    kept = b""
    while piece := await process.stderr.read(65_536):
        kept = (kept + piece)[-SAID:]
    await process.wait()
    return kept.decode(errors="replace")


def _reason(said: str) -> str:
    """The first error. What follows it (context, detail, the command) quotes rows, and stays out."""
    errors = [line for line in said.splitlines() if "error:" in line or "ERROR:" in line]
    return one_line(errors[0]) if errors else "it gave no reason"
