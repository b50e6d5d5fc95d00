"""A small Git in memory: commits, branches, pull requests. Ids are those of the real Git for blobs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Literal

Files = dict[str, tuple[str, bytes]]
"""Mode and content by path."""


class RefusedError(Exception):
    """What a real forge refuses; its words."""


@dataclass(frozen=True, slots=True)
class Made:
    """A commit."""

    id: str
    files: Files
    message: str
    parents: tuple[str, ...]


@dataclass(slots=True)
class Pull:
    """A pull or merge request."""

    number: int
    head: str
    base: str
    title: str
    body: str
    state: Literal["open", "closed"] = "open"
    comments: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Repo:
    """One repository."""

    default: str = "main"
    commits: dict[str, Made] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    protected: set[str] = field(default_factory=set)
    pulls: list[Pull] = field(default_factory=list)
    checks: dict[str, dict[str, str]] = field(default_factory=dict)
    """States by name, of a commit, in the words of the forge at hand."""
    numbers: int = 0

    def push(
        self, changes: dict[str, bytes | None], *, branch: str = "main", message: str = "theirs", mode: str = "100644"
    ) -> str:
        """A commit on a branch, as somebody makes it; gives its id."""
        parent = self.branches.get(branch)
        files = dict(self.commits[parent].files) if parent else {}
        for path, content in changes.items():
            former = files.pop(path, None)
            if content is not None:
                files[path] = (former[0] if former else mode, content)
        return self.add(files, message, parents=(parent,) if parent else (), branch=branch)

    def add(self, files: Files, message: str, *, parents: tuple[str, ...], branch: str = "") -> str:
        """A commit with exactly these files."""
        shown = json.dumps([[p, m, blob_id(c)] for p, (m, c) in sorted(files.items())])
        made = hashlib.sha1(f"{shown}{message}{parents}{len(self.commits)}".encode(), usedforsecurity=False).hexdigest()
        self.commits[made] = Made(made, files, message, parents)
        if branch:
            self.branches[branch] = made
        return made

    def at(self, ref: str) -> Made | None:
        """The commit of a branch or an id."""
        return self.commits.get(self.branches.get(ref, ref))

    def history(self, ref: str) -> list[Made]:
        """Commits from a branch or an id back to the first, newest first."""
        found, todo = [], [self.branches.get(ref, ref)]
        while todo:
            made = self.commits.get(todo.pop(0))
            if made is not None and made not in found:
                found.append(made)
                todo += made.parents
        return found

    def between(self, base: str, head: str) -> list[Made]:
        """Commits that only `head` has, oldest first."""
        known = self.history(base)
        return [made for made in reversed(self.history(head)) if made not in known]

    def touching(self, ref: str, path: str) -> list[Made]:
        """Commits that changed a path, newest first."""
        found = []
        for made in self.history(ref):
            former = self.commits[made.parents[0]].files.get(path) if made.parents else None
            if made.files.get(path) != former:
                found.append(made)
        return found

    def open_pull(self, head: str, base: str, *, title: str, body: str) -> Pull:
        """Raises RefusedError as a forge does."""
        if head not in self.branches or base not in self.branches:
            raise RefusedError("head or base is no branch")
        if any(each.state == "open" and (each.head, each.base) == (head, base) for each in self.pulls):
            raise RefusedError(f"A pull request already exists for {head}")
        self.numbers += 1
        self.pulls.append(Pull(self.numbers, head, base, title, body))
        return self.pulls[-1]

    def pull(self, number: str) -> Pull | None:
        """By its number."""
        return next((each for each in self.pulls if str(each.number) == number), None)

    def comment(self, pull: Pull, body: str) -> int:
        """Gives the comment's id."""
        self.numbers += 1
        pull.comments[self.numbers] = body
        return self.numbers

    def uncomment(self, comment_id: str) -> bool:
        """False when there was none."""
        return any(each.comments.pop(int(comment_id), None) is not None for each in self.pulls)


@dataclass(slots=True)
class Hub:
    """Repositories, and the token that opens them."""

    token: str = "t0ken"  # noqa: S105  # the one of the double
    repos: dict[str, Repo] = field(default_factory=dict)

    def repo(self, name: str, files: dict[str, str] | None = None) -> Repo:
        """Makes one with a first commit."""
        made = Repo()
        made.push({path: text.encode() for path, text in (files or {"README.md": "x"}).items()}, message="first")
        self.repos[name] = made
        return made


def blob_id(content: bytes) -> str:
    """As Git computes it."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
