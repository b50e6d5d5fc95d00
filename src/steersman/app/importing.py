"""From what an operator types to an imported API: options read, the description compiled, a report made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from pydantic import ValidationError

from steersman.app import apis
from steersman.app.settings import Settings
from steersman.app.store import local_id
from steersman.domain.errors import InputError
from steersman.domain.fact import Fact, JsonObject
from steersman.domain.overlay import Overlay

if TYPE_CHECKING:
    from steersman.toolsets.openapi.importing import Made
    from steersman.toolsets.openapi.kept import AuthRef


class Note(Fact):
    """An operation that was left out, or is checked less; and why."""

    where: str
    why: str


class Report(Fact):
    """What an import came to."""

    name: str
    title: str
    server: str
    tier: str
    operations: int
    content: str
    """Digest over every operation: what is pinned."""
    source_digest: str
    schemes: tuple[str, ...]
    """Ways to authenticate that the description knows."""
    credentials: tuple[str, ...]
    """Those that were given."""
    left_out: tuple[Note, ...]
    unchecked_answers: tuple[Note, ...]
    unchecked_patterns: int


def import_openapi(settings: Settings, data: bytes, said: Mapping[str, object], *, replace: bool = False) -> Report:
    """said: the options by name; `auth` as typed, `overlay` as a path. Raises InputError for what is wrong with one."""
    from steersman.toolsets.openapi.importing import Wish

    auth = said.get("auth")
    options = {
        **said,
        "auth": tuple(_auth(str(text)) for text in auth) if isinstance(auth, Sequence) else (),
        "overlay": overlay_in(said.get("overlay")),
        "by": local_id(),
    }
    try:
        wish = Wish.model_validate(options)
    except ValidationError as e:
        first = e.errors()[0]
        raise InputError(f"--{'/'.join(map(str, first['loc']))} {first['input']!r}: {first['msg']}") from e
    return _report(apis.import_api(settings, data, wish, replace=replace))


def overlay_in(path: object) -> Overlay:
    """The overlay of a file; an empty one without a file. Raises InputError naming the key that is wrong."""
    if not isinstance(path, Path):
        return Overlay()
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Overlay.model_validate({} if raw is None else raw)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as e:
        raise InputError(f"the overlay {str(path)!r} cannot be read: {' '.join(str(e).split())}") from e
    except ValidationError as e:
        first = e.errors()[0]
        raise InputError(f"{str(path)!r}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from e


def operations_of(settings: Settings, name: str) -> list[JsonObject]:
    """The operations of an imported API, as a list shows them."""
    return [
        {
            "name": f"{name}.{line.verb}",
            "effect": effect,
            "method": line.method,
            "path": line.path,
            "summary": line.summary,
        }
        for line, effect in apis.lines(settings, name)
    ]


def _auth(text: str) -> AuthRef:
    """`SCHEME=REF`, `SCHEME=client:REF#SCOPE`; a bare reference is a bearer token."""
    from steersman.toolsets.openapi.kept import AuthRef

    name, equals, ref = text.partition("=")
    if not equals:
        name, ref = "bearer", text
    use, scope = "token", ""
    if ref.startswith("client:"):
        use = "client"
        ref, _, scope = ref.removeprefix("client:").partition("#")
    try:
        return AuthRef.model_validate({"name": name, "ref": ref, "use": use, "scope": scope})
    except ValidationError as e:
        raise InputError(f"--auth {name}=...: a secret is named by reference, as env:NAME or file:PATH") from e


def _report(made: Made) -> Report:
    manifest = made.manifest
    return Report(
        name=manifest.name,
        title=manifest.title,
        server=manifest.server,
        tier=manifest.tier,
        operations=manifest.operations,
        content=manifest.content,
        source_digest=manifest.source_digest,
        schemes=tuple(sorted(manifest.schemes)),
        credentials=tuple(each.name for each in manifest.auth),
        left_out=tuple(Note(where=out.where, why=out.why) for out in made.left_out),
        unchecked_answers=tuple(Note(where=out.where, why=out.why) for out in made.weaker),
        unchecked_patterns=made.unchecked_patterns,
    )
