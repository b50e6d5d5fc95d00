"""Server-side request forgery: 0 escapes."""

from collections.abc import Sequence

import httpcore
import httpx
import pytest

from steersman.remote.addresses import astray, networks, refused
from steersman.remote.guarded import AddressRefusedError, GuardedTransport, PinnedBackend

INSIDE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.1",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:a9fe:a9fe",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:0:7f00:1::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "100::1",
    "not an address",
    "",
    "2130706433",
    "0x7f.1",
]
OUTSIDE = ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::"]


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_not_public_is_refused(address: str) -> None:
    assert refused(address, ())


@pytest.mark.parametrize("address", OUTSIDE)
def test_public_addresses_are_let_through(address: str) -> None:
    assert not refused(address, ())


def test_a_listed_network_opens_itself_and_no_metadata() -> None:
    listed = networks(["10.0.0.0/8", "169.254.0.0/16", "::1"])
    assert not refused("10.1.2.3", listed)
    assert not refused("::ffff:10.1.2.3", listed)
    assert not refused("::1", listed)
    assert refused("192.168.0.1", listed)
    assert refused("169.254.169.254", listed)
    assert not refused("169.254.169.254", networks(["169.254.169.254"]))


@pytest.mark.parametrize("host", ["10.0.0.7", "169.254.169.254", "[::1]", "2130706433", "0x7f.1", "metadata", "0"])
def test_a_public_server_leads_to_nothing_inside(host: str) -> None:
    assert astray(host, "registry.example.com")
    assert astray(host, "93.184.216.34")


def test_a_server_inside_leads_to_its_neighbours_and_to_no_credentials() -> None:
    assert not astray("10.0.0.7", "10.0.0.1")
    assert not astray("127.0.0.1", "127.0.0.1")
    assert not astray("cdn.example.com", "registry.example.com")
    assert astray("127.0.0.1", "10.0.0.1")
    assert astray("169.254.169.254", "127.0.0.1")


class Stream(httpcore.AsyncNetworkStream):
    def __init__(self, peer: str) -> None:
        self._peer = peer
        self.closed = False

    def get_extra_info(self, info: str) -> object:
        return (self._peer, 80) if info == "server_addr" else None

    async def aclose(self) -> None:
        self.closed = True


class Wire(httpcore.AsyncNetworkBackend):
    """Says where it was told to connect to; may lie about where it arrived."""

    def __init__(self, arrives: str = "") -> None:
        self.dialled: list[str] = []
        self._arrives = arrives

    async def connect_tcp(self, host: str, port: int, *_: object, **__: object) -> Stream:
        self.dialled.append(host)
        return Stream(self._arrives or host)


def answering(*answers: Sequence[str]):
    """A resolver whose answer changes with each question, as a rebinding one does."""
    left = list(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


@pytest.mark.parametrize("address", [each for each in INSIDE if each])
async def test_a_name_that_leads_inside_is_never_dialled(address: str) -> None:
    wire = Wire()
    with pytest.raises(AddressRefusedError):
        await PinnedBackend((), answering([address]), wire).connect_tcp("api.example.com", 443)
    assert wire.dialled == []


async def test_one_bad_address_among_good_ones_spoils_the_answer() -> None:
    wire = Wire()
    with pytest.raises(AddressRefusedError):
        await PinnedBackend((), answering(["8.8.8.8", "127.0.0.1"]), wire).connect_tcp("x", 443)
    assert wire.dialled == []


async def test_the_address_that_was_checked_is_the_one_that_is_dialled() -> None:
    """Rebinding: the second answer would be this machine. There is no second question."""
    wire = Wire()
    await PinnedBackend((), answering(["8.8.8.8"], ["127.0.0.1"]), wire).connect_tcp("x", 443)
    assert wire.dialled == ["8.8.8.8"]


async def test_a_new_connection_is_checked_anew() -> None:
    wire = Wire()
    backend = PinnedBackend((), answering(["8.8.8.8"], ["127.0.0.1"]), wire)
    await backend.connect_tcp("x", 443)
    with pytest.raises(AddressRefusedError):
        await backend.connect_tcp("x", 443)


async def test_where_the_socket_leads_is_checked_too() -> None:
    with pytest.raises(AddressRefusedError):
        await PinnedBackend((), answering(["8.8.8.8"]), Wire(arrives="127.0.0.1")).connect_tcp("x", 443)


async def test_a_socket_file_is_no_server() -> None:
    with pytest.raises(AddressRefusedError):
        await PinnedBackend(()).connect_unix_socket("/var/run/docker.sock")


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3128")
    wire = Wire()
    backend = PinnedBackend((), answering(["127.0.0.1"]), wire)
    async with httpx.AsyncClient(transport=GuardedTransport(backend), trust_env=False) as client:
        with pytest.raises(AddressRefusedError):
            await client.get("http://api.example.com/")
    assert wire.dialled == []
