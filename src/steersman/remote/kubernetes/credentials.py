"""How a request is signed: a token, a token that changes, or what a credential plugin gives."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from steersman.domain.errors import ConfigError, UnavailableError
from steersman.remote.kubernetes.access import Access, Plugin

REREAD_S = 60.0
PLUGIN_TIMEOUT_S = 30.0
MOST_OUTPUT = 1 << 20


class Bearer(httpx.Auth):
    """Puts the newest token on each request; asks the plugin once more when the server takes it no longer."""

    def __init__(self, access: Access, *, plugins: bool) -> None:
        self._access = access
        self._plugins = plugins
        self._token = access.token.get_secret_value() if access.token else ""
        self._read_at = float("-inf")
        self._lock = asyncio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncIterator[httpx.Request]:  # type: ignore[override]  # httpx types it as a generator with send
        """Signs, and signs again after a 401."""
        await self._refresh(now=False)
        self._sign(request)
        response: httpx.Response = yield request  # type: ignore[assignment]  # httpx sends the response in
        if response.status_code == httpx.codes.UNAUTHORIZED and (self._access.plugin or self._access.token_file):
            await self._refresh(now=True)
            self._sign(request)
            yield request

    def _sign(self, request: httpx.Request) -> None:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"

    async def _refresh(self, *, now: bool) -> None:
        access = self._access
        async with self._lock:
            fresh = time.monotonic() - self._read_at < REREAD_S
            if access.token_file is not None and (now or not fresh):
                self._token = _read(access.token_file)
                self._read_at = time.monotonic()
            elif access.plugin is not None and (now or not self._token):
                if not self._plugins:
                    raise ConfigError(
                        f"context {access.context!r} gets its credentials by running {access.plugin.command!r}; "
                        "set `plugins: true` for this environment to allow that"
                    )
                self._token = await _run(access.plugin)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as e:
        raise UnavailableError(f"the token in {str(path)!r} cannot be read: {e.strerror}") from e


async def _run(plugin: Plugin) -> str:
    """The token of a client-go credential plugin. No shell; its own words may hold secrets and stay out of messages."""
    told = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": {"interactive": False}}
    environment = {**os.environ, **plugin.environment, "KUBERNETES_EXEC_INFO": json.dumps(told)}
    try:
        process = await asyncio.create_subprocess_exec(
            plugin.command,
            *plugin.arguments,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=MOST_OUTPUT,
        )
    except OSError as e:
        raise ConfigError(f"the credential plugin {plugin.command!r} cannot be started: {e.strerror}") from e
    try:
        async with asyncio.timeout(PLUGIN_TIMEOUT_S):
            out, _ = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise UnavailableError(
            f"the credential plugin {plugin.command!r} ended with {process.returncode}; log in anew?"
        )
    try:
        return str(json.loads(out)["status"]["token"])
    except (ValueError, KeyError, TypeError) as e:
        raise ConfigError(f"the credential plugin {plugin.command!r} gave no token") from e


def tls(access: Access) -> ssl.SSLContext | bool:
    """How the server is verified, and our certificate. Raises ConfigError when one cannot be loaded."""
    if access.server.startswith("http://"):
        return True
    try:
        context = ssl.create_default_context(cadata=access.ca.decode() if access.ca else None)
        if access.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if access.certificate is not None and access.key is not None:
            _load_pair(context, access.certificate, access.key)
    except (OSError, ValueError) as e:
        raise ConfigError(f"TLS for context {access.context!r}: {e}; look at its certificates") from e
    return context


def _load_pair(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Python loads a pair from files only: they are ours alone, and gone at once."""
    with tempfile.TemporaryDirectory(prefix="steersman-") as folder:
        place = Path(folder) / "pair.pem"
        place.touch(mode=0o600)
        place.write_bytes(certificate + b"\n" + key)
        context.load_cert_chain(place)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long, and how large."""

    timeout_s: float = 30.0
    plugins: bool = False


@asynccontextmanager
async def open_http(
    access: Access, limits: Limits, *, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client for the cluster. Redirects are not followed: credentials stay with their server."""
    headers = {"accept": "application/json", "user-agent": "steersman"}
    if access.user:
        headers["Impersonate-User"] = access.user
    grouped = list(headers.items()) + [("Impersonate-Group", g) for g in access.groups]
    auth: httpx.Auth = Bearer(access, plugins=limits.plugins)
    if access.basic is not None:
        auth = httpx.BasicAuth(access.basic[0], access.basic[1].get_secret_value())
    async with httpx.AsyncClient(
        base_url=access.server,
        headers=grouped,
        auth=auth,
        verify=tls(access),
        timeout=limits.timeout_s,
        follow_redirects=False,
        transport=transport,
        proxy=access.proxy or None,
        trust_env=not access.server.startswith("http://127.0.0.1"),
    ) as client:
        yield client
