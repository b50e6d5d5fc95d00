"""Prometheus remote write, version 1.0: samples sent to Prometheus, Mimir, Thanos, VictoriaMetrics or a gateway.

A message is a protobuf `WriteRequest` in a snappy block. Both are written here, without a library: the message has
four fields, and a block of literals is a valid one.
Sources: the Prometheus Remote-Write 1.0 specification; protobuf.dev, Encoding; google/snappy, format_description.txt.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import Field

from steersman.domain.environment import Environment
from steersman.domain.fact import Fact
from steersman.domain.ids import OperationName
from steersman.domain.load_samples import MetricSample
from steersman.domain.operation import Operation
from steersman.domain.ports import Binding
from steersman.domain.typed import bind, schema_of
from steersman.remote.exchange import Remote, Request

NAME = "remote_write"
HEADERS = (
    ("content-type", "application/x-protobuf"),
    ("content-encoding", "snappy"),
    ("x-prometheus-remote-write-version", "0.1.0"),
)
SHORT, LONGEST = 60, 65_536
"""Bytes of a literal: up to 60 its length stands in the tag, up to 65,536 in the two bytes behind it."""


class Write(Fact):
    """Arguments of `push_run`."""

    run: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    at_ms: int = Field(gt=0)
    """Of all samples; servers refuse what is too old for their newest block, an hour or so."""
    samples: tuple[MetricSample, ...] = Field(min_length=1, max_length=1_000)


class Sent(Fact):
    """Answer of `push_run`."""

    samples: int


PUSH_RUN = Operation(
    name=OperationName(f"{NAME}.push_run"),
    summary="Appends the figures of a load run to a time series database; they cannot be taken back",
    effect="write",
    access="create",
    resource=f"{NAME}/run/{{run}}",
    blast_radius="instance",
    idempotent="natural",  # the same sample at the same instant is no second one
    input_schema=schema_of(Write),
    output_schema=schema_of(Sent),
    residue="the samples that were written",
)
OPERATIONS = (PUSH_RUN,)


@dataclass(frozen=True, slots=True)
class RemoteWriteToolset:
    """The one operation of a receiver. Its URL is whole: `https://mimir/api/v1/push`, `http://prom:9090/api/v1/write`."""

    remote: Remote
    where: Environment
    name: str = NAME

    async def environment(self) -> Environment:
        """It has no identity of its own: its URL is."""
        return self.where

    async def push_run(self, write: Write) -> Sent:
        """Sends all samples in one message: all are taken, or the server's refusal is raised."""
        message = snappy(write_request(write.samples, write.at_ms))
        await self.remote.ask(Request("POST", self.where.url, content=message, headers=HEADERS, writes=True))
        return Sent(samples=len(write.samples))

    def bindings(self) -> Sequence[Binding]:
        """All of its operations. Does no I/O."""
        return (bind(PUSH_RUN, Write, self.push_run),)


def write_request(samples: Sequence[MetricSample], at_ms: int) -> bytes:
    """A `prometheus.WriteRequest`: one series a sample, labels sorted by name."""
    return b"".join(_field(1, _series(sample, at_ms)) for sample in samples)


def snappy(data: bytes) -> bytes:
    """A snappy block: the length, and the data as literals."""
    return _varint(len(data)) + b"".join(_literals(data))


def _literals(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), LONGEST):
        piece = data[start : start + LONGEST]
        more = len(piece) - 1
        # The tag: kind 0, a literal, in the two lowest bits; above them the length less one, or 61: in two more bytes.
        yield bytes((more << 2,)) if more < SHORT else bytes((61 << 2,)) + struct.pack("<H", more)
        yield piece


def _series(sample: MetricSample, at_ms: int) -> bytes:
    labels = sorted({"__name__": sample.name, **sample.labels}.items())
    shown = (_field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in labels if value)
    point = b"\x09" + struct.pack("<d", sample.value) + b"\x10" + _varint(at_ms)
    return b"".join(shown) + _field(2, point)


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field of a message."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits a byte
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))
