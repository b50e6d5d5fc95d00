"""Scenario files: those that ship with the package, and those in folders of the user."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import BinaryIO

from steersman.domain.errors import InputError
from steersman.knowledge.document import LONGEST_DOCUMENT, Defect, Loaded, read, read_all
from steersman.knowledge.shelf import Entry, Shelf

SUFFIXES = frozenset({".json", ".yaml", ".yml"})
BYTES_A_LETTER = 4
NOT_UTF8, SAVE_AS_UTF8 = "not UTF-8", "save it as readable UTF-8 text"


@cache
def builtin() -> Loaded:
    """The scenarios that ship with the package."""
    folder = files("steersman.knowledge") / "scenarios"
    return read_all(
        {item.name: item.read_text("utf-8") for item in folder.iterdir() if Path(item.name).suffix in SUFFIXES}
    )


def builtin_shelf() -> Shelf:
    """A shelf with the shipped scenarios alone: recall without any store."""
    return Shelf.of(Entry(scenario, builtin=True) for scenario in builtin().scenarios)


def load(path: Path) -> Loaded:
    """The scenarios of one file or of all files in a folder. Raises InputError when there is neither."""
    if path.is_dir():
        found = sorted(item for item in path.rglob("*") if item.suffix in SUFFIXES and item.is_file())
        root = path
    elif path.is_file():
        found, root = [path], path.parent
    else:
        raise InputError(f"no file or folder {str(path)!r}; give a .json, .yaml or .yml file, or a folder of them")
    texts: dict[str, str] = {}
    unreadable: list[Defect] = []
    for item in found:
        name = str(item.relative_to(root))
        try:
            texts[name] = _text(item)
        except (OSError, UnicodeDecodeError) as e:
            reason = NOT_UTF8 if isinstance(e, UnicodeDecodeError) else e.strerror or "unreadable"
            unreadable.append(Defect(file=name, reason=reason, remedy=SAVE_AS_UTF8))
    loaded = read_all(texts)
    return loaded.model_copy(update={"defects": (*unreadable, *loaded.defects)})


def load_stream(stream: BinaryIO, *, name: str = "standard input") -> Loaded:
    """The scenarios of a stream of bytes, of which no more is read than shows that it is too long."""
    held = stream.read(BYTES_A_LETTER * LONGEST_DOCUMENT + 1)
    cut = len(held) > BYTES_A_LETTER * LONGEST_DOCUMENT
    try:
        return read(held.decode("utf-8-sig", errors="ignore" if cut else "strict"), file=name)
    except UnicodeDecodeError:
        return Loaded(defects=(Defect(file=name, reason=NOT_UTF8, remedy=SAVE_AS_UTF8),))


def _text(path: Path) -> str:
    """The text of a file, and no more of it than shows that it is too long."""
    with path.open("r", encoding="utf-8-sig", newline="") as file:
        return file.read(LONGEST_DOCUMENT + 1)
