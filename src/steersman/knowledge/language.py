"""Words of Korean and English text, made comparable: folded, stemmed, without particles."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal

Lang = Literal["ko", "en"]

_RUN = re.compile(r"[a-z0-9]+(?:[._+-][a-z0-9]+)*|[가-힣]+")
_HANGUL = re.compile(r"[가-힣]")
_LATIN = re.compile(r"[A-Za-z]")
_BREAK = re.compile(r"[._+-]")

_ENDINGS = tuple(
    sorted(
        "은 는 이 가 을 를 에 에서 에게 으로 로 의 와 과 도 만 까지 부터 마다 보다 처럼 이나 나 이라 라 들 "
        "하고 하기 하는 하면 하며 하여 하자 하지 하려면 하려고 하도록 한 한다 할 함 합니다 합시다 "
        "해 해서 해도 해야 해줘 해주세요 "
        "했다 했는데 했어 되고 되는 되면 되어 된 된다 될 됨 됩니다 돼 됐다 됐어 되지 "
        "시켜 시켜줘 시키고 시킨다 시키는 시킨 이다 입니다 인데 이야 줘 주세요 좀 고 며 면 서 자 기 "
        "니다 습니다 어요 아요 어서 아서 려고 도록 었다 았다 는데".split(),
        key=len,
        reverse=True,
    )
)
_KEEP = 2
"""A stem keeps at least so many syllables: shorter ones mean too much."""

STOPWORDS = frozenset(
    "a an and are as at be been by do does for from get got had has have how i if in into is it its let me my no not "
    "of off on onto or our out over please so some than that the their them then there these they this to too up us "
    "want was we were what when where which while who why will with would you your again just need needs "
    "그 이 저 것 수 등 및 또는 우리 내 네 지금 다시 모든 모두 각 위해 위한 통해 대한 대해 있는 있다 없는 없다 "
    "좀 때 후 전 중 뒤 해줘 해주세요 줘 주세요 싶다 싶어 하다".split()
)


def fold(text: str) -> str:
    """The text in one form: NFKC, case folded."""
    return unicodedata.normalize("NFKC", text).casefold()


def language_of(text: str) -> Lang:
    """Korean when Hangul is a fair share of the letters, else English; Korean DevOps text is full of English words."""
    hangul = len(_HANGUL.findall(text))
    return "ko" if hangul * 4 >= len(_LATIN.findall(text)) + hangul and hangul else "en"


def runs(text: str) -> Iterator[str]:
    """The words of a text in order: Latin words split at hyphens and dots, Hangul words whole."""
    for found in _RUN.findall(fold(text)):
        if _HANGUL.match(found):
            yield found
        else:
            yield from (part for part in _BREAK.split(found) if part)


def stem(word: str) -> str:
    """The word without what inflection added."""
    return _korean_stem(word) if _HANGUL.match(word) else _english_stem(word)


def content_stems(text: str) -> list[str]:
    """Stems of the words that mean something by themselves, in order."""
    return [stem(word) for word in runs(text) if word not in STOPWORDS]


def syllable_pairs(text: str) -> list[str]:
    """Neighbouring Hangul syllables: they match compounds that are spaced differently."""
    return [word[i : i + 2] for word in runs(text) if _HANGUL.match(word) for i in range(len(word) - 1)]


def _korean_stem(word: str) -> str:
    for _ in range(2):
        ending = next((e for e in _ENDINGS if word.endswith(e) and len(word) - len(e) >= _KEEP), None)
        if ending is None:
            return word
        word = word[: -len(ending)]
    return word


_SUFFIXES = (("ies", "y", 2), ("sses", "ss", 2), ("ments", "", 4), ("ment", "", 4), ("ings", "", 3), ("ing", "", 3))
_SUFFIXES_LATE = (("ied", "y", 2), ("ed", "", 3), ("ly", "", 3))
_SHORT = 3
_ION = 6


def _english_stem(word: str) -> str:
    if len(word) <= _SHORT or word.isdigit():
        return word
    for suffix, instead, least in (*_SUFFIXES, *_SUFFIXES_LATE):
        if word.endswith(suffix) and len(word) - len(suffix) >= least:
            word = _undouble(word[: -len(suffix)] + instead)
            break
    else:
        if word.endswith("s") and not word.endswith(("ss", "us", "is")):
            word = word[:-1]
    if len(word) >= _ION and word.endswith(("tion", "sion")):
        word = word[:-3]
    return word[:-1] if len(word) > _SHORT and word.endswith("e") else word


def _undouble(word: str) -> str:
    doubled = len(word) > _SHORT and word[-1] == word[-2] and word[-1] not in "lsz"
    return word[:-1] if doubled else word
