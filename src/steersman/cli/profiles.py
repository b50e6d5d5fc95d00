"""A load profile from the command line's words: a file, a preset, a recording, an API's description."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

if TYPE_CHECKING:
    from steersman.domain.load import GeneratorName, Journey, LoadProfile, Shape

LONGEST_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class Given:
    """What was typed."""

    file: Path | None = None
    shape: str = ""
    url: str = ""
    rate: float = 0.0
    users: int = 0
    duration: str = ""
    goals: Sequence[str] = field(default_factory=tuple)
    abort: Sequence[str] = field(default_factory=tuple)
    har: Path | None = None
    openapi: Path | None = None


def profile_from(given: Given) -> tuple[LoadProfile, tuple[str, ...]]:
    """The profile, and what of a recording or description was left out. Raises InputError, one line."""
    from steersman.domain.errors import InputError

    if given.file is not None:
        if given.shape or given.url or given.har or given.openapi:
            raise InputError("a profile from a file says all by itself; leave --preset, --url, --har and --openapi out")
        return _from_file(given), ()
    journeys, origin, left_out = _imported(given)
    url = given.url or origin
    if not url:
        raise InputError("nothing to put under load: name a profile file, or say --url (or --har, --openapi)")
    return _preset(given, url, journeys), left_out


def _from_file(given: Given) -> LoadProfile:
    from steersman.planning.load_profile import read_profile
    from steersman.planning.load_words import abort, goal

    assert given.file is not None
    profile = read_profile(read_text(given.file))
    goals, aborts = (tuple(map(goal, given.goals)), tuple(map(abort, given.abort)))
    return profile.model_copy(update={"goals": (*profile.goals, *goals), "abort": (*profile.abort, *aborts)})


def _preset(given: Given, url: str, journeys: Sequence[Journey]) -> LoadProfile:
    from steersman.domain.errors import InputError
    from steersman.planning.load_preset import Wanted, preset
    from steersman.planning.load_words import abort, duration_s, goal

    if given.rate and given.users:
        raise InputError("--rate is of the open model and --users of the closed one; say one of them")
    wanted = Wanted(
        shape=shape_named(given.shape or "load"),
        url=url,
        model="closed" if given.users else "open",
        level=given.users or given.rate or None,
        duration_s=duration_s(given.duration) if given.duration else None,
        goals=tuple(map(goal, given.goals)),
        abort=tuple(map(abort, given.abort)),
    )
    return preset(wanted, journeys)


def _imported(given: Given) -> tuple[tuple[Journey, ...], str, tuple[str, ...]]:
    from steersman.domain.errors import InputError
    from steersman.planning.load_import import from_har, from_openapi
    from steersman.planning.load_preset import split_url

    if given.har is None and given.openapi is None:
        return (), "", ()
    if given.har is not None and given.openapi is not None:
        raise InputError("--har and --openapi both say what to ask; name one")
    origin = split_url(given.url)[0] if given.url else ""
    if given.har is not None:
        found = from_har(read_text(given.har), origin=origin)
    else:
        assert given.openapi is not None
        found = from_openapi(read_text(given.openapi), origin=origin)
    return found.journeys, found.origin, found.left_out


def read_text(path: Path) -> str:
    """A file's text. Raises InputError when there is none, or too much."""
    from steersman.domain.errors import InputError

    try:
        if path.stat().st_size > LONGEST_BYTES:
            raise InputError(f"{str(path)!r} has more than {LONGEST_BYTES} bytes; give a smaller file")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise InputError(f"{str(path)!r} cannot be read ({type(e).__name__}); name a text file") from e


def shape_named(name: str) -> Shape:
    """A preset by name. Raises InputError with the nearest known one."""
    from steersman.domain.load import Shape

    return cast("Shape", _one_of(name, get_args(Shape), "preset"))


def generator_named(name: str) -> GeneratorName:
    """A load generator by name. Raises InputError with the nearest known one."""
    from steersman.domain.load import GeneratorName

    return cast("GeneratorName", _one_of(name, get_args(GeneratorName), "generator"))


def _one_of(name: str, known: Sequence[str], what: str) -> str:
    import difflib

    from steersman.domain.errors import InputError

    if name in known:
        return name
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"say one of {', '.join(known)}"
    raise InputError(f"there is no {what} {name!r}; {hint}")
