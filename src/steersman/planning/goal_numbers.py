"""Numbers in a goal's text, each taken by the word that it stands next to."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

NUMBER = r"\d+(?:\.\d+)?"
PERCENT = re.compile(rf"({NUMBER})\s*(?:%|percent|퍼센트|프로)")
DURATION = re.compile(
    rf"(?<![A-Za-z0-9_.\-])({NUMBER})\s*(hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s|시간|분|초)(?![A-Za-z])",
    re.IGNORECASE,
)
SECONDS = {"h": 3600, "m": 60, "s": 1, "시": 3600, "분": 60, "초": 1}
PLAIN = re.compile(rf"(?<![A-Za-z0-9_.:/\-])({NUMBER})(?![\d.:/]*%|[\d.]*[-_][A-Za-z0-9]|\.\d)")
AMOUNT = re.compile(
    rf"(?<![A-Za-z0-9_.\-])({NUMBER})\s*(?:([KMGTP])(i?)B?|([kmgtp])(i?b|i)|(기가|메가)(?:바이트)?)(?![A-Za-z0-9])"
)
QUANTITY = re.compile(rf"{NUMBER}(?:[KMGTPE]i|[kMGTPEm])?")
"""Source: the `Quantity` type of Kubernetes, without exponents."""
HANGUL_UNITS = {"기가": "Gi", "메가": "Mi"}
FORMERLY = (re.compile(r"\b(?:from|was|now)\s*$", re.IGNORECASE), re.compile(r"\s*(?:에서|부터)"))
"""What stands before or after an amount that is to be no longer."""
RANGES = (
    re.compile(rf"between\s+({NUMBER})\s+and\s+({NUMBER})", re.IGNORECASE),
    re.compile(
        rf"({NUMBER})\s*(?:-|–|to|~)\s*({NUMBER})(?=\s*(?:pods?|replicas?|instances?|nodes?|workers?|개|대))",
        re.IGNORECASE,
    ),
    re.compile(rf"({NUMBER})\s*(?:개|대)?\s*(?:에서|부터|~)\s*({NUMBER})\s*(?:개|대)"),
)
NEAR = 24
"""Characters between a number and the word that says what it is of."""
APART = re.compile(r"\d|[,;.]\s")
"""What ends the reach of a word: another number, or the end of a clause."""


def numbers(text: str, words: Collection[str]) -> Iterator[float]:
    """Plain numbers next to one of the words; all of them when there are no words.

    `between 3 and 12` is read as `min 3, max 12`.
    """
    said = text
    for ranged in RANGES:
        said = ranged.sub(r"min \1; max \2", said)
    times = [hit.span() for hit in DURATION.finditer(said)]
    hits = [hit for hit in PLAIN.finditer(said) if not any(start <= hit.start() < end for start, end in times)]
    if words:
        before = [hit for hit in hits if _reaches(said[max(0, hit.start() - NEAR) : hit.start()], words, last=True)]
        after = [hit for hit in hits if _reaches(said[hit.end() : hit.end() + NEAR], words, last=False)]
        hits = before or after
    return (int(hit[1]) if hit[1].isdecimal() else float(hit[1]) for hit in hits)


def percents(text: str, words: Collection[str]) -> Iterator[float]:
    """Shares between 0 and 1 near one of the words."""
    return (float(hit[1]) / 100 for hit in PERCENT.finditer(text) if near(text, hit, words))


def amounts(text: str, words: Collection[str]) -> Iterator[str]:
    """Amounts of memory in a text that has one of the words, as Kubernetes writes them: `512Mi`, `1G`.

    Not those that were before: `from 256Mi to 1Gi` is 1Gi.
    """
    before, after = FORMERLY
    if words and not any(word.lower() in text.lower() for word in words):
        return
    for hit in AMOUNT.finditer(text):
        if not before.search(text[: hit.start()]) and not after.match(text[hit.end() :]):
            binary = "i" in (hit[3] or hit[5] or "")
            unit = HANGUL_UNITS[hit[6]] if hit[6] else (hit[2] or hit[4]).upper() + ("i" if binary else "")
            yield f"{hit[1]}{'k' if unit == 'K' else unit}"


def is_amount(value: object) -> bool:
    """Whether it is an amount as Kubernetes writes it."""
    return isinstance(value, str) and QUANTITY.fullmatch(value) is not None


def durations(text: str, words: Collection[str]) -> Iterator[float]:
    """Seconds, near one of the words."""
    hits = (hit for hit in DURATION.finditer(text) if near(text, hit, words))
    return (float(hit[1]) * SECONDS[hit[2][0].lower()] for hit in hits)


def near(text: str, hit: re.Match[str], words: Collection[str]) -> bool:
    """Whether one of the words stands around; without words everything does."""
    around = text[max(0, hit.start() - NEAR) : hit.end() + NEAR].lower()
    return not words or any(word.lower() in around for word in words)


def _reaches(between: str, words: Collection[str], *, last: bool) -> bool:
    """Whether a word stands at a number's side with neither another number nor the end of a clause between."""
    lowered = between.lower()
    for word in words:
        at = lowered.rfind(word.lower()) if last else lowered.find(word.lower())
        if at < 0:
            continue
        gap = between[at + len(word) :] if last else between[:at]
        if not APART.search(gap):
            return True
    return False
