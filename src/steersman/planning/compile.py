"""From the actions of a search to the steps of a plan: ids, order, inverses, bounds, conditions, observations."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pydantic import JsonValue, ValidationError

from steersman.domain.errors import InputError
from steersman.domain.expression import is_expression
from steersman.domain.fact import JsonObject
from steersman.domain.ids import ConditionId, ResourceId, StepId
from steersman.domain.operation import Invocation, Operation
from steersman.domain.plan import Check, Condition, Hold, Observation, Step
from steersman.domain.scenario import ConditionTemplate, MethodSet
from steersman.planning.fill import fill, fill_text
from steersman.planning.frame import Action, Item
from steersman.planning.names import nearest
from steersman.planning.order import Groups, groups_of, ordered, referred
from steersman.planning.schema import Path, inside
from steersman.planning.simulation import concrete, target
from steersman.planning.world import Facts, World, probe_key

UNSAFE = re.compile(r"[^A-Za-z0-9._:-]+")
LONGEST_ID = 100


class Compiler:
    """Turns actions into steps; remembers the conditions that their holds name."""

    def __init__(self, actions: Sequence[Action], methods: MethodSet, world: World) -> None:
        self._actions = actions
        self._methods = methods
        self._world = world
        self._groups: Groups = groups_of(actions)
        self._ids = _ids(actions)
        self.conditions: dict[ConditionId, Condition] = {}

    def steps(self) -> tuple[Step, ...]:
        """The steps, in the order of the search."""
        needs = ordered(self._actions, self._groups, self._world)
        return tuple(self._step(index, needs[index]) for index in range(len(self._actions)))

    def _step(self, index: int, needs: Sequence[int]) -> Step:
        action = self._actions[index]
        item, operation = action.item, action.operation
        arguments = self._resolved(action.arguments, operation.input_schema)
        return Step(
            id=self._ids[index],
            phase=item.phase or self._default_phase(),
            operation=operation.name,
            version=operation.version,
            arguments=arguments,
            needs=tuple(self._ids[need] for need in needs),
            preconditions=self._checks(item, item.subtask.preconditions),
            postconditions=self._checks(item, item.subtask.postconditions),
            inverse=concrete(operation.inverse, arguments) if operation.inverse else None,
            timeout_s=item.subtask.timeout_s or operation.timeout_s,
            retry=item.subtask.retry,
            hold=self._hold(item),
            why=item.subtask.why if item.final else fill_text(item.subtask.why, item.scope),
        )

    def _default_phase(self) -> str:
        phases = self._methods.phases
        return "deploy" if "deploy" in phases else phases[0]

    def _checks(self, item: Item, checks: tuple[Check, ...]) -> tuple[Check, ...]:
        found = []
        for check in item.checks(checks):
            operation = self._world.catalogue.get(check.call.operation)
            schema = operation.input_schema if operation else {}
            call = check.call.model_copy(update={"arguments": self._resolved(check.call.arguments, schema)})
            found.append(check.model_copy(update={"call": call}))
        return tuple(found)

    def _resolved(self, value: JsonObject, schema: JsonObject) -> JsonObject:
        found = self._references(value, schema, ())
        return found if isinstance(found, dict) else {}

    def _references(self, value: JsonValue, schema: JsonObject, at: Path) -> JsonValue:
        """References by step id, each within bounds: those of the scenario, or of the argument that it is for."""
        match value:
            case dict() if is_expression(value) and isinstance(body := value.get("$from"), dict):
                source = self._ids[referred(str(body["step"]), self._groups)]
                return {"$from": {**body, "step": source, "bounds": body.get("bounds") or inside(schema, at) or {}}}
            case dict():
                return {key: self._references(item, schema, (*at, key)) for key, item in value.items()}
            case list():
                return [self._references(item, schema, (*at, place)) for place, item in enumerate(value)]
            case _:
                return value

    def _hold(self, item: Item) -> Hold | None:
        template = item.subtask.hold
        if template is None:
            return None
        scope = item.scope
        return Hold(
            conditions=tuple(self._condition(fill_text(name, scope), scope) for name in template.conditions),
            for_s=_number(template.for_s, scope, "for_s"),
            max_s=_number(template.max_s, scope, "max_s"),
        )

    def _condition(self, name: str, scope: JsonObject) -> ConditionId:
        template = next((t for t in self._methods.conditions if t.id == name), None)
        if template is None:
            known = [t.id for t in self._methods.conditions]
            raise InputError(f"the scenario holds on {name!r}, which is no condition of it: {nearest(name, known)}")
        made = condition(template, scope)
        place, wanted = 1, made.id
        while (other := self.conditions.setdefault(wanted, made.model_copy(update={"id": wanted}))) != made.model_copy(
            update={"id": wanted}
        ):
            place += 1
            wanted = ConditionId(f"{made.id}-{place}")
        return other.id


def condition(template: ConditionTemplate, scope: Mapping[str, JsonValue]) -> Condition:
    """A condition for these parameters. Raises InputError when they do not make one."""
    filled = fill(template.model_dump(mode="json"), scope)
    try:
        return Condition.model_validate(filled)
    except ValidationError as e:
        wrong = "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in e.errors())
        raise InputError(f"condition {template.id!r} cannot be made from the parameters: {wrong}") from e


def observations(
    steps: Sequence[Step], relied: Sequence[Invocation], facts: Facts, world: World
) -> tuple[Observation, ...]:
    """What was seen of everything that the steps change, and of what their choice rests on."""
    found: dict[str, Observation] = {}
    for step in steps:
        operation = world.catalogue[step.operation]
        probe = concrete(operation.probe, step.arguments) if operation.probe and operation.effect != "read" else None
        if probe is not None:
            _observe(found, probe, target(operation, step.arguments), facts)
    for probe in relied:
        _observe(found, probe, _seen(world.catalogue.get(probe.operation), probe), facts)
    return tuple(found.values())


def _observe(found: dict[str, Observation], probe: Invocation, resource: ResourceId | None, facts: Facts) -> None:
    reading = facts.get(key := probe_key(probe))
    if reading is not None and resource is not None:
        found.setdefault(
            key,
            Observation(resource=resource, probe=probe, state=reading.state, observed_at=reading.observed_at),
        )


def _seen(operation: Operation | None, probe: Invocation) -> ResourceId:
    own = target(operation, probe.arguments) if operation else None
    return own or ResourceId(f"answer/{probe.operation}")


def _ids(actions: Sequence[Action]) -> list[StepId]:
    taken: set[str] = set()
    ids = []
    for action in actions:
        plain = UNSAFE.sub("-", action.item.name).strip("-._:")[:LONGEST_ID] or "step"
        name, place = plain, 1
        while name in taken:
            place += 1
            name = f"{plain}-{place}"
        taken.add(name)
        ids.append(StepId(name))
    return ids


def _number(value: float | str, scope: Mapping[str, JsonValue], what: str) -> float:
    filled = fill(value, scope)
    if isinstance(filled, bool) or not isinstance(filled, (int, float)) or filled <= 0:
        raise InputError(f"{what} of a hold is {filled!r}: give seconds above 0")
    return float(filled)
