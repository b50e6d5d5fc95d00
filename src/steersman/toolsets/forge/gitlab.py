"""GitLab, by its REST API (v4).

A commit names, for each file that it changes, the commit that changed it last: GitLab refuses it when another one has
come since. A branch as a whole cannot be compared and set there. Source: docs.gitlab.com/api.
"""

from __future__ import annotations

from dataclasses import dataclass

from steersman.domain.errors import ToolError
from steersman.domain.fact import JsonObject
from steersman.remote.asking import Asking, Json, whole
from steersman.remote.exchange import Remote, Request
from steersman.remote.shape import items, mapping, reading, real, texts
from steersman.toolsets.forge.contents import content_of, encoded
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

API = "/api/v4"


@dataclass(frozen=True, slots=True)
class GitLabForge:
    """One GitLab."""

    remote: Remote

    async def version(self) -> str:
        """`GET /version`, which wants credentials."""
        found = await self._api.one("/version")
        if found is None:
            raise ToolError(f"{self.remote.name}: there is no GitLab at this URL")
        return str(found["version"])

    async def repository(self, name: str) -> Repository | None:
        """`GET /projects/{path}`."""
        found = await self._api.one(_project(name))
        return Repository(name, str(found.get("default_branch") or "main")) if found else None

    async def branch(self, repository: str, name: str) -> Branch | None:
        """`GET .../repository/branches/{branch}`."""
        found = await self._api.one(f"{_project(repository)}/repository/branches/{whole(name)}")
        if found is None:
            return None
        with reading(self.remote.name, "branches"):
            return Branch(name, str(mapping(found["commit"])["id"]), found.get("protected") is True)

    async def create_branch(self, repository: str, name: str, *, head: str) -> None:
        """`POST .../repository/branches`; refused when it exists."""
        path = f"{_project(repository)}/repository/branches"
        await self._api.write("POST", path, query=[("branch", name), ("ref", head)])

    async def delete_branch(self, repository: str, name: str, *, head: str) -> None:
        """`DELETE .../repository/branches/{branch}`; it cannot depend on `head`, so it is looked at first."""
        found = await self.branch(repository, name)
        if found is not None and found.head != head:
            raise ToolError(f"branch {name!r} has moved on meanwhile; it is not deleted")
        await self._api.write("DELETE", f"{_project(repository)}/repository/branches/{whole(name)}")

    async def ahead(self, repository: str, name: str, *, base: str) -> tuple[CommitInfo, ...]:
        """`GET .../repository/compare`."""
        path = f"{_project(repository)}/repository/compare"
        found = await self._api.one(path, [("from", base), ("to", name)])
        with reading(self.remote.name, "compare"):
            return tuple(_commit(each) for each in reversed(items((found or {})["commits"])))

    async def file(self, repository: str, path: str, *, ref: str) -> StoredFile | None:
        """`GET .../repository/files/{path}`."""
        found = await self._file(repository, path, ref)
        if found is None:
            return None
        with reading(self.remote.name, "files"):
            return StoredFile(path, content_of(found, path), str(found["blob_id"]))

    async def commit(self, repository: str, new: NewCommit) -> str:
        """`POST .../repository/commits` with one action a file."""
        branch = await self.branch(repository, new.branch)
        if branch is None or branch.head != new.expected_head:
            raise ToolError(f"branch {new.branch!r} has moved on from {new.expected_head[:12]}; look and plan again")
        actions = [await self._action(repository, new, change) for change in new.changes]
        body: JsonObject = {"branch": new.branch, "commit_message": new.message, "actions": list(actions)}
        found = await self._api.write("POST", f"{_project(repository)}/repository/commits", body)
        with reading(self.remote.name, "commits"):
            return str(mapping(found)["id"])

    async def last_change(self, repository: str, path: str, *, ref: str) -> CommitInfo | None:
        """`GET .../repository/commits?path=`."""
        query = [("ref_name", ref), ("path", path), ("per_page", "1")]
        where = f"{API}{_project(repository)}/repository/commits"
        found = await self.remote.json(Request("GET", where, query=query))
        with reading(self.remote.name, "commits"):
            return next((_commit(each) for each in items(found)), None)

    async def checks(self, repository: str, commit: str) -> tuple[CommitCheck, ...]:
        """`GET .../repository/commits/{sha}/statuses`: the newest of each name."""
        found = await self._api.some(f"{_project(repository)}/repository/commits/{commit}/statuses")
        with reading(self.remote.name, "statuses"):
            return tuple(_check(each) for each in found)

    async def open_proposal(self, repository: str, branch: str) -> Proposal | None:
        """`GET .../merge_requests?source_branch=`."""
        query = [("state", "opened"), ("source_branch", branch)]
        found = await self._api.some(f"{_project(repository)}/merge_requests", query)
        with reading(self.remote.name, "merge_requests"):
            return next((each for each in map(_proposal, found) if each.branch == branch), None)

    async def propose(self, repository: str, new: NewProposal) -> Proposal:
        """`POST .../merge_requests`."""
        body: JsonObject = {
            "source_branch": new.branch,
            "target_branch": new.base,
            "title": new.title,
            "description": new.body,
        }
        found = await self._api.write("POST", f"{_project(repository)}/merge_requests", body)
        with reading(self.remote.name, "merge_requests"):
            return _proposal(mapping(found))

    async def close(self, repository: str, number: int) -> None:
        """`PUT .../merge_requests/{iid}`."""
        await self._api.write("PUT", f"{_project(repository)}/merge_requests/{number}", {"state_event": "close"})

    async def comments(self, repository: str, number: int) -> tuple[Comment, ...]:
        """`GET .../merge_requests/{iid}/notes`."""
        found = await self._api.some(f"{_project(repository)}/merge_requests/{number}/notes")
        with reading(self.remote.name, "notes"):
            return tuple(
                Comment(str(each["id"]), str(each["body"])) for each in found if each.get("system") is not True
            )

    async def comment(self, repository: str, number: int, body: str) -> None:
        """`POST .../merge_requests/{iid}/notes`."""
        await self._api.write("POST", f"{_project(repository)}/merge_requests/{number}/notes", {"body": body})

    async def delete_comment(self, repository: str, number: int, *, comment_id: str) -> None:
        """`DELETE .../merge_requests/{iid}/notes/{id}`."""
        await self._api.write("DELETE", f"{_project(repository)}/merge_requests/{number}/notes/{comment_id}")

    @property
    def _api(self) -> Asking:
        return Asking(self.remote, API)

    async def _file(self, repository: str, path: str, ref: str) -> Json | None:
        return await self._api.one(f"{_project(repository)}/repository/files/{whole(path)}", [("ref", ref)])

    async def _action(self, repository: str, new: NewCommit, change: FileChange) -> Json:
        found = await self._file(repository, change.path, new.expected_head)
        if (None if found is None else str(found["blob_id"])) != change.was:
            raise ToolError(f"{change.path!r} is not as it was looked at; look and plan again")
        action: Json = {"file_path": change.path, "action": "create" if found is None else "update"}
        if found is not None:
            action["last_commit_id"] = found["last_commit_id"]
        if change.content is None:
            return {**action, "action": "delete"}
        return {**action, "content": encoded(change.content), "encoding": "base64"}


def _project(name: str) -> str:
    return f"/projects/{whole(name)}"


def _commit(found: Json) -> CommitInfo:
    return CommitInfo(str(found["id"]), str(found["message"]), texts(found.get("parent_ids")))


def _proposal(found: Json) -> Proposal:
    return Proposal(
        number=int(real(found["iid"])),
        branch=str(found["source_branch"]),
        base=str(found["target_branch"]),
        title=str(found["title"]),
        body=str(found.get("description") or ""),
        url=str(found.get("web_url") or ""),
    )


def _check(found: Json) -> CommitCheck:
    name, url = str(found["name"]), str(found.get("target_url") or "")
    match found["status"]:
        case "success":
            return CommitCheck(name, "passed", url)
        case "failed" | "canceled":
            return CommitCheck(name, "neutral" if found.get("allow_failure") is True else "failed", url)
        case "skipped" | "manual":
            return CommitCheck(name, "neutral", url)
        case _:
            return CommitCheck(name, "pending", url)
