"""A process that is told to end: what is under way finishes, nothing new starts, another process goes on.

Run as a script, this file is that process.
"""

import asyncio
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import httpx

from steersman.app.store import CLOCK
from steersman.domain.environment import Principal
from steersman.domain.ids import PrincipalId, RunId
from steersman.engines.local import Deps, LocalEngine
from steersman.gate.gate import Gate, Needs, Settings
from steersman.gate.redaction import Redactor
from steersman.journal.keyring import Keyring
from steersman.journal.sqlite import SqliteJournal
from steersman.policy.engine import load
from steersman.testing.effects import Book, EffectShelf
from steersman.testing.plans import initial_values, make

PLAN = make("chain", seed=10, size=4)
RUN = RunId("run")
OPERATOR = Principal(id=PrincipalId("local:min"), kind="human", roles=frozenset({"operator"}))


def until(condition) -> None:
    give_up = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_sigterm_drains_and_the_run_goes_on_in_another_process(tmp_path: Path) -> None:
    path = tmp_path / "effects.db"
    server = subprocess.Popen(
        [sys.executable, "-m", "steersman.testing.effects", str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        port = int(server.stdout.readline())
        book = Book(path)
        book.put_up("w", initial_values(PLAN))
        command = [sys.executable, __file__, str(tmp_path), str(port)]
        child = subprocess.Popen(command)
        until(lambda: book.effects("w"))
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=60) == 0
        assert 0 < len(book.effects("w")) < len(PLAN.steps)
        before, after = asyncio.run(recovered(tmp_path, port))
        assert before == "running"
        assert after == "done"
        assert set(Counter(effect.key for effect in book.effects("w")).values()) == {1}
    finally:
        server.stdin.close()
        server.wait()
        server.stdout.close()


async def recovered(home: Path, port: int) -> tuple[str, str]:
    """The run's state before and after another process took it up."""
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
        SqliteJournal.open(home / "journal.db", Keyring.open(home / "keys.json"), CLOCK) as journal,
    ):
        engine = engine_on(journal, EffectShelf(client, world="w"), home)
        before = (await engine.show(RUN)).state
        (run,) = await engine.recover()
    return before, run.state


def engine_on(journal: SqliteJournal, shelf: EffectShelf, home: Path) -> LocalEngine:
    needs = Needs(
        toolsets=(shelf,),
        journal=journal,
        keyring=Keyring.open(home / "keys.json"),
        rules=load(),
        directory={OPERATOR.id: OPERATOR}.get,
        clock=CLOCK,
        redactor=Redactor(),
        settings=Settings(mode="autonomous"),
    )
    gate = Gate(needs)
    return LocalEngine(
        Deps(gate, gate, journal, lambda _: None, None, CLOCK, gate.operation), OPERATOR, home / "checkpoints.db"
    )


async def main(home: Path, port: int) -> None:
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
        SqliteJournal.open(home / "journal.db", Keyring.open(home / "keys.json"), CLOCK) as journal,
    ):
        engine = engine_on(journal, EffectShelf(client, world="w", delay_s=0.4), home)
        async with asyncio.TaskGroup() as group:
            asyncio.get_running_loop().add_signal_handler(
                signal.SIGTERM, lambda: group.create_task(engine.drain(), name="drain")
            )
            await engine.run(PLAN, RUN)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
