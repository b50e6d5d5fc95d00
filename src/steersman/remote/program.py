"""A program of the machine as a system: typed arguments, no shell, a bare environment, an end in time and size."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from steersman.domain.errors import OutcomeUnknownError, ToolError, UnavailableError

KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "NO_PROXY")
"""Of Steersman's own environment; secrets in it stay here."""
GRACE_S = 5.0
CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended."""

    code: int
    out: bytes
    err: str


@dataclass(frozen=True, slots=True)
class Program:
    """One executable."""

    path: Path
    environment: Mapping[str, str]
    """Beside what is kept of our own."""
    timeout_s: float = 300.0
    max_bytes: int = 64 * 2**20

    @classmethod
    def found(cls, name: str, *, environment: Mapping[str, str] | None = None, timeout_s: float = 300.0) -> Program:
        """By a path, or a name on PATH. Raises UnavailableError when it is not there."""
        place = shutil.which(name)
        if place is None:
            raise UnavailableError(f"there is no program {name!r}; install it, or say where it is")
        return cls(Path(place), dict(environment or {}), timeout_s)

    async def run(
        self, arguments: Sequence[str], *, stdin: bytes = b"", writes: bool = False, timeout_s: float | None = None
    ) -> Finished:
        """Runs it to its end, whatever its exit code is.

        writes: a run that ends without an answer may have had its effect.
        Raises UnavailableError or OutcomeUnknownError when it does not end in time, ToolError when it says too much.
        """
        lost = OutcomeUnknownError if writes else UnavailableError
        limit_s = min(timeout_s or self.timeout_s, self.timeout_s)
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        try:
            process = await asyncio.create_subprocess_exec(
                str(self.path),
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**kept, **self.environment},
                start_new_session=True,
            )
        except OSError as e:
            raise UnavailableError(f"{str(self.path)!r} cannot be run: {e.strerror}") from e
        try:
            async with asyncio.timeout(limit_s):
                return await self._talk(process, stdin)
        except TimeoutError as e:
            raise lost(f"{self.path.name!r} did not end within {limit_s:g} s and was stopped") from e
        finally:
            await _ended(process)

    async def _talk(self, process: asyncio.subprocess.Process, stdin: bytes) -> Finished:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(stdin)
            await process.stdin.drain()
        process.stdin.close()
        out, err = await asyncio.gather(self._read(process.stdout), self._read(process.stderr))
        return Finished(await process.wait(), out, err.decode("utf-8", errors="replace"))

    async def _read(self, stream: asyncio.StreamReader) -> bytes:
        found = bytearray()
        while chunk := await stream.read(CHUNK):
            found += chunk
            if len(found) > self.max_bytes:
                raise ToolError(f"{self.path.name!r} said more than {self.max_bytes} bytes and was stopped")
        return bytes(found)


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Asks the whole group to end, then makes it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), GRACE_S)
