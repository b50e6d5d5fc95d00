"""Systems behind HTTP whose server is a strict double: Argo CD, Grafana, registries, CI systems and forges."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
from benchmarks.hands.scene import Edit, Line, Scene, System
from pydantic import JsonValue
from tests.unit.toolsets import test_argocd, test_grafana
from tests.unit.toolsets.ci import test_ci
from tests.unit.toolsets.forge import examples as forge_examples
from tests.unit.toolsets.forge import test_web_forges
from tests.unit.toolsets.registry import test_registry
from tests.unit.toolsets.test_telemetry_conformance import TestGrafana, on

from steersman.domain.fact import JsonObject
from steersman.domain.operation import Operation
from steersman.testing.ci import Farm
from steersman.testing.forges.hub import Repo
from steersman.testing.toolset_conformance import Example


def edit(what: str, change: Any, *given: Any) -> Edit:
    """An edit by a function that waits for nothing."""

    async def do() -> None:
        change(*given)

    return Edit(what, do)


class Argocd(System):
    """One application under automatic sync."""

    name = "argocd"
    stands_on = "strict double"
    examples = test_argocd.TestArgocd.examples

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Scene]:
        """A server of its own."""
        server, line = test_argocd.Server(), Line()

        async def truth() -> JsonValue:
            done = server.app["status"]["operationState"]
            return copy.deepcopy({"policy": server.app["spec"], "deployed": done["operation"], "phase": done["phase"]})

        def others(__: Operation, _: JsonObject) -> Sequence[Edit]:
            policy = server.app["spec"]["syncPolicy"]
            flipped = {} if policy.get("automated") else {"automated": {"prune": True, "selfHeal": True}}
            deployed = {"phase": "Succeeded", "operation": {"sync": {"revision": "theirs"}}}
            found = [edit("policy", server.app["spec"].update, {"syncPolicy": flipped})]
            status = {"operationState": deployed, "sync": {"status": "Synced", "revision": "theirs"}}
            return [*found, edit("sync", server.app["status"].update, status)]

        def noise(__: Operation, _: JsonObject) -> Sequence[Edit]:
            return [
                edit("health", server.app["status"].update, {"health": {"status": "Progressing"}}),
                edit("version", server.app["metadata"].update, {"resourceVersion": "99"}),
                edit("label", server.app["metadata"].update, {"labels": {"theirs": "1"}}),
                edit("sync status", server.app["status"]["sync"].update, {"status": "OutOfSync"}),
            ]

        async with test_argocd.opened(line.serve(server)) as toolset:
            yield Scene(toolset, truth, others, noise, line)


class Grafana(System):
    """Dashboards and annotations."""

    name = "grafana"
    stands_on = "strict double"
    examples = TestGrafana.examples

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Scene]:
        """A server of its own."""
        fake, line = test_grafana.Fake(), Line()

        def server(request: httpx.Request) -> httpx.Response:
            healthy = request.url.path == "/api/health"
            return httpx.Response(200, json={"version": "12.3.0", "database": "ok"}) if healthy else fake(request)

        async def truth() -> JsonValue:
            boards = {
                uid: {name: value for name, value in board.items() if name not in ("version", "id")}
                for uid, board in fake.boards.items()
            }
            marks = [{k: v for k, v in mark.items() if k != "id"} for mark in fake.marks.values()]
            folders = {uid: fake.folders[uid] for uid in boards}
            return copy.deepcopy({"boards": boards, "folders": folders, "marks": marks})

        def others(_: Operation, arguments: JsonObject) -> Sequence[Edit]:
            if "uid" in arguments:
                return self._boards(fake, str(arguments["uid"]))
            return self._marks(fake, str(arguments["name"]))

        def noise(_: Operation, __: JsonObject) -> Sequence[Edit]:
            board = {"dashboard": {"uid": "elsewhere", "id": None, "title": "E"}, "folderUid": "", "overwrite": False}
            theirs = {"time": 1, "text": "theirs", "tags": ["other"]}
            return [
                edit("another board", fake.store, board),
                edit("another note", fake.marks.update, {77: {"id": 77, **theirs}}),
            ]

        async with on("grafana", line.serve(server)) as toolset:
            yield Scene(toolset, truth, others, noise, line)

    def _boards(self, fake: test_grafana.Fake, uid: str) -> Sequence[Edit]:
        body = {"dashboard": {"uid": uid, "id": None, "title": "Theirs"}, "folderUid": "", "overwrite": False}
        if uid not in fake.boards:
            return [edit("make", fake.store, body)]
        body["dashboard"]["version"] = fake.boards[uid]["version"]
        return [edit("save", fake.store, body), edit("delete", fake.boards.pop, uid)]

    def _marks(self, fake: test_grafana.Fake, name: str) -> Sequence[Edit]:
        number = next((n for n, mark in fake.marks.items() if any(name in tag for tag in mark["tags"])), None)
        if number is None:
            mark = {"id": 9, "time": 5, "text": "theirs", "tags": [f"steersman:{name}"]}
            return [edit("make", fake.marks.update, {9: mark})]
        return [
            edit("text", fake.marks[number].update, {"text": "theirs"}),
            edit("delete", fake.marks.pop, number),
        ]


class Registry(System):
    """Tags of an OCI registry."""

    name = "registry"
    stands_on = "strict double"
    examples = test_registry.TestRegistry.examples

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Scene]:
        """A server of its own."""
        server, line = test_registry.double(), Line()
        tags = server.tags["shop/payments"]
        theirs = server.image("shop/payments", "theirs")

        async def truth() -> JsonValue:
            return copy.deepcopy(server.tags)

        def others(_: Operation, arguments: JsonObject) -> Sequence[Edit]:
            tag = str(arguments["tag"])
            found = [edit("move", tags.update, {tag: theirs})]
            return [*found, edit("delete", tags.pop, tag)] if tag in tags else found

        def noise(_: Operation, __: JsonObject) -> Sequence[Edit]:
            return [
                edit("another tag", tags.update, {"nightly": theirs}),
                edit("another image", server.image, "shop/front", "2.0"),
            ]

        yield Scene(test_registry.tools(line.serve(server)), truth, others, noise, line)


class Ci(System):
    """Runs of a pipeline."""

    stands_on = "strict double"

    def __init__(self, kind: str) -> None:
        self.kind, self.name = kind, f"ci ({kind})"
        started = (("ci.start_run", test_ci.start(kind)),)
        self.examples = (
            Example("ci.start_run", test_ci.start(kind)),
            Example("ci.cancel_run", test_ci.run(kind), before=started),
        )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Scene]:
        """A server of its own."""
        farm, line = test_ci.farm(self.kind), Line()
        server = test_ci.KINDS[self.kind].double(farm)
        runs = farm.runs[test_ci.KINDS[self.kind].pipeline]

        async def truth() -> JsonValue:
            return [
                {"ref": each.ref, "inputs": dict(each.inputs)} for each in runs if each.result != CANCELLED[self.kind]
            ]

        def others(__: Operation, _: JsonObject) -> Sequence[Edit]:
            if not runs:
                return [Edit("start", partial(self._start, farm))]
            return [edit("cancel", cancel, runs[0], CANCELLED[self.kind])]

        def noise(__: Operation, _: JsonObject) -> Sequence[Edit]:
            pipeline = test_ci.KINDS[self.kind].pipeline
            return [edit("another run", farm.start, pipeline, "main", {"tag": "theirs"})]

        yield Scene(test_ci.tools(self.kind, line.serve(server)), truth, others, noise, line)

    async def _start(self, farm: Farm) -> None:
        """Another process of ours, from another ref, under the same name: the one thing that could be mistaken."""
        server = test_ci.KINDS[self.kind].double(farm)
        await test_ci.call_on(
            test_ci.tools(self.kind, server), "start_run", {**test_ci.start(self.kind), "ref": "steersman/fix"}
        )


CANCELLED = {"github": "cancelled", "gitlab": "canceled", "jenkins": "ABORTED"}


def cancel(run: Any, word: str) -> None:
    """Ends a run as its system does."""
    run.queued, run.result = False, word


class Forge(System):
    """A repository behind one of the forges."""

    stands_on = "strict double"
    examples = forge_examples.EXAMPLES

    def __init__(self, kind: str) -> None:
        self.kind, self.name = kind, f"forge ({kind})"

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Scene]:
        """A forge of its own."""
        hub, line = test_web_forges.hub(), Line()
        repo = hub.repos["shop/payments"]
        server = test_web_forges.KINDS[self.kind].double(hub)

        async def truth() -> JsonValue:
            return shown(repo)

        async with test_web_forges.on(self.kind, line.serve(server)) as toolset:
            yield Scene(toolset, truth, partial(forged, repo), partial(forge_noise, repo), line)


def shown(repo: Repo) -> JsonValue:
    """Files of each branch, and what is open: commits stay, as history does."""
    files = {
        name: {path: content.decode() for path, (_, content) in repo.commits[head].files.items()}
        for name, head in repo.branches.items()
    }
    pulls = [[pull.head, pull.base, sorted(pull.comments.values())] for pull in repo.pulls if pull.state == "open"]
    return {"files": files, "pulls": pulls}


def forged(repo: Repo, operation: Operation, arguments: JsonObject) -> Sequence[Edit]:
    """What colleagues do on the branch, the file or the pull request."""
    branch, thing = str(arguments["branch"]), operation.resource.split("/")[1]
    open_pull = next((pull for pull in repo.pulls if pull.state == "open" and pull.head == branch), None)
    if thing == "file":
        text = b"FROM python:3.9-slim\n# theirs\n"
        return [edit("commit", partial(repo.push, {str(arguments["path"]): text}, branch=branch))]
    if thing == "branch" and branch in repo.branches:
        return [edit("delete", repo.branches.pop, branch)]
    if thing == "branch":
        return [edit("make", repo.branches.update, {branch: repo.branches["main"]})]
    if thing == "pull_request" and open_pull is None:
        return [edit("open", partial(repo.open_pull, branch, "main", title="theirs", body="x"))]
    if thing == "pull_request":
        return [edit("close", setattr, open_pull, "state", "closed")]
    assert open_pull is not None
    if open_pull.comments:
        return [edit("delete", open_pull.comments.clear)]
    return [edit("close", setattr, open_pull, "state", "closed")]


def forge_noise(repo: Repo, operation: Operation, arguments: JsonObject) -> Sequence[Edit]:
    """Work elsewhere in the repository; a commit on a branch that is to be deleted is none."""
    found = [edit("another branch", partial(repo.push, {"x": b"1"}, branch="theirs"))]
    if operation.name == "forge.delete_branch":
        return found
    return [
        *found,
        edit("another file", partial(repo.push, {"docs/theirs.md": b"1"}, branch=here(repo, arguments))),
    ]


def here(repo: Repo, arguments: JsonObject) -> str:
    """The branch of a call, or what it will come from."""
    branch = str(arguments["branch"])
    return branch if branch in repo.branches else "main"
