"""A transport that connects to nothing but checked addresses: names are resolved once, and that address is used."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import httpcore
import httpx

from steersman.domain.errors import ToolError
from steersman.remote.addresses import Network, Resolve, refused, resolve


class AddressRefusedError(ToolError):
    """The name leads to an address that is not listed; nothing was sent."""


@dataclass(slots=True)
class PinnedBackend(httpcore.AsyncNetworkBackend):
    """Resolves, checks every address of the answer, and connects to a checked one by its number."""

    listed: Sequence[Network]
    resolve: Resolve = resolve
    inner: httpcore.AsyncNetworkBackend = field(default_factory=httpcore.AnyIOBackend)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises AddressRefusedError when any address of the name is refused: one bad answer spoils all."""
        try:
            addresses = await self.resolve(host, port)
        except (OSError, UnicodeError) as e:
            raise httpcore.ConnectError(f"{host!r} cannot be resolved: {e}") from e
        for address in addresses:
            why = refused(address, self.listed)
            if why:
                raise AddressRefusedError(
                    f"{host!r} leads to {address!r}, which is refused: {why}; an operator can list it"
                )
        last: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in addresses:
            try:
                stream = await self.inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as e:
                last = e
                continue
            return await self._checked(stream, host)
        raise last or httpcore.ConnectError(f"{host!r} has no address")

    async def _checked(self, stream: httpcore.AsyncNetworkStream, host: str) -> httpcore.AsyncNetworkStream:
        """Once more, by what the socket itself says."""
        peer = stream.get_extra_info("server_addr")
        why = refused(str(peer[0]), self.listed) if peer else "the socket does not say where it leads"
        if why:
            await stream.aclose()
            raise AddressRefusedError(f"{host!r} was connected to {peer!r}, which is refused: {why}")
        return stream

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's signature
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises AddressRefusedError: a file is no server that anybody listed."""
        del timeout, socket_options
        raise AddressRefusedError(f"a socket file is no server: {path!r}")

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await self.inner.sleep(seconds)


class GuardedTransport(httpx.AsyncHTTPTransport):
    """HTTP over pinned connections. No proxy: it would resolve the name again, elsewhere."""

    def __init__(self, backend: PinnedBackend, *, verify: ssl.SSLContext | bool = True) -> None:
        super().__init__(trust_env=False)
        context = verify if isinstance(verify, ssl.SSLContext) else httpx.create_ssl_context(verify=verify)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context, max_connections=20, keepalive_expiry=5.0, network_backend=backend
        )
