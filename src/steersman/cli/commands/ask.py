"""`steer ask`, `steer chat`: conversation with memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.here import EnvironmentName, LabName
from steersman.cli.output import Format, Output, emit, payload_console, single, talk

if TYPE_CHECKING:
    from steersman.agents.writing import Sentence
    from steersman.cli.conversing import Talk

ThreadName = Annotated[str, typer.Option("--thread", help="Go on with this thread; else a new one begins.")]
TeamName = Annotated[str, typer.Option("--team", help="Speak in the memory of a team instead of your own.")]
QUIT = ("/quit", "/exit", "/q")
NOT_ENOUGH = 7


def ask(
    question: Annotated[str, typer.Argument(help="A question, a symptom or a goal, in Korean or English.")],
    *,
    thread: ThreadName = "",
    team: TeamName = "",
    lab: LabName = "",
    env: EnvironmentName = "",
    output: Output = Format.table,
) -> None:
    """Ask once: a cause is looked for, a change is planned, a question is answered. Changes nothing."""
    from steersman.cli.conversing import conversation
    from steersman.cli.frame import go
    from steersman.domain.errors import InputError

    if not question.strip():
        raise InputError("the question is empty; say what you want to know")

    async def work() -> int:
        async with conversation(lab=lab, env=env, team=team, thread=thread, chatting=False, told=talk) as talking:
            said = await talking.answer(question, talk)
            if output is Format.table:
                payload_console().print(_plain(said))
                await talking.word(question, talk, _sentence)
            else:
                await talking.word(question, talk, lambda _: None)
                emit(talking.payload(said), output, lambda: _plain(said))
            found = talking.investigation
            return NOT_ENOUGH if found is not None and found.result == "not_enough_data" else 0

    raise typer.Exit(go(work()))


def chat(*, thread: ThreadName = "", team: TeamName = "", lab: LabName = "", env: EnvironmentName = "") -> None:
    """Talk, with memory; /help shows what may be said with a slash. Nothing is changed but by /approve, which asks."""
    from steersman.cli.conversing import conversation
    from steersman.cli.frame import go

    async def work() -> None:
        async with conversation(lab=lab, env=env, team=team, thread=thread, chatting=True, told=talk) as talking:
            await _talk(talking)

    go(work())


async def _talk(talking: Talk) -> None:
    import asyncio

    from steersman.cli.render.talk_words import say
    from steersman.cli.slash import obey
    from steersman.domain.errors import SteersmanError

    talk(say("welcome", talking.lang(), thread=talking.thread or "-", namespace=talking.namespace))
    while True:
        line = await asyncio.to_thread(_line)
        if line is None or line.strip() in QUIT:
            return
        if not line.strip():
            continue
        try:
            if line.lstrip().startswith("/"):
                await obey(talking, line)
                continue
            before = talking.plan
            said = await talking.answer(line, talk)
            payload_console().print(_plain(said))
            await talking.word(line, talk, _sentence)
            if talking.plan is not None and talking.plan is not before:
                await obey(talking, "/plan")
        except SteersmanError as e:
            talk(f"steer: {e}")


def _line() -> str | None:
    """What the person types; None at the end."""
    import sys

    try:
        return input("> " if sys.stdin.isatty() else "")
    except EOFError:
        return None


def _sentence(sentence: Sentence) -> None:
    """As soon as it came and was checked."""
    payload_console().print(_plain(f"{sentence.text} [{', '.join(sentence.cites)}]"))


def _plain(said: str):  # type: ignore[no-untyped-def]  # noqa: ANN202  # rich is imported only to print
    from rich.text import Text

    from steersman.cli.render.text import untrusted

    return Text("\n".join(untrusted(line, 500) for line in said.splitlines()))


apps = {"ask": single(ask), "chat": single(chat)}
