"""A second opinion on what the rules let through: it can make a decision stricter, and nothing else.

Whoever gives it (a language model, where one is configured as `models.critic`) says one of three words; the joining is
done here, by the lattice of decisions. When it fails, says nothing in time, or cannot be paid, a person is asked. An
undo is never put to it, and what it said of a plan or call holds for the whole of its run in this process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from steersman.domain.errors import SteersmanError
from steersman.domain.fact import Digest, JsonObject, digest
from steersman.domain.ids import OperationName, RuleId, RunId
from steersman.domain.plan import Plan
from steersman.domain.policy import Opinion, OpinionWord, PolicyDecision, PolicyRequest, Requirement
from steersman.policy.lattice import stricter

Critic = Callable[[JsonObject, RunId], Awaitable[Opinion]]
"""Judges what it is told, for a run that pays for it. Raises a SteersmanError when there is no opinion to be had."""

Masked = Callable[[OperationName, JsonObject], JsonObject]
"""Arguments of an operation without secrets: those that it declares, and those that are found."""

LONGEST_S = 30.0
REMEMBERED = 4_096
MOST_STEPS_TOLD = 40
RULE = RuleId("critic")
REASONS: dict[OpinionWord, str] = {
    "require_approval": "a second opinion by a language model wants a person to look",
    "deny": "a second opinion by a language model is against it",
}
FAILED = "the second opinion that is configured was not to be had"


def joined(decision: PolicyDecision, word: OpinionWord, *, failed: bool = False) -> PolicyDecision:
    """The decision after an opinion: the same or stricter, whatever the word."""
    if word == "same":
        return decision
    said = PolicyDecision(
        effect=word,
        rule=RULE,
        reason=FAILED if failed else REASONS[word],
        requirement=None if word == "deny" else decision.requirement or Requirement(),
        policy_digest=decision.policy_digest,
    )
    return stricter(decision, said)


def names_only(_: OperationName, arguments: JsonObject) -> JsonObject:
    """What can be told where nobody knows which arguments are secret."""
    return dict.fromkeys(arguments, "not shown")


@dataclass(frozen=True, slots=True)
class Second:
    """Asks the critic once for each plan and call; without one every decision stays as it is."""

    critic: Critic | None = None
    masked: Masked = names_only
    longest_s: float = LONGEST_S
    _heard: dict[Digest, tuple[OpinionWord, bool]] = field(default_factory=dict)

    async def of_plan(self, plan: Plan, run_id: RunId, decision: PolicyDecision) -> PolicyDecision:
        """The decision about a plan, or about one of its steps: both are under the opinion on the whole."""
        return await self._of(decision, digest(["plan", plan.digest(), run_id]), about_plan(plan, self.masked), run_id)

    async def of_call(
        self, request: PolicyRequest, arguments: JsonObject, decision: PolicyDecision, *, subject: Digest, run_id: RunId
    ) -> PolicyDecision:
        """The decision about a call that belongs to no plan. subject: what makes it this very call."""
        told = {**about_action(request), "arguments": self.masked(request.operation, arguments)}
        return await self._of(decision, subject, told, run_id)

    async def _of(self, decision: PolicyDecision, key: Digest, about: JsonObject, run_id: RunId) -> PolicyDecision:
        if self.critic is None or decision.effect == "deny":
            return decision
        if key not in self._heard:
            if len(self._heard) >= REMEMBERED:
                self._heard.clear()
            self._heard[key] = await self._asked(self.critic, {**about, "policy": decision.effect}, run_id)
        word, failed = self._heard[key]
        return joined(decision, word, failed=failed)

    async def _asked(self, critic: Critic, about: JsonObject, run_id: RunId) -> tuple[OpinionWord, bool]:
        """Its word, and whether it failed; anything else than a failure that is expected is the guard's denial."""
        try:
            async with asyncio.timeout(self.longest_s):
                return (await critic(about, run_id)).word, False
        except (SteersmanError, TimeoutError):
            return "require_approval", True


def about_action(request: PolicyRequest) -> JsonObject:
    """What the critic is told of an action: typed fields only."""
    fields = {"operation", "resource", "effect", "reversible", "blast_radius", "mode", "route", "planner"}
    told: JsonObject = request.model_dump(mode="json", include=fields)
    return {**told, "tier": request.environment.tier}


def about_plan(plan: Plan, masked: Masked) -> JsonObject:
    """What the critic is told of a plan."""
    return {
        "goal": plan.goal,
        "tier": plan.environment.tier,
        "planner": plan.provenance.planner,
        "steps": [
            {"operation": s.operation, "arguments": masked(s.operation, s.arguments)}
            for s in plan.steps[:MOST_STEPS_TOLD]
        ],
        "steps_in_all": len(plan.steps),
        "conditions": [condition.text or condition.id for condition in plan.conditions],
    }
