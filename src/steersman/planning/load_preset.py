"""Profiles from a few words: a kind of test, a URL, how hard, how long, what counts as good. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from pydantic import ValidationError

from steersman.domain.errors import InputError
from steersman.domain.fact import Fact
from steersman.domain.load import AbortWhen, Goal, Journey, LoadProfile, Model, Request, Shape, stages_of

DURATIONS_S: dict[Shape, float] = {
    "smoke": 30.0,
    "load": 300.0,
    "stress": 600.0,
    "spike": 120.0,
    "soak": 1_800.0,
    "breakpoint": 300.0,
}
"""How long each kind of test takes, when nobody says."""
SMOKE_LEVEL = 1.0
NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


class Wanted(Fact):
    """What a test is made of."""

    shape: Shape = "load"
    url: str
    model: Model = "open"
    level: float | None = None
    """Requests per second, or users; a smoke test has one of its own."""
    duration_s: float | None = None
    goals: tuple[Goal, ...] = ()
    abort: tuple[AbortWhen, ...] = ()
    name: str = ""
    warm_up_s: float = 0.0


def preset(wanted: Wanted, journeys: Sequence[Journey] = ()) -> LoadProfile:
    """The profile. journeys: asked at the URL's origin instead of its path. Raises InputError, one line."""
    origin, path = split_url(wanted.url)
    level = wanted.level or (SMOKE_LEVEL if wanted.shape == "smoke" else None)
    if level is None:
        raise InputError(f"a {wanted.shape} test wants a level; say --rate 50 (requests a second) or --users 20")
    duration_s = wanted.duration_s or DURATIONS_S[wanted.shape]
    one = (Journey(name="main", requests=(_request(path),)),)
    try:
        return LoadProfile(
            name=wanted.name or name_of(wanted.shape, path.partition("?")[0].strip("/") or origin),
            target=origin,
            model=wanted.model,
            warm_up_s=wanted.warm_up_s,
            stages=stages_of(wanted.shape, level, duration_s),
            journeys=tuple(journeys) or one,
            goals=wanted.goals,
            abort=wanted.abort,
        )
    except ValidationError as e:
        raise InputError(_first(e)) from e


def _request(path: str) -> Request:
    try:
        return Request(name="main", path=path)
    except ValidationError as e:
        raise InputError(f"the path {path[:200]!r} is none; percent-encode what is no letter or digit") from e


def split_url(url: str) -> tuple[str, str]:
    """Origin and path with query. Raises InputError for what is no plain http(s) URL."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as e:
        raise InputError(f"{url[:200]!r} is no URL: {e}") from e
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"{url[:200]!r} is no URL to put under load; say http(s)://host[:port]/path")
    if parts.username or parts.password:
        raise InputError(
            "a URL must hold no credentials; use `auth` in a profile, with a reference such as `env:TOKEN`"
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    origin = f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")
    return origin, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def name_of(*parts: str) -> str:
    """A name out of any texts."""
    plain = NOT_IN_NAMES.sub("-", "-".join(part.removeprefix("https://").removeprefix("http://") for part in parts))
    return plain.strip("-._")[:60].rstrip("-._") or "load"


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "profile"
    return f"load profile, {place}: {first['msg'].removeprefix('Value error, ')}"
