"""Answers that are shown in part: all of it lies in a file, without secrets, and old files go."""

import asyncio
import json
import os
import stat
from datetime import timedelta
from pathlib import Path

import httpx
from tests.unit.toolsets.every_client import CLIENTS
from tests.unit.toolsets.replaying import remote_of

from steersman.app.whole_answers import FILE_BYTES, KEPT_FOR, LARGE_BYTES, Keeper, Keeping
from steersman.domain.fact import JsonObject
from steersman.domain.ports import CallContext
from steersman.gate.redaction import Redactor
from steersman.remote.hearing import Heard
from steersman.testing.clock import FakeClock

TOKEN = "ghp_" + "a1B2" * 10


def keeper(folder: Path, clock: FakeClock | None = None) -> Keeper:
    redactor = Redactor()
    redactor.learn(["hunter2-hunter2"])
    return Keeper(folder / "answers", redactor, clock or FakeClock())


async def labels(folder: Path, names: list[str], limit: int) -> JsonObject:
    document = {"status": "success", "data": names}
    remote = remote_of(lambda _: httpx.Response(200, json=document), "prometheus")
    toolset = Keeping(CLIENTS["prometheus"](remote), keeper(folder))
    binding = next(b for b in toolset.bindings() if b.operation.name == "prometheus.labels")
    return await binding.run({"limit": limit}, CallContext(key="k", deadline=FakeClock().now()))


def test_what_is_left_out_is_counted_and_lies_in_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    names = [f"label_{n}" for n in range(50)] + [TOKEN, "hunter2-hunter2"]
    output = asyncio.run(labels(tmp_path, names, limit=10))
    assert (len(output["names"]), output["left_out"]) == (10, 42)
    path = Path(str(output["whole_answer"]))
    assert path.parent == tmp_path / "answers"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    head, body = path.read_text().splitlines()
    assert json.loads(head)["operation"] == "prometheus.labels"
    assert json.loads(head)["missing_bytes"] == 0
    kept = json.loads(body)["data"]
    assert kept[:50] == names[:50]
    assert TOKEN not in body
    assert "hunter2" not in body


async def test_what_is_shown_whole_leaves_no_file_unless_it_is_large(tmp_path: Path) -> None:
    assert (await labels(tmp_path, ["a", "b"], limit=10))["whole_answer"] == ""
    assert not (tmp_path / "answers").exists()
    long = [f"{n:06d}" * 50 for n in range(LARGE_BYTES // 300)]
    assert (await labels(tmp_path, long, limit=10_000))["whole_answer"]


def test_a_file_is_bounded_and_says_what_is_missing(tmp_path: Path) -> None:
    heard = Heard()
    heard.add(json.dumps(["x" * 100] * (FILE_BYTES // 80)).encode())
    path = Path(keeper(tmp_path).keep("loki.logs", {}, heard))
    assert path.stat().st_size < FILE_BYTES + 1_000
    assert json.loads(path.read_text().splitlines()[0])["missing_bytes"] > 1_000_000


def test_files_go_when_they_are_old(tmp_path: Path) -> None:
    clock = FakeClock()
    kept = keeper(tmp_path, clock)
    first = Path(kept.keep("loki.logs", {}, Heard([b"{}"])))
    then = (clock.now() - KEPT_FOR - timedelta(seconds=1)).timestamp()
    os.utime(first, (then, then))
    second = Path(kept.keep("loki.logs", {}, Heard([b"{}"])))
    assert not first.exists()
    assert second.exists()


def test_a_folder_that_cannot_be_written_costs_the_file_and_not_the_answer(tmp_path: Path) -> None:
    (tmp_path / "answers").write_text("in the way")
    assert keeper(tmp_path).keep("loki.logs", {}, Heard([b"not json\n"])) == ""


def test_what_is_heard_of_one_call_is_bounded() -> None:
    heard = Heard()
    for _ in range(10):
        heard.add(b"x" * (10 * 2**20))
    assert sum(map(len, heard.bodies)) == 60 * 2**20
    assert heard.missed_bytes == 40 * 2**20
