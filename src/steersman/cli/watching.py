"""A run while it goes on: a live picture on a terminal, one line an event elsewhere."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from steersman.cli.output import talk, talk_console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steersman.app.wiring import App
    from steersman.cli.render.live import Watched
    from steersman.domain.ids import RunId
    from steersman.domain.plan import Plan
    from steersman.domain.run import Run

FRAME_S = 0.25
LOOK_BACK_S = 24.0


async def watched(app: App, plan: Plan, run_id: RunId, *, live: bool) -> Run:
    """Runs the plan and shows it meanwhile; on a terminal as a picture, else as lines. Drains on SIGTERM and Ctrl-C."""
    import signal

    loop = asyncio.get_running_loop()
    draining: list[asyncio.Task[None]] = []

    def drain() -> None:
        if not draining:
            talk("stopping: what is under way finishes; `steer runs resume` goes on later")
            draining.append(asyncio.ensure_future(app.engine.drain()))

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, drain)
    show = asyncio.ensure_future(
        _picture(app, plan, run_id) if live and talk_console().is_terminal else _lines(app, run_id)
    )
    try:
        return await app.engine.run(plan, run_id)
    finally:
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(name)
        show.cancel()
        with suppress(asyncio.CancelledError):
            await show
        await asyncio.gather(*draining)


async def _lines(app: App, run_id: RunId) -> None:
    """One line an event, from where the journal stands now."""
    known = await app.journal.read(run_id)
    after = known[-1].seq if known else 0
    try:
        while True:
            after = await _tell(app, run_id, after)
            await asyncio.sleep(FRAME_S)
    finally:
        await _tell(app, run_id, after)


async def _tell(app: App, run_id: RunId, after: int) -> int:
    from steersman.cli.render.report import line_of
    from steersman.cli.render.words import language

    lang = language("", app.settings.language)
    for entry in await app.journal.read(run_id, after=after):
        after, line = entry.seq, line_of(entry, lang)
        if line:
            talk(line)
    return after


async def _picture(app: App, plan: Plan, run_id: RunId) -> None:
    from rich.live import Live
    from rich.text import Text

    with Live(Text(""), console=talk_console(), refresh_per_second=8, transient=False) as live:
        try:
            while True:
                await _draw(app, plan, run_id, live.update)
                await asyncio.sleep(FRAME_S)
        finally:
            await _draw(app, plan, run_id, live.update)


async def _draw(app: App, plan: Plan, run_id: RunId, update: object) -> None:
    from steersman.app.store import CLOCK
    from steersman.cli.render.live import run_panel
    from steersman.cli.render.words import language
    from steersman.domain.errors import SteersmanError

    entries = await app.journal.read(run_id)
    if not entries or not callable(update):
        return
    from steersman.domain.run import fold

    run = fold(entries)
    try:
        signals = await _signals(app, plan, run_id) if run.state in ("running", "undoing") else []
    except SteersmanError:
        signals = []  # the picture goes on without; the engine reports what it cannot measure
    update(run_panel(run, signals, CLOCK.now(), language(plan.goal, app.settings.language)))


async def _signals(app: App, plan: Plan, run_id: RunId) -> Sequence[Watched]:
    from steersman.app.store import CLOCK
    from steersman.cli.render.live import Watched
    from steersman.domain.ids import RunId
    from steersman.domain.plan import Threshold
    from steersman.domain.signal import Window

    end = CLOCK.now()
    window = Window(start=end - timedelta(seconds=LOOK_BACK_S), end=end, step_s=0.5)
    found = []
    for condition in plan.conditions:
        series = await app.source(RunId(f"screen-{run_id}")).range(condition.signal, condition.selector, window)
        bound = condition.test.value if isinstance(condition.test, Threshold) else None
        title = f"{condition.signal} {condition.selector.pool or condition.selector.service or ''}"
        found.append(Watched(title, series, bound))
    return found
