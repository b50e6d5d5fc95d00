"""Messages of remote write, held against the byte sequences that the specifications give."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.domain.load_samples import MetricSample
from steersman.toolsets.remote_write import snappy, write_request


def unpacked(block: bytes) -> bytes:
    """What a reader of snappy's format makes of a block of literals."""
    length, shift, at = 0, 0, 0
    while True:
        byte = block[at]
        length, shift, at = length | (byte & 0x7F) << shift, shift + 7, at + 1
        if byte < 0x80:
            break
    out = bytearray()
    while at < len(block):
        tag, at = block[at], at + 1
        assert tag & 3 == 0, "a literal"
        more = tag >> 2
        if more >= 60:
            extra = more - 59
            more, at = int.from_bytes(block[at : at + extra], "little"), at + extra
        out += block[at : at + more + 1]
        at += more + 1
    assert len(out) == length
    return bytes(out)


@pytest.mark.parametrize("size", [0, 1, 59, 60, 61, 65_535, 65_536, 65_537, 200_000])
def test_a_block_holds_what_was_put_in_at_each_border_of_the_format(size: int) -> None:
    data = bytes(n % 251 for n in range(size))
    assert unpacked(snappy(data)) == data


@given(st.binary(max_size=500))
def test_a_block_holds_any_bytes(data: bytes) -> None:
    assert unpacked(snappy(data)) == data


def test_a_series_is_labels_by_name_and_one_sample() -> None:
    sample = MetricSample(family="m", name="m", labels={"b": "2", "empty": "", "Z": "1"}, value=1.0)
    z, name, b = b"\n\x01Z\x12\x011", b"\n\x08__name__\x12\x01m", b"\n\x01b\x12\x012"
    labels = b"".join(b"\n" + bytes((len(pair),)) + pair for pair in (z, name, b))
    point = b"\x12\x0c\x09" + b"\x00" * 6 + b"\xf0\x3f" + b"\x10\xac\x02"
    assert write_request([sample], 300) == b"\n" + bytes((len(labels + point),)) + labels + point
