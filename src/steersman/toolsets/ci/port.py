"""What a CI system must be able to do. GitHub Actions, GitLab CI and Jenkins are three adapters of this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

RunState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
FINISHED: frozenset[RunState] = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class PipelineRun:
    """One run of a pipeline."""

    id: str
    ref: str
    state: RunState
    commit: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run to be started. Its name travels with it as an input, so that it is found again."""

    name: str
    ref: str
    inputs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a run has left. The name is untrusted text."""

    name: str
    size_bytes: int = 0
    digest: str = ""


class Ci(Protocol):
    """One CI system. A pipeline is `owner/repository/workflow.yml`, a project, or the path of a job."""

    async def version(self) -> str:
        """What answers there."""
        ...

    async def find(self, pipeline: str, name: str) -> PipelineRun | None:
        """The newest run of that name among the latest; None when there is none."""
        ...

    async def start(self, pipeline: str, new: NewRun) -> None:
        """Starts a run; it may take a moment until `find` finds it."""
        ...

    async def cancel(self, pipeline: str, run: PipelineRun) -> None:
        """Asks a run to stop."""
        ...


class CiOutput(Protocol):
    """What runs leave."""

    async def logs(self, pipeline: str, run: PipelineRun) -> str:
        """The end of the logs, of what failed first. Untrusted text."""
        ...

    async def artifacts(self, pipeline: str, run: PipelineRun) -> tuple[Artifact, ...]:
        """What the run has left."""
        ...


class CiSystem(Ci, CiOutput, Protocol):
    """Both."""
