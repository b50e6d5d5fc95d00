"""Real handshakes with a server on the loopback: good, expired, for another host, signed by nobody known."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from steersman.app.store import SystemClock
from steersman.app.systems.http import HttpSettings
from steersman.app.systems.http import opened as open_http
from steersman.app.systems.opened import Opening
from steersman.app.systems.tls import TlsSettings
from steersman.app.systems.tls import opened as open_tls
from steersman.domain.errors import ToolError, UnavailableError
from steersman.domain.ports import CallContext

NOW = datetime.now(UTC)


def certificate(folder: Path, *, name: str = "localhost", days: int = 90) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=400))
        .not_valid_after(NOW + timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    place = folder / f"{name}-{days}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    place.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return place


@asynccontextmanager
async def serving(place: Path) -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


def opening(folder: Path) -> Opening:
    return Opening("test", "lab", folder, SystemClock())


async def looked(folder: Path, place: Path, *, trusted: bool, **more: object) -> dict[str, object]:
    settings = TlsSettings(hosts=("localhost",), loopback=True, ca_file=place if trusted else None)
    async with serving(place) as port, open_tls(settings, opening(folder)) as system:
        context = CallContext(key="k", deadline=datetime.now(UTC) + timedelta(seconds=30))
        return await system.toolset.bindings()[0].run({"host": "localhost", "port": port, **more}, context)


@pytest.mark.parametrize(
    ("name", "days", "trusted", "ok", "why"),
    [
        ("localhost", 90, True, True, ""),
        ("localhost", 5, True, False, "fewer than 14"),
        ("localhost", -3, True, False, "expired"),
        ("other.test", 90, True, False, "ostname mismatch"),
        ("localhost", 90, False, False, "self"),
    ],
)
async def test_a_certificate_is_seen_as_a_browser_sees_it(
    tmp_path: Path, name: str, days: int, trusted: bool, ok: bool, why: str
) -> None:
    found = await looked(tmp_path, certificate(tmp_path, name=name, days=days), trusted=trusted)
    assert (found["ok"], found["days_left"], found["names"]) == (ok, days, [name])
    assert why in str(found["why"])


async def test_a_url_is_asked_over_tls_under_its_own_name(tmp_path: Path) -> None:
    place = certificate(tmp_path)
    settings = HttpSettings(hosts=("localhost",), loopback=True, ca_file=place)
    async with serving(place) as port, open_http(settings, opening(tmp_path)) as system:
        context = CallContext(key="k", deadline=datetime.now(UTC) + timedelta(seconds=30))
        run = system.toolset.bindings()[0].run
        assert (await run({"url": f"https://localhost:{port}/", "contains": "ok"}, context))["ok"]
        with pytest.raises(ToolError, match="not on the list"):
            await run({"url": f"https://127.0.0.1:{port}/"}, context)
    async with (
        serving(certificate(tmp_path, name="other.test")) as port,
        open_http(settings, opening(tmp_path)) as system,
    ):
        with pytest.raises(UnavailableError):
            await system.toolset.bindings()[0].run({"url": f"https://localhost:{port}/"}, context)


async def test_dns_is_asked_over_the_wire(tmp_path: Path) -> None:
    import dns.message
    import dns.rrset

    from steersman.app.systems.dns import DnsSettings
    from steersman.app.systems.dns import opened as open_dns

    class Server(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            asked = dns.message.from_wire(data)
            answer = dns.message.make_response(asked)
            if str(asked.question[0].name) == "pay.shop.test.":
                answer.answer.append(dns.rrset.from_text("pay.shop.test.", 60, "IN", "A", "10.0.0.7"))
            else:
                answer.set_rcode(3)
            self.transport.sendto(answer.to_wire(), addr)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    settings = DnsSettings(names=("*.shop.test",), servers=("127.0.0.1",), port=port)
    async with open_dns(settings, opening(tmp_path)) as system:
        context = CallContext(key="k", deadline=datetime.now(UTC) + timedelta(seconds=30))
        run = system.toolset.bindings()[0].run
        found = await run({"name": "pay.shop.test"}, context)
        assert (found["resolved"], found["values"], found["ttl_s"]) == (True, ["10.0.0.7"], 60)
        assert (await run({"name": "none.shop.test"}, context))["why"] == "NXDOMAIN"
    transport.close()
    async with open_dns(settings.model_copy(update={"timeout_s": 0.3}), opening(tmp_path)) as system:
        with pytest.raises(UnavailableError):
            await system.toolset.bindings()[0].run({"name": "pay.shop.test"}, context)
