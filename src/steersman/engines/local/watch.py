"""Conditions: the holds behind steps, and those that are watched for the whole run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from steersman.domain.errors import ConcurrencyError, InputError, IntegrityError, SteersmanError
from steersman.domain.event import StepMoved, VerdictGiven
from steersman.domain.finding import Verdict
from steersman.domain.ids import StepId
from steersman.domain.plan import Comparison, Condition, Hold, Plan, Step
from steersman.domain.signal import Window
from steersman.engines.local.control import Halt, HaltKind
from steersman.engines.local.session import Session


def run_wide(plan: Plan) -> tuple[Condition, ...]:
    """The conditions that no hold names."""
    held = {name for step in plan.steps if step.hold for name in step.hold.conditions}
    return tuple(condition for condition in plan.conditions if condition.id not in held)


@dataclass(frozen=True, slots=True)
class Watch:
    """Judges conditions again with every point, and reacts."""

    session: Session

    async def hold(self, step: Step, hold: Hold) -> bool:
        """Whether every condition of the hold passed. Otherwise the run halts: undone, paused or interrupted."""
        clock = self.session.deps.clock
        conditions = [c for c in self.session.progress.plan.conditions if c.id in hold.conditions]
        if len(conditions) < len(set(hold.conditions)):
            raise InputError(f"the hold of step {step.id!r} names conditions that the plan lacks: {hold.conditions!r}")
        await self._holding(step)
        since, started = self.session.progress.held_since[step.id], clock.monotonic()
        pause_s = min(condition.point_s for condition in conditions)
        while True:
            with self.session.control.interruptible():
                await clock.sleep(pause_s)
            verdicts = [await self._judge(condition, since, step.id) for condition in conditions]
            if self._react(conditions, verdicts):
                return False
            held = clock.monotonic() - started
            if held >= hold.for_s and all(verdict.result == "pass" for verdict in verdicts):
                return True
            if held >= hold.max_s:
                self.session.control.stop(Halt("pause", _undecided(step.id, hold, verdicts)))
                return False
            pause_s = min(pause_s, max(0.01, hold.max_s - held))

    async def run_through(self) -> None:
        """Watches the run-wide conditions until cancelled or until one is breached."""
        conditions = run_wide(self.session.progress.plan)
        while conditions and not self.session.control.halted():
            await self.session.deps.clock.sleep(min(condition.point_s for condition in conditions))
            since = self.session.progress.wrote_at
            if since is not None:
                self._react(conditions, [await self._judge(condition, since, None) for condition in conditions])

    async def settle_run_wide(self) -> bool:
        """After the last step: whether every run-wide condition passed.

        One that still lacks data is given until a whole window has gone by since the first write; after that it is
        inconclusive, and inconclusive never promotes.
        """
        conditions, since = run_wide(self.session.progress.plan), self.session.progress.wrote_at
        while conditions and since is not None:
            verdicts = [await self._judge(condition, since, None) for condition in conditions]
            if self._react(conditions, verdicts):
                return False
            open_ = [c for c, verdict in zip(conditions, verdicts, strict=True) if verdict.result == "inconclusive"]
            if not open_:
                return True
            age = (self.session.deps.clock.now() - since).total_seconds()
            if age >= max(condition.window_s for condition in open_):
                names = ", ".join(repr(condition.id) for condition in open_)
                self.session.control.stop(Halt("pause", f"not enough data to judge {names} at the end of the run"))
                return False
            with self.session.control.interruptible():
                await self.session.deps.clock.sleep(min(condition.point_s for condition in open_))
        return True

    async def _holding(self, step: Step) -> None:
        progress = self.session.progress
        if step.id not in progress.held_since:
            progress.held_since[step.id] = self.session.deps.clock.now()
            await self.session.append(StepMoved(step_id=step.id, direction="do", state="holding"))

    async def _judge(self, condition: Condition, since: datetime, step: StepId | None) -> Verdict:
        at = self.session.deps.clock.now()
        with self.session.control.interruptible():
            verdict = await self._measure(condition, since, at)
        verdict = verdict.model_copy(update={"condition": condition.id, "step": step})
        known = self.session.progress.verdicts
        if known.get((condition.id, step)) != verdict.result:
            known[condition.id, step] = verdict.result
            await self.session.append(VerdictGiven(verdict=verdict))
        return verdict

    async def _measure(self, condition: Condition, since: datetime, at: datetime) -> Verdict:
        start = max(since, at - timedelta(seconds=condition.window_s))
        if start >= at:
            return Verdict(result="inconclusive", reason="no time has gone by", at=at)
        window = Window(start=start, end=at, step_s=condition.point_s)
        source = self.session.deps.source(self.session.run_id)
        try:
            series = await source.range(condition.signal, condition.selector, window)
            baseline = (
                await source.range(condition.signal, condition.test.baseline, window)
                if isinstance(condition.test, Comparison)
                else None
            )
        except (ConcurrencyError, IntegrityError):
            raise
        except SteersmanError as e:
            return Verdict(result="inconclusive", reason=f"{condition.signal!r} could not be measured: {e}", at=at)
        return self.session.deps.judge(condition, series, baseline, at)

    def _react(self, conditions: tuple[Condition, ...] | list[Condition], verdicts: list[Verdict]) -> bool:
        for condition, verdict in zip(conditions, verdicts, strict=True):
            if verdict.result == "fail":
                kind: HaltKind = "undo" if condition.reaction == "rollback" else "pause"
                self.session.control.stop(Halt(kind, breach(condition, verdict)))
                return True
        return False


def breach(condition: Condition, verdict: Verdict) -> str:
    """A breached condition in words."""
    return f"condition {condition.id!r} is breached: {verdict.reason}"


def _undecided(step: StepId, hold: Hold, verdicts: list[Verdict]) -> str:
    why = next((v.reason for v in verdicts if v.result != "pass"), "the verdicts came too late")
    return f"step {step!r} is still inconclusive after {hold.max_s:g} s: {why}"
