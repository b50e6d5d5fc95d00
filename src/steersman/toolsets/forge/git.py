"""Plain Git: bare repositories below one folder, without a forge around them and without a process of their own.

A branch moves only by compare-and-set of its ref, as `git push --force-with-lease` does it. Git has no pull requests:
they are kept as JSON blobs under `refs/steersman/pulls/N`. Checks are lines of JSON in the notes `refs/notes/checks`,
as `git notes --ref=checks append -m '{"name": "build", "state": "passed"}' COMMIT` writes them.
"""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from dulwich.object_store import commit_tree_changes, tree_lookup_path
from dulwich.objects import Blob, Commit, ObjectID
from dulwich.refs import Ref
from dulwich.repo import Repo

from steersman.domain.errors import ToolError, UnavailableError
from steersman.domain.ports import Clock
from steersman.toolsets.forge.git_records import Record, checks_of, record_of
from steersman.toolsets.forge.port import (
    Branch,
    Comment,
    CommitCheck,
    CommitInfo,
    FileChange,
    NewCommit,
    NewProposal,
    Proposal,
    Repository,
    StoredFile,
)

T = TypeVar("T")
HEADS = b"refs/heads/"
PULLS = b"refs/steersman/pulls/"
MOST_COMMITS = 250


@dataclass(frozen=True, slots=True)
class GitForge:
    """Bare repositories `NAME.git` (or `NAME`) below a root."""

    root: Path
    clock: Clock
    author: str = "Steersman <steersman@localhost>"

    async def version(self) -> str:
        """That there is such a folder."""
        if not self.root.is_dir():
            raise UnavailableError(f"there is no folder {str(self.root)!r}; look at `root` of this forge")
        return "git"

    async def repository(self, name: str) -> Repository | None:
        """The repository; its default branch is what HEAD names."""
        await self.version()
        if self._place(name) is None:
            return None
        return await self._with(name, lambda repo: Repository(name, _default(repo)))

    async def branch(self, repository: str, name: str) -> Branch | None:
        """The branch, from its ref."""

        def look(repo: Repo) -> Branch | None:
            head = _ref(repo, HEADS + name.encode())
            return Branch(name, head.decode()) if head is not None else None

        return await self._with(repository, look)

    async def create_branch(self, repository: str, name: str, *, head: str) -> None:
        """Makes the ref, if there is none."""

        def make(repo: Repo) -> None:
            _commit(repo, head)
            if not repo.refs.add_if_new(Ref(HEADS + name.encode()), ObjectID(head.encode())):
                raise ToolError(f"branch {name!r} is there already")

        await self._with(repository, make)

    async def delete_branch(self, repository: str, name: str, *, head: str) -> None:
        """Deletes the ref, if it still is what it was."""

        def remove(repo: Repo) -> None:
            if not repo.refs.remove_if_equals(Ref(HEADS + name.encode()), ObjectID(head.encode())):
                raise ToolError(f"branch {name!r} has moved on meanwhile; it is not deleted")

        await self._with(repository, remove)

    async def ahead(self, repository: str, name: str, *, base: str) -> tuple[CommitInfo, ...]:
        """What a walk from the branch finds before the base."""

        def walk(repo: Repo) -> tuple[CommitInfo, ...]:
            tip, stop = _tip(repo, name), _ref(repo, HEADS + base.encode())
            walker = repo.get_walker(include=[tip], exclude=[stop] if stop else None, max_entries=MOST_COMMITS)
            return tuple(_info(entry.commit) for entry in walker)

        return await self._with(repository, walk)

    async def file(self, repository: str, path: str, *, ref: str) -> StoredFile | None:
        """The blob in the tree of a commit."""
        return await self._with(repository, lambda repo: _stored(repo, path, _commit(repo, ref)))

    async def commit(self, repository: str, new: NewCommit) -> str:
        """Writes blobs, tree and commit, then moves the ref, if it still is what it was."""
        return await self._with(repository, lambda repo: self._commit(repo, new))

    async def last_change(self, repository: str, path: str, *, ref: str) -> CommitInfo | None:
        """What a walk along the path finds first."""

        def walk(repo: Repo) -> CommitInfo | None:
            walker = repo.get_walker(include=[_tip(repo, ref)], paths=[path.encode()], max_entries=1)
            return next((_info(entry.commit) for entry in walker), None)

        return await self._with(repository, walk)

    async def checks(self, repository: str, commit: str) -> tuple[CommitCheck, ...]:
        """What the notes of the commit say."""
        return await self._with(repository, lambda repo: checks_of(repo, commit))

    async def open_proposal(self, repository: str, branch: str) -> Proposal | None:
        """The open record that names the branch."""

        def look(repo: Repo) -> Proposal | None:
            records = (record_of(repo, ref) for ref in _pulls(repo))
            return next((each.proposal for each in records if each.open and each.proposal.branch == branch), None)

        return await self._with(repository, look)

    async def propose(self, repository: str, new: NewProposal) -> Proposal:
        """Writes a record under the next free number."""

        def write(repo: Repo) -> Proposal:
            number = max((int(ref.rsplit(b"/", 1)[1]) for ref in _pulls(repo)), default=0) + 1
            made = Proposal(number, new.branch, new.base, new.title, new.body)
            blob = Record(made, open=True).blob()
            repo.object_store.add_object(blob)
            if not repo.refs.add_if_new(_pull(number), blob.id):
                raise ToolError(f"another pull request took number {number} meanwhile; try again")
            return made

        return await self._with(repository, write)

    async def close(self, repository: str, number: int) -> None:
        """Marks the record closed."""
        await self._change(repository, number, lambda record: replace(record, open=False))

    async def comments(self, repository: str, number: int) -> tuple[Comment, ...]:
        """Those in the record."""
        return await self._with(repository, lambda repo: record_of(repo, _pull(number)).comments)

    async def comment(self, repository: str, number: int, body: str) -> None:
        """Adds one to the record."""

        def add(record: Record) -> Record:
            taken = max((int(each.id) for each in record.comments), default=0)
            return replace(record, comments=(*record.comments, Comment(str(taken + 1), body)))

        await self._change(repository, number, add)

    async def delete_comment(self, repository: str, number: int, *, comment_id: str) -> None:
        """Takes one out of the record."""

        def drop(record: Record) -> Record:
            return replace(record, comments=tuple(each for each in record.comments if each.id != comment_id))

        await self._change(repository, number, drop)

    async def _change(self, repository: str, number: int, change: Callable[[Record], Record]) -> None:
        def write(repo: Repo) -> None:
            name = _pull(number)
            former = _ref(repo, name)
            blob = change(record_of(repo, name)).blob()
            repo.object_store.add_object(blob)
            if not repo.refs.set_if_equals(name, former, blob.id):
                raise ToolError(f"pull request {number} was changed meanwhile; try again")

        await self._with(repository, write)

    def _commit(self, repo: Repo, new: NewCommit) -> str:
        former = _commit(repo, new.expected_head)
        changes = [_change_of(repo, former, change) for change in new.changes]
        made = Commit()
        made.tree = commit_tree_changes(repo.object_store, repo[former.tree], changes)  # type: ignore[arg-type]  # a tree
        made.parents = [former.id]
        made.author = made.committer = self.author.encode()
        made.commit_time = made.author_time = int(self.clock.now().timestamp())
        made.commit_timezone = made.author_timezone = 0
        made.encoding = b"UTF-8"
        made.message = new.message.encode()
        repo.object_store.add_object(made)
        if not repo.refs.set_if_equals(Ref(HEADS + new.branch.encode()), former.id, made.id):
            raise ToolError(f"branch {new.branch!r} has moved on from {new.expected_head[:12]}; look and plan again")
        return made.id.decode()

    async def _with(self, name: str, work: Callable[[Repo], T]) -> T:
        """Runs in a thread: objects are files."""
        place = self._place(name)
        if place is None:
            raise UnavailableError(f"there is no repository {name!r} below {str(self.root)!r}")

        def run() -> T:
            with closing(Repo(place)) as repo:
                return work(repo)

        try:
            return await asyncio.to_thread(run)
        except OSError as e:
            raise UnavailableError(f"repository {name!r} cannot be used: {e.strerror or type(e).__name__}") from e

    def _place(self, name: str) -> Path | None:
        root = self.root.resolve()
        for place in ((root / f"{name}.git").resolve(), (root / name).resolve()):
            if place.is_relative_to(root) and (place / "HEAD").is_file() and (place / "objects").is_dir():
                return place
        return None


def _default(repo: Repo) -> str:
    target: Any = repo.refs.get_symrefs().get(Ref(b"HEAD"), b"refs/heads/main")
    return bytes(target).removeprefix(HEADS).decode()


def _ref(repo: Repo, name: bytes) -> ObjectID | None:
    try:
        return repo.refs[Ref(name)]
    except KeyError:
        return None


def _pull(number: int) -> Ref:
    return Ref(PULLS + str(number).encode())


def _pulls(repo: Repo) -> list[Ref]:
    return sorted(Ref(ref) for ref in repo.refs.allkeys() if ref.startswith(PULLS) and ref[len(PULLS) :].isdigit())


def _tip(repo: Repo, name: str) -> ObjectID:
    found = _ref(repo, HEADS + name.encode())
    if found is None:
        raise ToolError(f"there is no branch {name!r}")
    return found


def _commit(repo: Repo, ref: str) -> Commit:
    """The commit of a branch, or of an id."""
    named = _ref(repo, HEADS + ref.encode())
    try:
        found = repo[named if named is not None else ObjectID(ref.encode())]
    except (KeyError, ValueError, AssertionError) as e:
        raise ToolError(f"there is no branch or commit {ref!r}") from e
    if not isinstance(found, Commit):
        raise ToolError(f"{ref!r} is no commit")
    return found


def _entry(repo: Repo, path: str, commit: Commit) -> tuple[int, ObjectID] | None:
    try:
        mode, found = tree_lookup_path(repo.object_store.__getitem__, commit.tree, path.encode())
    except KeyError:
        return None
    if not stat.S_ISREG(mode):
        raise ToolError(f"{path!r} is no plain file")
    return mode, found


def _stored(repo: Repo, path: str, commit: Commit) -> StoredFile | None:
    entry = _entry(repo, path, commit)
    if entry is None:
        return None
    blob = repo[entry[1]]
    assert isinstance(blob, Blob)
    return StoredFile(path, blob.data, entry[1].decode())


def _change_of(repo: Repo, commit: Commit, change: FileChange) -> Any:
    entry = _entry(repo, change.path, commit)
    if (entry[1].decode() if entry else None) != change.was:
        raise ToolError(f"{change.path!r} is not as it was looked at; look and plan again")
    if change.content is None:
        return change.path.encode(), None, None
    blob = Blob.from_string(change.content)
    repo.object_store.add_object(blob)
    return change.path.encode(), entry[0] if entry else 0o100644, blob.id


def _info(commit: Commit) -> CommitInfo:
    message = commit.message.decode("utf-8", errors="replace")
    return CommitInfo(commit.id.decode(), message, tuple(parent.decode() for parent in commit.parents))
