"""Load runs from the command line: asked for, approved, watched, told."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from steersman.cli.output import interactive, talk, talk_console

if TYPE_CHECKING:
    from steersman.app.wiring import App
    from steersman.cli.render.bench_export import Told
    from steersman.cli.render.words import Language
    from steersman.domain.call import Call
    from steersman.domain.fact import JsonObject
    from steersman.domain.ids import ApprovalId, RunId
    from steersman.domain.load import GeneratorName, LoadProfile

SLUG = re.compile(r"[^a-z0-9]+")
FRAME_S = 0.5
LINE_EVERY_S = 5.0
BEFORE_S = 0.7
"""A call that only finds out that it needs an approval is over by then."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How a person is asked."""

    call_id: str = ""
    """Of a call that waited for approval before."""
    yes: bool = False
    lang: Language = "en"


Watch = Callable[[], Coroutine[Any, Any, None]]


async def perform(
    app: App, operation: str, arguments: JsonObject, asking: Asking, *, watch: Watch | None = None
) -> JsonObject:
    """Calls one operation through the gate, asking whoever sits there for the approval of exactly this call.

    Raises ApprovalNeededError when nobody does, with the words to go on.
    """
    from steersman.app.wiring import new_run_id
    from steersman.domain.call import Call
    from steersman.domain.errors import ApprovalNeededError
    from steersman.domain.ids import ApprovalId, OperationName, RunId, StepId

    call = Call(
        operation=OperationName(operation),
        arguments=arguments,
        environment=app.world.environment,
        principal=app.user,
        route="cli",
        run_id=RunId(asking.call_id) if asking.call_id else new_run_id("bench"),
        step_id=StepId("load"),
    )
    try:
        return await _called(app, call, watch)
    except ApprovalNeededError as e:
        approval = ApprovalId(e.approval_id)
        if not await _approved(app, approval, call.run_id, asking):
            raise
        return await _called(app, call.model_copy(update={"step_approval": approval}), watch)


async def _called(app: App, call: Call, watch: Watch | None) -> JsonObject:
    """The answer. Ctrl-C and SIGTERM end the load within two seconds; then KeyboardInterrupt is raised."""
    loop, work = asyncio.get_running_loop(), asyncio.ensure_future(app.gate.call(call))
    show = asyncio.ensure_future(watch()) if watch else None
    signals = (signal.SIGINT, signal.SIGTERM)
    for name in signals:
        loop.add_signal_handler(name, work.cancel)
    try:
        return (await work).output
    except asyncio.CancelledError as e:
        raise KeyboardInterrupt from e
    finally:
        for name in signals:
            loop.remove_signal_handler(name)
        if show is not None:
            show.cancel()
            with suppress(asyncio.CancelledError):
                await show


async def _approved(app: App, approval: ApprovalId, run_id: RunId, asking: Asking) -> bool:
    from rich.prompt import Confirm

    from steersman.cli.render.bench_words import word

    question = word("run_it", asking.lang)
    if not asking.yes and not (interactive() and Confirm.ask(question, console=talk_console(), default=False)):
        talk(word("waits", asking.lang).format(id=approval, call=run_id))
        return False
    await app.desk.vote(approval, app.user, "approve", comment="--yes" if asking.yes else "at the prompt")
    return True


async def watched(app: App, profile: LoadProfile, name: str, generator: GeneratorName, lang: Language) -> None:
    """Shows how a run stands until cancelled: a picture on a terminal, a line every few seconds elsewhere."""
    await asyncio.sleep(BEFORE_S)
    console = talk_console()
    if not console.is_terminal:
        await _lines(app, name, generator, lang)
        return
    from rich.live import Live
    from rich.text import Text

    from steersman.app.loads import progress
    from steersman.cli.render.bench import picture

    with Live(Text(""), console=console, refresh_per_second=4, transient=True) as live:
        while True:
            live.update(picture(profile, progress(app.settings, name, generator), lang))
            await asyncio.sleep(FRAME_S)


async def _lines(app: App, name: str, generator: GeneratorName, lang: Language) -> None:
    from steersman.app.loads import progress
    from steersman.cli.render.bench import line

    told_at = -LINE_EVERY_S
    while True:
        points = progress(app.settings, name, generator)
        if points and points[-1].at_s - told_at >= LINE_EVERY_S:
            told_at = points[-1].at_s
            talk(line(points, lang))
        await asyncio.sleep(FRAME_S)


async def put_under_load(
    app: App, profile: LoadProfile, name: str, generator: GeneratorName, asking: Asking
) -> JsonObject:
    """Runs a profile through the gate and shows it meanwhile; gives back its figures."""
    verb = "run_changing" if profile.changes_data else "run"
    arguments: JsonObject = {"name": name, "profile": profile.model_dump(mode="json")}
    watch = partial(watched, app, profile, name, generator, asking.lang)
    return await perform(app, f"{generator}.{verb}", arguments, asking, watch=watch)


def must_be_free(app: App, names: list[str], generator: GeneratorName) -> None:
    """Raises InputError for a name that a finished run has: said before anything is asked, with what to do."""
    from steersman.app.loads import is_kept
    from steersman.domain.errors import InputError

    taken = next((name for name in names if is_kept(app.settings, name, generator)), None)
    if taken is not None:
        forget = f"`steer bench forget {generator}/{taken}`"
        raise InputError(f"a {generator} run {taken!r} is kept already; take another --name, or free it by {forget}")


ANNOTATE = "grafana.create_annotation"


def must_annotate(app: App) -> None:
    """Raises InputError where the environment has no Grafana: said before the load, not after it."""
    from steersman.domain.errors import InputError

    if ANNOTATE not in app.world.catalogue:
        raise InputError("--annotate wants a Grafana in the environment; add one, as in grafana: {url: ...}")


async def annotate(app: App, told: Told, asking: Asking) -> None:
    """Marks a run in Grafana's dashboards, as a change of its own."""
    result, verdict = told.result, told.verdict
    p95 = f"p95 {result.latency.quantile_ms(0.95):.0f} ms" if result.latency.count else "no answers"
    text = f"load test {result.name}: {verdict.result}, {result.rate:.1f} requests/s, {p95}"
    arguments: JsonObject = {
        "name": SLUG.sub("-", f"load-{result.name}".lower()).strip("-")[:60],
        "at_ms": round(result.started_at.timestamp() * 1_000),
        "text": text,
        "tags": ["steersman", "load", verdict.result],
    }
    await perform(app, ANNOTATE, arguments, replace(asking, call_id=""))
