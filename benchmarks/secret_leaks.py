"""Made-up secrets in 40 formats, and values without any format, into every input: how often are they seen again?

    python benchmarks/secret_leaks.py [--seeds 25] [--quick] [--json]

Real gate, journal, checkpoints, planner, engine, card and report; only the system that is acted on is a double, which
answers and fails with what it is told to. Looked for in output, messages, and the raw bytes of every file, spelled
plainly, in JSON, percent-encoded, in base64, and in part. The same from the shell, with real servers and children of
the process, is `tests/e2e/test_canary_secrets.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import os
import random
import string
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from steersman.app.secrets import resolve
from steersman.app.settings import Settings, load
from steersman.app.wiring import App, Connection, new_run_id, open_app
from steersman.domain.call import Call
from steersman.domain.errors import SteersmanError, ToolError
from steersman.domain.fact import JsonObject
from steersman.domain.goal import Goal
from steersman.domain.ids import OperationName, StepId
from steersman.domain.scenario import Match, Scenario
from steersman.domain.signal import Change, LogPage, LogRecord, Selector, Series, SignalName, SpanPage, Window
from steersman.domain.source_operations import SourceToolset
from steersman.testing.benchmark import header, report
from steersman.testing.canaries import canaries, found_in, found_under
from steersman.testing.toolset import Store, Twist

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SCENARIO = Scenario.model_validate(
    {
        "id": "put-a-thing",
        "goal": "put a thing into the store",
        "parameters": [{"name": "name", "default": "a", "required": False}],
        "method": {
            "root": "put",
            "methods": [
                {
                    "name": "create",
                    "task": "put",
                    "subtasks": [
                        {
                            "operation": "store.create",
                            "phase": "deploy",
                            "arguments": {"name": "{name}", "items": ["x"]},
                        }
                    ],
                }
            ],
        },
    }
)


@dataclass
class Logs:
    """Telemetry in which somebody logged what they should not have."""

    lines: Sequence[str] = ()

    async def range(self, signal: SignalName, selector: Selector, window: Window) -> Series:
        """Nothing is measured."""
        del window
        return Series(signal=signal, selector=selector, times=(), values=())

    async def logs(self, selector: Selector, window: Window, *, limit: int = 1_000) -> LogPage:
        """All lines, whatever is asked."""
        del selector, window
        lines = self.lines[:limit]
        return LogPage(records=tuple(LogRecord(at=NOW, service="shop", message=line) for line in lines))

    async def spans(self, selector: Selector, window: Window, *, limit: int = 1_000) -> SpanPage:
        """Nothing is traced."""
        del selector, window, limit
        return SpanPage(spans=())

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """The lines as what somebody did."""
        del window
        return tuple(Change(at=NOW, service="shop", kind="deploy", what=line) for line in self.lines)


@dataclass
class Trial:
    """One home with everything in it, and what was seen of it from outside."""

    home: Path
    planted: Mapping[str, str]
    store: Store = field(default_factory=Store)
    logs: Logs = field(default_factory=Logs)
    said: io.StringIO = field(default_factory=io.StringIO)

    @property
    def text(self) -> str:
        """All of them in one line."""
        return " ".join(self.planted.values())

    async def read(self, app: App, name: str, arguments: JsonObject) -> None:
        """Calls one operation through the gate, and writes down what comes of it."""
        ask = Call(
            operation=OperationName(name),
            arguments=arguments,
            environment=app.world.environment,
            principal=app.user,
            route="cli",
            run_id=new_run_id("look"),
            step_id=StepId("s"),
        )
        with contextlib.suppress(SteersmanError):
            try:
                print((await app.gate.call(ask)).output, file=self.said)
            except SteersmanError as e:
                print(e, repr(e.__cause__), file=self.said)
                raise

    async def run(self, app: App, goal: str, parameters: JsonObject | None = None) -> None:
        """Plans, shows the card, approves, does, reports."""
        from steersman.cli.commands.plan import PlanFormat, show
        from steersman.cli.commands.run import carry_out
        from steersman.cli.output import Format

        with contextlib.redirect_stdout(self.said), contextlib.redirect_stderr(self.said):
            try:
                asked = Goal(text=goal, parameters=parameters or {})
                plan = await app.plan(asked, [Match(scenario=SCENARIO, score=1.0, why=())])
                show(app, plan, PlanFormat.card)
                await carry_out(app, plan, yes=True, output=Format.table)
            except SteersmanError as e:
                print(e)


async def goals(trial: Trial, app: App) -> None:
    await trial.run(app, f"put a thing; {trial.text}")


async def parameters(trial: Trial, app: App) -> None:
    for secret in trial.planted.values():
        await trial.run(app, "put a thing", {"name": secret})


async def arguments(trial: Trial, app: App) -> None:
    for secret in trial.planted.values():
        await trial.read(app, "store.get", {"name": secret})
        await trial.read(app, "store.set", {"name": "a", "items": [secret]})


async def answers(trial: Trial, app: App) -> None:
    trial.store.answer = {"exists": True, "items": list(trial.planted.values())}
    await trial.read(app, "store.get", {"name": "a"})
    trial.store.answer = None
    trial.store.state["a"] = tuple(trial.planted.values())
    await trial.run(app, "put a thing", {"name": "a"})


async def errors(trial: Trial, app: App) -> None:
    behind = ToolError("it failed")
    behind.__cause__ = OSError(f"cannot write {trial.text}")
    for error in (ToolError(f"refused: {trial.text}"), behind):
        trial.store.twist("get", Twist(before=error))
        await trial.read(app, "store.get", {"name": "a"})
    trial.store.twist("create", Twist(before=ToolError(f"refused: {trial.text}")))
    await trial.run(app, "put a thing")


async def telemetry(trial: Trial, app: App) -> None:
    trial.logs.lines = [f"connect with {secret} failed" for secret in trial.planted.values()]
    window = {"start": NOW.isoformat(), "end": (NOW + timedelta(minutes=5)).isoformat()}
    for verb in ("logs", "changes"):
        await trial.read(app, f"telemetry.{verb}", {"window": window})


async def configuration(trial: Trial, app: App) -> None:
    del app
    path = trial.home.parent / f"{trial.home.name}.yaml"
    for secret in trial.planted.values():
        auth = {"kind": "bearer", "token": secret}
        path.write_text(
            f"environments: {{a: {{tier: lab, prometheus: {{url: 'http://x', auth: {auth!r}}}}}}}", encoding="utf-8"
        )
        for ask in (lambda: load(path, {}), lambda secret=secret: resolve(secret)):
            try:
                ask()
            except SteersmanError as e:
                print(e, file=trial.said)


INPUTS: Mapping[str, Callable[[Trial, App], Awaitable[None]]] = {
    "goals": goals,
    "parameters": parameters,
    "arguments": arguments,
    "answers": answers,
    "errors": errors,
    "telemetry": telemetry,
    "configuration": configuration,
}
FORMLESS = ("goals", "arguments", "answers", "errors", "telemetry")
"""Where values that only their reference tells from words are tried as well; they were resolved before."""


def formless(seed: int) -> Mapping[str, str]:
    rng = random.Random(seed)
    made = {f"word-{n}": "".join(rng.choice(string.ascii_lowercase) for _ in range(20)) for n in range(10)}
    for name, secret in made.items():
        os.environ["STEER_CANARY"] = secret
        resolve("env:STEER_CANARY")
        assert name
    del os.environ["STEER_CANARY"]
    return made


async def tried(name: str, planted: Mapping[str, str], folder: Path) -> tuple[int, int, int]:
    """Occurrences in what was said and in files, and how much was said: silence would prove nothing."""
    trial = Trial(folder / f"home-{name}", planted)
    where = trial.store.where
    connection = Connection(environment=where, toolsets=(trial.store, SourceToolset("telemetry", trial.logs, where)))
    async with open_app(Settings(home=trial.home), connection) as app:
        await INPUTS[name](trial, app)
    files = found_under(trial.home, planted)
    said = found_in(trial.said.getvalue().encode(), planted)
    for place, names in {**files, **({"output": said} if said else {})}.items():
        print(f"LEAK by {name} in {place}: {', '.join(names)}", file=sys.stderr)
    return len(said), sum(map(len, files.values())), len(trial.said.getvalue())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    seeds = 1 if asked.quick else asked.seeds
    header("Canary secrets: occurrences after they went into every input", seeds=seeds, formats=len(canaries()))
    totals: dict[str, list[int]] = {}
    for seed in range(seeds):
        for name in INPUTS:
            sets = {"": canaries(seed), **({", known value": formless(seed)} if name in FORMLESS else {})}
            for kind, planted in sets.items():
                with tempfile.TemporaryDirectory() as folder:
                    said, files, characters = asyncio.run(tried(name, planted, Path(folder)))
                row = totals.setdefault(name + kind, [0, 0, 0, 0])
                for place, more in enumerate((len(planted), said, files, characters)):
                    row[place] += more
    planted = sum(row[0] for row in totals.values())
    seen = sum(row[1] + row[2] for row in totals.values())
    rows = [(name, *row) for name, row in totals.items()]
    inputs = {name: row[1] + row[2] for name, row in totals.items()}
    figures = {"planted": planted, "seen": seen, "inputs": inputs}
    columns = ("input", "planted", "in output", "in files", "characters said")
    passed = seen == 0 and all(row[3] for row in totals.values())
    return report(columns, rows, figures, passed=passed, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main())
