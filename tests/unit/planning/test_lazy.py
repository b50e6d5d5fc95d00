"""Planning makes no operation of an imported API that the scenario does not speak of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from steersman.agents.planning import PlanningDeps
from steersman.agents.proposing import propose
from steersman.domain.goal import Goal
from steersman.domain.ids import OperationName
from steersman.domain.operation import Operation
from steersman.testing.practice import practice_deps, practice_match
from steersman.toolsets.lab import OPERATIONS


@dataclass
class Imported(Mapping[OperationName, Operation]):
    """The lab beside a thousand operations of somebody's API, each of which costs to make."""

    made: list[str] = field(default_factory=list)

    def __getitem__(self, name: OperationName) -> Operation:
        if name.startswith("api."):
            self.made.append(name)
        return next(operation for operation in OPERATIONS if operation.name == name)

    def __iter__(self) -> Iterator[OperationName]:
        yield from (operation.name for operation in OPERATIONS)
        yield from (OperationName(f"api.op{number}") for number in range(1_000))

    def __len__(self) -> int:
        return len(OPERATIONS) + 1_000


async def test_a_plan_makes_no_operation_of_an_api_that_it_does_not_use() -> None:
    catalogue, deps = Imported(), practice_deps()
    beside: PlanningDeps = replace(deps, world=replace(deps.world, catalogue=catalogue))
    goal = Goal(text="payments v2를 블루-그린으로 배포")
    found = await propose(goal, [practice_match()], beside)
    alone = await propose(goal, [practice_match()], deps)
    assert found.plan is not None
    assert alone.plan is not None
    assert found.plan.digest() == alone.plan.digest()
    assert catalogue.made == []
