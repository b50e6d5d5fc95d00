"""Total-order task decomposition with preconditions and backtracking, on observed facts.

A fact that nobody has observed does not end the search: it goes on as if the fact were as wished, to find out
what else it lacks, so that two or three rounds of reading suffice for a plan of any size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from steersman.domain.errors import InputError
from steersman.domain.expression import pointer
from steersman.domain.fact import JsonObject
from steersman.domain.ids import OperationName
from steersman.domain.operation import Invocation, Operation
from steersman.domain.plan import Check, Choice, Predicate
from steersman.domain.scenario import FactTest, Method, MethodSet, Subtask
from steersman.planning.fill import fill, fill_object, fill_text
from steersman.planning.frame import Action, Frame, Item, opened, scope_of
from steersman.planning.names import nearest
from steersman.planning.parameters import unfit
from steersman.planning.schema import holes
from steersman.planning.simulation import concrete, expected, is_known
from steersman.planning.state import State
from steersman.planning.vocabulary import VOCABULARY
from steersman.planning.world import Facts, World, probe_key

DEEPEST = 100
MOST_EXPANSIONS = 100_000
MOST_CHOICES = 500
GIVEN_UP = "given up, since further on"


@dataclass(frozen=True, slots=True)
class Solution:
    """What a search came to."""

    actions: tuple[Action, ...] | None
    """None: there is no way."""
    needs: tuple[Invocation, ...]
    """Probes without which the rest is a guess."""
    relied: tuple[Invocation, ...]
    """Probes whose answers the chosen methods and checks rest on."""
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class _Agenda:
    """What is still to do: a linked list, so that going back costs nothing."""

    item: Item
    rest: _Agenda | None


@dataclass(slots=True)
class _Point:
    """A task whose later methods have not been tried yet, and all that must be restored to try them."""

    item: Item
    rest: _Agenda | None
    next: int
    state: int
    actions: int
    taken: int
    relied: int


class Search:
    """One search through the methods of a scenario."""

    def __init__(self, methods: MethodSet, parameters: JsonObject, *, facts: Facts, world: World) -> None:
        self._parameters = parameters
        self._world = world
        self._root = methods.root
        self._methods: dict[str, list[Method]] = {}
        for method in methods.methods:
            self._methods.setdefault(method.task, []).append(method)
        self._probing: dict[OperationName, bool] = {}
        self._state = State(facts)
        self._actions: list[Action] = []
        self._taken: list[Choice] = []
        self._refused: dict[tuple[str, str, str], Choice] = {}
        self._relied: list[Invocation] = []
        self._needs: dict[str, Invocation] = {}
        self._points: list[_Point] = []
        self._frames = 0

    def run(self) -> Solution:
        """Searches until there is a way or none is left."""
        top = Frame(0, self._parameters)
        opened(top, (Subtask(task=self._root, arguments={}),))
        agenda: _Agenda | None = _Agenda(top.items[0], None)
        found = True
        while agenda is not None:
            if self._frames > MOST_EXPANSIONS:
                raise InputError(f"no plan within {MOST_EXPANSIONS} expansions: a method of {self._root!r} may recurse")
            way = self._advance(agenda)
            if isinstance(way, str):
                if self._needs:
                    break  # going back now would be guessing: first read what is missing
                found, way = self._back(way)
                if not found:
                    break
            agenda = way
        return Solution(
            actions=tuple(self._actions) if found else None,
            needs=tuple(self._needs.values()),
            relied=tuple(self._relied),
            choices=(*self._taken, *self._refused.values()) if found else tuple(self._refused.values()),
        )

    def _advance(self, agenda: _Agenda) -> _Agenda | str | None:
        """The agenda after its first item; a text says why there is no way on from here."""
        item, rest = agenda.item, agenda.rest
        if item.subtask.operation is not None:
            why = self._act(item)
            return rest if why is None else why
        point = _Point(
            item,
            rest,
            next=0,
            state=self._state.mark(),
            actions=len(self._actions),
            taken=len(self._taken),
            relied=len(self._relied),
        )
        return self._try(point)

    def _back(self, why: str) -> tuple[bool, _Agenda | None]:
        """The agenda of the next method of the last task that has one left; False when there is none."""
        while self._points:
            point = self._points.pop()
            for given_up in self._taken[point.taken :]:
                self._refuse(given_up.task, given_up.method, f"{GIVEN_UP}: {why}")
            self._state.back(point.state)
            del self._actions[point.actions :], self._taken[point.taken :], self._relied[point.relied :]
            way = self._try(point)
            if not isinstance(way, str):
                return True, way
            why = way
        return False, None

    def _try(self, point: _Point) -> _Agenda | str | None:
        """The agenda with the first method from `point.next` on that applies."""
        item = point.item
        task = str(item.subtask.task)
        if item.frame.depth >= DEEPEST:
            return f"{task!r} is {DEEPEST} tasks deep"
        self._frames += 1
        arguments = item.arguments()
        if task in VOCABULARY:
            expansion = VOCABULARY[task](item.subtask.model_copy(update={"id": item.name}), arguments)
            self._taken.append(Choice(task=task, method=task, taken=True, why=expansion.why))
            return self._opened(item, point.rest, scope=item.scope, subtasks=expansion.subtasks, final=True)
        methods = self._methods.get(task, [])
        if not methods:
            raise InputError(f"the scenario has no method for {task!r}: {nearest(task, [*self._methods, *VOCABULARY])}")
        label = _label(task, arguments)
        reasons = []
        for place in range(point.next, len(methods)):
            method = methods[place]
            scope, why = self._applies(method, arguments)
            if why is None:
                point.next = place + 1
                self._points.append(point)
                self._taken.append(
                    Choice(task=label, method=method.name, taken=True, why=method.why or "all its preconditions hold")
                )
                return self._opened(item, point.rest, scope=scope, subtasks=method.subtasks, sequence=method.sequence)
            self._refuse(label, method.name, why)
            reasons.append(f"{method.name}: {why}")
        return "; ".join(reasons) or f"{label} has no other method"

    def _opened(
        self,
        item: Item,
        rest: _Agenda | None,
        *,
        scope: JsonObject,
        subtasks: Sequence[Subtask],
        sequence: bool = False,
        final: bool = False,
    ) -> _Agenda | None:
        self._frames += 1
        frame = Frame(self._frames, scope, item, sequence, item.frame.depth + 1)
        opened(frame, tuple(subtasks), final=final)
        for inner in reversed(frame.items):
            rest = _Agenda(inner, rest)
        return rest

    def _refuse(self, task: str, method: str, why: str) -> None:
        if len(self._refused) < MOST_CHOICES:
            self._refused.setdefault((task, method, why), Choice(task=task, method=method, taken=False, why=why))

    def _applies(self, method: Method, arguments: JsonObject) -> tuple[JsonObject, str | None]:
        """What the method would see, and why it cannot be taken; None: it can."""
        given = dict(arguments)
        for parameter in method.parameters:
            if parameter.name not in given and parameter.default is not None:
                given[parameter.name] = parameter.default
        scope = scope_of(self._parameters, given)
        for parameter in method.parameters:
            if parameter.name not in scope:
                return scope, f"it wants {parameter.name!r}"
            if wrong := unfit(parameter, scope[parameter.name]):
                return scope, wrong
        relied = []
        for test in method.when:
            probe, why = self._test(test, scope)
            if why is not None:
                return scope, why
            relied += [probe] if probe else []
        self._relied += relied
        return scope, None

    def _test(self, test: FactTest, scope: JsonObject) -> tuple[Invocation | None, str | None]:
        value = fill(test.test.value, scope)
        claim = test.test.model_copy(update={"value": value, "path": fill_text(test.test.path, scope)})
        meaning = fill_text(test.why, scope)
        if test.probe is None:
            here: JsonObject = {"environment": self._world.environment.model_dump(mode="json"), "parameters": scope}
            return None, None if claim.holds(here) else meaning or f"{claim} is not so"
        probe = Invocation(operation=test.probe.operation, arguments=fill_object(test.probe.arguments, scope))
        return probe, self._claims(probe, (claim,), meaning)

    def _claims(self, probe: Invocation, claims: Sequence[Predicate], meaning: str) -> str | None:
        """Why the claims about a probe's answer are not known to be true; None: they are, or nobody has looked."""
        shown = self._state.shown(probe_key(probe))
        if next(holes(probe.arguments), None) is not None:
            return f"{meaning or 'it'}: what it looks at is known only while the plan runs"
        if shown == "missing":
            self._need(probe)
            return None
        for claim in claims:
            if isinstance(shown, str) or not is_known(claim.path, shown):
                return f"{meaning or claim}: what earlier steps leave there is not known before they run"
            if not claim.holds(shown):
                return f"{meaning or claim} ({probe.operation} {_brief(probe.arguments)}: {_found(claim, shown)})"
        return None

    def _need(self, probe: Invocation) -> None:
        if probe.operation not in self._world.catalogue:
            raise InputError(
                f"the scenario looks with {probe.operation!r}: {nearest(probe.operation, self._world.catalogue)}"
            )
        self._needs.setdefault(probe_key(probe), probe)

    def _act(self, item: Item) -> str | None:
        """Puts a call into the plan and its effect into the state; a text says why it cannot be done here."""
        name = str(item.subtask.operation)
        operation = self._world.catalogue.get(name)  # type: ignore[call-overload]
        if operation is None:
            raise InputError(f"the scenario calls {name!r}: {nearest(name, self._world.catalogue)}")
        arguments = item.arguments()
        if item.subtask.preconditions:
            for check in item.checks(item.subtask.preconditions):
                if (why := self._precondition(check)) is not None:
                    return f"{item.name}: {why}"
        why = self._effect(operation, arguments) if operation.effect != "read" else None
        if why is None:
            self._actions.append(Action(item, operation, arguments))
        return why

    def _precondition(self, check: Check) -> str | None:
        known = self._state.shown(probe_key(check.call)) != "missing"
        if not known and not self._shows_state(check.call.operation):
            return None  # no state but a deed, such as a smoke test: the engine asks when it is time
        self._relied.append(check.call)
        return self._claims(check.call, check.expect, check.why)

    def _shows_state(self, name: OperationName) -> bool:
        """Whether an operation is the probe of another one of its toolset; no other toolset's operations are made."""
        if name not in self._probing:
            catalogue, own = self._world.catalogue, name.partition(".")[0] + "."
            probes = (catalogue[each].probe for each in catalogue if each.startswith(own))
            self._probing[name] = any(probe is not None and probe.operation == name for probe in probes)
        return self._probing[name]

    def _effect(self, operation: Operation, arguments: JsonObject) -> str | None:
        probe = concrete(operation.probe, arguments) if operation.probe else None
        if probe is None or next(holes(probe.arguments), None) is not None:
            return None  # nobody can look at it, or it is known only later: the checker says what that means
        key = probe_key(probe)
        shown = self._state.shown(key)
        if shown == "missing":
            self._need(probe)
            self._state.put(key, None)
        elif isinstance(shown, str):
            self._state.put(key, None)
        else:
            exists = shown.get("exists") is not False
            if exists == (operation.access == "create"):
                there = "there already" if exists else "not there"
                return f"{operation.name} {_brief(arguments)}: the target is {there}"
            self._state.put(key, expected(operation, arguments, shown))
        return None


def _label(task: str, arguments: Mapping[str, JsonValue]) -> str:
    return f"{task}({_brief(arguments)})" if arguments else task


def _found(claim: Predicate, shown: JsonObject) -> str:
    try:
        return f"{claim.path} is {pointer(shown, claim.path)!r}"
    except InputError:
        return f"nothing at {claim.path}"


def _brief(values: Mapping[str, JsonValue]) -> str:
    return ", ".join(
        f"{key}={value!r}" if not isinstance(value, str) else f"{key}={value}" for key, value in values.items()
    )
