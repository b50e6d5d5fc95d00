"""Whether a value that a model gives stands in what the person said: a model may read, it may not invent."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from steersman.domain.goal import Goal
from steersman.domain.operation import Operation
from steersman.knowledge.concepts import thesaurus
from steersman.knowledge.language import content_stems, runs

NUMBER = re.compile(r"\d+(?:\.\d+)?")
SAME_SPELLING = 0.8
"""Share of letters that a mistyped name has in common with the right one."""
UNITS = (1.0, 100.0, 1 / 60, 1 / 3_600, 0.01)
"""A share may stand as percent, seconds as minutes or hours."""
_NAMES = "zero none|one 하나|two 둘|three 셋|four 넷|five 다섯|six 여섯|seven 일곱|eight 여덟|nine 아홉|ten 열"
NUMBER_WORDS: dict[str, float] = {
    word: float(value) for value, names in enumerate(_NAMES.split("|")) for word in names.split()
} | {"half": 0.5, "절반": 0.5, "quarter": 0.25, "twenty": 20, "fifty": 50, "full": 100, "hundred": 100, "전체": 100}
REMOVAL = re.compile(
    r"\b(?:delete|remove|drop|destroy|purge|erase|tear\s+down|stop|terminate|clear|revoke|drain|clean\s*up)\w*|"
    r"삭제|제거|지우|지워|없애|없앤|중지|중단|멈춰|멈추|폐기|비우|비워|종료|정리|해지|회수",
    re.IGNORECASE,
)


def is_said(value: JsonValue, goal: Goal) -> bool:
    """Whether every part of a value can be read in the goal."""
    match value:
        case None | bool():
            return True
        case int() | float():
            return any(_same_number(float(value), told) for told in _numbers(goal))
        case str():
            return _is_named(value, goal)
        case list():
            return all(is_said(item, goal) for item in value)
        case dict():
            return all(is_said(item, goal) for item in value.values())


def asks_for_removal(goal: Goal) -> bool:
    """Whether the person wants something gone."""
    return REMOVAL.search(goal.text) is not None


def targets(operation: Operation, arguments: dict[str, JsonValue]) -> Iterator[JsonValue]:
    """The arguments that say what a call touches."""
    for name in re.findall(r"\{(\w+)\}", operation.resource):
        if name in arguments:
            yield arguments[name]


def said_words(goal: Goal, choices: Iterable[str]) -> bool:
    """Whether the goal has a word in common with some text."""
    own = {*content_stems(goal.text), *thesaurus().concepts(goal.text)}
    return any(own & {*content_stems(text), *thesaurus().concepts(text)} for text in choices)


def _is_named(value: str, goal: Goal) -> bool:
    given = " ".join(str(item) for item in goal.parameters.values())
    text, wanted = f"{goal.text} {given}".casefold(), value.casefold().strip()
    if not wanted:
        return False
    if re.search(rf"(?<![a-z0-9]){re.escape(wanted)}(?![a-z0-9])", text):
        return True
    if any(character.isdigit() for character in wanted):
        return False  # a version, an address, an id: to the letter or not at all
    return any(difflib.SequenceMatcher(None, word, wanted).ratio() >= SAME_SPELLING for word in runs(goal.text))


def _numbers(goal: Goal) -> Iterator[float]:
    text = f"{goal.text} {goal.parameters}"
    yield from (float(found) for found in NUMBER.findall(text))
    words = set(runs(goal.text))
    yield from (value for word, value in NUMBER_WORDS.items() if word in words or (not word.isascii() and word in text))


def _same_number(value: float, told: float) -> bool:
    return any(abs(value * unit - told) < 1e-9 * max(1.0, abs(told)) for unit in UNITS)
