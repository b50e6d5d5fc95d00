"""The certificate that a server shows: whose it is, how long it lasts, whether the world believes it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from steersman.domain.environment import Environment
from steersman.domain.errors import ConfigError, UnavailableError
from steersman.domain.fact import Fact, Instant
from steersman.domain.ports import Binding, Clock
from steersman.domain.typed import bind, read_operation
from steersman.remote.addresses import Reach
from steersman.remote.text import one_line

NAME = "tls"
HostName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?$")]


class Ask(Fact):
    """Arguments of `certificate`."""

    host: HostName
    port: int = Field(default=443, ge=1, le=65_535)
    min_days: int = Field(default=14, ge=0, le=825)
    """Days that it must still last to be in order."""


class Certificate(Fact):
    """Answer of `certificate`. Names in it are untrusted."""

    ok: bool
    """Trusted, for this host, and lasting long enough."""
    trusted: bool
    """Chain, dates and host name pass, as a browser would see it."""
    why: str = ""
    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: Instant
    not_after: Instant
    days_left: int
    """Negative: since how many days it is over."""
    protocol: str = ""


CERTIFICATE = read_operation(
    "tls.certificate", "Shows the certificate of a server and whether it holds", takes=Ask, gives=Certificate
)
OPERATIONS = (CERTIFICATE,)


@dataclass(frozen=True, slots=True)
class Shown:
    """What one handshake showed."""

    der: bytes
    protocol: str


@dataclass(frozen=True, slots=True)
class TlsToolset:
    """Handshakes with hosts on a list; nothing is sent after them."""

    reach: Reach
    where: Environment
    clock: Clock
    ca_file: Path | None = None
    timeout_s: float = 10.0
    name: str = NAME

    async def environment(self) -> Environment:
        """It is what the list of hosts says."""
        return self.where

    async def certificate(self, ask: Ask) -> Certificate:
        """Shakes hands as a browser would, and where that fails once more to see what is wrong."""
        address = (await self.reach.addresses(ask.host, ask.port))[0]
        why = ""
        try:
            shown = await self._handshake(ask, address, context=self._strict())
        except ssl.SSLCertVerificationError as e:
            why = one_line(e.verify_message or str(e))
            shown = await self._handshake(ask, address, context=_lenient())
        return _told(shown, ask, why=why, now=self.clock.now())

    def bindings(self) -> Sequence[Binding]:
        """All of its operations. Does no I/O."""
        return (bind(CERTIFICATE, Ask, self.certificate),)

    def _strict(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as e:
            raise ConfigError(f"tls: ca_file {str(self.ca_file)!r} cannot be read; mend the path") from e

    async def _handshake(self, ask: Ask, address: str, *, context: ssl.SSLContext) -> Shown:
        what = f"{ask.host}:{ask.port}"
        try:
            async with asyncio.timeout(self.timeout_s):
                _, writer = await asyncio.open_connection(address, ask.port, ssl=context, server_hostname=ask.host)
        except ssl.SSLCertVerificationError:
            raise
        except TimeoutError as e:
            raise UnavailableError(f"{what} did not shake hands within {self.timeout_s:g} s") from e
        except (OSError, ssl.SSLError) as e:
            said = one_line(str(e), limit=160)
            raise UnavailableError(f"{what} cannot be reached by TLS: {said}") from e
        try:
            session: ssl.SSLObject = writer.get_extra_info("ssl_object")
            return Shown(session.getpeercert(binary_form=True) or b"", session.version() or "")
        finally:
            writer.transport.abort()


def _lenient() -> ssl.SSLContext:
    """Only to look at a certificate that was refused: nothing is sent over such a connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _told(shown: Shown, ask: Ask, *, why: str, now: datetime) -> Certificate:
    try:
        from cryptography import x509
    except ImportError as e:
        raise ConfigError("certificates cannot be read: pip install 'steersman[delivery]'") from e
    found = x509.load_der_x509_certificate(shown.der)
    left = (found.not_valid_after_utc - now) // timedelta(days=1)
    short = f"it lasts {left} days, fewer than {ask.min_days}" if left < ask.min_days else ""
    try:
        extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = tuple(one_line(str(each.value)) for each in extension)
    except x509.ExtensionNotFound:
        names = ()
    return Certificate(
        ok=not (why or short),
        trusted=not why,
        why=why or short,
        subject=one_line(found.subject.rfc4514_string()),
        issuer=one_line(found.issuer.rfc4514_string()),
        names=names,
        not_before=found.not_valid_before_utc,
        not_after=found.not_valid_after_utc,
        days_left=left,
        protocol=shown.protocol,
    )
