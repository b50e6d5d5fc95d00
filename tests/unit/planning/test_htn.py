"""Laws of the planner on small random domains over the shelf, held against brute force."""

from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steersman.domain.errors import InputError
from steersman.domain.expression import Scope, resolve
from steersman.domain.goal import Goal
from steersman.domain.ids import OperationName
from steersman.domain.operation import Invocation
from steersman.domain.plan import Plan, Predicate
from steersman.domain.scenario import FactTest, Match, Method, MethodSet, Parameter, Scenario, Subtask
from steersman.planning.check import check
from steersman.planning.planner import plan
from steersman.planning.world import Facts, Needs, Reading, facts_of
from steersman.testing import plans
from steersman.testing.shelf import Shelf

NOW = datetime(2026, 11, 25, tzinfo=UTC)
WORLD = plans.world()
NAMES = ("a", "b", "c")


def scenario(methods: MethodSet, **more: Any) -> Match:
    return Match(scenario=Scenario(id="s", goal="g", method=methods, **more), score=1.0, why=())


def made(match: Match, shelf: Shelf, *, rounds: int = 8, **parameters: Any) -> Plan:
    facts: Facts = {}
    for _ in range(rounds):
        result = plan(Goal(text="g", parameters=parameters), [match], facts, world=WORLD, now=NOW)
        if not isinstance(result, Needs):
            return result
        facts = {**facts, **facts_of(*(read(probe, shelf) for probe in result.probes))}
    raise AssertionError(f"more than {rounds} rounds of reading")


def read(probe: Invocation, shelf: Shelf) -> Reading:
    return Reading(probe=probe, state=shelf.state(str(probe.arguments["name"])), observed_at=NOW)


def get(name: str) -> Invocation:
    return Invocation(operation=OperationName("shelf.get"), arguments={"name": name})


def operation(verb: str, name: str, value: int | None = None, **more: Any) -> Subtask:
    arguments = {"name": name} if value is None else {"name": name, "value": value}
    return Subtask(operation=f"shelf.{verb}", arguments=arguments, **{"id": f"{verb}-{name}", **more})


def exists(name: str, *, wanted: bool) -> FactTest:
    return FactTest(probe=get(name), test=Predicate(path="/exists", op="==", value=wanted))


@st.composite
def domains(draw: st.DrawFn) -> MethodSet:
    """Tasks t0..t3, where a task refers only to later ones: always finite, often without a way."""
    methods = []
    for task in range(4):
        for number in range(draw(st.integers(1, 3))):
            when = tuple(
                exists(draw(st.sampled_from(NAMES)), wanted=draw(st.booleans())) for _ in range(draw(st.integers(0, 2)))
            )
            subtasks = []
            for place in range(draw(st.integers(0, 3))):
                if task < 3 and draw(st.booleans()):
                    subtasks.append(Subtask(id=f"x{place}", task=f"t{draw(st.integers(task + 1, 3))}"))
                else:
                    verb = draw(st.sampled_from(["create", "delete", "put"]))
                    value = None if verb == "delete" else draw(st.integers(0, 9))
                    subtasks.append(operation(verb, draw(st.sampled_from(NAMES)), value, id=f"x{place}"))
            methods.append(
                Method(name=f"m{task}{number}", task=f"t{task}", when=when, subtasks=tuple(subtasks), sequence=False)
            )
    return MethodSet(root="t0", methods=tuple(methods))


def brute(methods: MethodSet, tasks: tuple[Subtask, ...], state: dict[str, int]) -> Iterator[list[tuple[str, str]]]:
    """Every sequence of calls that some choice of methods gives, by plain enumeration."""
    if not tasks:
        yield []
        return
    first, rest = tasks[0], tasks[1:]
    if first.operation is not None:
        verb, name = first.operation.partition(".")[2], str(first.arguments["name"])
        if (verb == "create") == (name in state):
            return
        after = dict(state)
        if verb == "delete":
            del after[name]
        else:
            after[name] = int(str(first.arguments["value"]))
        for tail in brute(methods, rest, after):
            yield [(verb, name), *tail]
        return
    for method in methods.methods:
        fits = all((str(t.probe and t.probe.arguments["name"]) in state) == t.test.value for t in method.when)
        if method.task == first.task and fits:
            yield from brute(methods, (*method.subtasks, *rest), state)


states = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 9))


@settings(max_examples=120)
@given(domains(), states)
def test_it_finds_a_plan_exactly_when_there_is_one_and_the_first_in_order_of_preference(
    methods: MethodSet, state: dict[str, int]
) -> None:
    first = next(brute(methods, (Subtask(task="t0"),), state), None)
    try:
        found: Plan | None = made(scenario(methods), Shelf(state))
    except InputError:
        found = None
    assert (found is None) == (first is None)
    if found is not None:
        assert [(s.operation.partition(".")[2], s.arguments["name"]) for s in found.steps] == first


@settings(max_examples=60)
@given(domains(), states, st.integers(0, 1_000))
def test_what_it_makes_passes_the_checker_and_runs_in_every_order_that_it_allows(
    methods: MethodSet, state: dict[str, int], seed: int
) -> None:
    try:
        found = made(scenario(methods), Shelf(state))
    except InputError:
        return
    assert [p for p in check(found, WORLD) if p.code != "empty"] == []
    shelf, rng, done = Shelf(state), Random(seed), {}
    while len(done) < len(found.steps):
        ready = [s for s in found.steps if s.id not in done and all(need in done for need in s.needs)]
        assert ready, "the order has a cycle"
        step = rng.choice(ready)
        arguments = resolve(step.arguments, Scope(outputs=done))
        assert isinstance(arguments, dict)
        done[step.id] = shelf.do(step.operation.partition(".")[2], arguments)
    in_order = Shelf(state)
    for step in found.steps:
        in_order.do(step.operation.partition(".")[2], step.arguments)
    assert shelf.values == in_order.values


def test_going_back_undoes_what_the_given_up_method_did_to_the_state() -> None:
    methods = MethodSet(
        root="have",
        methods=(
            Method(name="dead-end", task="have", subtasks=(operation("create", "a", 1), operation("put", "b", 1))),
            Method(
                name="fresh", task="have", when=(exists("a", wanted=False),), subtasks=(operation("create", "a", 2),)
            ),
        ),
    )
    assert [step.arguments["value"] for step in made(scenario(methods), Shelf()).steps] == [2]


def test_a_read_stands_between_the_writes_that_were_listed_before_and_after_it() -> None:
    reading = Subtask(id="look", operation="shelf.get", arguments={"name": "a"})
    subtasks = (operation("put", "a", 1), reading, operation("put", "a", 2, id="again"))
    methods = MethodSet(root="t", methods=(Method(name="m", task="t", subtasks=subtasks),))
    needs = {step.id: step.needs for step in made(scenario(methods), Shelf({"a": 0})).steps}
    assert needs == {"put-a": (), "look": ("put-a",), "again": ("look",)}


def test_independent_steps_are_parallel_and_writers_of_one_thing_are_not() -> None:
    methods = MethodSet(
        root="all",
        methods=(
            Method(
                name="m",
                task="all",
                subtasks=(operation("create", "a", 1), operation("create", "b", 2), operation("put", "a", 3)),
            ),
        ),
    )
    needs = {step.id: step.needs for step in made(scenario(methods), Shelf()).steps}
    assert needs == {"create-a": (), "create-b": (), "put-a": ("create-a",)}


def test_a_sequence_waits_even_where_a_task_in_it_comes_to_nothing() -> None:
    methods = MethodSet(
        root="all",
        methods=(
            Method(
                name="m",
                task="all",
                sequence=True,
                subtasks=(operation("create", "a", 1), Subtask(id="gap", task="nothing"), operation("create", "b", 2)),
            ),
            Method(name="n", task="nothing"),
        ),
    )
    assert made(scenario(methods), Shelf()).steps[1].needs == ("create-a",)


def test_after_reaches_through_a_task_that_comes_to_nothing() -> None:
    methods = MethodSet(
        root="all",
        methods=(
            Method(
                name="m",
                task="all",
                subtasks=(
                    operation("create", "a", 1),
                    Subtask(id="gap", task="nothing", after=("create-a",)),
                    operation("create", "b", 2, after=("gap",)),
                ),
            ),
            Method(name="n", task="nothing"),
        ),
    )
    assert made(scenario(methods), Shelf()).steps[1].needs == ("create-a",)


def test_references_between_steps_order_them_and_carry_bounds() -> None:
    reference = {"$from": {"step": "look", "path": "/value"}}
    methods = MethodSet(
        root="all",
        methods=(
            Method(
                name="m",
                task="all",
                subtasks=(
                    Subtask(id="look", operation="shelf.get", arguments={"name": "base"}),
                    Subtask(id="inner", task="copy", arguments={"value": reference}),
                ),
            ),
            Method(
                name="n",
                task="copy",
                subtasks=(Subtask(operation="shelf.create", arguments={"name": "a", "value": "{value}"}),),
            ),
        ),
    )
    found = made(scenario(methods), Shelf({"base": 5}))
    assert check(found, WORLD) == []
    assert found.steps[1].needs == ("look",)
    assert found.steps[1].arguments["value"] == {
        "$from": {"step": "look", "path": "/value", "bounds": {"type": "integer"}}
    }


def test_choices_tell_what_was_taken_and_why_the_rest_was_not() -> None:
    methods = MethodSet(
        root="have",
        methods=(
            Method(
                name="fresh", task="have", when=(exists("a", wanted=False),), subtasks=(operation("create", "a", 1),)
            ),
            Method(name="dead-end", task="have", subtasks=(operation("put", "a", 1), operation("create", "a", 1))),
            Method(name="renew", task="have", subtasks=(operation("put", "a", 2),), why="it is there"),
        ),
    )
    choices = {c.method: c for c in made(scenario(methods), Shelf({"a": 0})).provenance.choices if c.task == "have"}
    assert choices["renew"].taken
    assert choices["renew"].why == "it is there"
    assert not choices["fresh"].taken
    assert "/exists == False" in choices["fresh"].why
    assert "given up" in choices["dead-end"].why
    assert "there already" in choices["dead-end"].why


def test_methods_that_call_themselves_for_ever_are_refused() -> None:
    loop = Method(name="m", task="t", subtasks=(Subtask(task="t"),))
    with pytest.raises(InputError, match="100 tasks deep"):
        made(scenario(MethodSet(root="t", methods=(loop,))), Shelf())


def test_a_parameter_cannot_smuggle_a_hole_or_an_expression_in() -> None:
    methods = MethodSet(root="t", methods=(Method(name="m", task="t", subtasks=(operation("put", "{name}", 1),)),))
    match = scenario(methods, parameters=(Parameter(name="name"), Parameter(name="secret", default="x")))
    found = plan(Goal(text="g", parameters={"name": "{secret}"}), [match], {}, world=WORLD, now=NOW)
    assert isinstance(found, Needs)
    assert found.probes[0].arguments == {"name": "{secret}"}
    with pytest.raises(InputError, match="no plain value"):
        plan(Goal(text="g", parameters={"name": {"$arg": "/x"}}), [match], {}, world=WORLD, now=NOW)


def test_mistakes_in_a_scenario_are_named_with_what_was_meant() -> None:
    def planned(*subtasks: Subtask) -> None:
        made(scenario(MethodSet(root="t", methods=(Method(name="m", task="t", subtasks=subtasks),))), Shelf({"a": 1}))

    with pytest.raises(InputError, match=r"did you mean 'shelf\.put'"):
        planned(operation("putt", "a", 1))
    with pytest.raises(InputError, match="no method for 'tt'"):
        planned(Subtask(task="tt"))
    with pytest.raises(InputError, match=r"refers to \{nmae\}"):
        planned(operation("put", "{nmae}", 1))
    with pytest.raises(InputError, match=r"after 'put-b'.*did you mean 'put-a'"):
        planned(operation("put", "a", 1), operation("put", "a", 2, id="again", after=("put-b",)))
    with pytest.raises(InputError, match="two subtasks of one method"):
        planned(operation("put", "a", 1), operation("put", "a", 2))


FLEET = MethodSet(
    root="all",
    methods=(
        Method(
            name="each",
            task="all",
            subtasks=(Subtask(id="have-{item}", task="have", arguments={"name": "{item}"}, for_each="services"),),
        ),
        Method(
            name="there", task="have", when=(exists("{name}", wanted=True),), subtasks=(operation("put", "{name}", 2),)
        ),
        Method(name="new", task="have", subtasks=(operation("create", "{name}", 1), operation("put", "{name}", 2))),
    ),
)


@pytest.mark.parametrize("root", ["all", "batches"])
def test_four_hundred_services_are_planned_in_a_few_rounds_and_well_under_a_second(root: str) -> None:
    in_batches = Method(
        name="some-at-a-time",
        task="batches",
        subtasks=(
            Subtask(
                id="roll",
                task="rollout.batches",
                arguments={"task": "have", "over": "name", "items": "{services}", "size": 20},
            ),
        ),
    )
    methods = FLEET.model_copy(update={"root": root, "methods": (*FLEET.methods, in_batches)})
    names = [f"s{i}" for i in range(400)]
    match = scenario(methods, parameters=(Parameter(name="services", schema={"type": "array"}),))
    shelf = Shelf(dict.fromkeys(names[::2], 0))
    made(match, shelf, rounds=3, services=names)
    facts = facts_of(*(read(get(name), shelf) for name in names))
    started = process_time()
    found = plan(Goal(text="g", parameters={"services": names}), [match], facts, world=WORLD, now=NOW)
    spent = process_time() - started
    assert isinstance(found, Plan)
    assert len(found.steps) == 600
    assert check(found, WORLD) == []
    assert spent < 1
    free = sum(not step.needs for step in found.steps)
    assert free == (400 if root == "all" else 20)
