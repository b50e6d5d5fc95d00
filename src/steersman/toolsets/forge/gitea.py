"""Gitea and Forgejo, by their REST API (v1).

A commit names, for each file that it changes, the blob that it replaces: Gitea refuses it when another one is there.
A branch as a whole cannot be compared and set there. Source: the Swagger document that each server gives.
"""

from __future__ import annotations

from dataclasses import dataclass

from steersman.domain.errors import ToolError
from steersman.domain.fact import JsonObject
from steersman.remote.asking import Asking, Json, in_path
from steersman.remote.exchange import Remote, Request
from steersman.remote.shape import items, mapping, reading, real
from steersman.toolsets.forge.contents import commit_of, encoded, file_of
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

API = "/api/v1"


@dataclass(frozen=True, slots=True)
class GiteaForge:
    """One Gitea or Forgejo."""

    remote: Remote

    async def version(self) -> str:
        """`GET /version`."""
        found = await self._api.one("/version")
        if found is None:
            raise ToolError(f"{self.remote.name}: there is no Gitea or Forgejo at this URL")
        return str(found["version"])

    async def repository(self, name: str) -> Repository | None:
        """`GET /repos/{owner}/{repo}`."""
        found = await self._api.one(_repo(name))
        return Repository(name, str(found["default_branch"])) if found else None

    async def branch(self, repository: str, name: str) -> Branch | None:
        """`GET .../branches/{branch}`."""
        found = await self._api.one(f"{_repo(repository)}/branches/{in_path(name)}")
        if found is None:
            return None
        with reading(self.remote.name, "branches"):
            return Branch(name, str(mapping(found["commit"])["id"]), found.get("protected") is True)

    async def create_branch(self, repository: str, name: str, *, head: str) -> None:
        """`POST .../branches`; refused when it exists."""
        body: JsonObject = {"new_branch_name": name, "old_ref_name": head}
        await self._api.write("POST", f"{_repo(repository)}/branches", body)

    async def delete_branch(self, repository: str, name: str, *, head: str) -> None:
        """`DELETE .../branches/{branch}`; it cannot depend on `head`, so it is looked at first."""
        found = await self.branch(repository, name)
        if found is not None and found.head != head:
            raise ToolError(f"branch {name!r} has moved on meanwhile; it is not deleted")
        await self._api.write("DELETE", f"{_repo(repository)}/branches/{in_path(name)}")

    async def ahead(self, repository: str, name: str, *, base: str) -> tuple[CommitInfo, ...]:
        """`GET .../compare/{base}...{head}`."""
        found = await self._api.one(f"{_repo(repository)}/compare/{in_path(base)}...{in_path(name)}")
        with reading(self.remote.name, "compare"):
            return tuple(commit_of(each) for each in items((found or {})["commits"]))

    async def file(self, repository: str, path: str, *, ref: str) -> StoredFile | None:
        """`GET .../contents/{path}`."""
        found = await self._api.one(f"{_repo(repository)}/contents/{in_path(path)}", [("ref", ref)])
        if found is None:
            return None
        with reading(self.remote.name, "contents"):
            return file_of(found, path)

    async def commit(self, repository: str, new: NewCommit) -> str:
        """`POST .../contents` with one operation a file."""
        branch = await self.branch(repository, new.branch)
        if branch is None or branch.head != new.expected_head:
            raise ToolError(f"branch {new.branch!r} has moved on from {new.expected_head[:12]}; look and plan again")
        files = [_operation(change) for change in new.changes]
        body: JsonObject = {"branch": new.branch, "message": new.message, "files": list(files)}
        found = await self._api.write("POST", f"{_repo(repository)}/contents", body)
        with reading(self.remote.name, "contents"):
            return str(mapping(mapping(found)["commit"])["sha"])

    async def last_change(self, repository: str, path: str, *, ref: str) -> CommitInfo | None:
        """`GET .../commits?path=`."""
        query = [("sha", ref), ("path", path), ("limit", "1"), ("stat", "false"), ("verification", "false")]
        found = await self.remote.json(Request("GET", f"{API}{_repo(repository)}/commits", query=query))
        with reading(self.remote.name, "commits"):
            return next((commit_of(each) for each in items(found)), None)

    async def checks(self, repository: str, commit: str) -> tuple[CommitCheck, ...]:
        """`GET .../commits/{ref}/status`."""
        found = await self._api.some(f"{_repo(repository)}/commits/{commit}/status", key="statuses", size="limit")
        with reading(self.remote.name, "status"):
            return tuple(_check(each) for each in found)

    async def open_proposal(self, repository: str, branch: str) -> Proposal | None:
        """`GET .../pulls`, looked through for the branch."""
        found = await self._api.some(f"{_repo(repository)}/pulls", [("state", "open")], size="limit")
        with reading(self.remote.name, "pulls"):
            return next((each for each in map(_proposal, found) if each.branch == branch), None)

    async def propose(self, repository: str, new: NewProposal) -> Proposal:
        """`POST .../pulls`."""
        body: JsonObject = {"title": new.title, "body": new.body, "head": new.branch, "base": new.base}
        found = await self._api.write("POST", f"{_repo(repository)}/pulls", body)
        with reading(self.remote.name, "pulls"):
            return _proposal(mapping(found))

    async def close(self, repository: str, number: int) -> None:
        """`PATCH .../pulls/{index}`."""
        await self._api.write("PATCH", f"{_repo(repository)}/pulls/{number}", {"state": "closed"})

    async def comments(self, repository: str, number: int) -> tuple[Comment, ...]:
        """`GET .../issues/{index}/comments`, which has no pages."""
        found = await self.remote.json(Request("GET", f"{API}{_repo(repository)}/issues/{number}/comments"))
        with reading(self.remote.name, "comments"):
            return tuple(Comment(str(each["id"]), str(each.get("body") or "")) for each in items(found))

    async def comment(self, repository: str, number: int, body: str) -> None:
        """`POST .../issues/{index}/comments`."""
        await self._api.write("POST", f"{_repo(repository)}/issues/{number}/comments", {"body": body})

    async def delete_comment(self, repository: str, number: int, *, comment_id: str) -> None:  # noqa: ARG002  # the port has it
        """`DELETE .../issues/comments/{id}`."""
        await self._api.write("DELETE", f"{_repo(repository)}/issues/comments/{comment_id}")

    @property
    def _api(self) -> Asking:
        return Asking(self.remote, API)


def _repo(name: str) -> str:
    if name.count("/") != 1:
        raise ToolError(f"{name!r} is no repository of Gitea; they are called owner/name")
    return f"/repos/{in_path(name)}"


def _operation(change: FileChange) -> Json:
    made: Json = {"path": change.path, "operation": "create" if change.was is None else "update"}
    if change.was is not None:
        made["sha"] = change.was
    if change.content is None:
        return {**made, "operation": "delete"}
    return {**made, "content": encoded(change.content)}


def _proposal(found: Json) -> Proposal:
    return Proposal(
        number=int(real(found["number"])),
        branch=str(mapping(found["head"])["ref"]),
        base=str(mapping(found["base"])["ref"]),
        title=str(found["title"]),
        body=str(found.get("body") or ""),
        url=str(found.get("html_url") or ""),
    )


def _check(found: Json) -> CommitCheck:
    name, url = str(found["context"]), str(found.get("target_url") or "")
    match found.get("status") or found.get("state"):
        case "success":
            return CommitCheck(name, "passed", url)
        case "warning" | "skipped":
            return CommitCheck(name, "neutral", url)
        case "error" | "failure":
            return CommitCheck(name, "failed", url)
        case _:
            return CommitCheck(name, "pending", url)
