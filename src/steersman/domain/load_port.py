"""What a load generator must be able to do; `toolsets/load` runs whatever does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from steersman.domain.load import Compiled, GeneratorName, LoadProfile
from steersman.domain.load_result import Block, ErrorKind, Progress, StepFigures

SECRET_VARIABLE = "STEERSMAN_LOAD_AUTH"  # noqa: S105 - the name of a variable
"""Environment variable in which a generator's process finds the value of `auth`; nothing else of ours is there."""

EDGE_S = 0.5
"""What a generator takes to write its figures and to end."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a process, or several in turn, ended."""

    exit_code: int
    started_at: datetime
    finished_at: datetime
    wall_s: float
    cores: float
    cpu_s: float | None = None
    cpu_windows: tuple[tuple[float, float], ...] = ()
    """Seconds since the start, and cores that were used from then on for about half a second."""
    stdout: str = ""
    stderr: str = ""
    """Beginnings of both, at most some ten thousand characters."""

    def cpu_peak(self, load_s: float) -> float | None:
        """Cores in the busiest window while load went on for so long: starting up and importing is none."""
        lead_s = max(self.wall_s - load_s - EDGE_S, 0.0)
        return max((cores for at_s, cores in self.cpu_windows if at_s >= lead_s), default=None)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a generator's own output says."""

    blocks: tuple[Block, ...]
    errors: Mapping[ErrorKind, int] = field(default_factory=dict)
    steps: tuple[StepFigures, ...] = ()
    started: int = 0
    dropped: int = 0
    late_ms: float | None = None
    raw: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Launch:
    """Processes to run in turn, in the folder of the run."""

    commands: tuple[tuple[str, ...], ...]
    """Program and arguments; the program is a name to be found or an absolute path."""
    beside: tuple[tuple[str, ...], ...] = ()
    """Processes that do the work of the one command, which then leads and counts nothing: all end together."""
    cores: Literal["one", "all"] = "all"
    """Of each process that counts."""
    good_exits: frozenset[int] = frozenset({0})
    environment: Mapping[str, str] = field(default_factory=dict)


class Generator(Protocol):
    """One load generator."""

    @property
    def name(self) -> GeneratorName:
        """Also the name of its toolset."""
        ...

    def compile(self, profile: LoadProfile) -> Compiled:
        """The profile in the generator's language, and what of it cannot be said there."""
        ...

    def launch(self, profile: LoadProfile, *, port: int = 0) -> Launch:
        """How to run what was compiled. port: a free one of this machine, if it is to tell its progress there."""
        ...

    async def progress(self, profile: LoadProfile, folder: Path, *, port: int, at_s: float) -> Progress | None:
        """How a run in that folder stands, some seconds after its start; None when it does not tell, or not yet."""
        ...

    def read(self, profile: LoadProfile, folder: Path) -> Measured:
        """What a run in that folder measured. Raises ToolError when its output is none."""
        ...
