"""Cells of the scenarios' table: a kill in the middle of a smoke test, and somebody else's edit of a cluster."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.toolsets.servers import binary

TABLE = Path(__file__).parents[2] / "benchmarks" / "scenarios.py"


@pytest.mark.parametrize(
    ("scenario", "path"),
    [
        ("run-k6-smoke-test-after-deploy", "kill"),
        ("scale-hpa-on-queue-depth", "drift"),
        ("scale-hpa-on-queue-depth", "refusal"),
    ],
)
def test_a_cell_of_the_table(scenario: str, path: str) -> None:
    binary("prometheus")
    command = [sys.executable, str(TABLE), "--only", scenario, "--path", path, "--quick", "--json"]
    done = subprocess.run(command, cwd=TABLE.parents[1], capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert (figures["pass"], figures["trials"], figures["missed"]) == (True, 1, 0)
