from pathlib import Path

import pytest

from steersman.app.settings import known_keys, load
from steersman.domain.errors import ConfigError


def test_a_variable_overrides_the_file(tmp_path: Path) -> None:
    file = tmp_path / "steersman.yaml"
    file.write_text("mode: suggest\napprovals: {ttl_s: 60}\n")
    settings = load(file, {"STEER_APPROVALS__TTL_S": "90", "STEER_HOME": str(tmp_path)})
    assert (settings.mode, settings.approvals.ttl_s, settings.home) == ("suggest", 90, tmp_path)


def test_an_unknown_key_names_the_nearest_known_one(tmp_path: Path) -> None:
    file = tmp_path / "steersman.yaml"
    file.write_text("approvals: {ttl: 60}\n")
    with pytest.raises(ConfigError, match=r"'approvals.ttl'; did you mean 'approvals.ttl_s'"):
        load(file, {})


@pytest.mark.parametrize("text", ["- a\n", "mode: [", "mode: root\n", "approvals: {ttl_s: 0}\n", "\xff"])
def test_a_bad_file_is_one_clear_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "steersman.yaml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    assert "\n" not in str(caught.value)
    assert str(file) in str(caught.value)


def test_policy_files_are_relative_to_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "steersman.yaml"
    file.write_text("policy: {files: [rules.yaml]}\n")
    assert load(file, {}).policy.files == (tmp_path / "rules.yaml",)


def test_every_key_is_known_by_its_dotted_name() -> None:
    assert {"home", "mode", "approvals.ttl_s", "policy.files"} <= set(known_keys())
