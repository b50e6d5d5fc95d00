"""Small descriptions, and the requests that a server saw."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from pydantic import SecretStr

from steersman.domain.overlay import Overlay
from steersman.domain.ports import CallContext
from steersman.testing.clock import FakeClock
from steersman.toolsets.openapi.importing import Made, Wish, import_description, scheme_of
from steersman.toolsets.openapi.kept import Kept, keep
from steersman.toolsets.openapi.signing import Credential
from steersman.toolsets.openapi.toolset import OpenApiToolset, open_toolset

NOW = datetime(2026, 11, 25, 20, 0, tzinfo=UTC)
CONTEXT = CallContext(key="run/step/do", deadline=NOW + timedelta(seconds=30))
OK = {"description": "fine"}


def described(paths: dict, *, version: str = "3.0.3", **more: object) -> dict:
    head = {"swagger": "2.0"} if version == "2.0" else {"openapi": version}
    root = {**head, "info": {"title": "t", "version": "1"}, "paths": paths, **more}
    if version != "2.0":
        root.setdefault("servers", [{"url": "https://api.example.com/v1"}])
    return root


def one(method: str, path: str, operation: dict, *, version: str = "3.0.3", **more: object) -> dict:
    operation = {"operationId": "op", "responses": {"200": OK}, **operation}
    return described({path: {method: operation}}, version=version, **more)


def imported(root: dict, **wish: object) -> Made:
    said = Wish.model_validate({"name": "api", "source": "spec.json", "by": "local:test", **wish})
    return import_description(json.dumps(root).encode(), said, now=NOW)


@asynccontextmanager
async def opened(
    root: dict,
    answer: Callable[[httpx.Request], httpx.Response],
    folder: Path,
    *,
    secrets: dict[str, str] | None = None,
    **wish: object,
) -> AsyncIterator[OpenApiToolset]:
    """The toolset of a description, on a server that is a function."""
    made = imported(root, **wish)
    path = folder / "api.db"
    keep(path, made.manifest, made.rows, signature="")
    kept = Kept(path)
    credentials = {
        name: Credential(
            scheme_of(name, made.manifest.schemes),
            SecretStr(secret.removeprefix("client:")),
            "client" if secret.startswith("client:") else "token",
            always=name not in made.manifest.schemes,
        )
        for name, secret in (secrets or {}).items()
    }
    async with open_toolset(kept, credentials, clock=FakeClock(NOW), transport=httpx.MockTransport(answer)) as toolset:
        yield toolset
    kept.close()


class Server:
    """Remembers what it was asked; answers what it is told to."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.seen: list[httpx.Request] = []
        self._answers = list(answers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.seen.append(request)
        return self._answers.pop(0) if self._answers else httpx.Response(200, json={})

    @property
    def target(self) -> str:
        return self.seen[-1].url.raw_path.decode()


async def called(root: dict, folder: Path, arguments: dict, *answers: httpx.Response, **more: object):
    """The output of the only operation, and the server that was asked."""
    server = Server(*answers)
    async with opened(root, server, folder, **more) as toolset:
        binding = toolset.bindings()[0]
        return await binding.run(arguments, CONTEXT), server


def run(*arguments: object, **more: object):
    return asyncio.run(called(*arguments, **more))  # type: ignore[arg-type]


def overlay(**said: object) -> Overlay:
    return Overlay.model_validate(said)
