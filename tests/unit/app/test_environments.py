from pathlib import Path

import pytest

from steersman.app.environments import Member, composed, connected, named
from steersman.app.section import ServerSettings
from steersman.app.settings import EnvironmentSettings, load
from steersman.app.systems.opened import Opened
from steersman.domain.environment import Environment
from steersman.domain.errors import ConfigError, InputError
from steersman.testing.toolset import Store

FILE = """
environment: prod-seoul
environments:
  prod-seoul:
    tier: prod
    prometheus: {url: https://mimir/prometheus, auth: {kind: bearer, token: env:PROM_TOKEN}, tenant: shop}
"""


def written(tmp_path: Path, text: str = FILE) -> Path:
    file = tmp_path / "steersman.yaml"
    file.write_text(text)
    return file


def where(kind: str, uid: str) -> Environment:
    return Environment(kind=kind, name="prod-seoul", uid=uid, url="", tier="prod")


async def test_a_configured_environment_opens_with_its_systems_and_its_telemetry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROM_TOKEN", "t0ken")
    async with connected(load(written(tmp_path), {"STEER_HOME": str(tmp_path)})) as connection:
        assert (connection.environment.name, connection.environment.kind) == ("prod-seoul", "prometheus")
        assert {toolset.name for toolset in connection.toolsets} == {"prometheus", "telemetry"}
        assert "error_rate" in connection.signals


async def test_a_secret_that_is_not_there_is_one_clear_line_without_a_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROM_TOKEN", raising=False)
    with pytest.raises(ConfigError, match=r"'env:PROM_TOKEN' is not there: set the variable PROM_TOKEN"):
        async with connected(load(written(tmp_path), {})):
            pass


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("environments: {a: {tier: prod, promtheus: {url: http://x}}}", r"did you mean 'environments\.a\.prometheus"),
        ("environments: {a: {tier: prod, prometheus: {url: http://x, auth: {kind: bearer, token: abc}}}}", "token"),
        ("environments: {a: {tier: moon}}", r"environments\.a\.tier"),
    ],
)
def test_bad_environments_name_the_key(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load(written(tmp_path, text), {})


def test_an_unknown_environment_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'prod-seoul'"):
        named(load(written(tmp_path), {}), "prod-soul")


def test_credentials_in_a_url_are_refused() -> None:
    with pytest.raises(ConfigError, match="url"):
        ServerSettings(url="https://user:pw@host").endpoint()


async def test_another_system_behind_the_same_name_is_another_environment() -> None:
    old, new = where("kubernetes", "a"), where("kubernetes", "b")
    section = EnvironmentSettings(tier="prod")
    one = composed(
        "prod-seoul", section, [Opened(Store(where=old), old), Opened(Store(where=old), where("vault", "v"))]
    )
    two = composed(
        "prod-seoul", section, [Opened(Store(where=new), new), Opened(Store(where=old), where("vault", "v"))]
    )
    assert one.environment.kind == two.environment.kind == "kubernetes"
    assert one.environment.uid != two.environment.uid


async def test_a_member_says_its_own_identity_when_it_is_not_what_was_opened() -> None:
    planned, moved = where("kubernetes", "a"), where("kubernetes", "b")
    whole = where("kubernetes", "whole")
    assert await Member(Store(where=planned), planned, whole).environment() == whole
    assert await Member(Store(where=moved), planned, whole).environment() == moved
