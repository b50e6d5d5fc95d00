"""One call of many: found by words, chosen by code or by a model that is not trusted, called through the gate."""

from collections.abc import Sequence

import pytest

from steersman.agents.tool_executor import ToolExecutorDeps, ToolWish, execute, tool_executor_agent
from steersman.agents.tool_outline import LENGTH, outline
from steersman.domain.call import Call, Outcome
from steersman.domain.environment import Principal
from steersman.domain.errors import ApprovalNeededError, InputError, PolicyDeniedError, ToolError
from steersman.domain.ids import OperationName, PrincipalId, RunId
from steersman.domain.model import Answer, Prompt
from steersman.domain.operation import Operation
from steersman.index.operations import OperationIndex, text_of
from steersman.testing.clock import NOON
from steersman.testing.toolset import ENVIRONMENT

ME = Principal(id=PrincipalId("local:me"), kind="human", roles=frozenset({"operator"}))


def operation(
    name: str, summary: str, *, effect: str = "read", required: Sequence[str] = (), **properties: object
) -> Operation:
    reads = effect == "read"
    return Operation.model_validate(
        {
            "name": name,
            "summary": summary,
            "effect": effect,
            "access": "read" if reads else "delete",
            "resource": "" if reads else "x/y",
            "blast_radius": "none" if reads else "environment",
            "input_schema": {
                "type": "object",
                "properties": properties or {each: {"type": "string"} for each in required},
                "required": list(required),
                "additionalProperties": False,
            },
            "output_schema": {"type": "object"},
        }
    )


OPERATIONS = {
    each.name: each
    for each in (
        operation("hub.issues_list", "List issues of a repository", required=["repo"]),
        operation("hub.issues_create", "Create an issue", effect="destructive", required=["repo", "title"]),
        operation("hub.rate_limit", "Show the rate limit"),
        operation("hub.pods_list", "List pods in a namespace", required=["namespace"]),
    )
}


class Gate:
    """Remembers calls; does or refuses them."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.calls: list[Call] = []
        self.refusal = refusal

    async def call(self, call: Call) -> Outcome:
        self.calls.append(call)
        if self.refusal:
            raise self.refusal
        return Outcome(output={"ok": True}, started_at=NOON, finished_at=NOON)


class Scripted:
    """Says what it is told to, whatever it is asked."""

    name = "scripted:test"

    def __init__(self, *values: object) -> None:
        self.values = list(values)
        self.prompts: list[Prompt] = []

    async def answer(self, prompt: Prompt) -> Answer:
        self.prompts.append(prompt)
        value = self.values.pop(0) if len(self.values) > 1 else self.values[0]
        if isinstance(value, Exception):
            raise value
        return Answer(value=value, model=self.name)  # type: ignore[arg-type]

    def stream(self, prompt: Prompt):
        raise AssertionError("not streamed")


def find(name: OperationName) -> Operation:
    if name not in OPERATIONS:
        raise InputError(f"there is no operation {name!r}")
    return OPERATIONS[name]


def deps(gate: Gate, model: Scripted | None = None) -> ToolExecutorDeps:
    return ToolExecutorDeps(
        caller=gate,
        operation=find,
        index=OperationIndex.of(map(text_of, OPERATIONS.values())),
        environment=ENVIRONMENT,
        principal=ME,
        run_id=RunId("run-1"),
        model=model,
    )


async def test_a_named_operation_is_validated_and_called() -> None:
    gate = Gate()
    done = await execute(ToolWish(operation="hub.issues_list", arguments={"repo": "a"}), deps(gate))
    assert (done.state, done.output, done.chosen_by) == ("done", {"ok": True}, "caller")
    assert gate.calls[0].version == OPERATIONS[OperationName("hub.issues_list")].version


async def test_wrong_arguments_never_reach_the_gate() -> None:
    gate = Gate()
    done = await execute(ToolWish(operation="hub.issues_list", arguments={"repo": 1}), deps(gate))
    assert done.state == "needs"
    assert "repo" in done.reason
    assert gate.calls == []


async def test_arguments_choose_among_what_was_recalled() -> None:
    gate = Gate()
    done = await execute(ToolWish(text="이슈 목록", arguments={"repo": "a"}), deps(gate))
    assert (done.operation, done.chosen_by) == ("hub.issues_list", "code")


async def test_without_arguments_code_says_what_is_missing() -> None:
    gate = Gate()
    done = await execute(ToolWish(text="list issues"), deps(gate))
    assert done.state == "needs"
    assert done.candidates[0].operation == "hub.issues_list"
    assert done.candidates[0].missing == ("repo",)
    assert gate.calls == []


async def test_a_read_that_needs_nothing_and_is_clearly_meant_is_called() -> None:
    assert (await execute(ToolWish(text="show the rate limit"), deps(Gate()))).operation == "hub.rate_limit"


async def test_nothing_fits_is_an_answer() -> None:
    assert (await execute(ToolWish(text="xyzzy plugh"), deps(Gate()))).state == "needs"
    with pytest.raises(InputError):
        await execute(ToolWish(), deps(Gate()))


async def test_a_model_chooses_and_mends_what_the_schema_refuses() -> None:
    model = Scripted(
        {"operation": "hub.issues_list", "arguments": {}},
        {"operation": "hub.issues_list", "arguments": {"repo": "shop"}},
    )
    done = await execute(ToolWish(text="list issues of shop"), deps(Gate(), model))
    assert (done.state, done.arguments, done.chosen_by) == ("done", {"repo": "shop"}, "model")
    assert "required" in model.prompts[1].messages[-1].text


@pytest.mark.parametrize(
    "garbage",
    [
        None,
        [],
        "text",
        {"operation": "kubernetes.delete_everything", "arguments": {}},
        {"operation": "hub.issues_list", "arguments": "repo"},
        {"operation": "hub.issues_list", "arguments": {"repo": 1, "admin": True}},
        {"operation": ["hub.issues_list"], "arguments": {}},
        ToolError("refused"),
    ],
)
async def test_garbage_of_a_model_ends_and_calls_nothing(garbage: object) -> None:
    gate, model = Gate(), Scripted(garbage)
    done = await execute(ToolWish(text="list issues"), deps(gate, model))
    assert done.state == "needs"
    assert gate.calls == []
    assert len(model.prompts) <= 3


@pytest.mark.parametrize(
    ("refusal", "state"),
    [
        (PolicyDeniedError("agents only read"), "refused"),
        (ApprovalNeededError("asked", approval_id="ap-1"), "waiting"),
        (ToolError("404"), "failed"),
    ],
)
async def test_what_the_gate_says_is_told(refusal: Exception, state: str) -> None:
    gate = Gate(refusal)
    wish = ToolWish(operation="hub.issues_create", arguments={"repo": "a", "title": "t"})
    done = await execute(wish, deps(gate))
    assert (done.state, done.output) == (state, {})
    assert gate.calls[0].route == "agent"


async def test_the_graph_does_the_same() -> None:
    graph = tool_executor_agent()
    wish = ToolWish(operation="hub.issues_list", arguments={"repo": "a"})
    out = await graph.ainvoke({"wish": wish}, context=deps(Gate()))
    assert out["executed"].output == {"ok": True}


def test_an_outline_is_short_however_large_the_schema_is() -> None:
    recursive = {"$ref": "#/$defs/T"}
    big = OPERATIONS[OperationName("hub.rate_limit")].model_copy(
        update={
            "input_schema": {
                "type": "object",
                "properties": {f"p{n}": recursive for n in range(500)},
                "$defs": {"T": {"type": "object", "properties": {"t": recursive, "e": {"enum": list(range(900))}}}},
            }
        }
    )
    assert len(outline(big)) < LENGTH + 100
