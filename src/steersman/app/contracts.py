"""Planning against typed contracts alone: for platforms whose operations have no code here, or are not connected."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from functools import cache
from types import MappingProxyType

import yaml

from steersman.app.catalogue import all_operations
from steersman.app.scenarios import Knowledge, with_unread
from steersman.app.store import CLOCK
from steersman.domain.environment import Tier
from steersman.domain.errors import InputError
from steersman.domain.goal import Goal
from steersman.domain.ids import OperationName, ResourceId
from steersman.domain.operation import Operation
from steersman.domain.plan import Plan
from steersman.domain.scenario import Scenario
from steersman.domain.signal import UNIT
from steersman.knowledge.fit import named_toolsets, required_toolsets
from steersman.planning.assume import Given, assumed_plan, unconnected
from steersman.planning.check import check
from steersman.planning.names import nearest
from steersman.planning.world import World
from steersman.policy.builtin import NEW_BACKUP, PROTECTED
from steersman.toolsets.contracts.catalogue import contracts

CONNECTABLE = frozenset({"lab"})
"""Kinds of environment that are found without configuration; a scenario for none
of them can only be planned on contracts.
"""
PROBLEMS_SHOWN = 8


@cache
def plannable() -> Mapping[OperationName, Operation]:
    """Everything that a scenario can name: what has code here, and contracts of what has none."""
    return MappingProxyType({**contracts(), **{each.name: each for each in all_operations()}})


def is_only_contract(scenario: Scenario) -> bool:
    """Whether nothing that it is made for can be connected to."""
    return bool(scenario.labels.platforms) and not scenario.labels.platforms & CONNECTABLE


def platforms_of(scenario: Scenario) -> tuple[str, ...]:
    """What a scenario says that it runs on, and the systems that its method calls."""
    kinds = sorted(scenario.labels.platforms) or ["kubernetes"]
    return (kinds[0], *sorted(required_toolsets(scenario) - {kinds[0]}))


def contract_world(platforms: Sequence[str], *, tier: Tier = "staging") -> World:
    """A world of contracts: the first platform is the kind of environment, all of them are systems at hand.

    Raises InputError for a system that has no contracts.
    """
    names = [name.strip().replace("-", "_") for name in platforms]
    known = {operation.toolset for operation in plannable().values()}
    for name in names:
        if name not in known:
            raise InputError(f"there are no contracts for {name!r}: {nearest(name, known)}")
    if not names:
        raise InputError("--platform wants names, as in kubernetes,argo-rollouts")
    return World(
        environment=unconnected(names[0], tier),
        catalogue={name: each for name, each in plannable().items() if each.toolset in names},
        kinds={},
        protected=_is_protected,
        admits_new=lambda resource: re.search(NEW_BACKUP, resource) is not None,
        signals=frozenset(UNIT),
    )


def contract_plan(goal: Goal, knowledge: Knowledge, world: World, *, scenario: str, given: Sequence[Given]) -> Plan:
    """A checked plan that can be read and never run. Raises InputError when there is none."""
    toolsets = frozenset(operation.toolset for operation in world.catalogue.values())
    found = [knowledge.named(scenario)] if scenario else knowledge.recall(goal.text, world.environment, toolsets)
    match = next((each for each in found if each.scenario.method is not None), None)
    if match is None:
        said = f"{found[0].scenario.id!r} has no typed method" if found else "no scenario fits"
        raise InputError(f"{goal.text!r} cannot be planned: {said}; `steer scenarios validate` says what stays text")
    try:
        made = with_unread(assumed_plan(goal, match, world, given=given, now=CLOCK.now()), match.scenario)
    except InputError as e:
        absent = sorted(named_toolsets(match.scenario) - toolsets)
        more = (
            f"; {match.scenario.id!r} also uses {', '.join(absent)}, which --platform does not name" if absent else ""
        )
        raise InputError(f"{e}{more}") from e
    problems = check(made, world)
    if problems:
        said = "; ".join(f"{p.path} ({p.code}): {p.reason}; {p.remedy}" for p in problems[:PROBLEMS_SHOWN])
        raise InputError(f"the plan is not sound: {said}")
    return made


def given(texts: Sequence[str]) -> tuple[Given, ...]:
    """`argo_rollouts.get_rollout/strategy=blueGreen` as a value that is there. Raises InputError for other forms."""
    return tuple(_given(text) for text in texts)


def _given(text: str) -> Given:
    place, equals, value = text.partition("=")
    operation, slash, path = place.partition("/")
    if not (equals and slash and path and "." in operation):
        raise InputError(
            f"--assume {text!r}: wants OPERATION/FIELD=VALUE, as in argo_rollouts.get_rollout/strategy=canary"
        )
    try:
        return Given(operation, f"/{path}", yaml.safe_load(value))
    except yaml.YAMLError as e:
        raise InputError(f"--assume {text!r}: {value!r} is no YAML value") from e


def _is_protected(resource: ResourceId) -> bool:
    return any(fnmatch(resource, pattern) for pattern in PROTECTED)
