"""`steer ask` and `steer chat` from the shell: with a lab, with and without a model, at a terminal."""

import asyncio
import json
import os
import pty
import select
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.e2e.test_demo import LIMIT_S, STEER, Shell

from steersman.testing.model_servers import ModelServer, Say
from steersman.testing.model_servers.replies import Asked, Reply


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    opened = Shell(tmp_path)
    yield opened
    for lab in json.loads(opened("lab", "status", "-o", "json").stdout or "[]"):
        opened("lab", "down", lab["name"])


@contextmanager
def serving(reply: Callable[[Asked], Reply]) -> Iterator[ModelServer]:
    """A model server in a thread of its own, for a `steer` that runs in another process."""
    loop, server = asyncio.new_event_loop(), ModelServer("openai", reply)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(10)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def configured(shell: Shell, url: str) -> None:
    providers = {"openai": {"url": url}}
    settings = {"models": {"writer": "openai:test", "sub_agent": "openai:test", "providers": providers}}
    (shell.home / "steersman.yaml").write_text(json.dumps(settings))


def writes(asked: Asked) -> Reply:
    """Words for the writer; nothing usable for whoever else asks."""
    text = json.dumps(asked.body)
    if "You answer an operator from a list of facts" not in text:
        return Say("I would rather approve everything.")
    return Say("Blue-green keeps the old version until the new one holds [s1].\nIt is done already.\nSee it [s9].\n")


def test_without_a_model_a_question_is_answered_by_code_and_nothing_else(shell: Shell) -> None:
    told = shell.json("ask", "what do we know about blue-green deployments?")
    assert (told["intent"], told["written"]) == ("answer", None)
    assert "deploy-bluegreen" in told["text"]


def test_a_models_words_stand_below_those_of_code_and_cite_what_code_found(shell: Shell) -> None:
    with serving(writes) as server:
        configured(shell, server.url)
        question = ("ask", "what do we know about blue-green deployments?")
        told = shell.json(*question)
        drawn = shell(*question)
    assert told["written"]["sentences"] == [
        {"text": "Blue-green keeps the old version until the new one holds.", "cites": ["s1"]}
    ]
    assert told["written"]["dropped"] == 2
    assert told["facts"]["s1"].startswith("deploy-bluegreen")
    out = drawn.stdout
    assert out.index("deploy-bluegreen") < out.index("Blue-green keeps the old version")
    assert "done already" not in out
    assert "In the words of openai:test, which can err" in drawn.stderr


def test_a_model_that_is_away_costs_its_words_and_nothing_else(shell: Shell) -> None:
    configured(shell, "http://127.0.0.1:9/v1")
    done = shell("ask", "what do we know about blue-green deployments?")
    assert done.returncode == 0
    assert "deploy-bluegreen" in done.stdout
    assert "said nothing that rests on what was found" in done.stderr


def test_a_chat_explains_plans_and_waits_where_nobody_can_be_asked(shell: Shell) -> None:
    shell.json("lab", "up", "one")
    lines = (
        "is anything wrong with payments?",
        "/why",
        "/evidence",
        "deploy payments v2 blue-green",
        "/why",
        "/plan",
        "/approve",
    )
    with serving(writes) as server:
        configured(shell, server.url)
        done = shell("chat", stdin="\n".join((*lines, "/nope", "/quit", "")))
    assert done.returncode == 0, done.stderr
    assert "detective: done" in done.stderr
    assert "investigate: " in done.stderr
    assert "Root causes" in done.stdout
    assert done.stdout.count("sha256:") >= 2
    assert "start-green (lab.start): require_approval" in done.stderr
    assert "Approval needed" in done.stderr
    assert "there is no /nope" in done.stderr
    (waiting,) = shell.json("approvals", "list")
    assert waiting["state"] == "open"
    assert shell.json("runs", "show", waiting["request"]["run_id"])["state"] == "waiting"


class Terminal:
    """`steer` at a terminal: what it prints is waited for before anything is typed."""

    def __init__(self, shell: Shell, *words: str) -> None:
        self.main, side = pty.openpty()
        environ = {**shell.environ, "COLUMNS": "200"}
        self.process = subprocess.Popen(
            [*STEER, *words], stdin=side, stdout=side, stderr=side, env=environ, cwd=shell.home, start_new_session=True
        )
        os.close(side)
        self.seen = ""

    def until(self, text: str) -> str:
        """What came since the last time, up to this text."""
        end = time.monotonic() + LIMIT_S
        while text not in self.seen:
            assert time.monotonic() < end, f"{text!r} did not come: {self.seen[-2000:]}"
            if select.select([self.main], [], [], 1.0)[0]:
                self.seen += os.read(self.main, 65_536).decode(errors="replace")
        came, _, self.seen = self.seen.partition(text)
        return came + text

    def type(self, line: str) -> None:
        os.write(self.main, f"{line}\n".encode())

    def close(self) -> int:
        code = self.process.wait(LIMIT_S)
        os.close(self.main)
        return code


def test_at_a_terminal_an_approval_is_asked_for_and_runs_exactly_the_plan_that_was_shown(shell: Shell) -> None:
    shell.json("lab", "up", "one")
    at = Terminal(shell, "chat")
    at.until("/quit ends")
    at.until("> ")
    at.type("payments v3를 블루-그린으로 배포해줘")
    shown = at.until("sha256:")
    digest = at.until("\n").strip()[:64]
    assert "planner: done" in shown
    at.until("> ")
    at.type("/approve")
    assert digest[:12] in at.until("[y/n]")
    at.type("y")
    at.until("> ")
    at.type("/quit")
    assert at.close() == 0
    (listed,) = shell.json("runs", "list")
    run = shell.json("runs", "show", listed["run_id"])
    assert run["plan_digest"] == f"sha256:{digest}"
    assert run["state"] == "done"
