"""What a run may still spend, asked before each attempt."""

from __future__ import annotations

from steersman.domain.errors import BudgetExceededError
from steersman.domain.finding import Cost
from steersman.domain.plan import Budget
from steersman.gate.history import History
from steersman.gate.passage import Passage


async def budgeted(passage: Passage) -> Passage:
    """Charges each attempt to its run; undo has a reserve that the way forward cannot use up.

    Raises BudgetExceededError when the run has none left. The attempts are those that the journal knows of and those
    that this process has begun, so that calls side by side do not share the last one. A person's own call, which is
    neither of a plan nor was given a budget, is not counted.
    """
    call, history = passage.call, passage.history
    if history is None:
        return passage
    budget = history.plan.budget if history.plan is not None else call.budget
    if budget is None:
        return passage
    if call.direction == "undo":
        _charge_undo(passage, history, budget)
        return passage
    begun = history.begin("do")
    if begun > budget.calls:
        raise BudgetExceededError(f"the run's {budget.calls} calls are used up; plan with a larger budget")
    if history.seconds >= budget.seconds:
        raise BudgetExceededError(f"the run's {budget.seconds:.0f} s of calls are used up; plan with a larger budget")
    must_afford(history.spent, budget)
    return passage


def _charge_undo(passage: Passage, history: History, budget: Budget) -> None:
    """An undo's looks are free: they are bounded by its writes, and verifying must not fail for want of budget."""
    if passage.writes and history.begin("undo") > budget.undo_calls:
        raise BudgetExceededError(f"the reserve of {budget.undo_calls} calls for undo is used up")


def must_afford(spent: Cost, budget: Budget) -> None:
    """Raises BudgetExceededError when more tokens or money were spent than the run has."""
    if spent.tokens > budget.tokens or spent.money_usd > budget.money_usd:
        raise BudgetExceededError(
            f"the run has spent {spent.tokens} tokens and {spent.money_usd:.4f} USD; its budget is {budget.tokens} and "
            f"{budget.money_usd:.4f}"
        )


def charged(history: History, total: Cost, budget: Budget | None) -> None:
    """Remembers what was spent, so that the next call is refused too. Raises BudgetExceededError for too much."""
    history.spent = total
    limits = history.plan.budget if history.plan is not None else budget
    must_afford(total, limits or Budget())
