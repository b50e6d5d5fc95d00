"""What the operations of a forge take and give."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from steersman.domain.fact import Fact
from steersman.toolsets.forge.port import CheckState

_SEGMENT = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}"
RepositoryName = Annotated[str, StringConstraints(pattern=rf"^{_SEGMENT}(/{_SEGMENT}){{0,5}}$")]
"""`owner/name`; on GitLab `group/sub-group/name`; for bare Git the path below the root."""
BranchName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}$")]
Path = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.@+-][A-Za-z0-9_.@+ /-]{0,299}$")]
Package = Annotated[str, StringConstraints(pattern=r"^@?[A-Za-z0-9][A-Za-z0-9._/:@-]{0,199}$")]
"""An image without its tag, or the name of a package."""
PinValue = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._+:@/=<>!~^,*|\[\] -]{1,200}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Title = Annotated[str, StringConstraints(pattern=r"^\S([^\x00-\x1f\x7f]{0,198}\S)?$")]
Text = Annotated[str, Field(max_length=20_000)]
Content = Annotated[str, Field(max_length=200_000)]
PinKind = Literal["dockerfile", "requirements", "pyproject", "npm", "manifest"]


def safe_branch(name: str) -> str:
    """The name, if Git takes it. Raises ValueError. Source: git-check-ref-format(1)."""
    parts = name.split("/")
    wrong = any(not part or part.startswith(".") or part.endswith((".lock", ".")) for part in parts)
    if wrong or ".." in name:
        raise ValueError("is no name of a branch that Git takes")
    return name


def safe_path(path: str) -> str:
    """The path, if it stays inside the repository. Raises ValueError."""
    parts = path.split("/")
    if any(part in ("", ".", "..") or part.lower() == ".git" for part in parts) or path != path.strip():
        raise ValueError("is no plain path inside the repository")
    return path


def plain_text(text: str) -> str:
    """The text, if every forge gives it back as it is. Raises ValueError."""
    if "\r" in text or text != text.strip() or "\x00" in text:
        raise ValueError("wants no carriage returns and no space around it: forges would change it")
    return text


class InRepository(Fact):
    """Arguments that name a repository."""

    repository: RepositoryName


class OnBranch(InRepository):
    """Arguments that name a branch."""

    branch: BranchName

    _branch = field_validator("branch")(safe_branch)


class NewBranch(OnBranch):
    """Arguments of `create_branch` and `delete_branch`."""

    base: BranchName
    """The branch that it begins at."""

    _base = field_validator("base")(safe_branch)


class FileName(NewBranch):
    """Arguments that name a file on a branch; while the branch is not there yet, its base is looked at."""

    path: Path

    _path = field_validator("path")(safe_path)


class NewFile(FileName):
    """Arguments of `create_file` and `set_file`: the whole content, as UTF-8."""

    content: Content
    message: Title


class FileRemoval(FileName):
    """Arguments of `delete_file` and `revert_file`."""

    message: Title


class PinName(FileName):
    """Arguments of `get_pin`: the one place in a file that says which version of a package is used."""

    kind: PinKind
    package: Package


class NewPin(PinName):
    """Arguments of `set_pin`."""

    value: PinValue
    """An image with its tag or digest; a requirement's specifier, such as `==2.32.4`; an npm range."""
    message: Title


class NewPullRequest(OnBranch):
    """Arguments of `open_pull_request`."""

    base: BranchName
    title: Title
    body: Text

    _base = field_validator("base")(safe_branch)
    _body = field_validator("body")(plain_text)


class CommentName(OnBranch):
    """Arguments that name a comment by Steersman on the open pull request of a branch."""

    name: Name


class NewComment(CommentName):
    """Arguments of `comment`."""

    body: Text

    _body = field_validator("body")(plain_text)


class Waiting(OnBranch):
    """Arguments of `watch_checks`."""

    wait_s: float = Field(default=600.0, ge=0, le=3_600)
    """Longest time to wait for checks that are still pending."""


class RepositoryState(Fact):
    """What `get_repository` observes."""

    exists: bool
    default_branch: str | None = None


class BranchState(Fact):
    """What `get_branch` observes."""

    exists: bool


class BranchHead(Fact):
    """Answer of `branch_head`."""

    exists: bool
    head: str = ""
    protected: bool = False
    ahead: int = 0
    """Commits that the default branch does not have."""


class FileState(Fact):
    """What `get_file` observes."""

    exists: bool
    content: str | None = None


class ChangeState(Fact):
    """What `get_change` observes: a file, and what a revert of Steersman's own last change of it would leave."""

    exists: bool = True
    now: FileState
    taken_back: FileState
    """The same as now where the last change is not one by Steersman: that is not taken back."""


class PinState(Fact):
    """What `get_pin` observes: only the value, so that the rest of the file may change."""

    exists: bool
    value: str | None = None


class PullRequestState(Fact):
    """What `get_pull_request` observes: the open one; a closed or merged one does not count."""

    exists: bool
    base: str | None = None
    title: str | None = None
    body: str | None = None


class CommentState(Fact):
    """What `get_comment` observes."""

    exists: bool
    body: str | None = None


class Committed(Fact):
    """Answer of a write of a file."""

    changed: bool
    """False: it was so already."""
    commit: str = ""


class Opened(Fact):
    """Answer of `open_pull_request`."""

    number: int
    url: str = ""


class Done(Fact):
    """Answer of a write that has nothing else to say."""

    changed: bool


class Check(Fact):
    """What CI says of a commit. The name is untrusted text."""

    name: str
    state: CheckState
    url: str = ""


class Checks(Fact):
    """What CI says of the head of a branch."""

    commit: str
    settled: bool
    """Whether there is at least one check and none is pending."""
    passed: bool
    """Settled, and none has failed."""
    failed: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
