"""A flow of sub-graphs goes on after its process was killed, wherever that was."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "flow.py"


def run(folder: Path, victim: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(folder), victim], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("victim", ["build", "lint", "deploy", "observe"])
def test_it_is_resumed_and_ends(tmp_path: Path, victim: str) -> None:
    assert run(tmp_path, victim).returncode == -signal.SIGKILL
    before = (tmp_path / "log").read_text().split()
    second = run(tmp_path, "nobody")
    assert second.returncode == 0, second.stderr
    report = json.loads(second.stdout)
    assert report["state"] == "done"
    assert {part["state"] for part in report["parts"].values()} == {"done"}
    after = (tmp_path / "log").read_text().split()[len(before) :]
    assert victim in after
    assert len(after) <= 5
