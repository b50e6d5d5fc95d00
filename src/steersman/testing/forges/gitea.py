"""The REST API of Gitea and Forgejo, as far as Steersman uses it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from steersman.testing.forges.hub import Files, Hub, Made, Pull, RefusedError, Repo, blob_id
from steersman.testing.routes import Asked, Routes

MOST = 50
"""Its `MAX_RESPONSE_ITEMS`."""


@dataclass(slots=True)
class GiteaDouble:
    """Answers as `/api/v1` does."""

    hub: Hub = field(default_factory=Hub)
    routes: Routes = field(default_factory=Routes)

    def __post_init__(self) -> None:
        on, repo = self.routes.on, "/api/v1/repos/{owner}/{name}"
        on("GET", "/api/v1/version", lambda _: _json({"version": "1.25.1"}))
        on("GET", repo, self._in(lambda r, a: _json({"full_name": _name(a), "default_branch": r.default})))
        on("GET", f"{repo}/branches/{{branch*}}", self._in(self._branch))
        on("POST", f"{repo}/branches", self._in(self._new_branch))
        on("DELETE", f"{repo}/branches/{{branch*}}", self._in(self._drop_branch))
        on("GET", f"{repo}/compare/{{base*}}...{{head*}}", self._in(self._compare))
        on("GET", f"{repo}/contents/{{path*}}", self._in(self._contents))
        on("POST", f"{repo}/contents", self._in(self._change))
        on("GET", f"{repo}/commits", self._in(self._commits))
        on("GET", f"{repo}/commits/{{sha}}/status", self._in(self._status))
        on("GET", f"{repo}/pulls", self._in(self._pulls))
        on("POST", f"{repo}/pulls", self._in(self._new_pull))
        on("PATCH", f"{repo}/pulls/{{number}}", self._in(self._edit_pull))
        on("GET", f"{repo}/issues/{{number}}/comments", self._in(self._comments))
        on("POST", f"{repo}/issues/{{number}}/comments", self._in(self._new_comment))
        on("DELETE", f"{repo}/issues/comments/{{id}}", self._in(self._drop_comment))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Refuses wrong credentials and bodies as Gitea does."""
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() not in ("token", "bearer") or given != self.hub.token:
            return _no(401, "token is required")
        try:
            return self.routes(request)
        except (KeyError, ValueError, TypeError) as e:
            return _no(422, f"{e!r}")

    def _in(self, serve: Callable[[Repo, Asked], httpx.Response]) -> Callable[[Asked], httpx.Response]:
        def answer(asked: Asked) -> httpx.Response:
            repo = self.hub.repos.get(_name(asked))
            return _no(404, "The target couldn't be found.") if repo is None else serve(repo, asked)

        return answer

    def _branch(self, repo: Repo, asked: Asked) -> httpx.Response:
        name = asked.parts["branch"]
        if name not in repo.branches:
            return _no(404, "The target couldn't be found.")
        head = {"id": repo.branches[name]}
        return _json({"name": name, "commit": head, "protected": name in repo.protected})

    def _new_branch(self, repo: Repo, asked: Asked) -> httpx.Response:
        body = asked.document()
        made = repo.at(body["old_ref_name"])
        if made is None:
            return _no(404, "The old branch does not exist")
        if body["new_branch_name"] in repo.branches:
            return _no(409, "The branch already exists.")
        repo.branches[body["new_branch_name"]] = made.id
        return _json({"name": body["new_branch_name"], "commit": {"id": made.id}}, 201)

    def _drop_branch(self, repo: Repo, asked: Asked) -> httpx.Response:
        name = asked.parts["branch"]
        if name in (repo.default, *repo.protected):
            return _no(403, "branch protected")
        return httpx.Response(204) if repo.branches.pop(name, None) else _no(404, "branch does not exist")

    def _compare(self, repo: Repo, asked: Asked) -> httpx.Response:
        base, head = asked.parts["base"], asked.parts["head"]
        if repo.at(base) is None or repo.at(head) is None:
            return _no(404, "The target couldn't be found.")
        found = [_shown(made) for made in repo.between(base, head)]
        return _json({"total_commits": len(found), "commits": found})

    def _contents(self, repo: Repo, asked: Asked) -> httpx.Response:
        made, path = repo.at(asked.query.get("ref", repo.default)), asked.parts["path"]
        if made is None or path not in made.files:
            return _no(404, "object does not exist")
        mode, content = made.files[path]
        kind = "symlink" if mode == "120000" else "file"
        text = base64.b64encode(content).decode()
        return _json({"type": kind, "encoding": "base64", "content": text, "sha": blob_id(content), "path": path})

    def _change(self, repo: Repo, asked: Asked) -> httpx.Response:
        body = asked.document()
        branch = body["branch"]
        if branch not in repo.branches:
            return _no(404, "branch does not exist")
        if branch in repo.protected:
            return _no(403, "user should have a permission to write to the target branch")
        files = dict(repo.commits[repo.branches[branch]].files)
        try:
            for each in body["files"]:
                _operate(files, each)
        except RefusedError as e:
            return _no(422, str(e))
        made = repo.add(files, body["message"], parents=(repo.branches[branch],), branch=branch)
        return _json({"commit": {"sha": made}, "files": []}, 201)

    def _commits(self, repo: Repo, asked: Asked) -> httpx.Response:
        ref = asked.query.get("sha", repo.default)
        if repo.at(ref) is None:
            return _no(404, "The target couldn't be found.")
        found = repo.touching(ref, asked.query["path"]) if "path" in asked.query else repo.history(ref)
        return _json(asked.page([_shown(made) for made in found], size="limit", most=MOST))

    def _status(self, repo: Repo, asked: Asked) -> httpx.Response:
        checks = repo.checks.get(asked.parts["sha"], {})
        found = [{"context": name, "status": state or "pending", "target_url": ""} for name, state in checks.items()]
        return _json({"state": "pending", "statuses": asked.page(found, size="limit", most=MOST)})

    def _pulls(self, repo: Repo, asked: Asked) -> httpx.Response:
        state = asked.query.get("state", "open")
        found = [_pull(each) for each in repo.pulls if state in ("all", each.state)]
        return _json(asked.page(found, size="limit", most=MOST))

    def _new_pull(self, repo: Repo, asked: Asked) -> httpx.Response:
        body = asked.document()
        try:
            made = repo.open_pull(body["head"], body["base"], title=body["title"], body=body.get("body", ""))
        except RefusedError as e:
            return _no(409, str(e))
        return _json(_pull(made), 201)

    def _edit_pull(self, repo: Repo, asked: Asked) -> httpx.Response:
        found, state = repo.pull(asked.parts["number"]), asked.document()["state"]
        if found is None:
            return _no(404, "The target couldn't be found.")
        if state not in ("open", "closed"):
            return _no(422, "unknown state")
        found.state = state
        return _json(_pull(found), 201)

    def _comments(self, repo: Repo, asked: Asked) -> httpx.Response:
        found = repo.pull(asked.parts["number"])
        if found is None:
            return _no(404, "issue does not exist")
        return _json([{"id": number, "body": body} for number, body in found.comments.items()])

    def _new_comment(self, repo: Repo, asked: Asked) -> httpx.Response:
        found, body = repo.pull(asked.parts["number"]), asked.document()["body"]
        if found is None:
            return _no(404, "issue does not exist")
        return _json({"id": repo.comment(found, body), "body": body}, 201)

    def _drop_comment(self, repo: Repo, asked: Asked) -> httpx.Response:
        return httpx.Response(204) if repo.uncomment(asked.parts["id"]) else _no(404, "comment does not exist")


def _operate(files: Files, each: dict[str, Any]) -> None:
    path, kind = each["path"], each["operation"]
    if kind == "create":
        if path in files:
            raise RefusedError(f"repository file already exists [path: {path}]")
        files[path] = ("100644", base64.b64decode(each["content"], validate=True))
        return
    if kind not in ("update", "delete"):
        raise ValueError("operation")
    if path not in files:
        raise RefusedError(f"file does not exist [path: {path}]")
    mode, content = files.pop(path)
    if each["sha"] != blob_id(content):
        raise RefusedError(f"sha does not match [given: {each['sha']}, expected: {blob_id(content)}]")
    if kind == "update":
        files[path] = (mode, base64.b64decode(each["content"], validate=True))


def _name(asked: Asked) -> str:
    return f"{asked.parts['owner']}/{asked.parts['name']}"


def _json(document: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=document)


def _no(status: int, message: str) -> httpx.Response:
    return httpx.Response(status, json={"message": message, "url": "https://gitea.test/api/swagger"})


def _shown(made: Made) -> dict[str, Any]:
    parents = [{"sha": parent} for parent in made.parents]
    return {"sha": made.id, "commit": {"message": made.message}, "parents": parents}


def _pull(pull: Pull) -> dict[str, Any]:
    return {
        "number": pull.number,
        "state": pull.state,
        "title": pull.title,
        "body": pull.body,
        "head": {"ref": pull.head},
        "base": {"ref": pull.base},
        "html_url": f"https://gitea.test/pulls/{pull.number}",
    }
