"""Names resolved, as seen from where Steersman runs, or by servers that are named."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

from pydantic import Field, StringConstraints

from steersman.domain.environment import Environment
from steersman.domain.errors import ConfigError, ToolError, UnavailableError
from steersman.domain.fact import Fact, JsonObject
from steersman.domain.ports import Binding, CallContext, Clock
from steersman.domain.typed import parse, read_operation
from steersman.remote.addresses import allows
from steersman.remote.text import one_line

NAME = "dns"
POLL_S = 2.0
Kind = Literal["A", "AAAA", "CNAME", "TXT", "MX", "SRV", "NS", "CAA", "PTR"]
DomainName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_*]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?$")]


class Ask(Fact):
    """Arguments of `resolve`."""

    name: DomainName
    kind: Kind = "A"
    expected: str = Field(default="", max_length=500)
    """A value that must be among the answers; empty: any answer will do."""
    wait_s: float = Field(default=0.0, ge=0, le=3_600)
    """Ask again for so long, until it resolves so."""


class Resolved(Fact):
    """Answer of `resolve`."""

    resolved: bool
    """There is an answer, and the expected value is in it."""
    latency_ms: int
    values: tuple[str, ...] = ()
    ttl_s: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Records:
    """What a resolver answered; no values: the name or the kind is not there."""

    values: tuple[str, ...]
    ttl_s: int = 0
    why: str = ""


class Resolver(Protocol):
    """Answers questions of DNS."""

    async def ask(self, name: str, kind: str) -> Records:
        """Raises UnavailableError when no server answers."""
        ...


RESOLVE = read_operation("dns.resolve", "Resolves a name", takes=Ask, gives=Resolved, timeout_s=3_700)
OPERATIONS = (RESOLVE,)


@dataclass(frozen=True, slots=True)
class Servers:
    """The system's servers, or those that are named, by dnspython."""

    addresses: tuple[str, ...] = ()
    port: int = 53
    timeout_s: float = 5.0

    async def ask(self, name: str, kind: str) -> Records:
        """One question, over all servers, within the time."""
        try:
            from dns import asyncresolver, exception, resolver
        except ImportError as e:
            raise ConfigError("DNS cannot be asked: pip install 'steersman[delivery]'") from e
        try:
            asking = asyncresolver.Resolver(configure=not self.addresses)
            if self.addresses:
                asking.nameservers = list(self.addresses)
                asking.port = self.port
            found = await asking.resolve(name, kind, lifetime=self.timeout_s, search=False)
        except (resolver.NXDOMAIN, resolver.NoAnswer) as e:
            return Records((), why=type(e).__name__)
        except exception.DNSException as e:
            raise UnavailableError(f"DNS gave no answer to {name!r}: {one_line(str(e), limit=160)}") from e
        ttl_s = int(found.rrset.ttl) if found.rrset is not None else 0
        return Records(tuple(sorted(one_line(each.to_text()) for each in found)), ttl_s)


@dataclass(frozen=True, slots=True)
class DnsToolset:
    """Questions about names on a list; a name can carry data out, so there is one."""

    resolver: Resolver
    names: tuple[str, ...]
    where: Environment
    clock: Clock
    name: str = NAME

    async def environment(self) -> Environment:
        """It is what the list of names says."""
        return self.where

    async def resolve(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """Asks until it resolves, the wait is used up, or the call's deadline is near."""
        ask = parse(Ask, arguments)
        if not allows(self.names, ask.name):
            listed = ", ".join(self.names) or "none"
            raise ToolError(f"name {ask.name!r} is not on the list; {listed} are: an operator can add it to `names`")
        room_s = (context.deadline - self.clock.now()).total_seconds() - POLL_S
        end = self.clock.monotonic() + min(ask.wait_s, room_s)
        while True:
            found, left_s = await self._once(ask), end - self.clock.monotonic()
            if found.resolved or left_s <= 0:
                return found.model_dump(mode="json")
            await self.clock.sleep(min(POLL_S, left_s))

    async def _once(self, ask: Ask) -> Resolved:
        began = time.perf_counter()
        found = await self.resolver.ask(ask.name, ask.kind)
        latency_ms = round((time.perf_counter() - began) * 1_000)
        why = found.why or ("" if found.values else "no values")
        if found.values and ask.expected and ask.expected not in found.values:
            why = f"{ask.expected!r} is not among the answers"
        return Resolved(resolved=not why, latency_ms=latency_ms, values=found.values, ttl_s=found.ttl_s, why=why)

    def bindings(self) -> Sequence[Binding]:
        """All of its operations. Does no I/O."""
        return (Binding(RESOLVE, self.resolve),)
