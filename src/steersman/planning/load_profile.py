"""Load profiles out of YAML or JSON, and back."""

from __future__ import annotations

import json
from typing import Any

from pydantic import Field, JsonValue, ValidationError

from steersman.domain.errors import InputError
from steersman.domain.fact import Fact, JsonObject
from steersman.domain.load import LoadCaps, LoadProfile, Shape, excess, stages_of
from steersman.planning.plain_yaml import parse_yaml

LONGEST = 1_000_000
"""Characters of a profile."""
SHORT_FORM = ("shape", "level", "duration_s")
"""`shape: smoke, level: 5, duration_s: 30` stands for stages; `path: /` for one journey of one request."""
SHOWN = 60


class _Shaped(Fact):
    shape: Shape = "load"
    level: float = Field(gt=0, le=1_000_000)
    duration_s: float = Field(gt=0, le=86_400)


def read_profile(text: str, caps: LoadCaps | None = None) -> LoadProfile:
    """The profile in a YAML or JSON text. Raises InputError with one line: where, what, and the remedy."""
    if len(text) > LONGEST:
        raise InputError(f"the load profile has {len(text)} characters, more than {LONGEST}; make it shorter")
    try:
        document = parse_yaml(text)
    except RecursionError as e:
        raise InputError("the load profile is nested too deep; flatten it") from e
    if not isinstance(document, dict):
        raise InputError(f"a load profile is a map with keys such as `target`, not {type(document).__name__}")
    return profile_of(document, caps)


def profile_of(document: JsonObject, caps: LoadCaps | None = None) -> LoadProfile:
    """The profile in a document, checked against the caps where some are given. Raises InputError, one line."""
    try:
        profile = LoadProfile.model_validate_json(json.dumps(expanded(document)), strict=True)  # `true` is no number
    except ValidationError as e:
        raise InputError(_explain(e)) from e
    problem = excess(profile, caps) if caps is not None else None
    if problem is not None:
        raise InputError(f"load profile {profile.name!r}: {problem}")
    return profile


def expanded(document: JsonObject) -> JsonObject:
    """The long form: stages instead of a shape, journeys instead of a path."""
    full: dict[str, Any] = dict(document)
    given = {key: full.pop(key) for key in SHORT_FORM if key in full}
    if given and "stages" in full:
        raise InputError(f"load profile: {sorted(given)} and `stages` say the same thing; keep one")
    if given:
        shaped = _Shaped.model_validate_json(json.dumps(given), strict=True)
        stages = stages_of(shaped.shape, shaped.level, shaped.duration_s)
        full["stages"] = [stage.model_dump(mode="json") for stage in stages]
    if "path" in full:
        if "journeys" in full:
            raise InputError("load profile: `path` and `journeys` say the same thing; keep one")
        full["journeys"] = [{"name": "main", "requests": [{"name": "main", "path": full.pop("path")}]}]
    return full


def write_profile(profile: LoadProfile) -> JsonValue:
    """The long form, as JSON."""
    document: JsonValue = profile.model_dump(mode="json", exclude_none=True)
    return document


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = ".".join(_safe(str(part)) for part in first["loc"] if part not in GOAL_KINDS) or "profile"
    more = error.error_count() - 1
    value = "" if first["type"] in VALUELESS or isinstance(first["input"], dict) else f": {_safe(repr(first['input']))}"
    message = first["msg"].removeprefix("Value error, ")
    return _safe(f"load profile, {place}: {message}{value}", 400) + (f" (and {more} more)" if more > 0 else "")


GOAL_KINDS = frozenset({"latency", "errors", "failures"})
VALUELESS = frozenset({"missing", "value_error"})


def _safe(text: str, longest: int = SHOWN) -> str:
    """Printable and short: what was given may be hostile to terminals."""
    plain = "".join(character if character.isprintable() else "?" for character in text)
    return plain if len(plain) <= longest else plain[: longest - 3] + "..."
