"""One conversation: what is said is remembered, routed by the supervisor, answered in words that code makes.

A writer model, where one is configured, words the answer after that; each of its sentences cites what code found.

What was investigated stays typed; excerpts of telemetry are shown by `/evidence` only, escaped, and never kept.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from steersman.cli.here import app_here
from steersman.cli.render.talk_words import Lang, say

if TYPE_CHECKING:
    from steersman.agents.delegation import Report, SubAgent, Task
    from steersman.agents.memory import MemoryDeps, Remembered
    from steersman.agents.writing import Citable, Sentence, Written
    from steersman.app.minds import Minds
    from steersman.app.scenarios import Knowledge
    from steersman.app.settings import Settings
    from steersman.app.wiring import App
    from steersman.domain.conversation import Origin, ThreadId
    from steersman.domain.fact import JsonObject
    from steersman.domain.finding import Investigation, RootCause
    from steersman.domain.plan import Plan
    from steersman.domain.scenario import Match
    from steersman.gate.redaction import Redactor
    from steersman.knowledge.intent import Routed

LOOK_BACK_MIN = 15
LAG_S = 1.5
POINTS = 240
CAUSES = 3
FITTING = 3
QUOTED = 200

Told = Callable[[str], None]
"""Progress, a line at a time."""


@dataclass(slots=True)
class Talk:
    """A conversation, and the last things that it came to."""

    settings: Settings
    knowledge: Knowledge
    memory: MemoryDeps
    namespace: str
    app: App | None
    why_alone: str = ""
    """Why there is no environment."""
    new_minds: Callable[[], Minds | None] = lambda: None
    """The language models of one answer, with their caps."""
    chatting: bool = False
    thread: ThreadId | None = None
    routed: Routed | None = None
    remembered: Remembered | None = None
    reports: list[Report] = field(default_factory=list)
    minds: Minds | None = None
    written: Written | None = None
    plan: Plan | None = None
    fresh: Plan | None = None
    """The plan of the last answer, where it came to one."""
    investigation: Investigation | None = None

    async def answer(self, text: str, told: Told) -> str:
        """Remembers what is said, has it worked on, and remembers the answer, which is code's words."""
        from steersman.agents.delegation import Request
        from steersman.agents.memory import Said, remember
        from steersman.agents.supervising import SupervisorDeps, supervisor

        lang = self.lang(text)
        asked = Said(namespace=self.namespace, thread=self.thread, text=text, open=True)
        self.remembered = remember(asked, self.memory)
        self.thread = self.remembered.thread
        self.minds, self.written = self.new_minds(), None
        model = self.minds.model("sub_agent") if self.minds else None
        graph = supervisor(SupervisorDeps(agents=self._agents(), model=model, follow_up=True))
        self.reports, plan_before = [], self.plan
        async for update in graph.astream({"request": Request(text=text, lang=lang)}, stream_mode="updates"):
            self._follow(update, told, lang)
        self.fresh = self.plan if self.plan is not plan_before else None
        said = self._words(lang, self.fresh)
        routed = self.routed
        self.note(said, self._refs(self.fresh), unanswered=routed is not None and routed.intent == "clarify")
        return said

    async def word(self, question: str, begin: Told, tell: Callable[[Sentence], None]) -> None:
        """A model's words for the last answer, a sentence at a time; nothing without a model or without facts."""
        from steersman.agents.memory import context
        from steersman.agents.writing import written

        model = self.minds.model("writer") if self.minds and self.reports else None
        if model is None:
            return
        lang = self.lang(question)
        first: list[Sentence] = []

        def told(sentence: Sentence) -> None:
            if not first:
                begin(say("worded", lang, model=model.name))
            first.append(sentence)
            tell(sentence)

        before = context(self.remembered)[:-1] if self.remembered else ()
        self.written = await written(question, self._facts(), model, lang=lang, before=before, tell=told)
        if self.written is not None and self.written.sentences:
            self.note(self.written.text(), origin="model")
        elif self.written is not None:
            begin(say("not_worded", lang, model=model.name, why=self.written.failed or "-", n=self.written.dropped))

    def _facts(self) -> list[Citable]:
        """What the last answer rests on, with ids of code: no telemetry text, and no model's words."""
        from steersman.agents.writing import Citable, of_investigation, of_matches, of_plan

        found = [fact for r in self.reports if r.investigation for fact in of_investigation(r.investigation)]
        found += of_plan(self.fresh) if self.fresh else ()
        found += [fact for r in self.reports for fact in of_matches(r.matches[:FITTING])]
        if self.remembered is not None:
            found += [Citable(id=h.id, text=h.text) for h in self.remembered.heard[:FITTING] if h.origin != "model"]
            found += of_matches(self.remembered.before, "m")
        return list({fact.id: fact for fact in reversed(found)}.values())[::-1]

    def note(self, text: str, refs: tuple[str, ...] = (), *, unanswered: bool = False, origin: Origin = "code") -> None:
        """Remembers what Steersman says."""
        from steersman.agents.memory import Said, remember
        from steersman.domain.conversation import MOST_CHARACTERS

        said = Said(
            namespace=self.namespace,
            thread=self.thread,
            author="steersman",
            origin=origin,
            text=text[:MOST_CHARACTERS],
            refs=refs,
            open=unanswered,
        )
        self.thread = remember(said, self.memory).thread

    def lang(self, text: str = "") -> Lang:
        """The language to speak."""
        from steersman.cli.render.words import language

        return "ko" if language(text, self.settings.language) == "ko" else "en"

    def payload(self, said: str) -> JsonObject:
        """The last answer for programs."""
        return {
            "thread": self.thread,
            "intent": self.routed.intent if self.routed else "",
            "why": self.routed.why if self.routed else "",
            "text": said,
            "reports": [
                {"agent": r.agent, "state": r.state, "text": r.text, "seconds": r.seconds} for r in self.reports
            ],
            "plan_digest": self.plan.digest() if self.plan else "",
            "incident_id": self.investigation.incident_id if self.investigation else "",
            "result": self.investigation.result if self.investigation else "",
            "written": self.written.model_dump(mode="json") if self.written else None,
            "facts": {fact.id: fact.text for fact in self._facts()} if self.written else {},
        }

    def _follow(self, update: dict[str, Any], told: Told, lang: Lang) -> None:
        for node, change in update.items():
            if node == "route":
                self.routed = change["routed"]
                told(say("intent", lang, intent=self.routed.intent, why=self.routed.why) if self.routed else "")
            for report in change.get("reports", ()) if node == "work" and change else ():
                self.reports.append(report)
                self.plan = report.plan or self.plan
                self.investigation = report.investigation or self.investigation
                told(f"{report.agent}: {report.state} ({report.seconds:.1f} s)")

    def _refs(self, plan: Plan | None) -> tuple[str, ...]:
        found = [plan.digest()[:19], str(plan.scenario_id or "")] if plan else []
        found += [str(r.investigation.incident_id) for r in self.reports if r.investigation]
        return tuple(ref for ref in found if ref)

    def _words(self, lang: Lang, plan: Plan | None) -> str:
        from steersman.agents.supervising import CLARIFY, NOBODY

        intent = self.routed.intent if self.routed else "clarify"
        lines: list[str] = []
        for report in self.reports:
            lines += self._reported(report, lang)
        if plan is not None:
            name = "planned" if self.chatting else "planned_once"
            lines.append(say(name, lang, steps=len(plan.steps), scenario=plan.scenario_id or "-"))
        if not self.reports:
            why = self.why_alone or "no agent does this"
            lines.append(CLARIFY[lang] if intent == "clarify" else NOBODY[lang].format(what=intent, why=why))
        if intent in ("answer", "clarify"):
            lines = [*self._recalled(lang), *lines]
        return "\n".join(lines) or say("nothing", lang)

    def _reported(self, report: Report, lang: Lang) -> list[str]:
        if report.state != "done":
            return [say("failed", lang, agent=report.agent, why=report.text)]
        if report.investigation is not None:
            return _found(report.investigation, lang)
        if report.matches:
            return [say("fits", lang), *(_fitting(match, lang) for match in report.matches[:FITTING])]
        return []

    def _recalled(self, lang: Lang) -> list[str]:
        if self.remembered is None:
            return []
        lines = [
            f"  [{heard.id}] {heard.at:%Y-%m-%d %H:%M}  {' '.join(heard.text.split())[:QUOTED]}"
            for heard in self.remembered.heard
        ]
        found = [say("heard", lang), *lines] if lines else []
        before = [f"  {match.scenario.id}: {match.scenario.goal[:QUOTED]}" for match in self.remembered.before]
        return [*found, *([say("before", lang), *before] if before else [])]

    def _agents(self) -> tuple[SubAgent, ...]:
        from steersman.agents.members import librarian
        from steersman.agents.recall import RecallDeps

        known = librarian(RecallDeps(scenarios=self.knowledge.base))
        return (known, *_connected(self.app, self.minds)) if self.app is not None else (known,)


def _connected(app: App, minds: Minds | None) -> tuple[SubAgent, ...]:
    """Those that need an environment: both only read."""
    from steersman.agents.members import detective, planner
    from steersman.agents.planning import PlanningDeps
    from steersman.app.store import CLOCK
    from steersman.app.wiring import new_run_id

    run_id = new_run_id("ask")
    model = minds.model("planner") if minds else None
    deps = PlanningDeps(app.gate, app.world, CLOCK, app.user, run_id, route="agent", model=model)
    toolsets = frozenset(name.partition(".")[0] for name in app.world.catalogue)

    def recall(goal: str) -> list[Match]:
        return app.knowledge.recall(goal, app.world.environment, toolsets)

    async def look(task: Task) -> Investigation:
        from steersman.cli.investigating import investigate_window
        from steersman.domain.signal import Window
        from steersman.planning.goal_names import named_service

        end = CLOCK.now() - timedelta(seconds=LAG_S)
        span_s = LOOK_BACK_MIN * 60.0
        window = Window(start=end - timedelta(seconds=span_s), end=end, step_s=max(1.0, span_s / POINTS))
        service = (task.alert.service if task.alert else "") or named_service(task.question, app.world.services) or ""
        return await investigate_window(app, task.question, window=window, service=service)

    return planner(recall, deps), detective(look)


def _found(found: Investigation, lang: Lang) -> list[str]:
    if found.result == "no_fault":
        return [say("no_fault", lang, minutes=LOOK_BACK_MIN)]
    if found.result == "not_enough_data":
        return [say("not_enough_data", lang, why="; ".join(found.holes[:3]) or "no telemetry in the window")]
    return [
        say("cause", lang, rank=c.rank, text=_cause(c), score=c.score, ids=", ".join(c.evidence))
        for c in found.root_causes[:CAUSES]
    ]


def _cause(cause: RootCause) -> str:
    """Whose fault of which kind it is, and why: explanations say "its"."""
    from steersman.cli.render.text import untrusted

    where = untrusted(" ".join(filter(None, (cause.service, cause.version, cause.instance))))
    return f"{where}: {cause.kind}. {cause.explanation}"


def _fitting(match: Match, lang: Literal["en", "ko"]) -> str:
    return f"  {match.scenario.id} ({match.score:.2f}): {match.scenario.goals.get(lang, match.scenario.goal)[:QUOTED]}"


@asynccontextmanager
async def conversation(
    *, lab: str, env: str, team: str, thread: str, chatting: bool, told: Told
) -> AsyncIterator[Talk]:
    """A conversation, connected to an environment where one is up; else with knowledge and memory alone."""
    from steersman.agents.memory import MemoryDeps
    from steersman.app.scenarios import Knowledge
    from steersman.app.settings import load
    from steersman.app.store import CLOCK
    from steersman.domain.errors import ConfigError, InputError, UnavailableError
    from steersman.gate.redaction import Redactor
    from steersman.index.threads import FILE, ThreadStore

    settings = load()
    async with AsyncExitStack() as stack:
        app, why = None, ""
        try:
            app = await stack.enter_async_context(app_here(lab, env))
        except (ConfigError, InputError, UnavailableError) as e:
            if lab or env:
                raise
            why = str(e)
        threads = ThreadStore(settings.home / FILE)
        stack.callback(threads.close)
        redactor = app.redactor if app else Redactor()
        knowledge = app.knowledge if app else Knowledge(settings)
        talk = Talk(
            settings,
            knowledge,
            MemoryDeps(threads, CLOCK, redactor.text, memories=knowledge.memories),
            namespace_of(team),
            app,
            why_alone=why,
            new_minds=partial(_minds, app, settings, redactor),
            chatting=chatting,
        )
        if thread:
            talk.thread = threads.thread(talk.namespace, thread).id
        if why:
            told(say("no_environment", talk.lang(), why=why))
        yield talk


def _minds(app: App | None, settings: Settings, redactor: Redactor) -> Minds:
    """The models of one answer; what they cost is charged to a run of its own."""
    from steersman.app.minds import Minds
    from steersman.app.wiring import new_run_id

    return app.minds(new_run_id("ask")) if app else Minds(settings, redactor)


def namespace_of(team: str) -> str:
    """Whose memory. Raises InputError for a team's name that is none."""
    import re

    from steersman.app.store import local_id
    from steersman.domain.errors import InputError

    if not team:
        return f"user/{local_id()}"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}", team):
        raise InputError(f"--team {team!r} is no name: letters, digits, '.', '_' and '-'")
    return f"team/{team}"
