"""Configured environments: their systems opened, and put together to one thing that can be planned for."""

from __future__ import annotations

import difflib
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from steersman.app.catalogue import TELEMETRY
from steersman.app.merged import MergedSource, Named
from steersman.app.secrets import opened_by, redactor
from steersman.app.settings import EnvironmentSettings, Settings
from steersman.app.store import CLOCK, keys_of
from steersman.app.systems.opened import Opened, Opening
from steersman.app.systems.table import SYSTEMS
from steersman.app.whole_answers import FOLDER, Keeper, Keeping
from steersman.app.wiring import Connection
from steersman.domain.environment import Environment
from steersman.domain.errors import ConfigError, InputError
from steersman.domain.fact import digest
from steersman.domain.ids import OperationName
from steersman.domain.ports import Binding, LazyToolset, Toolset
from steersman.domain.source_operations import SourceToolset

CLUSTER = "kubernetes"
MANY = "systems"
"""Kind of an environment that has no cluster at its heart."""


@dataclass(frozen=True, slots=True)
class Member:
    """A toolset as part of an environment, for as long as its own system is the one that was opened."""

    inner: Toolset
    own: Environment
    whole: Environment

    @property
    def name(self) -> str:
        """First part of its operations' names."""
        return self.inner.name

    def bindings(self) -> Sequence[Binding]:
        """The operations of the system."""
        return self.inner.bindings()

    async def environment(self) -> Environment:
        """The environment; the system's own identity instead when that is not what it was, so that the gate refuses."""
        actual = await self.inner.environment()
        return self.whole if (actual.kind, actual.uid) == (self.own.kind, self.own.uid) else actual


@dataclass(frozen=True, slots=True)
class LazyMember(Member):
    """The same for a toolset whose operations are made when they are asked for."""

    inner: LazyToolset

    def names(self) -> Sequence[OperationName]:
        """Names of all operations."""
        return self.inner.names()

    def binding(self, name: OperationName) -> Binding:
        """One of them."""
        return self.inner.binding(name)


def member(toolset: Toolset, own: Environment, whole: Environment) -> Member:
    """The toolset as part of an environment, as lazy as it is."""
    if isinstance(toolset, LazyToolset):
        return LazyMember(toolset, own, whole)
    return Member(toolset, own, whole)


def named(settings: Settings, name: str = "") -> tuple[str, EnvironmentSettings]:
    """The environment of that name, or the default one. Raises InputError that says which there are."""
    wanted = name or settings.environment
    if wanted in settings.environments:
        return wanted, settings.environments[wanted]
    known = ", ".join(sorted(settings.environments)) or "none"
    close = difflib.get_close_matches(wanted, settings.environments, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"configured are: {known}; `environments:` in steersman.yaml"
    raise InputError(f"there is no environment {wanted!r}; {hint}")


@asynccontextmanager
async def connected(settings: Settings, name: str = "") -> AsyncIterator[Connection]:
    """A configured environment with all of its systems."""
    called, section = named(settings, name)
    opening = Opening(called, section.tier, settings.home, CLOCK, keys_of(settings))
    async with AsyncExitStack() as stack:
        opened: list[Opened] = []
        for system, opener in SYSTEMS.items():
            configured = getattr(section, system)
            if configured is None:
                continue
            found = await stack.enter_async_context(opener(configured, opening))
            new = found if isinstance(found, tuple) else (found,)
            opened.extend(new)
            if (reveal := next((each.reveal for each in new if each.reveal), None)) is not None:
                opening = replace(opening, reveal=reveal)
                others = [getattr(section, name) for name in SYSTEMS if name != system]
                await stack.enter_async_context(opened_by(reveal, *others))
        if not opened:
            raise ConfigError(f"environments.{called} names no system; add one, as in prometheus: {{url: ...}}")
        keeper = Keeper(settings.home / FOLDER, redactor(), CLOCK)
        yield composed(called, section, opened, keeper)


def composed(
    name: str, section: EnvironmentSettings, opened: Sequence[Opened], keeper: Keeper | None = None
) -> Connection:
    """One environment of several systems. Its uid is of all their identities: exchange one, and it is another.

    keeper: keeps answers that are shown in part.
    """
    members = sorted((each.toolset.name, each.where.uid) for each in opened)
    heart = next((each.where for each in opened if each.where.kind == CLUSTER), opened[0].where)
    kind = section.kind or (heart.kind if len(opened) == 1 or heart.kind == CLUSTER else MANY)
    uid = heart.uid if len(opened) == 1 else digest([list(pair) for pair in members])[:24]
    whole = Environment(kind=kind, name=name, uid=uid, url=heart.url, tier=section.tier)
    toolsets: list[Toolset] = [
        member(_keeping(toolset, keeper), each.where, whole)
        for each in opened
        for toolset in (each.toolset, *each.also)
    ]
    sources = [Named(each.toolset.name, each.source) for each in opened if each.source is not None]
    if sources:
        toolsets.append(SourceToolset(TELEMETRY, MergedSource(sources), whole))
    signals = frozenset(signal for each in opened for signal in each.signals)
    defaults = {name: value for each in opened for name, value in each.defaults.items()}
    return Connection(environment=whole, toolsets=tuple(toolsets), signals=signals, defaults=defaults)


def _keeping(toolset: Toolset, keeper: Keeper | None) -> Toolset:
    if keeper is None or isinstance(toolset, LazyToolset):
        return toolset
    return Keeping(toolset, keeper)
