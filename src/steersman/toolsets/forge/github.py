"""GitHub and GitHub Enterprise, by their REST API.

A commit is made out of Git objects and put on its branch by a fast-forward of the ref, which GitHub refuses when the
branch has moved: compare-and-set on the parent. Source: docs.github.com, REST API 2022-11-28.
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

HEADERS = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}
PLAIN, EXECUTABLE = "100644", "100755"
_GOOD = frozenset({"success", "neutral", "skipped"})


@dataclass(frozen=True, slots=True)
class GitHubForge:
    """One GitHub."""

    remote: Remote

    async def version(self) -> str:
        """That the API answers."""
        found = await self._api.one("/meta")
        return str((found or {}).get("installed_version", "github"))

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
            return Branch(name, str(mapping(found["commit"])["sha"]), found.get("protected") is True)

    async def create_branch(self, repository: str, name: str, *, head: str) -> None:
        """`POST .../git/refs`; refused when it exists."""
        await self._api.write("POST", f"{_repo(repository)}/git/refs", {"ref": f"refs/heads/{name}", "sha": head})

    async def delete_branch(self, repository: str, name: str, *, head: str) -> None:
        """`DELETE .../git/refs/heads/{branch}`; the API cannot make it depend on `head`, so it is looked at first."""
        found = await self.branch(repository, name)
        if found is not None and found.head != head:
            raise ToolError(f"branch {name!r} has moved on meanwhile; it is not deleted")
        await self._api.write("DELETE", f"{_repo(repository)}/git/refs/heads/{in_path(name)}")

    async def ahead(self, repository: str, name: str, *, base: str) -> tuple[CommitInfo, ...]:
        """`GET .../compare/{base}...{head}`."""
        path = f"{_repo(repository)}/compare/{in_path(base)}...{in_path(name)}"
        found = await self._api.some(path, key="commits")
        with reading(self.remote.name, "compare"):
            return tuple(commit_of(each) for each in reversed(found))

    async def file(self, repository: str, path: str, *, ref: str) -> StoredFile | None:
        """`GET .../contents/{path}`."""
        where = f"{_repo(repository)}/contents/{in_path(path)}"
        found = await self._api.one(where, [("ref", ref)])
        if found is None:
            return None
        with reading(self.remote.name, "contents"):
            return file_of(found, path)

    async def commit(self, repository: str, new: NewCommit) -> str:
        """Blobs, a tree, a commit, and a fast-forward of the branch."""
        home = _repo(repository)
        former = await self._api.one(f"{home}/git/commits/{new.expected_head}")
        if former is None:
            raise ToolError(f"there is no commit {new.expected_head[:12]!r} in {repository!r}")
        root = str(mapping(former["tree"])["sha"])
        entries = [await self._entry(home, root, change) for change in new.changes]
        tree = await self._made(f"{home}/git/trees", {"base_tree": root, "tree": list(entries)})
        body: JsonObject = {"message": new.message, "tree": tree, "parents": [new.expected_head]}
        made = await self._made(f"{home}/git/commits", body)
        await self._api.write("PATCH", f"{home}/git/refs/heads/{in_path(new.branch)}", {"sha": made, "force": False})
        return made

    async def last_change(self, repository: str, path: str, *, ref: str) -> CommitInfo | None:
        """`GET .../commits?path=`."""
        query = [("sha", ref), ("path", path), ("per_page", "1")]
        found = await self.remote.json(Request("GET", f"{_repo(repository)}/commits", query=query))
        with reading(self.remote.name, "commits"):
            return next((commit_of(each) for each in items(found)), None)

    async def checks(self, repository: str, commit: str) -> tuple[CommitCheck, ...]:
        """Check runs of apps such as Actions, and the older statuses."""
        home = f"{_repo(repository)}/commits/{commit}"
        runs = await self._api.some(f"{home}/check-runs", key="check_runs")
        statuses = await self._api.some(f"{home}/status", key="statuses")
        with reading(self.remote.name, "checks"):
            return (*map(_check_run, runs), *map(_status, statuses))

    async def open_proposal(self, repository: str, branch: str) -> Proposal | None:
        """`GET .../pulls?head=owner:branch`."""
        owner = repository.partition("/")[0]
        found = await self._api.some(f"{_repo(repository)}/pulls", [("state", "open"), ("head", f"{owner}:{branch}")])
        with reading(self.remote.name, "pulls"):
            return next((each for each in map(_proposal, found) if each.branch == branch), None)

    async def propose(self, repository: str, new: NewProposal) -> Proposal:
        """`POST .../pulls`."""
        body: JsonObject = {"title": new.title, "body": new.body, "head": new.branch, "base": new.base}
        found = await self._api.write("POST", f"{_repo(repository)}/pulls", body)
        with reading(self.remote.name, "pulls"):
            return _proposal(mapping(found))

    async def close(self, repository: str, number: int) -> None:
        """`PATCH .../pulls/{number}`."""
        await self._api.write("PATCH", f"{_repo(repository)}/pulls/{number}", {"state": "closed"})

    async def comments(self, repository: str, number: int) -> tuple[Comment, ...]:
        """`GET .../issues/{number}/comments`."""
        found = await self._api.some(f"{_repo(repository)}/issues/{number}/comments")
        with reading(self.remote.name, "comments"):
            return tuple(Comment(str(each["id"]), str(each.get("body") or "")) for each in found)

    async def comment(self, repository: str, number: int, body: str) -> None:
        """`POST .../issues/{number}/comments`."""
        await self._api.write("POST", f"{_repo(repository)}/issues/{number}/comments", {"body": body})

    async def delete_comment(self, repository: str, number: int, *, comment_id: str) -> None:  # noqa: ARG002  # the port has it
        """`DELETE .../issues/comments/{id}`."""
        await self._api.write("DELETE", f"{_repo(repository)}/issues/comments/{comment_id}")

    @property
    def _api(self) -> Asking:
        return Asking(self.remote)

    async def _made(self, path: str, body: JsonObject) -> str:
        found = await self._api.write("POST", path, body)
        with reading(self.remote.name, path):
            return str(mapping(found)["sha"])

    async def _entry(self, home: str, root: str, change: FileChange) -> Json:
        """The line of a tree that makes the change; an executable file stays executable."""
        mode, blob = await self._stored(home, root, change.path)
        if blob != change.was:
            raise ToolError(f"{change.path!r} is not as it was looked at; look and plan again")
        if change.content is None:
            return {"path": change.path, "mode": mode, "type": "blob", "sha": None}
        made = await self._made(f"{home}/git/blobs", {"content": encoded(change.content), "encoding": "base64"})
        return {"path": change.path, "mode": mode, "type": "blob", "sha": made}

    async def _stored(self, home: str, root: str, path: str) -> tuple[str, str | None]:
        """Mode and blob of a path, one folder after the other; a tree listed whole may be cut off."""
        here, mode = root, PLAIN
        for step in path.split("/"):
            found = await self._api.one(f"{home}/git/trees/{here}")
            with reading(self.remote.name, "trees"):
                listed = items((found or {}).get("tree"))
                entry = next((each for each in listed if each["path"] == step), None)
                if entry is None:
                    return PLAIN, None
                here, mode = str(entry["sha"]), str(entry["mode"])
        if mode not in (PLAIN, EXECUTABLE):
            raise ToolError(f"{path!r} is no plain file")
        return mode, here


def _repo(name: str) -> str:
    if name.count("/") != 1:
        raise ToolError(f"{name!r} is no repository of GitHub; they are called owner/name")
    return f"/repos/{in_path(name)}"


def _proposal(found: Json) -> Proposal:
    return Proposal(
        number=int(real(found["number"])),
        branch=str(mapping(found["head"])["ref"]),
        base=str(mapping(found["base"])["ref"]),
        title=str(found["title"]),
        body=str(found.get("body") or ""),
        url=str(found.get("html_url") or ""),
    )


def _check_run(found: Json) -> CommitCheck:
    name, url = str(found["name"]), str(found.get("html_url") or "")
    if found["status"] != "completed":
        return CommitCheck(name, "pending", url)
    return CommitCheck(name, "passed" if found.get("conclusion") in _GOOD else "failed", url)


def _status(found: Json) -> CommitCheck:
    name, url = str(found["context"]), str(found.get("target_url") or "")
    match found["state"]:
        case "success":
            return CommitCheck(name, "passed", url)
        case "pending":
            return CommitCheck(name, "pending", url)
        case _:
            return CommitCheck(name, "failed", url)
