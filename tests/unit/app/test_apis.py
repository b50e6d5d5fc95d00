"""APIs under a home: imported, listed, read, forgotten; signed, so that nobody exchanges them unnoticed."""

import json
from pathlib import Path

import pytest
from tests.unit.toolsets.openapi.descriptions import described, one

from steersman.app import apis
from steersman.app.importing import import_openapi, operations_of
from steersman.app.secrets import redactor
from steersman.app.settings import Settings
from steersman.domain.errors import ConfigError, InputError, IntegrityError
from steersman.domain.ports import LazyToolset

ROOT = described(
    {
        "/pets": {
            "get": {"operationId": "listPets", "summary": "All pets", "responses": {}},
            "post": {"operationId": "addPet", "summary": "One more", "responses": {}},
        }
    }
)


def take(settings: Settings, root: dict = ROOT, *, replace: bool = False, **said: object):
    return import_openapi(
        settings, json.dumps(root).encode(), {"name": "zoo", "source": "zoo.json", **said}, replace=replace
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def test_an_import_is_listed_shown_and_forgotten(settings: Settings) -> None:
    report = take(settings)
    assert report.operations == 2
    assert [(row["name"], row["effect"]) for row in operations_of(settings, "zoo")] == [
        ("zoo.add_pet", "destructive"),
        ("zoo.list_pets", "read"),
    ]
    assert apis.operation(settings, "zoo.add_pet").resource == "zoo/pets"
    with pytest.raises(InputError, match=r"zoo\.list_pets"):
        apis.operation(settings, "zoo.list_pet")
    apis.forget(settings, "zoo")
    assert apis.names(settings) == []
    with pytest.raises(InputError):
        apis.operation(settings, "zoo.add_pet")


def test_a_changed_definition_needs_the_operator_s_word(settings: Settings) -> None:
    before = take(settings)
    with pytest.raises(InputError, match="--replace"):
        take(settings)
    after = take(settings, one("get", "/pets", {}), replace=True)
    assert before.content != after.content


def test_a_failed_replacement_leaves_what_was_there(settings: Settings, tmp_path: Path) -> None:
    take(settings)
    overlay = tmp_path / "o.yaml"
    overlay.write_text("operations: {add_pet: {effect: write, access: read}}")
    with pytest.raises(InputError, match="overlay"):
        take(settings, replace=True, overlay=overlay)
    assert apis.names(settings) == ["zoo"]


@pytest.mark.parametrize("name", ["lab", "telemetry", "kubernetes", "Zoo", "a-b", "../x", ""])
def test_a_name_that_is_taken_or_unfit_is_refused(settings: Settings, name: str) -> None:
    with pytest.raises(InputError):
        take(settings, name=name)


def test_a_manifest_that_was_not_signed_here_is_refused(settings: Settings) -> None:
    import sqlite3

    take(settings)
    db = sqlite3.connect(apis.path_of(settings.home, "zoo"))
    db.execute("UPDATE meta SET value = replace(value, 'api.example.com', 'evil.example.com') WHERE key = 'manifest'")
    db.commit()
    db.close()
    with pytest.raises(IntegrityError, match="signed"):
        apis.operation(settings, "zoo.add_pet")


@pytest.mark.parametrize("auth", ["bearer=hunter2", "hunter2", "gone=env:X", "oauth=client:env:X"])
def test_a_secret_is_named_and_never_typed(settings: Settings, auth: str) -> None:
    with pytest.raises((InputError, ConfigError)) as caught:
        take(settings, auth=[auth])
    assert "hunter2" not in str(caught.value)


async def test_it_is_opened_with_its_credentials_which_are_never_kept(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_TOKEN", "s3cret-token")
    take(settings, auth=["env:ZOO_TOKEN"])
    assert b"s3cret" not in apis.path_of(settings.home, "zoo").read_bytes()
    async with apis.connected(settings, "zoo") as connection:
        assert "s3cret-token" not in redactor().text("it says s3cret-token")
        assert isinstance(connection.toolsets[0], LazyToolset)
        assert connection.environment.kind == "openapi"
