"""Addresses that no check may be talked into asking: the machine's own, link-local, and those of cloud metadata."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from steersman.domain.errors import ToolError, UnavailableError

METADATA = frozenset({"169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "fd00:ec2::254"})
"""AWS, Google, Azure, Oracle and others share the first; ECS and EKS use the next two, Alibaba Cloud the fourth."""
METADATA_NAMES = frozenset({"metadata.google.internal", "metadata", "instance-data", "metadata.azure.internal"})

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parsed(text: str) -> Address | None:
    """An address in its plain form, the one inside of an IPv4-mapped or NAT64 one; None for what is a name."""
    try:
        found = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (_nat64(found))
        return inner or found
    return found


def refusal(address: Address, *, private: bool, loopback: bool) -> str:
    """Why an address may not be asked; empty when it may. private, loopback: what the operator allows."""
    if str(address) in METADATA:
        return "it is where cloud credentials are handed out"
    if address.is_loopback:
        return "" if loopback else "it is this machine itself"
    if address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved:
        return "it is link-local, multicast, unspecified or reserved"
    return "" if private or address.is_global else "it is private"


def is_metadata_name(host: str) -> bool:
    """Whether a name is that of a cloud's metadata service."""
    return host.rstrip(".").lower() in METADATA_NAMES


def _nat64(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    prefix = ipaddress.IPv6Network("64:ff9b::/96")
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in prefix else None


def allows(patterns: Sequence[str], host: str) -> bool:
    """Whether a host is on a list: `shop.test` itself, `*.shop.test` everything below it, one label or more."""
    name = host.strip("[]").rstrip(".").lower()
    return any(
        name == each.strip("[]").lower() or (each.startswith("*.") and name.endswith(each[1:].lower()))
        for each in patterns
    )


Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""Addresses of a name, as texts. Raises OSError when it does not resolve."""


async def looked_up(host: str, port: int) -> Sequence[str]:
    """As the machine resolves it."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(each[4][0]) for each in found))


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be asked at all: hosts by name, and kinds of addresses behind them."""

    hosts: tuple[str, ...]
    private: bool = True
    loopback: bool = False
    lookup: Lookup = looked_up

    def check_host(self, host: str) -> None:
        """Raises ToolError for a host that is not on the list, or that is a metadata service."""
        if is_metadata_name(host):
            raise ToolError(f"{host!r} is the metadata service of a cloud; it is never asked")
        if not allows(self.hosts, host):
            listed = ", ".join(self.hosts) or "none"
            raise ToolError(f"host {host!r} is not on the list; {listed} are: an operator can add it to `hosts`")

    async def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """Addresses of a host on the list, as they are now. Raises ToolError when any of them may not be asked.

        Whoever connects takes one of these, and does not ask the name again: its answer may differ.
        """
        self.check_host(host)
        try:
            texts = [host] if parsed(host) else await self.lookup(host, port)
        except (OSError, UnicodeError) as e:
            raise UnavailableError(f"{host!r} does not resolve: {getattr(e, 'strerror', None) or e}") from e
        for text in texts:
            address = parsed(text)
            why = refusal(address, private=self.private, loopback=self.loopback) if address else "it is no address"
            if why:
                raise ToolError(f"{host!r} is {text}, which is not asked: {why}")
        return tuple(texts)
