"""Which addresses may be connected to: public ones, and what an operator has listed; never where credentials lie."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from steersman.domain.errors import ConfigError, ToolError, UnavailableError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

METADATA = tuple(
    map(
        ipaddress.ip_address,
        (
            "169.254.169.254",
            "169.254.169.253",
            "169.254.170.2",
            "169.254.170.23",
            "169.254.0.23",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
        ),
    )
)
"""Where clouds hand credentials to whoever asks: only an entry for exactly this address opens them."""
METADATA_NAMES = frozenset({"metadata.google.internal", "metadata", "instance-data", "metadata.azure.internal"})
PRIVATE = tuple(
    map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
)
LOOPBACK = tuple(map(ipaddress.ip_network, ("127.0.0.0/8", "::1/128")))

_EMBEDDING = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")))
"""IPv6 networks whose last 32 bits are an IPv4 address."""
_NOT_PUBLIC = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8",
            "100.64.0.0/10",
            "192.0.0.0/24",
            "192.88.99.0/24",
            "198.18.0.0/15",
            "224.0.0.0/4",
            "240.0.0.0/4",
            "fec0::/10",
            "ff00::/8",
        ),
    )
)


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks out of `10.0.0.0/8` or `127.0.0.1`. Raises ConfigError for what is none."""
    found = []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text, strict=True))
        except ValueError as e:
            raise ConfigError(f"{text!r} is no network such as '10.0.0.0/8' or '192.168.1.7': {e}") from e
    return tuple(found)


def refused(address: str, listed: Sequence[Network]) -> str:
    """Why an address may not be connected to; empty when it may. What is no plain address is refused."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "it is no address"
    for each in _spellings(found):
        inside = [network for network in listed if each.version == network.version and each in network]
        if each in METADATA:
            if not any(network.num_addresses == 1 for network in inside):
                return f"{each} hands out cloud credentials"
        elif not inside and not _is_public(each):
            return f"{each} is {_kind(each)}"
    return ""


def refusal(address: Address, *, private: bool, loopback: bool) -> str:
    """The same where an operator allows kinds of addresses instead of networks."""
    return refused(str(address), kinds(private=private, loopback=loopback))


def kinds(*, private: bool, loopback: bool) -> tuple[Network, ...]:
    """The networks that those kinds of addresses are."""
    return (*(PRIVATE if private else ()), *(LOOPBACK if loopback else ()))


def astray(host: str, own: str) -> str:
    """Why a redirect to a host is not followed; empty when it may be. Only who is inside may lead to what is inside."""
    if is_metadata_name(host):
        return "it is the metadata service of a cloud"
    if parsed(host) is None:
        return ""
    mine = parsed(own)
    inside, local = (mine.is_private, mine.is_loopback) if mine else (False, False)
    return refused(host.strip("[]"), kinds(private=inside, loopback=local))


def parsed(text: str) -> Address | None:
    """An address in its plain form, whatever the spelling, the one inside of an IPv6 one; None for what is a name."""
    plain = text.strip("[]").partition("%")[0]
    try:
        return _spellings(ipaddress.ip_address(plain))[-1]
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(plain))
    except (OSError, ValueError):
        return None


def is_metadata_name(host: str) -> bool:
    """Whether a name is that of a cloud's metadata service."""
    return host.rstrip(".").lower() in METADATA_NAMES


def _spellings(address: Address) -> list[Address]:
    """The address, and those IPv4 addresses that an IPv6 one stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    mapped = address.ipv4_mapped
    if mapped is not None:
        return [mapped]
    inner: list[Address] = []
    if address.sixtofour is not None:
        inner.append(address.sixtofour)
    if address.teredo is not None:
        inner += list(address.teredo)
    if any(address in network for network in _EMBEDDING) and int(address) > 1:
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    if inner and any(address in network for network in _EMBEDDING):
        return inner
    return [address, *inner]


def _is_public(address: Address) -> bool:
    reserved = any(address.version == network.version and address in network for network in _NOT_PUBLIC)
    return address.is_global and not address.is_multicast and not address.is_unspecified and not reserved


def _kind(address: Address) -> str:
    if address.is_loopback:
        return "this machine itself"
    if address.is_link_local:
        return "link-local"
    if address.is_private:
        return "private"
    return "not public"


def allows(patterns: Sequence[str], host: str) -> bool:
    """Whether a host is on a list: `shop.test` itself, `*.shop.test` everything below it, one label or more."""
    name = host.strip("[]").rstrip(".").lower()
    return any(
        name == each.strip("[]").lower() or (each.startswith("*.") and name.endswith(each[1:].lower()))
        for each in patterns
    )


Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Addresses of a name, as texts. Raises OSError when it does not resolve."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """What the system's resolver says; odd spellings of IPv4 (`0x7f.1`, `2130706433`) come out as what they are."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be asked at all: hosts by name, and kinds of addresses behind them."""

    hosts: tuple[str, ...]
    private: bool = True
    loopback: bool = False
    lookup: Resolve = resolve

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
            texts = [host.strip("[]")] if parsed(host) else await self.lookup(host, port)
        except (OSError, UnicodeError) as e:
            raise UnavailableError(f"{host!r} does not resolve: {getattr(e, 'strerror', None) or e}") from e
        listed = kinds(private=self.private, loopback=self.loopback)
        for text in texts:
            why = refused(text, listed)
            if why:
                raise ToolError(f"{host!r} is {text}, which is not asked: {why}")
        return tuple(texts)
