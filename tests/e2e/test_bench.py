"""Load tests from the shell: real k6, a real shop, a real regression caught before a customer meets it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

STEER = [sys.executable, "-m", "steersman.cli.main"]
LIMIT_S = 240


class Shell:
    def __init__(self, home: Path) -> None:
        self.home = home
        kept = {name: value for name, value in os.environ.items() if not name.startswith("STEER_")}
        self.environ = {**kept, "STEER_HOME": str(home), "HOME": str(home), "LANG": "C.UTF-8", "NO_COLOR": "1"}

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*STEER, *words],
            env=self.environ,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )

    def json(self, *words: str, code: int = 0) -> dict:
        done = self(*words, "-o", "json")
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    def begin(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*STEER, *words], env=self.environ, cwd=self.home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )


@pytest.fixture
def steer(tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(tmp_path)
    assert shell("lab", "up", "--rate", "15").returncode == 0
    yield shell
    for lab in json.loads(shell("lab", "status", "-o", "json").stdout or "[]"):
        shell("lab", "down", lab["name"])


class Quick(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """A target that answers at once, however busy the machine is: what is tested here is not the shop."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Quick) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/quick"
        server.shutdown()


def under_way(steer: Shell) -> bool:
    """Whether a run in this home has sent something."""
    told = [path.read_text() for path in (steer.home / "loads").glob("*/*/progress.jsonl")]
    return any(json.loads(line)["requests"] > 0 for text in told for line in text.splitlines())


def wait_for_load(steer: Shell) -> None:
    until = time.monotonic() + 90
    while not under_way(steer):
        assert time.monotonic() < until
        time.sleep(0.2)


def test_a_slow_release_is_caught_by_the_k6_gate_and_undone_with_both_in_the_report(steer: Shell) -> None:
    before = steer.json("tools", "call", "lab.get_service", "--args", '{"service": "payments"}')["output"]
    words = ("-s", "deploy-bluegreen-lab-k6", "-p", "service=payments", "-p", "version=v3")
    told = steer.json("run", *words, "--yes", code=5)
    assert told["state"] == "rolled_back"
    assert all(step["state"] == "done" for step in told["undo"])
    # A machine that is busy with other work is slow everywhere, and then nothing stands out.
    assert [each["service"] for each in told["findings"]][:1] in ([], ["payments"])
    report = steer("runs", "export", told["run_id"]).stdout
    rows = {line.split("|")[1].strip(): line for line in report.splitlines() if line.startswith("| k6-")}
    assert set(rows) == {"k6-before", "k6-after"}
    assert "| PASS |" in rows["k6-before"]
    assert "| FAIL |" in rows["k6-after"]
    assert steer.json("tools", "call", "lab.get_service", "--args", '{"service": "payments"}')["output"] == before
    assert steer("audit", "verify").returncode == 0


def test_a_load_test_is_judged_kept_compared_and_exported(steer: Shell, url: str) -> None:
    words = ("--preset", "smoke", "--url", url, "--rate", "10", "--duration", "6s", "--yes")
    junit = steer.home / "junit.xml"
    told = steer.json("bench", "run", *words, "--goal", "failures<=0", "--name", "one", "--export", f"junit={junit}")
    assert told["verdict"]["result"] == "pass", told["verdict"]
    assert told["requests"] == pytest.approx(60, abs=3)
    assert 'failures="0"' in junit.read_text()
    steer.json("bench", "run", *words, "--goal", "failures<=0", "--name", "two", "--baseline", "one", code=7)
    assert [run["name"] for run in steer.json("bench", "history")["runs"]] == ["one", "two"]
    few = steer.json("bench", "compare", "one", "two", code=7)
    assert few["verdict"]["result"] == "inconclusive"
    assert steer.json("bench", "show", "one")["p50_ms"] > 0
    missed = steer("bench", "run", *words, "--goal", "p50<1ms", "--name", "three")
    busy = "not to be trusted" in missed.stdout  # a machine that is busy with other work
    assert missed.returncode == (7 if busy else 1)
    again = steer("bench", "run", *words, "--name", "one")
    assert again.returncode == 2
    assert "kept already" in again.stderr
    assert "steer bench forget k6/one" in again.stderr
    assert steer.json("bench", "forget", "k6/one", "--yes") == {"exists": False}
    assert steer("bench", "run", *words, "--goal", "failures<=0", "--name", "one").returncode == 0


def test_without_a_person_it_waits_and_off_the_list_it_is_refused(steer: Shell, url: str) -> None:
    words = ("bench", "run", "--preset", "smoke", "--url", url, "--rate", "5", "--duration", "3s", "--name", "w")
    waiting = steer(*words, "--goal", "failures<=0")
    assert waiting.returncode == 3, waiting.stderr
    (asked,) = steer.json("approvals", "list")
    call_id = asked["request"]["run_id"]
    assert not list((steer.home / "loads").glob("k6/w/progress.jsonl"))
    steer("approve", asked["request"]["id"])
    done = steer(*words, "--goal", "failures<=0", "--call-id", call_id)
    assert done.returncode == 0, done.stderr
    refused = steer("bench", "run", "--preset", "smoke", "--url", "http://example.test/", "--yes")
    assert refused.returncode == 2
    assert len(refused.stderr.strip().splitlines()) == 1
    lacking = steer("bench", "ask", "부하 테스트 해줘", "--yes")
    assert lacking.returncode == 2
    assert "초당 200건" in lacking.stderr


def test_ctrl_c_and_stop_all_end_a_load_within_two_seconds(steer: Shell, url: str) -> None:
    words = ("bench", "run", "--preset", "soak", "--url", url, "--rate", "5", "--duration", "120s", "--yes")
    for stop, code in ((signal.SIGINT, 130), ("stop-all", 4)):
        process = steer.begin(*words, "--name", str(code))
        wait_for_load(steer)
        if isinstance(stop, str):
            assert steer(stop).returncode == 0
        else:
            process.send_signal(stop)
        began = time.monotonic()
        process.communicate(timeout=30)
        assert time.monotonic() - began < 3, "two seconds, and the end of the process itself"
        assert process.returncode == code
        assert steer.json("bench", "history")["runs"] == []
        for told in (steer.home / "loads").glob("*/*/progress.jsonl"):
            told.unlink()
