import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from dulwich import porcelain
from tests.unit.toolsets.calling import call_on
from tests.unit.toolsets.forge.examples import BASED, EXAMPLES, HERE, PIN, PULL, SET
from tests.unit.toolsets.forge.git_repository import DOCKERFILE, git_forge, push, repository, text_of

from steersman.domain.environment import Environment
from steersman.domain.errors import InputError, ToolError
from steersman.domain.ports import Toolset
from steersman.testing.clock import FakeClock
from steersman.testing.toolset_conformance import ToolsetConformance
from steersman.toolsets.forge import Access, ForgeToolset

WHERE = Environment(kind="git", name="test", uid="git-1", url="file:///git", tier="lab")


def tools(root: Path, **more: object) -> ForgeToolset:
    return ForgeToolset(Access(git_forge(root), **more), WHERE, FakeClock())


class TestGit(ToolsetConformance):
    examples = EXAMPLES

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Toolset]:
        with tempfile.TemporaryDirectory() as root:
            repository(Path(root)).close()
            yield tools(Path(root))

    @asynccontextmanager
    async def unreachable(self) -> AsyncIterator[Toolset]:
        yield tools(Path("/nowhere/at/all"))


async def test_a_pin_changes_and_nothing_else(tmp_path: Path) -> None:
    with repository(tmp_path) as repo:
        forge = tools(tmp_path)
        await call_on(forge, "create_branch", BASED)
        made = await call_on(forge, "set_pin", PIN)
        assert text_of(repo, "Dockerfile", "steersman/fix") == DOCKERFILE.replace("3.12.7", "3.12.12")
        assert text_of(repo, "Dockerfile") == DOCKERFILE
        commit = repo[str(made["commit"]).encode()]
        assert commit.message.startswith(b"Patch the base image\n\nSteersman-Key: ")


async def test_before_the_branch_is_there_its_base_is_looked_at(tmp_path: Path) -> None:
    with repository(tmp_path) as repo:
        forge, ask = tools(tmp_path), {k: PIN[k] for k in ("repository", "branch", "base", "path", "kind", "package")}
        assert await call_on(forge, "get_pin", ask) == {"exists": True, "value": "3.12.7-slim"}
        push(repo, {"Dockerfile": DOCKERFILE.replace("3.12.7", "3.12.9")})
        assert await call_on(forge, "get_pin", ask) == {"exists": True, "value": "3.12.9-slim"}


async def test_a_file_that_somebody_else_has_changed_is_not_overwritten(tmp_path: Path) -> None:
    with repository(tmp_path) as repo:
        forge = tools(tmp_path)
        await call_on(forge, "create_branch", BASED)
        seen = await call_on(forge, "get_file", {**BASED, "path": "README.md"})
        push(repo, {"README.md": "# Ann's\n"}, branch="steersman/fix")
        with pytest.raises(ToolError, match="changed meanwhile"):
            await call_on(forge, "set_file", SET, before=seen)
        assert text_of(repo, "README.md", "steersman/fix") == "# Ann's\n"


async def test_a_branch_that_moves_under_a_commit_keeps_what_it_moved_to(tmp_path: Path) -> None:
    from steersman.toolsets.forge.port import FileChange, NewCommit

    with repository(tmp_path) as repo:
        forge = git_forge(tmp_path)
        head = (await forge.branch("shop/payments", "main")).head
        theirs = push(repo, {"other": "x"})
        with pytest.raises(ToolError, match="moved on"):
            await forge.commit("shop/payments", NewCommit("main", head, "m", (FileChange("new", b"x", None),)))
        assert (await forge.branch("shop/payments", "main")).head == theirs


async def test_a_branch_with_the_work_of_others_is_not_deleted(tmp_path: Path) -> None:
    with repository(tmp_path) as repo:
        forge = tools(tmp_path)
        await call_on(forge, "create_branch", BASED)
        await call_on(forge, "set_file", SET)
        push(repo, {"theirs": "x"}, branch="steersman/fix")
        with pytest.raises(ToolError, match="commits of others"):
            await call_on(forge, "delete_branch", BASED)


async def test_only_our_own_last_change_is_taken_back(tmp_path: Path) -> None:
    with repository(tmp_path) as repo:
        forge = tools(tmp_path)
        await call_on(forge, "create_branch", BASED)
        with pytest.raises(ToolError, match="not one by Steersman"):
            await call_on(forge, "revert_file", {**BASED, "path": "README.md", "message": "back"})
        await call_on(forge, "set_file", SET)
        push(repo, {"README.md": "# theirs\n"}, branch="steersman/fix")
        with pytest.raises(ToolError, match="not one by Steersman"):
            await call_on(forge, "revert_file", {**BASED, "path": "README.md", "message": "back"})


async def test_the_default_branch_is_written_only_where_the_configuration_says_so(tmp_path: Path) -> None:
    repository(tmp_path).close()
    on_main = {**SET, "branch": "main"}
    with pytest.raises(ToolError, match="default branch"):
        await call_on(tools(tmp_path), "set_file", on_main)
    assert (await call_on(tools(tmp_path, default_branch=True), "set_file", on_main))["changed"]


async def test_a_repository_that_the_configuration_does_not_open_is_closed(tmp_path: Path) -> None:
    repository(tmp_path).close()
    closed = tools(tmp_path, repositories=("other/*",))
    with pytest.raises(ToolError, match="not among those"):
        await call_on(closed, "get_file", {**BASED, "path": "README.md"})
    assert await call_on(closed, "get_repository", {"repository": "shop/payments"}) == {
        "exists": False,
        "default_branch": None,
    }


@pytest.mark.parametrize("path", ["../x", "a/../b", "/etc/passwd", ".git/config", "a//b", "a/.git/hooks", " a"])
async def test_paths_stay_inside(tmp_path: Path, path: str) -> None:
    repository(tmp_path).close()
    forge = tools(tmp_path)
    binding = next(each for each in forge.bindings() if each.operation.name == "forge.get_file")
    from tests.unit.toolsets.times import CONTEXT

    with pytest.raises(InputError):
        await binding.run({**BASED, "path": path}, CONTEXT)


@pytest.mark.parametrize("name", ["../secret", "shop/../../x", "/etc"])
async def test_repositories_stay_below_the_root(tmp_path: Path, name: str) -> None:
    repository(tmp_path / "root").close()
    repository(tmp_path, "secret").close()
    assert await git_forge(tmp_path / "root").repository(name) is None


async def test_links_and_submodules_are_no_files(tmp_path: Path) -> None:
    from dulwich.object_store import commit_tree_changes
    from dulwich.objects import Blob

    with repository(tmp_path) as repo:
        link = Blob.from_string(b"/etc/passwd")
        repo.object_store.add_object(link)
        commit = repo[repo.refs[b"refs/heads/main"]].copy()
        commit.tree = commit_tree_changes(repo.object_store, repo[commit.tree], [(b"link", 0o120000, link.id)])
        repo.object_store.add_object(commit)
        repo.refs[b"refs/heads/main"] = commit.id
        with pytest.raises(ToolError, match="no plain file"):
            await call_on(tools(tmp_path), "get_file", {**BASED, "path": "link"})


async def test_an_executable_file_stays_executable(tmp_path: Path) -> None:
    from dulwich.object_store import commit_tree_changes, tree_lookup_path
    from dulwich.objects import Blob

    with repository(tmp_path) as repo:
        script = Blob.from_string(b"#!/bin/sh\n")
        repo.object_store.add_object(script)
        commit = repo[repo.refs[b"refs/heads/main"]].copy()
        commit.tree = commit_tree_changes(repo.object_store, repo[commit.tree], [(b"run.sh", 0o100755, script.id)])
        repo.object_store.add_object(commit)
        repo.refs[b"refs/heads/main"] = commit.id
        forge = tools(tmp_path)
        await call_on(forge, "create_branch", BASED)
        await call_on(forge, "set_file", {**SET, "path": "run.sh", "content": "#!/bin/sh\necho\n"})
        tip = repo[repo.refs[b"refs/heads/steersman/fix"]]
        assert tree_lookup_path(repo.object_store.__getitem__, tip.tree, b"run.sh")[0] == 0o100755


async def test_checks_come_from_notes_that_git_itself_wrote(tmp_path: Path) -> None:
    with repository(tmp_path) as repo:
        forge = tools(tmp_path)
        await call_on(forge, "create_branch", BASED)
        head = str((await call_on(forge, "branch_head", HERE))["head"])
        assert (await call_on(forge, "checks", HERE))["settled"] is False
        lines = [{"name": "build", "state": "pending"}, {"name": "build", "state": "failed"}]
        note = "\n".join(map(json.dumps, lines))
        porcelain.notes_add(repo, head.encode(), note, ref=b"checks", author=b"CI <ci@shop.test>")
        found = await call_on(forge, "watch_checks", {**HERE, "wait_s": 0})
        assert (found["settled"], found["passed"], found["failed"]) == (True, False, ["build"])


async def test_a_second_pull_request_from_a_branch_is_refused(tmp_path: Path) -> None:
    repository(tmp_path).close()
    forge = tools(tmp_path)
    await call_on(forge, "create_branch", BASED)
    first = await call_on(forge, "open_pull_request", PULL)
    assert await call_on(forge, "open_pull_request", PULL) == first
    with pytest.raises(ToolError, match="another pull request"):
        await call_on(forge, "open_pull_request", {**PULL, "title": "Something else"})


async def test_a_binary_file_is_not_text(tmp_path: Path) -> None:
    with repository(tmp_path) as repo:
        push(repo, {"logo": b"\xff\xfe\x00"})
        with pytest.raises(ToolError, match="no UTF-8 text"):
            await call_on(tools(tmp_path), "get_file", {**BASED, "path": "logo"})
