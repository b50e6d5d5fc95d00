"""The knowledge base from the shell: no lab, no network, no model."""

import json
import os
import subprocess
import sys
from pathlib import Path

DESIGN = (Path(__file__).parents[1] / "unit" / "knowledge" / "design_example.json").read_text("utf-8")


def steer(home: Path, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STEER_")}
    return subprocess.run(
        [sys.executable, "-m", "steersman.cli.main", *words],
        env={**kept, "STEER_HOME": str(home), "HOME": str(home), "LANG": "C.UTF-8", "NO_COLOR": "1"},
        cwd=home,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_scenario_of_the_design_goes_from_its_json_to_a_typed_plan(tmp_path: Path) -> None:
    assert steer(tmp_path, "scenarios", "add", "-", stdin=DESIGN).returncode == 0
    planned = steer(tmp_path, "plan", "--scenario", "deploy-bluegreen-eks", "-o", "json")
    assert planned.returncode == 0, planned.stderr
    assert "cannot be run" in planned.stderr
    plan = json.loads(planned.stdout)
    assert [s["arguments"]["weight"] for s in plan["steps"] if s["operation"].endswith("set_weight")] == [10, 50, 100]
    bounds = {c["signal"]: (c["test"]["op"], c["test"]["value"], c["reaction"]) for c in plan["conditions"]}
    assert bounds["error_rate"] == (">", 0.05, "rollback")
    assert bounds["cpu"] == (">", 0.7, "rollback")
    assert "latency_p99_bound_s" in [each["name"] for each in plan["assumptions"]]


def test_a_search_crosses_languages_and_says_why(tmp_path: Path) -> None:
    found = steer(tmp_path, "scenarios", "search", "볼트 시크릿 교체", "-o", "json")
    first = json.loads(found.stdout)[0]
    assert first["id"] == "rotate-secrets-vault"
    assert first["score"] > 0
    assert first["why"]


def test_a_broken_file_is_one_line_and_exit_2(tmp_path: Path) -> None:
    done = steer(tmp_path, "scenarios", "validate", "-", stdin='{"id": "a", "goal": "\\u001b[31mred"}')
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
