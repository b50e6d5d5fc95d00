"""Addresses that no check may be talked into asking: the machine's own, link-local, and those of cloud metadata."""

from __future__ import annotations

import ipaddress

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
    if address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved:
        return "it is link-local, multicast, unspecified or reserved"
    if address.is_loopback:
        return "" if loopback else "it is this machine itself"
    return "" if private or address.is_global else "it is private"


def is_metadata_name(host: str) -> bool:
    """Whether a name is that of a cloud's metadata service."""
    return host.rstrip(".").lower() in METADATA_NAMES


def _nat64(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    prefix = ipaddress.IPv6Network("64:ff9b::/96")
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in prefix else None
