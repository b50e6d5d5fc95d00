"""A generator's process: argument lists only, a scrubbed environment, limits, and an end that takes its whole group.

No shell is involved. The child leads a session of its own, and dies with us where the system can arrange that.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from steersman.domain.errors import UnavailableError
from steersman.domain.load_port import Finished, Launch

KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables that a generator may see; no credentials, no proxies, none of its own settings."""
POLITE_S = 1.0
"""How long a generator that was asked to end may take, before its group is killed."""
EARLY_S = 1.8
"""...and one whose figures until then are wanted."""
HEAD_CHARACTERS = 20_000
SAMPLE_S = 0.5
OPEN_FILES = 65_536
FILE_BYTES = 4 << 30
SLACK_S = 45.0


@dataclass(slots=True)
class _Usage:
    """CPU of a process group, sampled."""

    began: float
    cpu_s: float | None = None
    windows: list[tuple[float, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Limits:
    """Of one process, or of some that work together."""

    seconds: float
    usage: _Usage
    stop: asyncio.Event
    good_exits: frozenset[int]


def located(program: str) -> str:
    """The absolute path of a program; the environment that Python runs in comes first. Raises UnavailableError."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which(program, path=os.pathsep.join((beside, os.environ.get("PATH", os.defpath))))
    if found is None:
        raise UnavailableError(f"program {program!r} is not installed; `steer doctor` says how to get it")
    return str(Path(found).absolute())


async def run_all(
    launch: Launch,
    folder: Path,
    *,
    seconds: float,
    environment: Mapping[str, str] | None = None,
    stop: asyncio.Event | None = None,
) -> Finished:
    """Runs the commands in turn, until one of them ends badly. Cancelling ends the group within two seconds.

    seconds: what the load takes; a generator that is still there long after is ended. stop: asks the generator to end
    early, and to leave what it has measured; none of the commands behind it is begun.
    """
    stop = stop or asyncio.Event()
    variables = {name: os.environ[name] for name in KEPT if name in os.environ}
    variables |= {"HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1", **launch.environment, **(environment or {})}
    began, started_at = monotonic(), datetime.now(UTC)
    usage = _Usage(began)
    code, out, err = 0, "", ""
    for command in launch.commands:
        left = seconds + SLACK_S - (monotonic() - began)
        limits = _Limits(max(left, 1.0), usage, stop, launch.good_exits)
        code, out, err = await _together((command, *launch.beside), folder, variables, limits)
        if code not in launch.good_exits or stop.is_set():
            break
    cores = len(os.sched_getaffinity(0))
    return Finished(
        exit_code=code,
        started_at=started_at,
        finished_at=datetime.now(UTC),
        wall_s=monotonic() - began,
        cores=float(min(max(len(launch.beside), 1), cores) if launch.cores == "one" else cores),
        cpu_s=usage.cpu_s,
        cpu_windows=tuple(usage.windows),
        stdout=out,
        stderr=err,
    )


async def _together(
    commands: Sequence[tuple[str, ...]], folder: Path, variables: Mapping[str, str], limits: _Limits
) -> tuple[int, str, str]:
    """Runs the first command with the others beside it; gives back the first bad exit code and what all have said."""
    processes: list[asyncio.subprocess.Process] = []
    try:
        for command in commands:
            processes.append(await _begun(command, folder, variables))
            _limit(processes[-1].pid, limits.seconds)
        async with asyncio.timeout(limits.seconds), asyncio.TaskGroup() as group:
            streams = [stream for each in processes for stream in (each.stdout, each.stderr) if stream is not None]
            said = [group.create_task(_head(stream)) for stream in streams]
            counting = [each.pid for each in processes[1:] or processes]
            aside = (
                group.create_task(_sample(counting, limits.usage)),
                *(group.create_task(_end_early(each, limits.stop)) for each in processes),
            )
            code = await _ended(processes, {group.create_task(each.wait()) for each in processes}, limits.good_exits)
            for task in aside:
                task.cancel()
        return code, "".join(each.result() for each in said[::2]), "".join(each.result() for each in said[1::2])
    except TimeoutError as e:
        late = f"{commands[0][0]!r} had not ended {limits.seconds:.0f} s after its start, and was ended"
        raise UnavailableError(late) from e
    finally:
        await asyncio.shield(asyncio.gather(*(end_group(each) for each in processes)))


async def _begun(command: tuple[str, ...], folder: Path, variables: Mapping[str, str]) -> asyncio.subprocess.Process:
    argv = [located(command[0]), *command[1:]]
    tether = shutil.which("setpriv")
    if tether is not None:
        argv = [tether, "--pdeathsig", "KILL", "--", *argv]
    return await asyncio.create_subprocess_exec(
        *argv,
        cwd=folder,
        env=dict(variables),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )


async def _ended(
    processes: Sequence[asyncio.subprocess.Process], waiting: set[asyncio.Task[int]], good: frozenset[int]
) -> int:
    """Waits for all; when one ends badly, so do the others: without it their figures would be short."""
    while waiting:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        bad = [task.result() for task in done if task.result() not in good]
        if bad:
            await asyncio.gather(*(end_group(each) for each in processes))
            return bad[0]
    return processes[0].returncode or 0


async def _end_early(process: asyncio.subprocess.Process, stop: asyncio.Event) -> None:
    """Asks a process to end when told so, and kills one that does not."""
    await stop.wait()
    _signal(process.pid, signal.SIGINT)
    await asyncio.sleep(EARLY_S)
    _signal(process.pid, signal.SIGKILL)


async def end_group(process: asyncio.subprocess.Process) -> None:
    """Asks a group to end, and kills what does not; returns when its leader is gone."""
    if process.returncode is None:
        _signal(process.pid, signal.SIGINT)
        try:
            async with asyncio.timeout(POLITE_S):
                await process.wait()
        except TimeoutError:
            pass  # what follows is for exactly that
    _signal(process.pid, signal.SIGKILL)
    await process.wait()


def _signal(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return  # all of it has ended


def _limit(pid: int, seconds: float) -> None:
    """Core dumps, files, CPU. Linux sets these from outside, right after the start; elsewhere there are none."""
    if not hasattr(resource, "prlimit"):
        return
    cpu = int(seconds * (os.cpu_count() or 1)) + 60
    files = min(OPEN_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    wanted = (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, files),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CPU, cpu),
    )
    for which, most in wanted:
        try:
            resource.prlimit(pid, which, (most, most))
        except ProcessLookupError:
            return  # it has ended already


async def _head(stream: asyncio.StreamReader) -> str:
    """The beginning of a stream; the rest is read and dropped, so that the child never blocks."""
    kept = bytearray()
    while piece := await stream.read(65_536):
        kept += piece[: max(HEAD_CHARACTERS - len(kept), 0)]
    return kept.decode(errors="replace")


async def _sample(pids: Sequence[int], usage: _Usage) -> None:
    """CPU seconds so far and the busiest window. A process that is gone, or a system without /proc, gives none.

    Of several processes the busiest one counts for all: one that is short of CPU makes all figures doubtful.
    """
    base, at = usage.cpu_s or 0.0, monotonic()
    last: list[float] = []
    while True:
        now = [used for used in map(_cpu_s, pids) if used is not None]
        if len(now) < len(pids):
            return
        if last and (width := monotonic() - at) > 0:
            busiest = max(b - a for a, b in zip(last, now, strict=True))
            usage.windows.append((at - usage.began, len(pids) * busiest / width))
        usage.cpu_s, last, at = base + sum(now), now, monotonic()
        await asyncio.sleep(SAMPLE_S)


def _cpu_s(pid: int) -> float | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
