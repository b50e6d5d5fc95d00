"""The story of the README, from the shell: real processes, real traffic, a real bug."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

STEER = [sys.executable, "-m", "steersman.cli.main"]
LIMIT_S = 120


class Shell:
    def __init__(self, home: Path) -> None:
        self.home = home
        kept = {name: value for name, value in os.environ.items() if not name.startswith("STEER_")}
        self.environ = {**kept, "STEER_HOME": str(home), "HOME": str(home), "LANG": "C.UTF-8", "NO_COLOR": "1"}

    def __call__(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*STEER, *words],
            env=self.environ,
            cwd=self.home,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )

    def json(self, *words: str, code: int = 0) -> dict:
        done = self(*words, "-o", "json")
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def steer(tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(tmp_path)
    yield shell
    for lab in json.loads(shell("lab", "status", "-o", "json").stdout or "[]"):
        shell("lab", "down", lab["name"])


def test_a_bad_release_is_caught_undone_and_explained(steer: Shell) -> None:
    told = steer.json("demo", "--yes", "--lang", "ko", code=5)
    assert told["state"] == "rolled_back"
    assert told["lab_as_before"] is True
    assert any(verdict["result"] == "fail" for verdict in told["verdicts"])
    assert all(step["state"] == "done" for step in told["undo"])
    cause = told["investigation"]["root_causes"][0]
    assert (cause["service"], cause["version"], cause["kind"]) == ("payments", "v2", "error_bug")
    assert cause["evidence"]
    injected = [line for line in Path(told["report"]).read_text().splitlines() if "ignore your instructions" in line]
    assert injected
    assert all("신뢰할 수 없는 텍스트" in line for line in injected)
    assert steer("audit", "verify").returncode == 0
    assert steer.json("lab", "status") == []


def test_a_good_release_goes_to_all_customers(steer: Shell) -> None:
    told = steer.json("demo", "--good", "--yes", "--lang", "en")
    assert told["state"] == "done"
    assert not told["undo"]


def test_without_a_person_the_run_waits_with_its_lab_and_goes_on_after_approval(steer: Shell) -> None:
    told = steer("demo", "--lang", "en")
    assert told.returncode == 3, told.stderr
    (waiting,) = steer.json("approvals", "list")
    assert steer.json("approve", waiting["request"]["id"])["state"] == "approved"
    run_id = waiting["request"]["run_id"]
    assert steer.json("runs", "resume", run_id, code=5)["state"] == "rolled_back"
    assert steer("runs", "resume", run_id).returncode == 5


def test_exactly_the_reviewed_plan_is_run_and_drift_is_refused(steer: Shell) -> None:
    steer.json("lab", "up", "one")
    reviewed = steer("plan", "deploy payments v3 blue-green", "-o", "json")
    assert reviewed.returncode == 0, reviewed.stderr
    file = steer.home / "p.json"
    file.write_text(reviewed.stdout)
    waiting = steer.json("run", "-f", str(file), code=3)
    assert waiting["steps"]
    asked = steer("tools", "call", "lab.build", "--args", '{"service": "payments", "version": "v3"}')
    assert asked.returncode == 3
    call_id = asked.stderr.split("--call-id ")[1].split()[0]
    (mine,) = [each for each in steer.json("approvals", "list") if each["request"]["run_id"] == call_id]
    steer.json("approve", mine["request"]["id"])
    built = steer(
        "tools", "call", "lab.build", "--args", '{"service": "payments", "version": "v3"}', "--call-id", call_id
    )
    assert built.returncode == 0, built.stderr
    refused = steer("run", "-f", str(file), "--yes")
    assert refused.returncode == 4, refused.stderr
    assert "changed since the plan was made" in refused.stderr + refused.stdout


def test_bad_input_is_one_line_and_exit_2(steer: Shell) -> None:
    for words in (("run", "-f", "/nowhere.json"), ("plan",), ("runs", "show", "nope"), ("config", "validate", "/nope")):
        done = steer(*words)
        assert done.returncode == 2
        assert len(done.stderr.strip().splitlines()) == 1
