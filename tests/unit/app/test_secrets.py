from pathlib import Path

import pytest

from steersman.app.scenarios import embedder
from steersman.app.secrets import resolve
from steersman.app.settings import KnowledgeSettings, Settings
from steersman.domain.errors import ConfigError


def test_a_secret_comes_from_a_variable_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.write_text("abc\n")
    monkeypatch.setenv("KB_KEY", "def")
    assert [resolve(each).get_secret_value() for each in (f"file:{file}", "env:KB_KEY")] == ["abc", "def"]
    for reference in ("abc", "env:KB_NONE", "file:/nowhere"):
        with pytest.raises(ConfigError):
            resolve(reference)
    url = "https://host/v1?model=m&dimension=8"
    made = embedder(Settings(home=tmp_path, knowledge=KnowledgeSettings(embedder=url, embedder_key="env:KB_KEY")))
    assert made is not None
    assert (made.name, made.dimension) == ("m@host", 8)
