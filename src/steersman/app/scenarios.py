"""The shelf: scenarios that ship with the package, and those of this user under `STEER_HOME/scenarios`."""

from __future__ import annotations

from pathlib import Path

from steersman.app.settings import Settings
from steersman.domain.errors import InputError
from steersman.domain.scenario import Scenario
from steersman.index.files import builtin_shelf, load
from steersman.knowledge.document import Defect, write
from steersman.knowledge.shelf import Entry, Shelf


def folder(settings: Settings) -> Path:
    """Where scenarios of one's own lie, one file each."""
    return settings.home / "scenarios"


def shelf(settings: Settings) -> tuple[Shelf, tuple[Defect, ...]]:
    """All scenarios, and what is wrong with files of one's own; a defect in one hides no other."""
    found = builtin_shelf()
    own = folder(settings)
    if not own.is_dir():
        return found, ()
    loaded = load(own)
    for scenario in loaded.scenarios:
        found.put(Entry(scenario))
    return found, loaded.defects


def add(settings: Settings, scenario: Scenario, *, replace: bool = False) -> Path:
    """Keeps a scenario as a file; one of one's own stands before a shipped one of the same id.

    Raises InputError for an id that another of one's own has, unless it is to be replaced.
    """
    path = folder(settings) / f"{scenario.id}.json"
    if path.exists() and not replace:
        raise InputError(f"you have a scenario {scenario.id!r} already; --replace puts this one in its place")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(write(scenario), encoding="utf-8")
    temporary.replace(path)
    return path
