"""Where a command acts: a configured environment, or a lab."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from steersman.app import apis, environments, labs, mcp_servers
from steersman.app.settings import Settings
from steersman.app.wiring import Connection
from steersman.domain.environment import Environment
from steersman.domain.errors import InputError


def connected(settings: Settings, *, env: str = "", lab: str = "") -> AbstractAsyncContextManager[Connection]:
    """The environment that is named, else the lab that is named, else the default environment, else the only lab.

    Raises InputError when both are named.
    """
    if env and lab:
        raise InputError(f"--env {env!r} and --lab {lab!r}: say one of them")
    if env or (settings.environment and not lab):
        return environments.connected(settings, env)
    return labs.connected(settings, name=lab)


def connected_again(settings: Settings, where: Environment) -> AbstractAsyncContextManager[Connection]:
    """Where a run belongs. What answers there now is compared by the gate, call by call, with what was planned."""
    if where.kind == "lab":
        return labs.connected(settings, uid=where.uid)
    if where.kind == apis.KIND and where.name not in settings.environments:
        return apis.connected(settings, where.name)
    if where.kind == mcp_servers.KIND and where.name not in settings.environments:
        return mcp_servers.connected(settings, where.name)
    return environments.connected(settings, where.name)


def connected_for(
    settings: Settings, operation: str, *, env: str = "", lab: str = ""
) -> AbstractAsyncContextManager[Connection]:
    """Where one operation is called: an imported API by itself, unless an environment is named; else as `connected`."""
    toolset = operation.partition(".")[0]
    if not (env or lab) and apis.is_imported(settings, toolset):
        return apis.connected(settings, toolset)
    if not (env or lab) and mcp_servers.is_approved(settings, toolset):
        return mcp_servers.connected(settings, toolset)
    return connected(settings, env=env, lab=lab)


def is_configured(settings: Settings, env: str = "") -> bool:
    """Whether a command would act on a configured environment."""
    return bool(env or settings.environment)
