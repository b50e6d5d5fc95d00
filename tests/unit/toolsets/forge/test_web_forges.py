"""GitHub, GitLab and Gitea through the same interface, each against a strict double."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
from tests.unit.toolsets.calling import call_on
from tests.unit.toolsets.forge.examples import BASED, EXAMPLES, HERE, OPENED, PIN, PULL, SAID, SET
from tests.unit.toolsets.forge.git_repository import DOCKERFILE, FILES

from steersman.domain.environment import Environment
from steersman.domain.errors import OutcomeUnknownError, SteersmanError, ToolError, UnavailableError
from steersman.domain.fact import JsonObject
from steersman.domain.ports import Toolset
from steersman.remote.endpoint import BearerAuth, Endpoint, open_client
from steersman.remote.exchange import Remote
from steersman.testing.clock import FakeClock
from steersman.testing.forges import GiteaDouble, GitHubDouble, GitLabDouble, Hub
from steersman.testing.toolset_conformance import ToolsetConformance
from steersman.toolsets.forge import Access, ForgeToolset
from steersman.toolsets.forge.gitea import GiteaForge
from steersman.toolsets.forge.github import GitHubForge
from steersman.toolsets.forge.gitlab import GitLabForge
from steersman.toolsets.forge.port import FileChange, NewCommit

Server = Callable[[httpx.Request], httpx.Response]


@dataclass
class Kind:
    adapter: Callable[[Remote], object]
    double: Callable[[Hub], Server]
    passed: str
    failed: str


KINDS = {
    "github": Kind(GitHubForge, GitHubDouble, "success", "failure"),
    "gitlab": Kind(GitLabForge, GitLabDouble, "success", "failed"),
    "gitea": Kind(GiteaForge, GiteaDouble, "success", "failure"),
}


def remote(server: Server, name: str, token: str = "t0ken") -> Remote:
    endpoint = Endpoint(url="https://forge.test", auth=BearerAuth(token=token))
    return Remote.at(name, open_client(endpoint, transport=httpx.MockTransport(server)), endpoint)


def tools(kind: str, server: Server, token: str = "t0ken") -> ForgeToolset:
    where = Environment(kind=kind, name="test", uid="f1", url="https://forge.test", tier="lab")
    return ForgeToolset(Access(KINDS[kind].adapter(remote(server, kind, token))), where, FakeClock())


def hub() -> Hub:
    made = Hub()
    made.repo("shop/payments", FILES)
    return made


@pytest.fixture(params=sorted(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@asynccontextmanager
async def on(kind: str, server: Server) -> AsyncIterator[Toolset]:
    made = tools(kind, server)
    async with made.access.forge.remote.client:
        yield made


def down(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("connection refused")


class WebForge(ToolsetConformance):
    kind: str
    examples = EXAMPLES

    def opened(self) -> AbstractAsyncContextManager[Toolset]:
        return on(self.kind, KINDS[self.kind].double(hub()))

    def unreachable(self) -> AbstractAsyncContextManager[Toolset]:
        return on(self.kind, down)


class TestGitHub(WebForge):
    kind = "github"


class TestGitLab(WebForge):
    kind = "gitlab"


class TestGitea(WebForge):
    kind = "gitea"


async def test_a_patch_becomes_a_pull_request_and_is_taken_back_without_a_trace(kind: str) -> None:
    there = hub()
    repo, forge = there.repos["shop/payments"], tools(kind, KINDS[kind].double(there))
    main = repo.branches["main"]
    for verb, arguments in OPENED:
        await call_on(forge, verb.partition(".")[2], arguments)
    assert repo.at("steersman/fix").files["Dockerfile"][1].decode() == DOCKERFILE.replace("3.12.7", "3.12.12")
    assert [(pull.head, pull.base, pull.state) for pull in repo.pulls] == [("steersman/fix", "main", "open")]
    await call_on(forge, "comment", SAID)
    await call_on(forge, "delete_comment", {**HERE, "name": "scan"})
    await call_on(forge, "close_pull_request", HERE)
    await call_on(forge, "set_pin", {**PIN, "value": "3.12.7-slim"})
    await call_on(forge, "delete_branch", BASED)
    assert repo.branches == {"main": main}
    assert repo.pulls[0].state == "closed"
    assert repo.pulls[0].comments == {}


async def test_a_commit_on_a_branch_that_has_moved_is_refused(kind: str) -> None:
    there = hub()
    repo = there.repos["shop/payments"]
    forge = KINDS[kind].adapter(remote(KINDS[kind].double(there), kind))
    seen = await forge.branch("shop/payments", "main")
    stored = await forge.file("shop/payments", "README.md", ref="main")
    theirs = repo.push({"README.md": b"# theirs\n"})
    new = NewCommit("main", seen.head, "m", (FileChange("README.md", b"# ours\n", stored.id),))
    with pytest.raises(ToolError):
        await forge.commit("shop/payments", new)
    assert repo.branches["main"] == theirs


async def test_a_file_that_changes_while_the_commit_is_on_its_way_keeps_the_change(kind: str) -> None:
    there = hub()
    repo, double = there.repos["shop/payments"], KINDS[kind].double(there)
    raced = []

    def racing(request: httpx.Request) -> httpx.Response:
        last = request.method == "PATCH" or (
            request.method == "POST" and request.url.path.endswith(("commits", "contents"))
        )
        if last and (kind != "github" or request.method == "PATCH"):
            raced.append(repo.push({"README.md": b"# theirs\n"}, branch="steersman/fix"))
        return double(request)

    await call_on(tools(kind, double), "create_branch", BASED)
    with pytest.raises(ToolError):
        await call_on(tools(kind, racing), "set_file", SET)
    assert raced
    assert repo.branches["steersman/fix"] == raced[-1]


async def test_an_executable_file_stays_executable(kind: str) -> None:
    there = hub()
    repo, forge = there.repos["shop/payments"], tools(kind, KINDS[kind].double(there))
    repo.push({"bin/run": b"#!/bin/sh\n"}, mode="100755")
    await call_on(forge, "create_branch", BASED)
    await call_on(forge, "set_file", {**SET, "path": "bin/run", "content": "#!/bin/sh\necho\n"})
    assert repo.at("steersman/fix").files["bin/run"] == ("100755", b"#!/bin/sh\necho\n")


async def test_the_work_of_others_on_our_branch_keeps_it(kind: str) -> None:
    there = hub()
    repo, forge = there.repos["shop/payments"], tools(kind, KINDS[kind].double(there))
    await call_on(forge, "create_branch", BASED)
    repo.push({"theirs": b"x"}, branch="steersman/fix")
    with pytest.raises(ToolError, match="commits of others"):
        await call_on(forge, "delete_branch", BASED)


async def test_checks_pass_fail_and_are_waited_for(kind: str) -> None:
    there = hub()
    repo, double = there.repos["shop/payments"], KINDS[kind].double(there)
    forge = tools(kind, double)
    await call_on(forge, "create_branch", BASED)
    head = repo.branches["steersman/fix"]
    assert (await call_on(forge, "checks", HERE))["settled"] is False
    repo.checks[head] = {"build": KINDS[kind].passed, "scan": ""}
    assert (await call_on(forge, "checks", HERE))["settled"] is False
    repo.checks[head] = {"build": KINDS[kind].passed, "scan": KINDS[kind].failed}
    found = await call_on(forge, "checks", HERE)
    assert (found["settled"], found["passed"], found["failed"]) == (True, False, ["scan"])
    repo.checks[head] = {"build": KINDS[kind].passed}
    assert (await call_on(forge, "watch_checks", HERE))["passed"] is True


async def test_waiting_for_checks_ends_when_they_settle_or_the_budget_does(kind: str) -> None:
    there = hub()
    repo, clock = there.repos["shop/payments"], FakeClock()
    forge = tools(kind, KINDS[kind].double(there))
    watching = ForgeToolset(forge.access, forge.where, clock)
    await call_on(forge, "create_branch", BASED)
    head = repo.branches["steersman/fix"]
    repo.checks[head] = {"build": ""}
    binding = next(each for each in watching.bindings() if each.operation.name == "forge.watch_checks")
    from datetime import timedelta

    from steersman.domain.ports import CallContext

    context = CallContext(key="k", deadline=clock.now() + timedelta(hours=1))
    found = await binding.run({**HERE, "wait_s": 30}, context)
    assert (found["settled"], clock.monotonic()) == (False, 30)
    clock.on_sleep = lambda: repo.checks.update({head: {"build": KINDS[kind].passed}})
    found = await binding.run({**HERE, "wait_s": 30}, context)
    assert (found["passed"], clock.monotonic()) == (True, 35)


async def test_wrong_credentials_are_said_and_not_shown(kind: str) -> None:
    forge = tools(kind, KINDS[kind].double(hub()), token="hunter2-hunter2")
    with pytest.raises(ToolError, match="credentials") as caught:
        await call_on(forge, "get_branch", HERE)
    assert "hunter2" not in str(caught.value)


async def test_a_lost_answer_to_a_write_is_an_unknown_outcome(kind: str) -> None:
    there = hub()
    double = KINDS[kind].double(there)

    def losing(request: httpx.Request) -> httpx.Response:
        answer = double(request)
        if request.method == "POST":
            raise httpx.ReadError("connection reset")
        return answer

    with pytest.raises(OutcomeUnknownError):
        await call_on(tools(kind, losing), "create_branch", BASED)
    assert "steersman/fix" in there.repos["shop/payments"].branches


@pytest.mark.parametrize(
    "answer", [httpx.Response(200, text="<html>"), httpx.Response(200, json=[1]), httpx.Response(200, json={})]
)
async def test_what_is_no_forge_is_a_clear_line(kind: str, answer: httpx.Response) -> None:
    asks: list[tuple[str, JsonObject]] = [
        ("get_branch", HERE),
        ("get_file", {**BASED, "path": "README.md"}),
        ("checks", HERE),
        ("get_pull_request", HERE),
    ]
    for verb, arguments in asks:
        with pytest.raises(SteersmanError) as caught:
            await call_on(tools(kind, lambda _: httpx.Response(200, content=answer.content)), verb, arguments)
        assert "\n" not in str(caught.value)


async def test_a_forge_that_is_throttled_is_asked_later() -> None:
    def throttled(_: httpx.Request) -> httpx.Response:
        return httpx.Response(403, headers={"retry-after": "60"}, json={"message": "secondary rate limit"})

    with pytest.raises(UnavailableError) as caught:
        await call_on(tools("github", throttled), "get_branch", HERE)
    assert caught.value.retry_after_s == 60


async def test_a_second_pull_request_is_refused(kind: str) -> None:
    forge = tools(kind, KINDS[kind].double(hub()))
    for verb, arguments in OPENED:
        await call_on(forge, verb.partition(".")[2], arguments)
    with pytest.raises(ToolError, match="another pull request"):
        await call_on(forge, "open_pull_request", {**PULL, "title": "Other"})
