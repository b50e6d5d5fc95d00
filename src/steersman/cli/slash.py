"""What may be said in a chat with a slash in front."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from steersman.cli.output import payload_console, talk
from steersman.cli.render.talk_words import say

if TYPE_CHECKING:
    from steersman.cli.conversing import Talk

Command = Callable[["Talk", str], Awaitable[None]]


async def why(talking: Talk, _: str) -> None:
    """How the last answer came about, and which rules decide on its plan."""
    lang = talking.lang()
    if talking.routed is None:
        talk(say("no_why", lang))
        return
    talk(f"{talking.routed.intent}: {talking.routed.why}")
    for report in talking.reports:
        talk(f"{report.agent}: {report.state}, {report.seconds:.1f} s")
        for match in report.matches[:3]:
            talk(f"  {match.scenario.id} ({match.score:.2f}): {'; '.join(match.why)}")
    if talking.written is not None:
        count, dropped = len(talking.written.sentences), talking.written.dropped
        talk(f"worded by {talking.written.model}: {count} sentences kept, {dropped} dropped")
    if talking.plan is not None and talking.app is not None:
        for found in talking.app.gate.authority.decisions(talking.plan, talking.app.user):
            decision = found.decision
            talk(f"  {found.step.id} ({found.step.operation}): {decision.effect}, {decision.rule}: {decision.reason}")


async def evidence(talking: Talk, _: str) -> None:
    """What the last investigation rests on; untrusted text is escaped and marked."""
    from steersman.cli.render.causes import causes

    if talking.investigation is None:
        talk(say("no_evidence", talking.lang()))
        return
    payload_console().print(causes(talking.investigation, talking.lang()))


async def plan(talking: Talk, _: str) -> None:
    """The last plan."""
    from steersman.cli.commands.plan import PlanFormat, show

    if talking.plan is None or talking.app is None:
        talk(say("no_plan", talking.lang()))
        return
    show(talking.app, talking.plan, PlanFormat.card)


async def approve(talking: Talk, _: str) -> None:
    """Shows the last plan and runs it if the person says yes; what policy wants beyond that it still wants."""
    from steersman.app.wiring import new_run_id
    from steersman.cli.commands.run import answered, report
    from steersman.cli.output import Format
    from steersman.cli.watching import watched

    app, made = talking.app, talking.plan
    if made is None or app is None:
        talk(say("no_plan", talking.lang()))
        return
    await plan(talking, "")
    run_id = new_run_id()
    talk(f"run {run_id}")
    done = await watched(app, made, run_id, live=True)
    if done.state == "waiting" and await answered(app, done, yes=False):
        done = await watched(app, made, run_id, live=True)
    await report(app, done, Format.table)
    said = say("ran", talking.lang(made.goal), run=run_id, digest=made.digest()[:19], state=done.state)
    talking.note(said, (run_id, *done.approvals))


async def forget(talking: Talk, words: str) -> None:
    """Forgets this thread, all threads, or every turn that holds these words."""
    threads, lang = talking.memory.threads, talking.lang()
    if words == "all":
        count = threads.forget(talking.namespace)
        talking.thread = None
    elif words:
        count = threads.forget(talking.namespace, words=words)
    else:
        count = threads.forget(talking.namespace, thread=talking.thread) if talking.thread else 0
        talking.thread = None
    talking.remembered = None
    talk(say("forgot", lang, count=count))


async def summary(talking: Talk, _: str) -> None:
    """What is kept of this thread."""
    from steersman.agents.memory import SUMMARY_TOKENS
    from steersman.cli.render.text import untrusted
    from steersman.knowledge.summary import summarised
    from steersman.models.tokens import estimated

    if talking.thread is None:
        talk(say("nothing", talking.lang()))
        return
    turns = talking.memory.threads.turns(talking.namespace, talking.thread)
    made = summarised(turns, budget=SUMMARY_TOKENS, measure=estimated)
    for line in made.text().splitlines():
        talk(untrusted(line, 400))


async def threads(talking: Talk, _: str) -> None:
    """The threads of these people."""
    from steersman.cli.render.text import untrusted

    for each in talking.memory.threads.threads(talking.namespace):
        mark = "*" if each.id == talking.thread else " "
        talk(f"{mark} {each.id}  {each.updated_at:%Y-%m-%d %H:%M}  {each.turns:>3}  {untrusted(each.title, 60)}")


async def help_(talking: Talk, _: str) -> None:
    """The commands."""
    talk(say("help", talking.lang()))


COMMANDS: dict[str, Command] = {
    "/why": why,
    "/evidence": evidence,
    "/plan": plan,
    "/approve": approve,
    "/forget": forget,
    "/summary": summary,
    "/threads": threads,
    "/help": help_,
}


async def obey(talking: Talk, line: str) -> None:
    """Does what a line with a slash says."""
    name, _, rest = line.strip().partition(" ")
    command = COMMANDS.get(name)
    if command is None:
        talk(say("unknown", talking.lang(), word=name[:40]))
        return
    await command(talking, rest.strip())
