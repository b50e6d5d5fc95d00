"""Scenario documents: JSON or YAML text in, scenarios and located defects out. Pure: it reads no files."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml
from pydantic import JsonValue, ValidationError
from pydantic_core import ErrorDetails

from steersman.domain.fact import Fact
from steersman.domain.scenario import Scenario
from steersman.knowledge.yaml_source import Source, SourceError, read_source

LONGEST_DOCUMENT = 1_000_000
"""Characters of one file; more is not a scenario."""
LONGEST_STRING = 8_000
_SHOWN = 60
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}\Z")
_PLAIN = frozenset("\n\t")
_UNSAFE = frozenset({"Cc", "Cs", "Co"})
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

Path = tuple[str | int, ...]


class Defect(Fact):
    """What is wrong with one document: where, what, and what to do about it."""

    file: str
    line: int = 0
    """Counted from 1; 0 when the whole document is meant."""
    field: str = ""
    reason: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (where, self.field, self.reason) if part) + f"; {self.remedy}"


class Loaded(Fact):
    """What could be read, and what could not."""

    scenarios: tuple[Scenario, ...] = ()
    defects: tuple[Defect, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """A file being read: turns paths inside of it into defects."""

    file: str
    source: Source

    def defect(self, path: Path, reason: str, remedy: str) -> Defect:
        field = ".".join(str(part) for part in path)
        return Defect(file=self.file, line=self.source.line(path), field=field[:200], reason=reason, remedy=remedy)


def read(text: str, *, file: str = "standard input") -> Loaded:
    """The scenarios of one document: one object, or a list of them. Never raises for what the text holds."""
    if len(text) > LONGEST_DOCUMENT:
        reason = f"longer than the limit of {LONGEST_DOCUMENT} characters"
        return _broken(file, 0, reason, "split it into one file for each scenario")
    try:
        source = read_source(text)
    except SourceError as e:
        return _broken(file, e.line, e.reason, e.remedy)
    place = _Place(file, source)
    if isinstance(source.value, list):
        parts = [_scenario(place, (index,), item) for index, item in enumerate(source.value)]
    else:
        parts = [_scenario(place, (), source.value)]
    if not parts:
        return _broken(file, 0, "no scenario in it", "give an object with at least `id` and `goal`")
    return _unique(parts)


def read_all(texts: Mapping[str, str]) -> Loaded:
    """The scenarios of many documents, by file name; the sound ones load even where others are broken."""
    return _unique([read(text, file=name) for name, text in sorted(texts.items())])


def write(scenario: Scenario) -> str:
    """The scenario as YAML that `read` gives back unchanged."""
    return yaml.safe_dump(plain(scenario), allow_unicode=True, sort_keys=False, width=100)


def plain(scenario: Scenario) -> JsonValue:
    """The scenario as plain data that `read` gives back unchanged; what is default is left out."""
    short = scenario.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return _with_kinds(short, scenario.model_dump(mode="json", by_alias=True))


def _with_kinds(short: JsonValue, full: JsonValue) -> JsonValue:
    """Puts back the `kind` of union members, which is a default and yet what readers tell them apart by."""
    if isinstance(short, dict) and isinstance(full, dict):
        kind = full.get("kind")
        head: dict[str, JsonValue] = {} if kind is None else {"kind": kind}
        return {**head, **{key: _with_kinds(value, full[key]) for key, value in short.items()}}
    if isinstance(short, list) and isinstance(full, list):
        return [_with_kinds(one, other) for one, other in zip(short, full, strict=True)]
    return short


def _broken(file: str, line: int, reason: str, remedy: str) -> Loaded:
    return Loaded(defects=(Defect(file=file, line=line, reason=reason, remedy=remedy),))


def _unique(parts: list[Loaded]) -> Loaded:
    seen: dict[str, Scenario] = {}
    defects: list[Defect] = []
    for part in parts:
        defects += part.defects
        for scenario in part.scenarios:
            if scenario.id in seen and seen[scenario.id] != scenario:
                reason = f"the id {scenario.id!r} is taken by another scenario"
                defects.append(Defect(file=scenario.id, field="id", reason=reason, remedy="rename one of the two"))
            else:
                seen[scenario.id] = scenario
    return Loaded(scenarios=tuple(seen.values()), defects=tuple(defects))


def _scenario(place: _Place, at: Path, value: JsonValue) -> Loaded:
    if not isinstance(value, dict):
        kind = type(value).__name__
        reason = f"a scenario is an object, and this is {kind}"
        return Loaded(defects=(place.defect(at, reason, "give at least `id` and `goal`"),))
    dirty = tuple(place.defect((*at, *path), reason, remedy) for path, reason, remedy in _unclean(value))
    if dirty:
        return Loaded(defects=dirty[:1])
    try:
        scenario = Scenario.model_validate(value)
    except ValidationError as e:
        return Loaded(defects=_explained(place, at, e))
    except RecursionError:
        return Loaded(defects=(place.defect(at, "nested too deeply", "flatten it"),))
    identity = str(scenario.id)
    if not _ID.match(identity):
        remedy = "use letters, digits, dot, dash, colon and underscore, at most 128"
        return Loaded(defects=(place.defect((*at, "id"), f"not an id: {identity[:80]!r}", remedy),))
    if not scenario.goal.strip():
        return Loaded(defects=(place.defect((*at, "goal"), "empty", "say in one sentence what is wanted"),))
    return Loaded(scenarios=(scenario,))


def _unclean(value: JsonValue, path: Path = ()) -> Iterator[tuple[Path, str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _unclean(key, (*path, key[:40]))
            yield from _unclean(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unclean(item, (*path, index))
    elif isinstance(value, str):
        if len(value) > LONGEST_STRING:
            yield path, f"{len(value)} characters, and {LONGEST_STRING} are the limit", "shorten it"
        bad = next((letter for letter in value if _is_unsafe(letter)), None)
        if bad is not None:
            yield path, f"holds the control character U+{ord(bad):04X}", "remove it: it changes what people see"


def _is_unsafe(letter: str) -> bool:
    return letter in _BIDI or (unicodedata.category(letter) in _UNSAFE and letter not in _PLAIN)


def _explained(place: _Place, at: Path, error: ValidationError) -> tuple[Defect, ...]:
    """One defect for each place; the branches of a union that also did not fit are not repeated."""
    found: dict[tuple[int, str], Defect] = {}
    for detail in error.errors(include_url=False, include_context=False):
        if detail["type"] == "string_type" and isinstance(detail["input"], dict):
            continue  # the plain-text branch of a condition that was meant to be typed
        path = (*at, *detail["loc"])
        known = place.source.known(path)
        reason, remedy = _reason(detail)
        defect = place.defect(known, reason, remedy)
        if detail["type"] in ("missing", "extra_forbidden"):
            field = ".".join(str(part) for part in (*known, detail["loc"][-1]) if part != "") if known != path else ""
            defect = defect.model_copy(update={"field": field or defect.field})
        found.setdefault((defect.line, defect.field), defect)
    return tuple(found.values()) or (place.defect(at, "not a scenario", "see `steer scenarios show` for one"),)


def _reason(detail: ErrorDetails) -> tuple[str, str]:
    name = str(detail["loc"][-1]) if detail["loc"] else ""
    if detail["type"] == "missing":
        return "missing", f"add `{name}`"
    if detail["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, list(Scenario.model_fields), n=1)
        return f"unknown field {name[:60]!r}", f"did you mean `{near[0]}`?" if near else "remove it"
    given = repr(detail["input"])
    shown = given if len(given) <= _SHOWN else given[:_SHOWN] + "..."
    return (
        f"{detail['msg'][:1].lower()}{detail['msg'][1:]}, and it is {shown}",
        "see `steer scenarios show` for one that is right",
    )
