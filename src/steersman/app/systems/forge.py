"""A forge: GitHub, GitLab, Gitea or Forgejo, or bare Git repositories in a folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from steersman.app.section import ServerSettings
from steersman.app.systems.opened import Opened, Opening

if TYPE_CHECKING:
    from steersman.domain.environment import Environment
    from steersman.toolsets.forge.port import Forge

GITHUB = "https://api.github.com"


class ForgeSettings(ServerSettings):
    """Where code is kept and changes are proposed."""

    kind: Literal["github", "gitlab", "gitea", "forgejo", "git"]
    """Which one; `git` is bare repositories below `root`, without a server."""
    url: str = ""
    """The server; for GitHub its API (empty: api.github.com; Enterprise: `https://HOST/api/v3`)."""
    root: Path | None = None
    """For `git`: the folder that the repositories are in."""
    repositories: tuple[str, ...] = ("*",)
    """Patterns of the repositories that Steersman may touch, such as `shop/*`."""
    default_branch: bool = False
    """Whether commits may go to a default branch; otherwise changes go through a pull request."""

    @model_validator(mode="after")
    def _placed(self) -> ForgeSettings:
        if self.kind == "git" and self.root is None:
            raise ValueError("kind git wants `root`, the folder of the repositories")
        if self.kind != "git" and self.root is not None:
            raise ValueError(f"kind {self.kind} has no `root`; give `url`")
        if self.kind not in ("git", "github") and not self.url:
            raise ValueError(f"kind {self.kind} wants `url`")
        return self


@asynccontextmanager
async def opened(settings: ForgeSettings, opening: Opening) -> AsyncIterator[Opened]:
    """Open to be asked; nothing is sent yet."""
    from steersman.toolsets.forge import Access, ForgeToolset

    async with _adapter(settings, opening) as (forge, where):
        access = Access(forge, settings.repositories, settings.default_branch)
        yield Opened(ForgeToolset(access, where, opening.clock), where)


@asynccontextmanager
async def _adapter(settings: ForgeSettings, opening: Opening) -> AsyncIterator[tuple[Forge, Environment]]:
    if settings.root is not None:
        from steersman.remote.endpoint import local_identity
        from steersman.toolsets.forge.git import GitForge

        root = settings.root.expanduser().resolve()
        yield GitForge(root, opening.clock), local_identity("git", opening.name, opening.tier, place=root)
        return
    from steersman.remote.endpoint import identity, open_client
    from steersman.remote.exchange import Remote
    from steersman.toolsets.forge import gitea, github, gitlab

    named = settings if settings.url else settings.model_copy(update={"url": GITHUB})
    extra = github.HEADERS if settings.kind == "github" else {}
    endpoint = named.model_copy(update={"headers": {**extra, **settings.headers}}).endpoint()
    async with open_client(endpoint) as http:
        remote = Remote.at(settings.kind, http, endpoint)
        forge: Forge = gitea.GiteaForge(remote)
        if settings.kind == "github":
            forge = github.GitHubForge(remote)
        elif settings.kind == "gitlab":
            forge = gitlab.GitLabForge(remote)
        yield forge, identity(settings.kind, opening.name, opening.tier, endpoint=endpoint)
