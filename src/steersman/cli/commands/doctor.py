"""`steer doctor`: what is well and what is not, with what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from steersman.cli.here import EnvironmentName
from steersman.cli.output import Format, Output, emit, single

if TYPE_CHECKING:
    from pydantic import JsonValue
    from rich.table import Table

    from steersman.app.settings import Settings

FREE_BYTES = 200_000_000


class Finding(NamedTuple):
    """One question and its answer."""

    what: str
    well: bool
    says: str


def doctor(
    privileges: Annotated[
        bool, typer.Option("--privileges", help="Ask the environment's cluster what we may do there.")
    ] = False,
    rbac: Annotated[
        bool, typer.Option("--rbac", help="Print the RBAC manifest that grants exactly what is needed to read.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="With --rbac: what is needed to change things, too.")] = False,
    namespace: Annotated[
        list[str] | None, typer.Option("--namespace", "-n", help="Where; may be said several times with --rbac.")
    ] = None,
    env: EnvironmentName = "",
    output: Output = Format.table,
) -> None:
    """Look at installation, state, journal, rules, each configured system; exits 1 when something is not well."""
    from steersman.app.settings import load
    from steersman.domain.errors import SteersmanError

    if rbac:
        from steersman.app.privileges import manifest

        print(manifest(namespaces=namespace or ["default"], grants="write" if write else "read"), end="")
        return
    if privileges:
        _privileges(env, (namespace or [""])[0], output)
        return
    found: list[Finding] = []
    try:
        settings = load()
        found.append(Finding("configuration", well=True, says=f"valid; mode {settings.mode}"))
        found += [_answer(what, look, settings) for what, look in LOOKS.items()]
        found += _systems(settings)
    except SteersmanError as e:
        found.append(Finding("configuration", well=False, says=str(e)))
    rows: list[JsonValue] = [each._asdict() for each in found]
    emit(rows, output, lambda: _table(found))
    raise typer.Exit(0 if all(each.well for each in found) else 1)


def _privileges(env: str, namespace: str, output: Format) -> None:
    """What we may do, line by line; exits 1 when reading misses anything."""
    from steersman.app.privileges import held
    from steersman.app.settings import load
    from steersman.cli.frame import go

    found = go(held(load(), env, namespace))
    rows: list[JsonValue] = [
        {
            "privilege": str(each.privilege),
            "has": each.has,
            "needed_to": "write" if each.writes else "read",
            "operations": list(each.operations),
        }
        for each in found
    ]
    lines = [
        Finding(str(each.privilege), each.has, f"{'write' if each.writes else 'read'}: {', '.join(each.operations)}")
        for each in found
    ]
    emit(rows, output, lambda: _table(lines))
    raise typer.Exit(1 if any(not each.has and not each.writes for each in found) else 0)


def _answer(what: str, look: Callable[[Settings], str], settings: Settings) -> Finding:
    from steersman.domain.errors import SteersmanError

    try:
        return Finding(what, well=True, says=look(settings))
    except (SteersmanError, OSError, ImportError) as e:
        return Finding(what, well=False, says=str(e))


def _systems(settings: Settings) -> list[Finding]:
    """Every system of every configured environment."""
    from steersman.app.examination import examine
    from steersman.cli.frame import go
    from steersman.cli.render.text import untrusted

    return [
        Finding(f"{each.environment}: {each.system}", well=each.well, says=untrusted(each.says))
        for each in go(examine(settings))
    ]


def _python(_: Settings) -> str:
    import sqlite3
    import sys

    return f"Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}"


def _home(settings: Settings) -> str:
    import shutil
    import stat

    from steersman.domain.errors import ConfigError

    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if stat.S_IMODE(settings.home.stat().st_mode) & 0o022:
        raise ConfigError(f"{str(settings.home)!r} can be written by others: chmod 700 it")
    free = shutil.disk_usage(settings.home).free
    if free < FREE_BYTES:
        raise ConfigError(f"{free // 1_000_000} MB are free under {str(settings.home)!r}; the journal needs room")
    return f"{settings.home}, {free // 1_000_000_000} GB free"


def _journal(settings: Settings) -> str:
    from steersman.app.store import problems
    from steersman.domain.errors import IntegrityError

    if not settings.journal.url and not (settings.home / "journal.db").exists():
        return "none yet; the first run makes one"
    found = problems(settings)
    if found:
        raise IntegrityError(f"{len(found)} problem(s): {found[0].reason}; `steer audit verify` lists them")
    return "verified"


def _switch(settings: Settings) -> str:
    from steersman.app.store import open_journal
    from steersman.cli.frame import go
    from steersman.domain.errors import StoppedError

    async def level() -> str:
        async with open_journal(settings) as journal:
            return await journal.level()

    found = go(level())
    if found != "off":
        raise StoppedError(f"the kill switch is at {found!r}; `steer start-all` lets work go on")
    return "off: work goes on"


def _policy(settings: Settings) -> str:
    from steersman.app.rules import policy
    from steersman.domain.errors import ConfigError
    from steersman.policy.cases import run_tests

    rules = policy(settings)
    failed = [each.case.name for each in run_tests(rules) if not each.passed]
    if failed:
        raise ConfigError(f"{len(failed)} of its tests fail, the first {failed[0]!r}; `steer policy test` shows them")
    return f"{len(rules.rules)} rules, {len(rules.tests)} tests pass"


def _lab_extra(_: Settings) -> str:
    from importlib.util import find_spec

    missing = [name for name in ("opentelemetry.sdk",) if find_spec(name) is None]
    if missing:
        raise ImportError("not installed: pip install 'steersman[lab]' if you want the practice environment")
    return "installed"


def _models(settings: Settings) -> str:
    from importlib.util import find_spec

    from steersman.app.minds import ROLES, model_name, price, specs
    from steersman.domain.errors import ConfigError
    from steersman.models.providers import MAKERS, must_have_key
    from steersman.models.spec import ASSUMED

    named: dict[str, list[str]] = {}
    for role in ROLES:
        if name := model_name(settings, role):
            named.setdefault(name, []).append(role.replace("_", "-"))
    if not named:
        return "none: plans, diagnosis and recall work without; `model: google_genai:NAME` sets one"
    for spec in (spec for role in ROLES for spec in specs(settings, role)):
        must_have_key(spec)
        if find_spec(MAKERS[spec.provider].package) is None:
            extra = MAKERS[spec.provider].extra
            raise ConfigError(f"model {spec.name!r} needs a package: pip install 'steersman[{extra}]'")
    unpriced = [name for name in named if price(settings, name) == ASSUMED]
    said = "; ".join(f"{name} ({', '.join(roles)})" for name, roles in named.items())
    caps = settings.models.caps
    more = f"; {', '.join(unpriced)} has no price in models.prices and counts as dear" if unpriced else ""
    return f"{said}; at most {caps.tokens} tokens and {caps.money_usd:g} USD a run{more}"


LOOKS: dict[str, Callable[[Settings], str]] = {
    "python": _python,
    "home": _home,
    "journal": _journal,
    "kill switch": _switch,
    "policy": _policy,
    "lab": _lab_extra,
    "model": _models,
}


def _table(found: list[Finding]) -> Table:
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, show_header=False)
    for each in found:
        drawn.add_row(Text("✓", "green") if each.well else Text("✗", "red"), each.what, Text(each.says))
    return drawn


apps = {"doctor": single(doctor)}
