"""A CI system: GitHub Actions, GitLab CI or Jenkins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from pydantic import Field, model_validator

from steersman.app.section import ServerSettings
from steersman.app.systems.opened import Opened, Opening

GITHUB = "https://api.github.com"


class CiSettings(ServerSettings):
    """What builds and tests."""

    kind: Literal["github", "gitlab", "jenkins"]
    """GitHub Actions, GitLab CI, or Jenkins."""
    url: str = ""
    """The server; for GitHub its API (empty: api.github.com)."""
    pipelines: tuple[str, ...] = ()
    """Patterns of the pipelines that may be started: `shop/payments/build.yml`; empty: none, all may be read."""
    key_input: str = Field(default="", pattern=r"^([A-Za-z_][A-Za-z0-9_-]{0,63})?$")
    """Input that carries the name of a run; empty: `steersman_key` on GitHub, `STEERSMAN_KEY` elsewhere."""
    ref_input: str = Field(default="REF", pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$")
    """Parameter of a Jenkins job that takes the branch."""

    @model_validator(mode="after")
    def _placed(self) -> CiSettings:
        if self.kind != "github" and not self.url:
            raise ValueError(f"kind {self.kind} wants `url`")
        return self


@asynccontextmanager
async def opened(settings: CiSettings, opening: Opening) -> AsyncIterator[Opened]:
    """Open to be asked; nothing is sent yet."""
    from steersman.remote.endpoint import NoAuth, identity, open_client
    from steersman.remote.exchange import Remote
    from steersman.toolsets.ci import CiToolset
    from steersman.toolsets.ci.github import HEADERS, GitHubActions
    from steersman.toolsets.ci.gitlab import GitLabCi
    from steersman.toolsets.ci.jenkins import Jenkins
    from steersman.toolsets.ci.port import CiSystem

    named = settings if settings.url else settings.model_copy(update={"url": GITHUB})
    extra = HEADERS if settings.kind == "github" else {}
    endpoint = named.model_copy(update={"headers": {**extra, **settings.headers}}).endpoint()
    bare = endpoint.model_copy(update={"auth": NoAuth(), "headers": {}})
    async with open_client(endpoint) as http, open_client(bare) as plain:
        remote = Remote.at(settings.kind, http, endpoint)
        key = settings.key_input
        system: CiSystem
        if settings.kind == "github":
            system = GitHubActions(remote, Remote.at(settings.kind, plain, endpoint), key or "steersman_key")
        elif settings.kind == "gitlab":
            system = GitLabCi(remote, key or "STEERSMAN_KEY")
        else:
            system = Jenkins(remote, key or "STEERSMAN_KEY", settings.ref_input)
        where = identity(f"{settings.kind}-ci", opening.name, opening.tier, endpoint=endpoint)
        yield Opened(CiToolset(system, settings.pipelines, where, opening.clock), where)
