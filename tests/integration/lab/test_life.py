"""Labs come, and go without a trace."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from steersman.domain.errors import InputError, UnavailableError
from steersman.lab.control import LabClient, Started, connect, down, status, up


def family(pid: int) -> list[psutil.Process]:
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def gone(processes: list[psutil.Process], *, within_s: float = 5.0) -> bool:
    """A zombie is gone: only its parent has not looked yet."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes):
            return True
        time.sleep(0.02)
    return False


def reap(started: Started) -> None:
    assert started.process is not None
    started.process.communicate(timeout=10)


def test_up_twice_is_the_same_lab_and_down_twice_is_no_error(tmp_path: Path) -> None:
    first = up(tmp_path, "twice", rate=5)
    assert up(tmp_path, "twice").info == first.info
    processes = family(first.info.pid)
    assert len(processes) == 9
    assert down(tmp_path, "twice") is True
    assert gone(processes)
    assert down(tmp_path, "twice") is False
    assert status(tmp_path, "twice")[0].state == "down"
    again = up(tmp_path, "twice", rate=5)
    assert again.info.uid != first.info.uid
    assert down(tmp_path, "twice") is True
    reap(first)
    reap(again)


def test_two_labs_run_at_once_and_know_nothing_of_each_other(tmp_path: Path) -> None:
    one, two = up(tmp_path, "one", rate=5), up(tmp_path, "two", rate=5)
    try:
        with LabClient(one.info) as first, LabClient(two.info) as second:
            first.load(9)
            assert second.ask("get_load")["rate"] == 5.0
            assert first.ask("environment")["uid"] != second.ask("environment")["uid"]
            for client in (first, second):
                assert client.ask("reconcile", {"service": "payments"})["reconciled"] is True
        assert [(each.name, each.state) for each in status(tmp_path)] == [("one", "up"), ("two", "up")]
    finally:
        down(tmp_path, "one")
        down(tmp_path, "two")
    reap(one)
    reap(two)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_process_outlives_its_controller(tmp_path: Path, number: signal.Signals) -> None:
    started = up(tmp_path, "orphans", rate=5)
    processes = family(started.info.pid)
    os.kill(started.info.pid, number)
    reap(started)
    assert gone(processes)
    assert status(tmp_path, "orphans")[0].state == "down"
    with pytest.raises(UnavailableError, match="not up"):
        connect(tmp_path, "orphans")


@pytest.mark.parametrize("keep", [False, True])
def test_a_lab_ends_with_the_process_that_started_it_unless_it_is_kept(tmp_path: Path, keep: bool) -> None:
    code = (
        "import sys, pathlib; from steersman.lab.control import up, LabClient\n"
        f"started = up(pathlib.Path(sys.argv[1]), 'child', rate=5, keep=False)\n"
        f"if {keep}: LabClient(started.info).keep()\n"
        "print(started.info.pid, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    processes = family(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate(timeout=10)
    assert gone(processes, within_s=3) is not keep
    assert down(tmp_path, "child") is keep
    assert gone(processes)


def test_its_tokens_are_for_the_owner_only_and_are_not_shown(tmp_path: Path) -> None:
    started = up(tmp_path, "secret", rate=5)
    folder = tmp_path / "labs" / "secret"
    assert stat.S_IMODE((folder / "lab.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert started.info.token not in repr(started.info)
    assert down(tmp_path, "secret")
    reap(started)
    said = "".join(path.read_text(errors="replace") for path in folder.rglob("*.log"))
    assert started.info.token not in said
    assert started.info.collector_token not in said


def test_a_lab_that_cannot_come_up_says_why(tmp_path: Path) -> None:
    (tmp_path / "labs" / "broken").mkdir(parents=True)
    (tmp_path / "labs" / "broken" / "data").write_text("in the way")
    with pytest.raises(UnavailableError, match=r"did not come up.*broken/data"):
        up(tmp_path, "broken")


@pytest.mark.parametrize("name", ["", "../x", "a/b", "x" * 49])
def test_a_name_that_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="no name for a lab"):
        up(tmp_path, name)
