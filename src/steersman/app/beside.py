"""Systems that give no telemetry and yet know what is wrong: looked at beside it, by read-only sub-agents."""

from __future__ import annotations

import asyncio

from steersman.agents.monitoring import together
from steersman.agents.reading import Desk
from steersman.agents.sub_agents import SubAgentDeps, SubAnswer, SubState, sub_agent
from steersman.app.store import CLOCK
from steersman.app.wiring import App, new_run_id
from steersman.domain.finding import Investigation
from steersman.domain.signal import Window

LOOKED_AT = ("kubernetes", "argo_rollouts", "postgres", "vault")
"""Toolsets whose own answers say what is ill: pods that restart, pools that are used up, what is sealed."""


async def beside(app: App, question: str, window: Window, service: str) -> tuple[SubAnswer, ...]:
    """What the sub-agents of connected systems find, all at once; none where none is connected."""
    here = {operation.toolset for operation in app.gate.catalogue.values() if operation.effect == "read"}
    asked: SubState = {"question": question, "window": window, "service": service}
    agents = [sub_agent(system, _deps(app)) for system in LOOKED_AT if system in here]
    states = await asyncio.gather(*(agent.ainvoke(asked) for agent in agents))
    return tuple(state["answer"] for state in states)


def joined(found: Investigation, answers: tuple[SubAnswer, ...]) -> Investigation:
    """The investigation with what they found."""
    return together(found, answers) if answers else found


def _deps(app: App) -> SubAgentDeps:
    desk = Desk(
        caller=app.gate,
        catalogue=app.gate.catalogue,
        environment=app.world.environment,
        principal=app.user,
        run_id=new_run_id("look"),
        clock=CLOCK,
    )
    return SubAgentDeps(desk, services=app.world.services)
