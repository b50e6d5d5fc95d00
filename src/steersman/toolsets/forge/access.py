"""What may be touched on a forge at all, and how our own work is told from that of others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from steersman.domain.errors import ToolError
from steersman.toolsets.forge.port import Branch, CommitInfo, Forge, Repository

TRAILER = "Steersman-Key"
_OURS = re.compile(rf"^{TRAILER}: \S+$", re.MULTILINE)
_UNSAFE = re.compile(r"[^A-Za-z0-9._/:-]")


@dataclass(frozen=True, slots=True)
class Access:
    """Repositories that are open to Steersman."""

    forge: Forge
    repositories: tuple[str, ...] = ("*",)
    """Patterns of names; `*` also crosses slashes."""
    default_branch: bool = False
    """Whether commits may go to a default branch; otherwise changes go through a pull request."""

    async def repository(self, name: str) -> Repository:
        """The repository. Raises ToolError when it is closed to us or not there."""
        if not self.allows(name):
            raise ToolError(f"repository {name!r} is not among those of the configuration: {self.repositories}")
        found = await self.forge.repository(name)
        if found is None:
            raise ToolError(f"there is no repository {name!r} here that the credentials may see")
        return found

    def allows(self, name: str) -> bool:
        """Whether the configuration opens it."""
        return any(fnmatchcase(name, pattern) for pattern in self.repositories)

    async def branch(self, repository: str, name: str) -> Branch:
        """A branch. Raises ToolError when it is not there."""
        await self.repository(repository)
        found = await self.forge.branch(repository, name)
        if found is None:
            raise ToolError(f"repository {repository!r} has no branch {name!r}; create it first")
        return found

    async def readable(self, repository: str, name: str, *, base: str) -> Branch:
        """A branch, or while it is not there its base: what the branch would begin with."""
        await self.repository(repository)
        return await self.forge.branch(repository, name) or await self.branch(repository, base)

    async def writable(self, repository: str, name: str) -> Branch:
        """A branch that commits may go to. Raises ToolError for a default or protected one."""
        default = (await self.repository(repository)).default_branch
        found = await self.branch(repository, name)
        if name == default and not self.default_branch:
            raise ToolError(
                f"{name!r} is the default branch of {repository!r}: make a branch and a pull request, or set "
                "`default_branch: true` for this forge"
            )
        if found.protected and name != default:
            raise ToolError(f"branch {name!r} of {repository!r} is protected; make another branch")
        return found


def signed(message: str, key: str) -> str:
    """A message of a commit that says which call made it."""
    return f"{message}\n\n{TRAILER}: {_UNSAFE.sub('_', key) or 'none'}\n"


def made_by(commit: CommitInfo, key: str) -> bool:
    """Whether this very call made the commit."""
    return commit.message.rstrip().endswith(signed("", key).strip())


def is_ours(commit: CommitInfo) -> bool:
    """Whether Steersman made the commit."""
    return _OURS.search(commit.message) is not None
