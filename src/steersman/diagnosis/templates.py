"""Log lines to templates: what is left of a line without its variables.

Sources: He et al., Drain: an online log parsing approach with fixed depth tree, ICWS 2017 (words with digits are
variables; a tree of fixed depth, then similarity). Here the first step is a hash over all bytes at once, so that lines
are told apart in numpy and the tree sees each distinct skeleton once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steersman.diagnosis.bundle import Bytes, Flags, Logs
from steersman.diagnosis.statistics import Keys, dense

WORDS = 16
"""Fixed words of a line that count; what follows is mostly data."""
BLOCK = 1 << 17
"""Bytes that are looked at together: what fits into a core's cache; twice as fast as more."""
SIMILAR = 0.6
"""Share of equal words above which two skeletons are one template."""
LINE_NUMBER = 5
"""Digits of a line number in a source location such as `Foo#123` or `app.py:7`."""
MERGE_LIMIT = 5_000
"""Distinct skeletons above which they are left as they are: such logs have no templates."""

_LETTER, _DIGIT = 1, 2
_SEPARATORS = frozenset(b for b in range(128) if not (chr(b).isalnum() or chr(b) == "_"))
_CLASSES = bytes(_DIGIT if chr(b) in "0123456789" else _LETTER * (b not in _SEPARATORS) for b in range(256))
"""Class of each byte: digit, letter (also `_` and all beyond ASCII), or neither."""
_PRIME = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)


@dataclass(frozen=True, slots=True, eq=False)
class Templates:
    """Template of each line, and one line of each template."""

    of_line: Keys
    example: NDArray[np.int64]


def templates(logs: Logs) -> Templates:
    """The template of each line. Independent of the order of lines, but for the numbers of templates."""
    skeleton = _skeletons(logs.text, logs.offsets)
    values, place = dense(skeleton.view(np.int64))
    example = np.full(len(values), len(logs), np.int64)
    np.minimum.at(example, place, np.arange(len(logs)))
    if len(values) > MERGE_LIMIT:
        return Templates(of_line=place, example=example)
    merged = _merge(logs, example)
    first = np.full(int(merged.max(initial=-1)) + 1, len(logs), np.int64)
    np.minimum.at(first, merged, example)
    return Templates(of_line=merged[place], example=first)


def _skeletons(text: Bytes, offsets: NDArray[np.int64]) -> NDArray[np.uint64]:
    """A hash of the fixed words of each line."""
    result = np.zeros(len(offsets) - 1, np.uint64)
    powers = _powers(_PRIME)
    inverses = _powers(np.uint64(pow(int(_PRIME), -1, 1 << 64)))
    first = 0
    while first < len(result):
        last = int(np.searchsorted(offsets, offsets[first] + BLOCK, side="right")) - 1
        last = min(max(last, first + 1), len(result))
        lines = offsets[first : last + 1] - offsets[first]
        block = text[offsets[first] : offsets[first] + min(int(lines[-1]), BLOCK)]
        result[first:last] = _hash_block(block, np.minimum(lines, len(block)), powers, inverses)
        first = last
    return result


def _powers(base: np.uint64) -> NDArray[np.uint64]:
    powers = np.full(BLOCK, base, np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)


def _hash_block(
    block: Bytes, lines: NDArray[np.int64], powers: NDArray[np.uint64], inverses: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    starts, ends, kept = _words(block, lines)
    line = np.repeat(np.arange(len(lines) - 1), np.diff(np.searchsorted(starts, lines)))[kept]
    starts, ends = starts[kept], ends[kept]
    early = np.arange(len(line)) - np.searchsorted(line, np.arange(len(lines)))[line] < WORDS
    starts, ends, line = starts[early], ends[early], line[early]
    sums = np.zeros(len(block) + 1, np.uint64)
    np.cumsum(block * powers[: len(block)], out=sums[1:])
    words = (sums[ends] - sums[starts]) * inverses[starts]
    words ^= words >> np.uint64(29)
    words *= _MIX
    words ^= words >> np.uint64(32)
    total = np.zeros(len(words) + 1, np.uint64)
    np.cumsum(words, out=total[1:])
    at = np.searchsorted(line, np.arange(len(lines)))
    return total[at[1:]] - total[at[:-1]]


def _words(block: Bytes, lines: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], Flags]:
    """Start and end of each run of letters and digits, and which of them are fixed. A line's end ends a word."""
    classes = np.frombuffer(block.tobytes().translate(_CLASSES), np.uint8)
    inside = np.zeros(len(block) + 2, bool)
    np.not_equal(classes, 0, out=inside[1:-1])
    boundary = np.zeros(len(block) + 1, bool)
    boundary[lines] = True
    starts = np.flatnonzero(inside[1:] & (~inside[:-1] | boundary))
    ends = np.flatnonzero(inside[:-1] & (~inside[1:] | boundary))
    digits = np.zeros(len(block) + 1, np.int32)
    np.cumsum(classes == _DIGIT, out=digits[1:])
    count = digits[ends] - digits[starts]
    fixed = count == 0
    some = np.flatnonzero(~fixed)
    fixed[some] = _located(block, starts, ends, some, count)
    return starts, ends, fixed


def _located(
    block: Bytes, starts: NDArray[np.int64], ends: NDArray[np.int64], some: NDArray[np.int64], digits: NDArray[np.int32]
) -> Flags:
    """Which of some words are line numbers of source locations: `Foo#123`, `app.py:7`."""
    size = ends[some] - starts[some]
    before = np.maximum(some - 1, 0)
    mark = block[np.maximum(starts[some] - 1, 0)]
    dotted = block[np.maximum(starts[before] - 1, 0)] == ord(".")
    glued = (some > 0) & (ends[before] == starts[some] - 1) & (digits[before] == 0)
    number = (digits[some] == size) & (size <= LINE_NUMBER)
    return np.asarray(number & glued & ((mark == ord("#")) | ((mark == ord(":")) & dotted)), np.bool_)


def _merge(logs: Logs, example: NDArray[np.int64]) -> Keys:
    """The Drain step: skeletons of one length, first word and location that share enough words are one template."""
    words = [_word_list(logs, int(row)) for row in example]
    leaves: dict[tuple[object, ...], list[tuple[tuple[str, ...], int]]] = {}
    merged = np.zeros(len(example), np.int64)
    count = 0
    for place in sorted(range(len(words)), key=lambda k: words[k]):
        mine = words[place]
        numbers = tuple(word for word in mine if word.isdigit())
        leaf = leaves.setdefault((len(mine), mine[:1], numbers), [])
        found = next((number for other, number in leaf if _share(mine, other) >= SIMILAR), None)
        if found is None:
            found, count = count, count + 1
            leaf.append((mine, found))
        merged[place] = found
    return merged


def _word_list(logs: Logs, row: int) -> tuple[str, ...]:
    block = logs.text[logs.offsets[row] : logs.offsets[row + 1]][:BLOCK]
    starts, ends, kept = _words(block, np.array([0, len(block)]))
    raw = block.tobytes()
    return tuple(
        raw[s:e].decode("utf-8", "replace") for s, e in zip(starts[kept][:WORDS], ends[kept][:WORDS], strict=True)
    )


def _share(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    return sum(a == b for a, b in zip(one, other, strict=True)) / max(len(one), 1)
