"""GitHub's REST API, as far as Steersman uses it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from steersman.testing.forges.hub import Files, Hub, Made, Pull, RefusedError, Repo, blob_id
from steersman.testing.routes import Asked, Routes

Tree = dict[str, tuple[str, str]]
"""Mode and id by name; a mode of 040000 is a folder."""
FOLDER = "040000"


@dataclass(slots=True)
class GitHubDouble:
    """Answers as `api.github.com` does."""

    hub: Hub = field(default_factory=Hub)
    routes: Routes = field(default_factory=Routes)
    trees: dict[str, Tree] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    loose: dict[str, tuple[str, str, tuple[str, ...]]] = field(default_factory=dict)
    """Commits that no branch has yet: tree, message, parents."""

    def __post_init__(self) -> None:
        on, repo = self.routes.on, "/repos/{owner}/{name}"
        on("GET", "/meta", lambda _: httpx.Response(200, json={"installed_version": "3.19.0"}))
        on("GET", repo, self._in(lambda r, a: _json({"full_name": _name(a), "default_branch": r.default})))
        on("GET", f"{repo}/branches/{{branch*}}", self._in(self._branch))
        on("POST", f"{repo}/git/refs", self._in(self._new_ref))
        on("PATCH", f"{repo}/git/refs/heads/{{branch*}}", self._in(self._move))
        on("DELETE", f"{repo}/git/refs/heads/{{branch*}}", self._in(self._drop))
        on("GET", f"{repo}/git/commits/{{sha}}", self._in(self._commit))
        on("POST", f"{repo}/git/blobs", self._in(self._new_blob))
        on("GET", f"{repo}/git/trees/{{sha}}", self._in(self._tree))
        on("POST", f"{repo}/git/trees", self._in(self._new_tree))
        on("POST", f"{repo}/git/commits", self._in(self._new_commit))
        on("GET", f"{repo}/compare/{{base*}}...{{head*}}", self._in(self._compare))
        on("GET", f"{repo}/contents/{{path*}}", self._in(self._contents))
        on("GET", f"{repo}/commits", self._in(self._commits))
        on("GET", f"{repo}/commits/{{sha}}/check-runs", self._in(self._check_runs))
        on("GET", f"{repo}/commits/{{sha}}/status", self._in(lambda _, __: _json({"state": "pending", "statuses": []})))
        on("GET", f"{repo}/pulls", self._in(self._pulls))
        on("POST", f"{repo}/pulls", self._in(self._new_pull))
        on("PATCH", f"{repo}/pulls/{{number}}", self._in(self._edit_pull))
        on("GET", f"{repo}/issues/{{number}}/comments", self._in(self._comments))
        on("POST", f"{repo}/issues/{{number}}/comments", self._in(self._new_comment))
        on("DELETE", f"{repo}/issues/comments/{{id}}", self._in(self._drop_comment))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Refuses wrong credentials and bodies as GitHub does."""
        if request.headers.get("authorization") != f"Bearer {self.hub.token}":
            return _no(401, "Bad credentials")
        try:
            return self.routes(request)
        except (KeyError, ValueError, TypeError) as e:
            return _no(422, f"Invalid request. {e!r}")

    def _in(self, serve: Callable[[Repo, Asked], httpx.Response]) -> Callable[[Asked], httpx.Response]:
        def answer(asked: Asked) -> httpx.Response:
            repo = self.hub.repos.get(_name(asked))
            return _no(404, "Not Found") if repo is None else serve(repo, asked)

        return answer

    def _branch(self, repo: Repo, asked: Asked) -> httpx.Response:
        name = asked.parts["branch"]
        if name not in repo.branches:
            return _no(404, "Branch not found")
        head = {"sha": repo.branches[name]}
        return _json({"name": name, "commit": head, "protected": name in repo.protected})

    def _new_ref(self, repo: Repo, asked: Asked) -> httpx.Response:
        body = asked.document()
        name = str(body["ref"]).removeprefix("refs/heads/")
        if not str(body["ref"]).startswith("refs/heads/") or name in repo.branches:
            return _no(422, "Reference already exists")
        if body["sha"] not in repo.commits:
            return _no(422, "Object does not exist")
        repo.branches[name] = body["sha"]
        return _json({"ref": body["ref"], "object": {"sha": body["sha"], "type": "commit"}}, 201)

    def _move(self, repo: Repo, asked: Asked) -> httpx.Response:
        body, name = asked.document(), asked.parts["branch"]
        if name not in repo.branches:
            return _no(422, "Reference does not exist")
        if body["sha"] not in self.loose:
            return _no(422, "Object does not exist")
        tree, message, parents = self.loose[body["sha"]]
        if repo.branches[name] not in parents and not body.get("force"):
            return _no(422, "Update is not a fast forward")
        repo.commits[body["sha"]] = Made(body["sha"], self._files(tree), message, parents)
        repo.branches[name] = body["sha"]
        return _json({"ref": f"refs/heads/{name}", "object": {"sha": body["sha"]}})

    def _drop(self, repo: Repo, asked: Asked) -> httpx.Response:
        if repo.branches.pop(asked.parts["branch"], None) is None:
            return _no(422, "Reference does not exist")
        return httpx.Response(204)

    def _commit(self, repo: Repo, asked: Asked) -> httpx.Response:
        made = repo.commits.get(asked.parts["sha"])
        if made is None:
            return _no(404, "Not Found")
        return _json({"sha": made.id, "message": made.message, "tree": {"sha": self._stored(made.files)}})

    def _new_blob(self, _: Repo, asked: Asked) -> httpx.Response:
        body = asked.document()
        if body.get("encoding") != "base64":
            return _no(422, "encoding is not base64")
        content = base64.b64decode(body["content"], validate=True)
        self.blobs[blob_id(content)] = content
        return _json({"sha": blob_id(content)}, 201)

    def _tree(self, _: Repo, asked: Asked) -> httpx.Response:
        found = self.trees.get(asked.parts["sha"])
        if found is None:
            return _no(404, "Not Found")
        listed = [
            {"path": name, "mode": mode, "type": "tree" if mode == FOLDER else "blob", "sha": sha}
            for name, (mode, sha) in found.items()
        ]
        return _json({"sha": asked.parts["sha"], "tree": listed, "truncated": False})

    def _new_tree(self, _: Repo, asked: Asked) -> httpx.Response:
        body = asked.document()
        files = self._files(body["base_tree"])
        for entry in body["tree"]:
            former = files.pop(entry["path"], None)
            if entry["mode"] not in ("100644", "100755") or entry["type"] != "blob":
                return _no(422, "tree.mode is not valid")
            if entry["sha"] is None and former is None:
                return _no(422, "GitRPC::BadObjectState")
            if entry["sha"] is not None:
                files[entry["path"]] = (entry["mode"], self.blobs[entry["sha"]])
        return _json({"sha": self._stored(files)}, 201)

    def _new_commit(self, repo: Repo, asked: Asked) -> httpx.Response:
        body = asked.document()
        parents = tuple(body["parents"])
        if body["tree"] not in self.trees or any(parent not in repo.commits for parent in parents):
            return _no(422, "Tree SHA or parent does not exist")
        shown = json.dumps([body["tree"], body["message"], parents, len(self.loose)])
        made = hashlib.sha1(shown.encode(), usedforsecurity=False).hexdigest()
        self.loose[made] = (body["tree"], body["message"], parents)
        return _json({"sha": made}, 201)

    def _compare(self, repo: Repo, asked: Asked) -> httpx.Response:
        base, head = asked.parts["base"], asked.parts["head"]
        if repo.at(base) is None or repo.at(head) is None:
            return _no(404, "Not Found")
        found = [_shown(made) for made in repo.between(base, head)]
        return _json({"ahead_by": len(found), "commits": asked.page(found)})

    def _contents(self, repo: Repo, asked: Asked) -> httpx.Response:
        made, path = repo.at(asked.query.get("ref", repo.default)), asked.parts["path"]
        if made is None:
            return _no(404, "No commit found for the ref")
        if path not in made.files:
            below = [name for name in made.files if name.startswith(f"{path}/")]
            return _json([{"path": name, "type": "file"} for name in below]) if below else _no(404, "Not Found")
        mode, content = made.files[path]
        return _json(
            {
                "type": "symlink" if mode == "120000" else "file",
                "encoding": "base64",
                "content": base64.encodebytes(content).decode(),
                "sha": blob_id(content),
                "path": path,
            }
        )

    def _commits(self, repo: Repo, asked: Asked) -> httpx.Response:
        ref = asked.query.get("sha", repo.default)
        if repo.at(ref) is None:
            return _no(404, "Not Found")
        found = repo.touching(ref, asked.query["path"]) if "path" in asked.query else repo.history(ref)
        return _json(asked.page([_shown(made) for made in found]))

    def _check_runs(self, repo: Repo, asked: Asked) -> httpx.Response:
        checks = repo.checks.get(asked.parts["sha"], {})
        runs = [
            {
                "name": name,
                "status": "completed" if state else "in_progress",
                "conclusion": state or None,
                "html_url": f"https://github.test/{name}",
            }
            for name, state in checks.items()
        ]
        return _json({"total_count": len(runs), "check_runs": asked.page(runs)})

    def _pulls(self, repo: Repo, asked: Asked) -> httpx.Response:
        owner, _, branch = asked.query.get("head", "").partition(":")
        state = asked.query.get("state", "open")
        found = [
            _pull(each)
            for each in repo.pulls
            if state in ("all", each.state) and (not branch or (each.head == branch and owner == asked.parts["owner"]))
        ]
        return _json(asked.page(found))

    def _new_pull(self, repo: Repo, asked: Asked) -> httpx.Response:
        body = asked.document()
        if repo.branches.get(body["head"]) == repo.branches.get(body["base"]):
            return _no(422, f"No commits between {body['base']} and {body['head']}")
        try:
            made = repo.open_pull(body["head"], body["base"], title=body["title"], body=body.get("body", ""))
        except RefusedError as e:
            return _no(422, str(e))
        return _json(_pull(made), 201)

    def _edit_pull(self, repo: Repo, asked: Asked) -> httpx.Response:
        found, state = repo.pull(asked.parts["number"]), asked.document()["state"]
        if found is None:
            return _no(404, "Not Found")
        if state not in ("open", "closed"):
            return _no(422, "state is not included in the list")
        found.state = state
        return _json(_pull(found))

    def _comments(self, repo: Repo, asked: Asked) -> httpx.Response:
        found = repo.pull(asked.parts["number"])
        if found is None:
            return _no(404, "Not Found")
        return _json(asked.page([{"id": number, "body": body} for number, body in found.comments.items()]))

    def _new_comment(self, repo: Repo, asked: Asked) -> httpx.Response:
        found, body = repo.pull(asked.parts["number"]), asked.document()["body"]
        if found is None:
            return _no(404, "Not Found")
        return _json({"id": repo.comment(found, body), "body": body}, 201)

    def _drop_comment(self, repo: Repo, asked: Asked) -> httpx.Response:
        return httpx.Response(204) if repo.uncomment(asked.parts["id"]) else _no(404, "Not Found")

    def _stored(self, files: Files) -> str:
        """Makes the trees of these files; gives the id of the topmost."""
        here: Tree = {}
        folders: dict[str, Files] = {}
        for path, (mode, content) in files.items():
            name, slash, rest = path.partition("/")
            if slash:
                folders.setdefault(name, {})[rest] = (mode, content)
            else:
                self.blobs[blob_id(content)] = content
                here[name] = (mode, blob_id(content))
        here.update({name: (FOLDER, self._stored(inner)) for name, inner in folders.items()})
        made = hashlib.sha1(json.dumps(sorted(here.items())).encode(), usedforsecurity=False).hexdigest()
        self.trees[made] = here
        return made

    def _files(self, tree: str) -> Files:
        found: Files = {}
        for name, (mode, sha) in self.trees[tree].items():
            if mode == FOLDER:
                found.update({f"{name}/{path}": each for path, each in self._files(sha).items()})
            else:
                found[name] = (mode, self.blobs[sha])
        return found


def _name(asked: Asked) -> str:
    return f"{asked.parts['owner']}/{asked.parts['name']}"


def _json(document: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=document)


def _no(status: int, message: str) -> httpx.Response:
    return httpx.Response(status, json={"message": message, "documentation_url": "https://docs.github.com/rest"})


def _shown(made: Made) -> dict[str, Any]:
    parents = [{"sha": parent} for parent in made.parents]
    return {"sha": made.id, "commit": {"message": made.message}, "parents": parents}


def _pull(pull: Pull) -> dict[str, Any]:
    return {
        "number": pull.number,
        "state": pull.state,
        "title": pull.title,
        "body": pull.body or None,
        "head": {"ref": pull.head},
        "base": {"ref": pull.base},
        "html_url": f"https://github.test/pull/{pull.number}",
    }
