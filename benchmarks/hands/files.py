"""Systems in a folder: Git over a bare repository, and Helm over a program whose cluster is a file."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.hands.scene import Edit, Scene, System
from benchmarks.hands.web import edit
from dulwich.object_store import iter_tree_contents
from pydantic import JsonValue
from tests.integration.toolsets.helm import test_helm
from tests.unit.toolsets.forge import examples as forge_examples
from tests.unit.toolsets.forge import test_git
from tests.unit.toolsets.forge.git_repository import push, repository

from steersman.domain.fact import JsonObject
from steersman.domain.operation import Operation


class Git(System):
    """A bare repository; pull requests and comments are refs of it."""

    name = "forge (git)"
    stands_on = "bare repository (real)"
    examples = forge_examples.EXAMPLES

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Scene]:
        """A repository of its own."""
        with TemporaryDirectory() as folder, repository(Path(folder)) as repo:

            async def truth() -> JsonValue:
                return trees(repo)

            yield Scene(test_git.tools(Path(folder)), truth, partial(committed, repo), partial(elsewhere, repo))


PULLS = b"refs/steersman/pulls/"


def trees(repo: Any) -> JsonValue:
    """Every file of every ref: history stays, as it does."""
    found: dict[str, JsonValue] = {}
    for ref, held in repo.refs.as_dict().items():
        if ref.startswith(PULLS):
            pull = json.loads(repo[held].data)
            if pull["open"]:
                proposal = {name: value for name, value in pull["proposal"].items() if name != "number"}
                found[f"pull/{proposal['branch']}"] = [proposal, [each["body"] for each in pull["comments"]]]
        elif ref != b"HEAD":
            entries = iter_tree_contents(repo.object_store, repo[held].tree)
            found[ref.decode()] = {entry.path.decode(): repo[entry.sha].data.decode() for entry in entries}
    return found


def committed(repo: Any, operation: Operation, arguments: JsonObject) -> Sequence[Edit]:
    """What colleagues push to the branch of a call."""
    branch, thing = str(arguments["branch"]), operation.resource.split("/")[1]
    ref = f"refs/heads/{branch}".encode()
    if thing == "file":
        text = "FROM python:3.9-slim\n# theirs\n"
        return [edit("commit", partial(push, repo, {str(arguments["path"]): text}, branch=branch))]
    if thing == "branch" and ref not in repo.refs.as_dict():
        return [edit("make", repo.refs.set_if_equals, ref, None, repo.refs[b"refs/heads/main"])]
    if thing == "branch":
        return [edit("delete", repo.refs.remove_if_equals, ref, None)]
    pulls = [name for name in repo.refs.allkeys() if name.startswith(PULLS)]
    return [edit("delete", repo.refs.remove_if_equals, name, None) for name in pulls]


def elsewhere(repo: Any, operation: Operation, arguments: JsonObject) -> Sequence[Edit]:
    """Work on other branches and other files; a commit on a branch that is to be deleted is none."""
    branch = str(arguments["branch"])
    branch = branch if f"refs/heads/{branch}".encode() in repo.refs.as_dict() else "main"
    found = [edit("another branch", partial(push, repo, {"x": "1"}, branch="theirs"))]
    if operation.name == "forge.delete_branch":
        return found
    return [*found, edit("another file", partial(push, repo, {"docs/theirs.md": "1"}, branch=branch))]


class HelmReleases(System):
    """Releases of a chart."""

    name = "helm"
    stands_on = "program double (answers of 3.17)"
    examples = test_helm.TestHelm.examples

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Scene]:
        """A cluster of its own."""
        with TemporaryDirectory() as folder:
            root = Path(folder)
            toolset, store = test_helm.fake(root), root / "cluster"

            async def truth() -> JsonValue:
                return {name: live(history) for name, history in json.loads(store.read_text()).items()}

            def others(_: Operation, arguments: JsonObject) -> Sequence[Edit]:
                return [edit("upgrade", upgrade, store, f"{arguments['namespace']}/{arguments['name']}")]

            def noise(_: Operation, __: JsonObject) -> Sequence[Edit]:
                return [edit("another release", upgrade, store, "other/payments")]

            yield Scene(toolset, truth, others, noise)


def live(history: list[dict[str, Any]]) -> JsonValue:
    """What runs, without how it came there."""
    return {name: history[-1][name] for name in ("chart", "version", "values")}


def upgrade(store: Path, release: str) -> None:
    """Somebody else's `helm upgrade --install`."""
    held = json.loads(store.read_text() or "{}")
    history = held.setdefault(release, [])
    entry = {"chart": "payments", "version": "1.2.3", "values": {"replicas": 77}, "description": "theirs"}
    history.append({**entry, "revision": len(history) + 1, "status": "deployed"})
    store.write_text(json.dumps(held))
