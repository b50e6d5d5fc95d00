"""What a plan card says of the way back."""

import io

import pytest
from rich.console import Console

from steersman.cli.render.card import plan_card
from steersman.domain.ids import OperationName
from steersman.domain.operation import Invocation
from steersman.planning.effects import StepEffect
from steersman.testing.world import World
from steersman.testing.worldplans import sim_plan, sim_step

BACK = Invocation(operation=OperationName("sim.end"), arguments={"name": "job"})


def card(language: str, **undo: object) -> str:
    plan = sim_plan(World(), [sim_step("job", "begin", "job", 1)])
    effect = StepEffect(
        step_id=plan.steps[0].id,
        operation=plan.steps[0].operation,
        resource="sim/job",
        kind="created",
        before={"exists": False},
        after={"value": 1},
        destructive=False,
        blast_radius="instance",
        **undo,
    )
    shown = io.StringIO()
    Console(file=shown, width=200).print(plan_card(plan, [effect], language))
    return shown.getvalue()


@pytest.mark.parametrize(
    ("undo", "english", "korean"),
    [
        ({"undo": BACK}, "↩ undone by sim.end(name=job)", "↩ 되돌리는 방법 sim.end(name=job)"),
        ({"undo": None}, "↩ undone by CANNOT BE UNDONE", "↩ 되돌리는 방법 되돌릴 수 없음"),
        ({"undo": None, "kept": "the backup"}, "↩ kept on undo: the backup", "↩ 되돌려도 남김: the backup"),
        (
            {"undo": BACK, "kept": "a build"},
            "sim.end(name=job); kept if that comes too late: a build",
            "sim.end(name=job); 늦으면 남김: a build",
        ),
    ],
)
def test_the_card_says_what_an_undo_takes_back_and_what_it_leaves(
    undo: dict[str, object], english: str, korean: str
) -> None:
    assert english in card("en", **undo)
    assert korean in card("ko", **undo)
