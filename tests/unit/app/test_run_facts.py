"""What a run's journal knows of what went wrong reaches the investigation as facts."""

from datetime import datetime, timedelta

from steersman.app.run_facts import HEALTHY_S, LEAST_S, facts_of
from steersman.domain.event import CallIntended, Entry, Event, RunMoved, RunPlanned, VerdictGiven
from steersman.domain.fact import JsonObject
from steersman.domain.finding import Verdict
from steersman.domain.ids import ConditionId, OperationName, ResourceId, RunId
from steersman.domain.plan import Condition, Hold, Plan, Threshold
from steersman.domain.run import Run, fold
from steersman.domain.signal import Selector
from steersman.testing.clock import NOON
from steersman.testing.journal_facts import ASKER
from steersman.testing.plans import make

RATE = ConditionId("error-rate")


def plan() -> Plan:
    made = make("chain", size=3)
    hold = Hold(conditions=(RATE,), for_s=5, max_s=60)
    condition = Condition(
        id=RATE,
        signal="error_rate",
        selector=Selector(service="payments", pool="green"),
        test=Threshold(op=">", value=0.05),
    )
    steps = (*made.steps[:-1], made.steps[-1].model_copy(update={"hold": hold}))
    return made.model_copy(update={"steps": steps, "conditions": (condition,)})


PLAN = plan()


def wrote(place: int, operation: str, arguments: JsonObject) -> CallIntended:
    return CallIntended(
        step_id=PLAN.steps[place].id,
        direction="do",
        attempt=1,
        operation=OperationName(operation),
        version=1,
        resource=ResourceId("lab/payments"),
        arguments=arguments,
        key="k",
        deadline=NOON,
    )


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def entries(*events: tuple[float, Event]) -> list[Entry]:
    return [
        Entry(seq=n, run_id=RunId("run-1"), at=at(when), event=event, previous="", hash="")
        for n, (when, event) in enumerate(((0.0, RunPlanned(plan=PLAN, requester=ASKER)), *events), start=1)
    ]


def failed(when: float) -> VerdictGiven:
    verdict = Verdict(result="fail", reason="35 %", condition=RATE, at=at(when), measured=0.35, bound=0.05, points=34)
    return VerdictGiven(verdict=verdict)


STORY = entries(
    (10, wrote(0, "lab.build", {"service": "payments", "version": "v2"})),
    (14, wrote(1, "lab.start", {"service": "payments", "pool": "green", "version": "v2"})),
    (20, wrote(2, "lab.set_weights", {"service": "payments", "weights": {"green": 10}})),
    (30, failed(30)),
    (31, wrote(2, "lab.set_weights", {"service": "payments"}).model_copy(update={"direction": "undo"})),
)


def run(told: list[Entry]) -> Run:
    return fold(told)


def test_what_was_breached_is_known_with_the_version_that_was_put_there() -> None:
    facts = facts_of(run(STORY), STORY, step_s=1.0)
    (breach,) = facts.breaches
    assert (breach.service, breach.version, breach.signal) == ("payments", "v2", "error_rate")
    assert (breach.measured, breach.bound, breach.points) == (0.35, 0.05, 34)
    assert facts.service == "payments"


def test_the_healthy_window_ends_before_the_run_changed_anything() -> None:
    facts = facts_of(run(STORY), STORY, step_s=1.0)
    assert (facts.window.start, facts.window.end) == (at(20), at(30))
    assert (facts.baseline.start, facts.baseline.end) == (at(10 - HEALTHY_S), at(10))


def test_changes_are_those_that_the_run_made_and_not_their_undoing() -> None:
    changes = facts_of(run(STORY), STORY, step_s=1.0).changes
    assert [(change.at, change.service, change.kind) for change in changes] == [
        (at(10), "payments", "deploy"),
        (at(14), "payments", "deploy"),
        (at(20), "payments", "traffic"),
    ]


def test_another_pools_version_is_not_blamed() -> None:
    told = entries(
        (10, wrote(0, "lab.start", {"service": "payments", "pool": "green", "version": "v2"})),
        (12, wrote(1, "lab.start", {"service": "payments", "pool": "blue", "version": "v1"})),
        (14, wrote(2, "lab.start", {"service": "front", "pool": "green", "version": "v9"})),
        (30, failed(30)),
    )
    assert facts_of(run(told), told, step_s=1.0).breaches[0].version == "v2"


def test_a_run_that_failed_before_it_wrote_has_a_window_all_the_same() -> None:
    told = entries()
    facts = facts_of(run(told), told, step_s=1.0)
    assert facts.window.end - facts.window.start == timedelta(seconds=LEAST_S)
    assert (facts.breaches, facts.changes, facts.service) == ((), (), "")


def test_without_a_verdict_the_window_ends_where_a_step_failed_and_not_with_the_undo() -> None:
    told = entries(
        (10.0, wrote(0, "lab.start", {"service": "payments", "version": "v3"})),
        (40.0, RunMoved(state="undoing", reason="a postcondition")),
        (90.0, RunMoved(state="rolled_back")),
    )
    window = facts_of(fold(told), told, step_s=1.0).window
    assert (window.start, window.end) == (at(10), at(40))
