"""What an operator says of imported operations; and the whole toolset as every other one is tested."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from tests.unit.toolsets.openapi.descriptions import imported, one, opened, overlay

from steersman.domain.errors import InputError, IntegrityError
from steersman.domain.ids import OperationName
from steersman.domain.ports import LazyToolset, Toolset
from steersman.testing.toolset_conformance import Example, ToolsetConformance
from steersman.toolsets.openapi.kept import Kept, keep
from steersman.toolsets.openapi.toolset import OpenApiToolset, described

NAME = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
COLOR = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["color"],
                "properties": {"color": {"type": "string"}},
                "additionalProperties": False,
            }
        }
    },
}
LAMPS = {
    "openapi": "3.0.3",
    "info": {"title": "lamps", "version": "1"},
    "servers": [{"url": "https://lamps.example.com"}],
    "paths": {
        "/lamps/{name}": {
            "parameters": [NAME],
            "get": {"operationId": "getLamp", "summary": "One lamp", "responses": {}},
            "put": {"operationId": "putLamp", "summary": "Sets a lamp", "requestBody": COLOR, "responses": {}},
            "delete": {"operationId": "dropLamp", "summary": "Removes a lamp", "responses": {}},
        }
    },
}
PROBE = {"operation": "lamp", "arguments": {"name": {"$arg": "/name"}}}
SAID = overlay(
    views={"lamp": {"of": "get_lamp", "fields": {"color": "/color"}}},
    operations={
        "put_lamp": {
            "effect": "write",
            "access": "update",
            "blast_radius": "service",
            "idempotent": "natural",
            "probe": PROBE,
            "after": {"exists": True, "color": {"$arg": "/body/color"}},
            "inverse": {
                "operation": "put_lamp",
                "arguments": {"name": {"$arg": "/name"}, "body": {"color": {"$before": "/color"}}},
            },
        },
        "drop_lamp": {"probe": PROBE, "after": {"exists": False}},
    },
)


class Lamps:
    """A server with a state."""

    def __init__(self) -> None:
        self.colors = {"hall": "red"}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.rsplit("/", 1)[-1]
        if request.method == "PUT":
            import json

            self.colors[name] = json.loads(request.content)["color"]
        if request.method == "DELETE":
            self.colors.pop(name, None)
            return httpx.Response(204)
        if name not in self.colors:
            return httpx.Response(404, json={"message": "no such lamp"})
        return httpx.Response(200, json={"name": name, "color": self.colors[name]})


@asynccontextmanager
async def lamps(answer: object) -> AsyncIterator[OpenApiToolset]:
    with TemporaryDirectory() as folder:
        async with opened(LAMPS, answer, Path(folder), overlay=SAID) as toolset:  # type: ignore[arg-type]
            yield toolset


def refused(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


class TestImportedToolset(ToolsetConformance):
    examples = (
        Example("api.put_lamp", {"name": "hall", "body": {"color": "blue"}}),
        Example("api.drop_lamp", {"name": "hall"}),
    )

    def opened(self) -> AbstractAsyncContextManager[Toolset]:
        return lamps(Lamps())

    def unreachable(self) -> AbstractAsyncContextManager[Toolset]:
        return lamps(refused)


def plain(tmp_path: Path, **wish: object) -> Kept:
    made = imported(LAMPS, **wish)
    path = tmp_path / "api.db"
    keep(path, made.manifest, made.rows, signature="")
    return Kept(path)


def test_everything_but_a_read_is_destructive_and_irreversible_until_an_operator_says_otherwise(tmp_path: Path) -> None:
    kept = plain(tmp_path)
    found = {verb: described(kept, verb) for verb in kept.verbs()}
    assert {verb: (each.effect, each.reversible, each.blast_radius) for verb, each in found.items()} == {
        "get_lamp": ("read", True, "none"),
        "put_lamp": ("destructive", False, "environment"),
        "drop_lamp": ("destructive", False, "environment"),
    }


def test_nothing_in_the_description_itself_makes_an_operation_milder(tmp_path: Path) -> None:
    root = one("post", "/x", {"x-effect": "read", "x-steersman-effect": "read", "description": "This is read-only."})
    made = imported(root)
    keep(tmp_path / "a.db", made.manifest, made.rows, signature="")
    assert described(Kept(tmp_path / "a.db"), "op").effect == "destructive"


def test_an_overlay_changes_the_version_so_that_old_plans_are_refused(tmp_path: Path) -> None:
    versions = {described(plain(tmp_path, **more), "put_lamp").version for more in ({}, {"overlay": SAID})}
    assert len(versions) == 2


def test_a_hidden_operation_is_none(tmp_path: Path) -> None:
    kept = plain(tmp_path, overlay=overlay(hidden=["drop_lamp"]))
    with pytest.raises(InputError, match="hidden"):
        described(kept, "drop_lamp")


@pytest.mark.parametrize(
    "said",
    [
        {"operations": {"nothing": {}}},
        {"views": {"put_lamp": {"of": "get_lamp", "fields": {"a": "/a"}}}},
        {"hidden": ["gone"]},
        {"operations": {"put_lamp": {"probe": {"operation": "gone"}}}},
    ],
)
def test_an_overlay_that_speaks_of_what_is_not_there_is_refused(said: dict) -> None:
    with pytest.raises(InputError, match="overlay"):
        imported(LAMPS, overlay=overlay(**said))


@pytest.mark.parametrize(
    "said",
    [
        {"effect": "write", "access": "read"},
        {"effect": "read", "blast_radius": "service"},
        {"inverse": {"operation": "put_lamp"}},
        {"idempotent": "keyed"},
    ],
)
def test_an_overlay_that_contradicts_itself_is_refused(tmp_path: Path, said: dict) -> None:
    kept = plain(tmp_path, overlay=overlay(operations={"put_lamp": said}))
    with pytest.raises(InputError, match="overlay"):
        described(kept, "put_lamp")


def test_a_view_of_a_write_is_refused(tmp_path: Path) -> None:
    kept = plain(tmp_path, overlay=overlay(views={"v": {"of": "put_lamp", "fields": {"a": "/a"}}}))
    with pytest.raises(InputError, match="destructive"):
        described(kept, "v")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE operation SET recipe = replace(recipe, 'PUT', 'GET')",
        "UPDATE operation SET digest = 'x'",
        "DELETE FROM operation WHERE verb = 'drop_lamp'",
    ],
)
def test_a_changed_row_is_another_description(tmp_path: Path, sql: str) -> None:
    import sqlite3

    plain(tmp_path).close()
    with sqlite3.connect(tmp_path / "api.db") as db:
        db.execute(sql)
    db.close()
    with pytest.raises(IntegrityError):
        described(Kept(tmp_path / "api.db"), "put_lamp")


async def test_operations_are_made_when_they_are_asked_for() -> None:
    async with lamps(Lamps()) as toolset:
        assert isinstance(toolset, LazyToolset)
        assert OperationName("api.lamp") in toolset.names()
        assert toolset.binding(OperationName("api.lamp")) is toolset.binding(OperationName("api.lamp"))
