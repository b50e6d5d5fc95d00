"""What an upgrade would change, object by object. Pure; values of Secrets are never shown, only that they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from steersman.remote.text import one_line
from steersman.toolsets.helm.facts import Change

Objects = Mapping[tuple[str, str], dict[str, Any]]
MOST_FIELDS = 50


def changes(was: Objects, now: Objects) -> tuple[Change, ...]:
    """Objects that appear, vanish or differ."""
    found = []
    for key in sorted({*was, *now}):
        kind, name = map(one_line, key)
        if key not in was:
            found.append(Change(kind=kind, name=name, change="added"))
        elif key not in now:
            found.append(Change(kind=kind, name=name, change="removed"))
        elif was[key] != now[key]:
            fields = tuple(dict.fromkeys(map(one_line, _differing(was[key], now[key], ""))))
            found.append(Change(kind=kind, name=name, change="changed", fields=fields[:MOST_FIELDS]))
    return tuple(found)


def _differing(was: Any, now: Any, at: str) -> Iterator[str]:
    if isinstance(was, dict) and isinstance(now, dict):
        for key in sorted({*was, *now}, key=str):
            yield from _differing(was.get(key), now.get(key), f"{at}/{str(key).replace('~', '~0').replace('/', '~1')}")
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for index, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from _differing(one, other, f"{at}/{index}")
    elif was != now or type(was) is not type(now):
        yield at
