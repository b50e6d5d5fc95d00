"""The protected set holds backups: new ones may be added, and nothing that is there is touched."""

from dataclasses import replace
from pathlib import Path

import pytest

from steersman.app.contracts import contract_plan, contract_world
from steersman.app.scenarios import Knowledge
from steersman.app.settings import KnowledgeSettings, Settings
from steersman.domain.goal import Goal
from steersman.domain.ids import OperationName
from steersman.domain.plan import Plan
from steersman.planning.check import check
from steersman.planning.world import World
from steersman.policy.engine import load

NAME = OperationName("postgres.backup")


@pytest.fixture
def world() -> World:
    return contract_world(["postgres"])


@pytest.fixture
def plan(world: World, tmp_path: Path) -> Plan:
    knowledge = Knowledge(Settings(home=tmp_path, knowledge=KnowledgeSettings(embedder="words")))
    scenario = "backup-postgres-before-migration"
    return contract_plan(Goal(text=scenario), knowledge, world, scenario=scenario, given=())


def test_a_new_backup_is_no_forbidden_target(plan: Plan, world: World) -> None:
    assert [step.operation for step in plan.steps] == [NAME, "postgres.check_backup"]
    assert check(plan, world) == []


@pytest.mark.parametrize("access", ["update", "delete"])
def test_what_would_change_or_delete_one_is(plan: Plan, world: World, access: str) -> None:
    changed = world.catalogue[NAME].model_copy(update={"access": access})
    elsewhere = replace(world, catalogue={**world.catalogue, NAME: changed})
    assert "forbidden_target" in {problem.code for problem in check(plan, elsewhere)}


def test_only_the_plain_place_of_a_backup_admits_something_new(plan: Plan, world: World) -> None:
    strict = replace(world, admits_new=lambda _: False)
    assert {problem.code for problem in check(plan, strict)} == {"forbidden_target"}
    rules = load()
    assert rules.admits_new("postgres/backup/shop/before")
    for place in ("vault/secret/sys/policies", "postgres/backup/../sys", "postgres/backup/shop", "a/b/backup/c/d"):
        assert not rules.admits_new(place), place
