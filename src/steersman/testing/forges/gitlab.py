"""GitLab's REST API, as far as Steersman uses it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from steersman.testing.forges.hub import Files, Hub, Made, Pull, RefusedError, Repo, blob_id
from steersman.testing.routes import Asked, Routes


@dataclass(slots=True)
class GitLabDouble:
    """Answers as `/api/v4` does."""

    hub: Hub = field(default_factory=Hub)
    routes: Routes = field(default_factory=Routes)

    def __post_init__(self) -> None:
        on, project = self.routes.on, "/api/v4/projects/{id}"
        store, merge = f"{project}/repository", f"{project}/merge_requests"
        on("GET", "/api/v4/version", lambda _: _json({"version": "18.6.0", "revision": "1"}))
        on("GET", project, self._in(lambda r, _: _json({"id": 1, "default_branch": r.default})))
        on("GET", f"{store}/branches/{{branch}}", self._in(self._branch))
        on("POST", f"{store}/branches", self._in(self._new_branch))
        on("DELETE", f"{store}/branches/{{branch}}", self._in(self._drop_branch))
        on("GET", f"{store}/compare", self._in(self._compare))
        on("GET", f"{store}/files/{{path}}", self._in(self._file))
        on("GET", f"{store}/commits", self._in(self._commits))
        on("POST", f"{store}/commits", self._in(self._new_commit))
        on("GET", f"{store}/commits/{{sha}}/statuses", self._in(self._statuses))
        on("GET", merge, self._in(self._merges))
        on("POST", merge, self._in(self._new_merge))
        on("PUT", f"{merge}/{{iid}}", self._in(self._edit_merge))
        on("GET", f"{merge}/{{iid}}/notes", self._in(self._notes))
        on("POST", f"{merge}/{{iid}}/notes", self._in(self._new_note))
        on("DELETE", f"{merge}/{{iid}}/notes/{{note}}", self._in(self._drop_note))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Refuses wrong credentials and bodies as GitLab does."""
        given = request.headers.get("private-token") or request.headers.get("authorization", "")[len("Bearer ") :]
        if given != self.hub.token:
            return _no(401, "401 Unauthorized")
        try:
            return self.routes(request)
        except (KeyError, ValueError, TypeError) as e:
            return _no(400, f"{e!r} is missing or invalid")

    def _in(self, serve: Callable[[Repo, Asked], httpx.Response]) -> Callable[[Asked], httpx.Response]:
        def answer(asked: Asked) -> httpx.Response:
            repo = self.hub.repos.get(asked.parts["id"])
            return _no(404, "404 Project Not Found") if repo is None else serve(repo, asked)

        return answer

    def _branch(self, repo: Repo, asked: Asked) -> httpx.Response:
        name = asked.parts["branch"]
        if name not in repo.branches:
            return _no(404, "404 Branch Not Found")
        head = {"id": repo.branches[name]}
        return _json({"name": name, "commit": head, "protected": name in repo.protected})

    def _new_branch(self, repo: Repo, asked: Asked) -> httpx.Response:
        name, made = asked.query["branch"], repo.at(asked.query["ref"])
        if name in repo.branches:
            return _no(400, "Branch already exists")
        if made is None:
            return _no(400, "Invalid reference name")
        repo.branches[name] = made.id
        return _json({"name": name, "commit": {"id": made.id}}, 201)

    def _drop_branch(self, repo: Repo, asked: Asked) -> httpx.Response:
        if asked.parts["branch"] in repo.protected:
            return _no(403, "Protected branch cannot be deleted")
        found = repo.branches.pop(asked.parts["branch"], None)
        return httpx.Response(204) if found else _no(404, "404 Branch Not Found")

    def _compare(self, repo: Repo, asked: Asked) -> httpx.Response:
        base, head = asked.query["from"], asked.query["to"]
        if repo.at(base) is None or repo.at(head) is None:
            return _no(404, "404 Ref Not Found")
        return _json({"commits": [_shown(made) for made in repo.between(base, head)], "diffs": []})

    def _file(self, repo: Repo, asked: Asked) -> httpx.Response:
        path, made = asked.parts["path"], repo.at(asked.query["ref"])
        if made is None or path not in made.files:
            return _no(404, "404 File Not Found" if made else "404 Commit Not Found")
        mode, content = made.files[path]
        return _json(
            {
                "file_path": path,
                "encoding": "base64",
                "content": base64.b64encode(content).decode(),
                "blob_id": blob_id(content),
                "commit_id": made.id,
                "last_commit_id": repo.touching(made.id, path)[0].id,
                "execute_filemode": mode == "100755",
            }
        )

    def _commits(self, repo: Repo, asked: Asked) -> httpx.Response:
        ref = asked.query.get("ref_name", repo.default)
        if repo.at(ref) is None:
            return _no(404, "404 Ref Not Found")
        found = repo.touching(ref, asked.query["path"]) if "path" in asked.query else repo.history(ref)
        return _json(asked.page([_shown(made) for made in found]))

    def _new_commit(self, repo: Repo, asked: Asked) -> httpx.Response:
        body = asked.document()
        branch = body["branch"]
        if branch in repo.protected:
            return _no(403, "You are not allowed to push into this branch")
        if branch not in repo.branches:
            return _no(400, "You can only create or edit files when you are on a branch")
        files = dict(repo.commits[repo.branches[branch]].files)
        try:
            for action in body["actions"]:
                _act(repo, branch, files, action=action)
        except RefusedError as e:
            return _no(400, str(e))
        parents = (repo.branches[branch],)
        made = repo.add(files, body["commit_message"], parents=parents, branch=branch)
        return _json({"id": made, "message": body["commit_message"], "parent_ids": list(parents)}, 201)

    def _statuses(self, repo: Repo, asked: Asked) -> httpx.Response:
        checks = repo.checks.get(asked.parts["sha"], {})
        found = [{"name": name, "status": state or "running", "allow_failure": False} for name, state in checks.items()]
        return _json(asked.page(found))

    def _merges(self, repo: Repo, asked: Asked) -> httpx.Response:
        state, source = asked.query.get("state", "all"), asked.query.get("source_branch")
        wanted = {"opened": "open", "closed": "closed"}.get(state, state)
        found = [_merge(each) for each in repo.pulls if wanted in ("all", each.state) and source in (None, each.head)]
        return _json(asked.page(found))

    def _new_merge(self, repo: Repo, asked: Asked) -> httpx.Response:
        body = asked.document()
        try:
            made = repo.open_pull(
                body["source_branch"], body["target_branch"], title=body["title"], body=body.get("description", "")
            )
        except RefusedError as e:
            return _no(409, f"Another open merge request already exists for this source branch: {e}")
        return _json(_merge(made), 201)

    def _edit_merge(self, repo: Repo, asked: Asked) -> httpx.Response:
        found, event = repo.pull(asked.parts["iid"]), asked.document()["state_event"]
        if found is None:
            return _no(404, "404 Not found")
        if event not in ("close", "reopen"):
            return _no(400, "state_event does not have a valid value")
        found.state = "closed" if event == "close" else "open"
        return _json(_merge(found))

    def _notes(self, repo: Repo, asked: Asked) -> httpx.Response:
        found = repo.pull(asked.parts["iid"])
        if found is None:
            return _no(404, "404 Not found")
        notes = [{"id": number, "body": body, "system": False} for number, body in found.comments.items()]
        system = {"id": 1_000_000, "body": "requested review", "system": True}
        return _json(asked.page([system, *notes]))

    def _new_note(self, repo: Repo, asked: Asked) -> httpx.Response:
        found, body = repo.pull(asked.parts["iid"]), asked.document()["body"]
        if found is None:
            return _no(404, "404 Not found")
        return _json({"id": repo.comment(found, body), "body": body}, 201)

    def _drop_note(self, repo: Repo, asked: Asked) -> httpx.Response:
        return httpx.Response(204) if repo.uncomment(asked.parts["note"]) else _no(404, "404 Not found")


def _act(repo: Repo, branch: str, files: Files, *, action: dict[str, Any]) -> None:
    path, kind = action["file_path"], action["action"]
    if kind == "create":
        if path in files:
            raise RefusedError("A file with this name already exists")
        files[path] = ("100644", base64.b64decode(action["content"], validate=True))
        return
    if kind not in ("update", "delete"):
        raise ValueError("actions[action]")
    if path not in files:
        raise RefusedError("A file with this name doesn't exist")
    if "last_commit_id" in action and repo.touching(branch, path)[0].id != action["last_commit_id"]:
        raise RefusedError(f"You are attempting to {kind} a file that has changed since you started editing it.")
    mode, _ = files.pop(path)
    if kind == "update":
        if action.get("encoding") != "base64":
            raise ValueError("actions[encoding]")
        files[path] = (mode, base64.b64decode(action["content"], validate=True))


def _json(document: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=document)


def _no(status: int, message: str) -> httpx.Response:
    return httpx.Response(status, json={"message": message})


def _shown(made: Made) -> dict[str, Any]:
    return {"id": made.id, "message": made.message, "parent_ids": list(made.parents)}


def _merge(pull: Pull) -> dict[str, Any]:
    return {
        "iid": pull.number,
        "state": "opened" if pull.state == "open" else "closed",
        "title": pull.title,
        "description": pull.body or None,
        "source_branch": pull.head,
        "target_branch": pull.base,
        "web_url": f"https://gitlab.test/-/merge_requests/{pull.number}",
    }
