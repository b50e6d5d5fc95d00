"""What plain Git has no word for, kept in objects of the repository itself: proposals, and what CI says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from dulwich.object_store import tree_lookup_path
from dulwich.objects import Blob, Commit, Tree
from dulwich.refs import Ref
from dulwich.repo import Repo

from steersman.remote.shape import items, mapping, reading
from steersman.toolsets.forge.port import CheckState, Comment, CommitCheck, Proposal

NOTES = Ref(b"refs/notes/checks")


@dataclass(frozen=True, slots=True)
class Record:
    """A proposal, whether it is open, and the talk on it."""

    proposal: Proposal
    open: bool
    comments: tuple[Comment, ...] = ()

    def blob(self) -> Blob:
        """As an object of Git."""
        return Blob.from_string(json.dumps(asdict(self), ensure_ascii=False, indent=1).encode())


def record_of(repo: Repo, ref: Ref) -> Record:
    """The record under a ref. Raises ToolError when it is none."""
    with reading("git", ref.decode()):
        blob = repo[repo.refs[ref]]
        document = mapping(json.loads(blob.as_raw_string()))
        found = mapping(document["proposal"])
        proposal = Proposal(
            number=int(str(found["number"])),
            branch=str(found["branch"]),
            base=str(found["base"]),
            title=str(found["title"]),
            body=str(found["body"]),
        )
        comments = tuple(Comment(str(each["id"]), str(each["body"])) for each in items(document.get("comments")))
        return Record(proposal, document["open"] is True, comments)


def checks_of(repo: Repo, commit: str) -> tuple[CommitCheck, ...]:
    """Checks in the notes of a commit; of each name the last."""
    found: dict[str, CommitCheck] = {}
    with reading("git", NOTES.decode()):
        for line in _note(repo, commit).splitlines():
            if not line.strip():
                continue
            told = mapping(json.loads(line))
            found[str(told["name"])] = CommitCheck(str(told["name"]), _state(told["state"]), str(told.get("url", "")))
    return tuple(found.values())


def _state(said: object) -> CheckState:
    """What is not known to be good is waited for."""
    match said:
        case "passed" | "failed" | "neutral":
            return said
        case _:
            return "pending"


def _note(repo: Repo, commit: str) -> str:
    try:
        notes = repo[repo.refs[NOTES]]
    except KeyError:
        return ""
    assert isinstance(notes, Commit)
    for path in _fanned(commit):
        try:
            _, found = tree_lookup_path(repo.object_store.__getitem__, notes.tree, path.encode())
        except KeyError:
            continue
        blob = repo[found]
        if isinstance(blob, Blob) and not isinstance(blob, Tree):
            return blob.data.decode("utf-8", errors="replace")
    return ""


def _fanned(commit: str) -> Iterator[str]:
    """Names of a note: Git spreads many notes over folders of two digits."""
    yield commit
    yield f"{commit[:2]}/{commit[2:]}"
    yield f"{commit[:2]}/{commit[2:4]}/{commit[4:]}"
