"""Operations of other people's APIs: import a description, list, forget."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.output import Format, Output, emit, talk

if TYPE_CHECKING:
    from pydantic import JsonValue
    from rich.table import Table

    from steersman.app.settings import Settings
    from steersman.domain.overlay import Overlay
    from steersman.toolsets.openapi.importing import Made
    from steersman.toolsets.openapi.kept import AuthRef, Line

REASONS = 12
"""Operations that were left out and are named; the rest are counted."""


def import_openapi(
    spec: Annotated[Path, typer.Argument(help="OpenAPI 3.1, 3.0, Swagger 2.0 or a list of functions; - for stdin.")],
    *,
    name: Annotated[str, typer.Option("--name", help="What its operations are called by: NAME.operation.")],
    server: Annotated[str, typer.Option("--server", help="Base URL; else the first that it names.")] = "",
    overlay: Annotated[Path | None, typer.Option("--overlay", help="What you say of its operations, as YAML.")] = None,
    auth: Annotated[
        list[str] | None, typer.Option("--auth", help="SCHEME=env:NAME, SCHEME=client:env:NAME, or env:NAME alone.")
    ] = None,
    allow: Annotated[list[str] | None, typer.Option("--allow", help="A server beside it that may be called.")] = None,
    network: Annotated[
        list[str] | None, typer.Option("--network", help="Private addresses that may be reached, as 10.0.0.0/8.")
    ] = None,
    tier: Annotated[str, typer.Option("--tier", help="prod, staging or lab.")] = "prod",
    replace: Annotated[bool, typer.Option("--replace", help="In place of one that has the name already.")] = False,
    output: Output = Format.table,
) -> None:
    """Take over the operations of an API: all but reads count as destructive and irreversible until an overlay says."""
    from steersman.app import apis
    from steersman.app.settings import load
    from steersman.app.store import local_id

    data = sys.stdin.buffer.read() if str(spec) == "-" else _bytes(spec)
    wish = _wish(
        {
            "name": name,
            "source": spec.name,
            "server": server,
            "allowed": tuple(allow or ()),
            "networks": tuple(network or ()),
            "tier": tier,
            "auth": tuple(map(_auth, auth or ())),
            "overlay": _overlay(overlay),
            "by": local_id(),
        }
    )
    made = apis.import_api(load(), data, wish, replace=replace)
    _told(made)
    emit(_payload(made), output, lambda: _summary(made))


def forget(name: str) -> None:
    """Forget an imported API, with its credentials' references and its overlay."""
    from steersman.app import apis
    from steersman.app.settings import load

    manifest = apis.forget(load(), name)
    talk(f"forgot {name}: {manifest.operations} operations of {manifest.server}")


def listed(settings: Settings, name: str, output: Format) -> None:
    """The operations of one API."""
    from steersman.app import apis

    rows = apis.lines(settings, name)
    payload: list[JsonValue] = [
        {
            "name": f"{name}.{line.verb}",
            "effect": effect,
            "method": line.method,
            "path": line.path,
            "summary": line.summary,
        }
        for line, effect in rows
    ]
    emit(payload, output, lambda: _table(name, rows))


def _wish(said: dict[str, object]):  # type: ignore[no-untyped-def]  # noqa: ANN202  # its type would import httpx
    from pydantic import ValidationError

    from steersman.domain.errors import InputError
    from steersman.toolsets.openapi.importing import Wish

    try:
        return Wish.model_validate(said)
    except ValidationError as e:
        first = e.errors()[0]
        raise InputError(f"--{'/'.join(map(str, first['loc']))} {first['input']!r}: {first['msg']}") from e


def _auth(text: str) -> AuthRef:
    """`SCHEME=REF`; a bare reference is a bearer token."""
    from pydantic import ValidationError

    from steersman.domain.errors import InputError
    from steersman.toolsets.openapi.kept import AuthRef

    name, equals, ref = text.partition("=")
    if not equals:
        name, ref = "bearer", text
    use, scope = "token", ""
    if ref.startswith("client:"):
        use, ref = "client", ref.removeprefix("client:")
        ref, _, scope = ref.partition("#")
    try:
        return AuthRef.model_validate({"name": name, "ref": ref, "use": use, "scope": scope})
    except ValidationError as e:
        raise InputError(f"--auth {name}=...: the secret is named by reference, as env:NAME or file:PATH") from e


def _overlay(path: Path | None) -> Overlay:
    import yaml
    from pydantic import ValidationError

    from steersman.domain.errors import InputError
    from steersman.domain.overlay import Overlay

    if path is None:
        return Overlay()
    try:
        return Overlay.model_validate(yaml.safe_load(_bytes(path)) or {})
    except yaml.YAMLError as e:
        raise InputError(f"{str(path)!r} is not YAML: {' '.join(str(e).split())}") from e
    except ValidationError as e:
        first = e.errors()[0]
        raise InputError(f"{str(path)!r}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from e


def _bytes(path: Path) -> bytes:
    from steersman.domain.errors import InputError

    try:
        return path.read_bytes()
    except OSError as e:
        raise InputError(f"cannot read {str(path)!r}: {e.strerror}") from e


def _told(made: Made) -> None:
    for out in made.left_out[:REASONS]:
        talk(f"steer: left out {out.where}: {out.why}")
    if len(made.left_out) > REASONS:
        talk(f"steer: left out {len(made.left_out) - REASONS} more; -o json names them")
    if made.weaker:
        talk(f"steer: answers of {len(made.weaker)} operations are not checked: {made.weaker[0].why}")
    if made.unchecked_patterns:
        talk(f"steer: {made.unchecked_patterns} patterns are left to the server: they could take exponential time")


def _payload(made: Made) -> dict[str, JsonValue]:
    manifest = made.manifest
    return {
        "name": manifest.name,
        "title": manifest.title,
        "server": manifest.server,
        "tier": manifest.tier,
        "operations": manifest.operations,
        "content": manifest.content,
        "source_digest": manifest.source_digest,
        "schemes": [*sorted(manifest.schemes)],
        "left_out": [{"where": out.where, "why": out.why} for out in made.left_out],
        "unchecked_answers": [{"where": out.where, "why": out.why} for out in made.weaker],
        "unchecked_patterns": made.unchecked_patterns,
    }


def _summary(made: Made) -> str:
    from rich.markup import escape

    manifest = made.manifest
    return "\n".join(
        (
            f"[bold]{manifest.name}[/]  {escape(manifest.title)}",
            f"{manifest.operations} operations at {escape(manifest.server)} ({manifest.tier})",
            f"pinned as {manifest.content}",
            f"credentials given: {escape(', '.join(each.name for each in manifest.auth) or 'none')}",
            f"credentials that it knows: {escape(', '.join(sorted(manifest.schemes)) or 'none')}",
        )
    )


def _table(name: str, rows: list[tuple[Line, str]]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    drawn = Table("operation", "effect", "request", "does", box=None, pad_edge=False)
    for line, effect in rows:
        drawn.add_row(f"{name}.{line.verb}", effect, escape(f"{line.method} {line.path}"), escape(line.summary))
    return drawn
