"""Systems that give no telemetry and yet know what is wrong: looked at beside it, by read-only sub-agents.

With a model the sub-agents go on where their playbooks end, and systems of telemetry have one as well: what a model
concludes is a claim beside the ranking, which stays that of code.
"""

from __future__ import annotations

import asyncio

from steersman.agents.monitoring import together
from steersman.agents.playbooks import verbs
from steersman.agents.reading import Desk
from steersman.agents.sub_agents import SubAgentDeps, SubAnswer, SubState, sub_agent
from steersman.app.catalogue import TELEMETRY
from steersman.app.store import CLOCK
from steersman.app.wiring import App, new_run_id
from steersman.domain.finding import Investigation
from steersman.domain.model import Model
from steersman.domain.signal import Window

LOOKED_AT = ("kubernetes", "argo_rollouts", "postgres", "vault")
"""Toolsets whose own answers say what is ill: pods that restart, pools that are used up, what is sealed."""
WITH_A_MODEL = (TELEMETRY, "lab", "prometheus", "loki", "tempo", "jaeger", "grafana", "alertmanager")
"""Those that code has read already: looked at once more only where a model can ask what code does not."""


async def beside(
    app: App, question: str, window: Window, service: str, *, model: Model | None = None
) -> tuple[SubAnswer, ...]:
    """What the sub-agents of connected systems find, all at once; none where none is connected."""
    catalogue = app.gate.catalogue
    names = {name.partition(".")[0] for name in catalogue}
    systems = (*LOOKED_AT, *(WITH_A_MODEL if model is not None else ()))
    here = [system for system in systems if system in names and verbs(system, catalogue)]
    asked: SubState = {"question": question, "window": window, "service": service}
    agents = [sub_agent(system, _deps(app, model)) for system in here]
    states = await asyncio.gather(*(agent.ainvoke(asked) for agent in agents))
    answers = (state["answer"] for state in states)
    return tuple(answer if answer.toolset in LOOKED_AT else _claims_alone(answer) for answer in answers)


def _claims_alone(answer: SubAnswer) -> SubAnswer:
    """What the model added: code has its own reading of these systems, and a model's presence does not change it."""
    cited = {key for claim in answer.claims for key in claim.evidence}
    evidence = {key: item for key, item in answer.evidence.items() if key in cited}
    return answer.model_copy(update={"findings": (), "holes": (), "evidence": evidence})


def joined(found: Investigation, answers: tuple[SubAnswer, ...]) -> Investigation:
    """The investigation with what they found."""
    return together(found, answers) if answers else found


def _deps(app: App, model: Model | None) -> SubAgentDeps:
    desk = Desk(
        caller=app.gate,
        catalogue=app.gate.catalogue,
        environment=app.world.environment,
        principal=app.user,
        run_id=new_run_id("look"),
        clock=CLOCK,
    )
    return SubAgentDeps(desk, model=model, services=app.world.services)
