"""Imported APIs: kept under `home`, signed with the journal's key, opened alone or as part of an environment."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from steersman.app.secrets import resolve
from steersman.app.settings import Settings
from steersman.app.store import CLOCK, keyring
from steersman.app.wiring import Connection
from steersman.domain.errors import InputError, IntegrityError
from steersman.domain.fact import canonical
from steersman.domain.operation import Operation

if TYPE_CHECKING:
    from steersman.toolsets.openapi.importing import Made, Wish
    from steersman.toolsets.openapi.kept import Kept, Line, Manifest
    from steersman.toolsets.openapi.toolset import OpenApiToolset

KIND = "openapi"
FOLDER = "apis"


def path_of(home: Path, name: str) -> Path:
    """Where an API of that name is kept."""
    return home / FOLDER / f"{name}.db"


def is_imported(settings: Settings, name: str) -> bool:
    """Whether there is one of that name."""
    return name.isidentifier() and path_of(settings.home, name).is_file()


def names(settings: Settings) -> list[str]:
    """All that are imported."""
    return sorted(path.stem for path in (settings.home / FOLDER).glob("*.db"))


@contextmanager
def kept(settings: Settings, name: str) -> Iterator[Kept]:
    """One API, to be read. Raises InputError when there is none, IntegrityError when it is not what was imported."""
    from steersman.toolsets.openapi.kept import Kept

    if not is_imported(settings, name):
        known = ", ".join(names(settings)) or "none"
        raise InputError(f"no API {name!r} is imported; there are: {known}")
    found = Kept(path_of(settings.home, name))
    try:
        if not keyring(settings).verifies("definition", canonical(found.manifest), found.signature):
            raise IntegrityError(f"{name!r} was not signed here, or was changed since; import it again")
        yield found
    finally:
        found.close()


def import_api(settings: Settings, data: bytes, wish: Wish, *, replace: bool = False) -> Made:
    """Compiles and keeps it. Raises InputError for a name that is taken, and for what cannot be used."""
    from steersman.toolsets.openapi.importing import import_description
    from steersman.toolsets.openapi.kept import keep

    _must_be_free(settings, wish.name, replace=replace)
    made = import_description(data, wish, now=CLOCK.now())
    for credential in wish.auth:
        resolve(credential.ref)
    path = path_of(settings.home, wish.name)
    draft = path.with_suffix(".draft")
    keep(draft, made.manifest, made.rows, signature=keyring(settings).sign("definition", canonical(made.manifest)))
    try:
        _must_be_usable(draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return made


def forget(settings: Settings, name: str) -> Manifest:
    """Forgets an API. Raises InputError when there is none."""
    with kept(settings, name) as found:
        manifest = found.manifest
    path_of(settings.home, name).unlink()
    return manifest


def lines(settings: Settings, name: str) -> list[tuple[Line, str]]:
    """Operations of an API with their effects, without making any."""
    with kept(settings, name) as found:
        overlay = found.manifest.overlay
        rows: list[tuple[Line, str]] = []
        for line in found.lines():
            said = overlay.operations.get(line.verb)
            effect = "read" if line.method in ("GET", "HEAD") else "destructive"
            if line.verb not in overlay.hidden:
                rows.append((line, said.effect if said and said.effect else effect))
        return rows


def operations(settings: Settings, name: str) -> Sequence[Operation]:
    """All operations of an API, made."""
    from steersman.toolsets.openapi.toolset import described

    with kept(settings, name) as found:
        overlay = found.manifest.overlay
        verbs = [*(verb for verb in found.verbs() if verb not in overlay.hidden), *overlay.views]
        return [described(found, verb) for verb in verbs]


def operation(settings: Settings, name: str) -> Operation:
    """One operation by its whole name. Raises InputError with the nearest known one."""
    import difflib

    from steersman.toolsets.openapi.toolset import described

    toolset, _, verb = name.partition(".")
    with kept(settings, toolset) as found:
        known = {*found.verbs(), *found.manifest.overlay.views}
        if verb not in known:
            close = difflib.get_close_matches(verb, known, n=1)
            hint = f"did you mean '{toolset}.{close[0]}'?" if close else f"`steer tools list --toolset {toolset}`"
            raise InputError(f"there is no operation {name!r}; {hint}")
        return described(found, verb)


@asynccontextmanager
async def opened(settings: Settings, name: str) -> AsyncIterator[OpenApiToolset]:
    """An API with its credentials. Raises ConfigError when a secret is not there."""
    from steersman.toolsets.openapi.importing import scheme_of
    from steersman.toolsets.openapi.signing import Credential
    from steersman.toolsets.openapi.toolset import open_toolset

    with kept(settings, name) as found:
        manifest = found.manifest
        credentials = {
            each.name: Credential(
                scheme_of(each.name, manifest.schemes),
                resolve(each.ref),
                each.use,
                always=each.name not in manifest.schemes,
                scope=each.scope,
            )
            for each in manifest.auth
        }
        async with open_toolset(found, credentials, clock=CLOCK) as toolset:
            yield toolset


@asynccontextmanager
async def connected(settings: Settings, name: str) -> AsyncIterator[Connection]:
    """One API as an environment of its own."""
    async with opened(settings, name) as toolset:
        yield Connection(environment=await toolset.environment(), toolsets=(toolset,))


def _must_be_free(settings: Settings, name: str, *, replace: bool) -> None:
    from steersman.app.catalogue import all_operations
    from steersman.toolsets.contracts.catalogue import contracts

    taken = {each.toolset for each in (*all_operations(), *contracts().values())}
    if name in taken:
        raise InputError(f"{name!r} is the name of a system that Steersman knows; take another --name")
    if is_imported(settings, name) and not replace:
        raise InputError(f"{name!r} is imported already; say --replace to put this definition in its place")


def _must_be_usable(draft: Path) -> None:
    """Makes what the overlay speaks of, so that its mistakes are found now."""
    from steersman.toolsets.openapi.kept import Kept
    from steersman.toolsets.openapi.toolset import described

    found = Kept(draft)
    try:
        for verb in (*found.manifest.overlay.operations, *found.manifest.overlay.views):
            described(found, verb)
    finally:
        found.close()
