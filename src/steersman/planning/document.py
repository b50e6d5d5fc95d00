"""Plans as files: JSON and YAML, both ways, with the digest kept; what is wrong with a file is said field by field."""

from __future__ import annotations

import json
import re
from typing import NoReturn

import yaml
from pydantic import BaseModel, JsonValue, ValidationError

from steersman.domain.environment import Environment
from steersman.domain.errors import InputError
from steersman.domain.fact import JsonObject
from steersman.domain.operation import Invocation
from steersman.domain.plan import (
    Budget,
    Check,
    Condition,
    Hold,
    Observation,
    Plan,
    Predicate,
    Problem,
    Provenance,
    Retry,
    Step,
)
from steersman.planning.names import nearest
from steersman.planning.plain_yaml import parse_yaml
from steersman.planning.schema import pointer_text

MOST_CHARACTERS = 20_000_000
PROBLEMS_SHOWN = 12
PARTS: tuple[type[BaseModel], ...] = (
    Plan,
    Step,
    Condition,
    Hold,
    Observation,
    Budget,
    Environment,
    Check,
    Predicate,
    Invocation,
    Retry,
    Provenance,
)
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
RESERVED = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def parse(text: str) -> Plan:
    """The plan in a JSON or YAML text.

    Raises InputError that names every wrong field with its path, the reason and a remedy.
    """
    plan, problems = read(text)
    if plan is None:
        shown = "; ".join(f"{p.path or '/'}: {p.reason}; {p.remedy}" for p in problems[:PROBLEMS_SHOWN])
        more = f"; and {len(problems) - PROBLEMS_SHOWN} more" if len(problems) > PROBLEMS_SHOWN else ""
        raise InputError(f"this is no plan: {shown}{more}")
    return plan


def read(text: str) -> tuple[Plan | None, list[Problem]]:
    """The plan in a text, or everything that is wrong with its form."""
    try:
        document = _document(text)
    except InputError as e:
        return None, [
            Problem(path="", code="unreadable", reason=str(e), remedy="write a plan as `steer plan` prints it")
        ]
    try:
        plan = Plan.model_validate_json(json.dumps(document))
        plan.digest()
    except ValidationError as e:
        return None, [_problem(tuple(error["loc"]), error["type"], error["msg"]) for error in e.errors()]
    except UnicodeEncodeError:
        reason = "holds half of a surrogate pair, which no text can carry"
        return None, [
            Problem(path="", code="unreadable", reason=reason, remedy="remove the \\ud800 to \\udfff escapes")
        ]
    return plan, []


def dump_json(plan: Plan) -> str:
    """The plan as indented JSON, in the order of its fields."""
    return plan.model_dump_json(indent=2, by_alias=True) + "\n"


def dump_yaml(plan: Plan) -> str:
    """The plan as YAML, in the order of its fields; strings that look like something else are quoted."""
    plain = plan.model_dump(mode="json", by_alias=True)
    text: str = yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text


class _Dumper(yaml.SafeDumper):
    """Writes no aliases, and quotes whatever is not plainly a word."""

    def ignore_aliases(self, data: object) -> bool:
        """Always: a reader would have to expand them."""
        del data
        return True


def _text_node(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    plain = PLAIN.fullmatch(text) is not None and text.lower() not in RESERVED
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _text_node)


def _document(text: str) -> JsonValue:
    if len(text) > MOST_CHARACTERS:
        raise InputError(f"{len(text)} characters are too many for a plan")
    try:
        return _json(text) if text.lstrip()[:1] in ("{", "[") else parse_yaml(text)
    except RecursionError as e:
        raise InputError("it is nested too deeply") from e


def _json(text: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except json.JSONDecodeError as e:
        raise InputError(f"line {e.lineno}, column {e.colno}: {e.msg}") from e
    except ValueError as e:
        raise InputError(str(e)) from e
    return value


def _once(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    found: JsonObject = {}
    for key, value in pairs:
        if key in found:
            raise InputError(f"key {key!r} stands twice in one object")
        found[key] = value
    return found


def _no_number(name: str) -> NoReturn:
    raise InputError(f"{name} is no JSON number")


def _problem(place: tuple[str | int, ...], kind: str, message: str) -> Problem:
    path = pointer_text([key for key in place if key not in ("threshold", "comparison")])
    if kind == "extra_forbidden":
        known = {name for fact in PARTS for name in fact.model_fields}
        return Problem(
            path=path, code=kind, reason=f"{place[-1]!r} is no field here", remedy=nearest(str(place[-1]), known)
        )
    remedy = "add it" if kind == "missing" else "see `steer plan -o json` for the form"
    return Problem(path=path, code=kind, reason=message, remedy=remedy)
