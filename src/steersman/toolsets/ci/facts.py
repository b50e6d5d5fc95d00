"""What the operations of CI take and give."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from steersman.domain.fact import Fact
from steersman.toolsets.ci.port import RunState

_SEGMENT = r"[A-Za-z0-9_.][A-Za-z0-9 ._-]{0,99}"
PipelineName = Annotated[str, StringConstraints(pattern=rf"^{_SEGMENT}(/{_SEGMENT}){{0,9}}$")]
RunName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
RefName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}$")]
InputName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$")]
InputText = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{0,1000}$")]


class OfRun(Fact):
    """Arguments that name a run."""

    pipeline: PipelineName
    """`owner/repository/workflow.yml` on GitHub, the project on GitLab, the path of the job on Jenkins."""
    name: RunName
    """Chosen by who plans; a second run of the same name is the same run."""


class NewRunAsked(OfRun):
    """Arguments of `start_run`."""

    ref: RefName
    """Branch or tag."""
    inputs: dict[InputName, InputText] = Field(default={}, max_length=20)


class Waiting(OfRun):
    """Arguments of `watch_run`."""

    wait_s: float = Field(default=1_800.0, ge=0, le=14_400)
    """Longest time to wait until it has finished."""


class Tail(OfRun):
    """Arguments of `logs`."""

    lines: int = Field(default=100, ge=1, le=1_000)


class RunShown(Fact):
    """What `get_run` observes: a run that was cancelled does not count."""

    exists: bool
    ref: str | None = None


class Watched(Fact):
    """Answer of `watch_run`."""

    exists: bool
    finished: bool = False
    succeeded: bool = False
    state: RunState | None = None
    commit: str = ""
    url: str = ""


class Started(Fact):
    """Answer of `start_run`."""

    started: bool
    """False: it was there already."""
    id: str
    url: str = ""


class Cancelled(Fact):
    """Answer of `cancel_run`."""

    cancelled: bool
    """False: it had finished, or there was none."""
    state: RunState | None = None


class Logs(Fact):
    """Answer of `logs`. Untrusted text."""

    exists: bool
    excerpt: tuple[str, ...] = ()
    """The last lines."""
    left_out: int = 0


class ArtifactShown(Fact):
    """A file that a run has left."""

    name: str
    size_bytes: int = 0
    digest: str = ""


class Artifacts(Fact):
    """Answer of `artifacts`."""

    exists: bool
    artifacts: tuple[ArtifactShown, ...] = ()
