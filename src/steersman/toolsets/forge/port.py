"""What a forge must be able to do. GitHub, GitLab, Gitea and a bare Git repository are four adapters of this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

CheckState = Literal["pending", "passed", "failed", "neutral"]


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository as its forge names it."""

    name: str
    default_branch: str


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch and where it stands."""

    name: str
    head: str
    """Id of its last commit."""
    protected: bool = False


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """A commit. Its message is untrusted text."""

    id: str
    message: str
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file at one commit."""

    path: str
    content: bytes
    id: str
    """Blob id."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """What becomes of one file; `None` deletes it."""

    path: str
    content: bytes | None
    was: str | None
    """Blob id that it must have now; None: it must not be there."""


@dataclass(frozen=True, slots=True)
class NewCommit:
    """A commit that is made only while the branch still stands at `expected_head`."""

    branch: str
    expected_head: str
    message: str
    changes: tuple[FileChange, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A pull or merge request. Title and body are untrusted text."""

    number: int
    branch: str
    base: str
    title: str
    body: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class NewProposal:
    """A pull or merge request to be opened."""

    branch: str
    base: str
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on a proposal. Untrusted text."""

    id: str
    body: str


@dataclass(frozen=True, slots=True)
class CommitCheck:
    """What a CI system says of a commit."""

    name: str
    state: CheckState
    url: str = ""


class Branches(Protocol):
    """Branches of a repository, and the commits on them."""

    async def branch(self, repository: str, name: str) -> Branch | None:
        """The branch; None when there is none."""
        ...

    async def create_branch(self, repository: str, name: str, *, head: str) -> None:
        """Makes a branch at a commit. Raises ToolError when one of that name is there."""
        ...

    async def delete_branch(self, repository: str, name: str, *, head: str) -> None:
        """Deletes a branch, as long as it stands at `head` where the forge can say so."""
        ...

    async def ahead(self, repository: str, name: str, *, base: str) -> tuple[CommitInfo, ...]:
        """Commits on the branch that `base` does not have, newest first."""
        ...


class Files(Protocol):
    """Files of a repository."""

    async def file(self, repository: str, path: str, *, ref: str) -> StoredFile | None:
        """A file at a branch or commit; None when it is not there. Raises ToolError for what is no plain file."""
        ...

    async def commit(self, repository: str, new: NewCommit) -> str:
        """Makes a commit, as compare-and-set; gives its id. Raises ToolError when the branch has moved."""
        ...

    async def last_change(self, repository: str, path: str, *, ref: str) -> CommitInfo | None:
        """The last commit on a branch that touched a path."""
        ...

    async def checks(self, repository: str, commit: str) -> tuple[CommitCheck, ...]:
        """What CI says of a commit."""
        ...


class Proposals(Protocol):
    """Pull requests, merge requests, and the talk on them."""

    async def open_proposal(self, repository: str, branch: str) -> Proposal | None:
        """The open proposal from a branch; None when there is none."""
        ...

    async def propose(self, repository: str, new: NewProposal) -> Proposal:
        """Opens one."""
        ...

    async def close(self, repository: str, number: int) -> None:
        """Closes one without merging it."""
        ...


class Comments(Protocol):
    """The talk on a proposal."""

    async def comments(self, repository: str, number: int) -> tuple[Comment, ...]:
        """All comments of a proposal."""
        ...

    async def comment(self, repository: str, number: int, body: str) -> None:
        """Adds one."""
        ...

    async def delete_comment(self, repository: str, number: int, *, comment_id: str) -> None:
        """Deletes one."""
        ...


class Forge(Branches, Files, Proposals, Comments, Protocol):
    """One forge."""

    async def repository(self, name: str) -> Repository | None:
        """The repository; None when there is none that the credentials may see."""
        ...

    async def version(self) -> str:
        """What answers there. Raises what any call raises when nothing like this forge does."""
        ...
