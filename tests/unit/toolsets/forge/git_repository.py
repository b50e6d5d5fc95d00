"""A bare repository in a folder of the test, as a push would have left it."""

from pathlib import Path

from dulwich.object_store import commit_tree_changes
from dulwich.objects import Blob, Commit, Tree
from dulwich.repo import Repo

from steersman.testing.clock import FakeClock
from steersman.toolsets.forge.git import GitForge

DOCKERFILE = "FROM python:3.12.7-slim AS build\nRUN pip wheel .\n\nFROM python:3.12.7-slim\nCOPY --from=build /w /w\n"
FILES = {
    "Dockerfile": DOCKERFILE,
    "README.md": "# shop\n",
    "requirements.txt": "requests==2.31.0  # http\nflask>=3\n",
    "deploy/app.yaml": "spec:\n  image: registry.test/shop/payments:1.0.0\n",
}


def repository(root: Path, name: str = "shop/payments", files: dict[str, str] = FILES) -> Repo:
    place = root / f"{name}.git"
    place.parent.mkdir(parents=True, exist_ok=True)
    repo = Repo.init_bare(str(place), mkdir=True, default_branch=b"main")
    push(repo, files, message="first")
    return repo


def push(repo: Repo, files: dict[str, str | bytes | None], *, branch: str = "main", message: str = "theirs") -> str:
    """A commit by somebody else."""
    ref = f"refs/heads/{branch}".encode()
    former = repo.refs.as_dict().get(ref)
    tree = repo[repo[former].tree] if former else Tree()
    repo.object_store.add_object(tree)
    changes = []
    for path, text in files.items():
        blob = Blob.from_string(text.encode() if isinstance(text, str) else text) if text is not None else None
        if blob:
            repo.object_store.add_object(blob)
        changes.append((path.encode(), 0o100644 if blob else None, blob.id if blob else None))
    commit = Commit()
    commit.tree = commit_tree_changes(repo.object_store, tree, changes)
    commit.parents = [former] if former else []
    commit.author = commit.committer = b"Ann <ann@shop.test>"
    commit.commit_time = commit.author_time = 1_795_000_000
    commit.commit_timezone = commit.author_timezone = 0
    commit.message = message.encode()
    repo.object_store.add_object(commit)
    repo.refs[ref] = commit.id
    return commit.id.decode()


def text_of(repo: Repo, path: str, branch: str = "main") -> str:
    from dulwich.object_store import tree_lookup_path

    commit = repo[repo.refs[f"refs/heads/{branch}".encode()]]
    _, found = tree_lookup_path(repo.object_store.__getitem__, commit.tree, path.encode())
    return repo[found].data.decode()


def git_forge(root: Path) -> GitForge:
    return GitForge(root, FakeClock())
