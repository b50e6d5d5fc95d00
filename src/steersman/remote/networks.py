"""Which addresses may be connected to: public ones, and what an operator has listed."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from steersman.domain.errors import ConfigError

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
                return f"{each} hands out credentials of the machine"
        elif not inside and not _is_public(each):
            return f"{each} is {_kind(each)}"
    return ""


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
        return "of this machine"
    if address.is_link_local:
        return "link-local"
    if address.is_private:
        return "private"
    return "not public"
