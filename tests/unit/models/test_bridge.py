import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool

from steersman.domain.errors import BudgetExceededError
from steersman.domain.model import Answer, ToolRequest, Usage
from steersman.models.bridge import GuardedChat, prompt_of
from steersman.models.meter import Meter, Metered
from steersman.models.spec import FREE, Caps
from steersman.testing.clock import FakeClock
from steersman.testing.models import FakeModel


@tool
def weights(service: str) -> str:
    """Weights of a service."""
    return f"{service}: blue 100"


async def test_an_agent_of_langchain_runs_on_a_guarded_model() -> None:
    request = ToolRequest(id="1", name="weights", arguments={"service": "payments"})
    model = FakeModel([(request,), "blue has it all"])
    meter = Meter(Caps(), FakeClock())
    agent = create_agent(GuardedChat(model=Metered(model, meter, FREE)), [weights], system_prompt="Be terse.")
    state = await agent.ainvoke({"messages": [("user", "who has the traffic?")]})
    assert state["messages"][-1].text == "blue has it all"
    first, second = model.prompts
    assert first.system == "Be terse."
    assert [offer.name for offer in first.tools] == ["weights"]
    assert second.messages[-1].text == "payments: blue 100"
    assert meter.calls == 2


async def test_its_caps_end_the_agent() -> None:
    request = ToolRequest(id="1", name="weights", arguments={"service": "payments"})
    meter = Meter(Caps(calls=3), FakeClock())
    agent = create_agent(GuardedChat(model=Metered(FakeModel([(request,)]), meter, FREE)), [weights])
    with pytest.raises(BudgetExceededError):
        await agent.ainvoke({"messages": [("user", "loop")]})
    assert meter.calls == 3


def test_messages_go_over_in_order() -> None:
    call = {"id": "1", "name": "weights", "args": {"service": "a"}, "type": "tool_call"}
    talk = [SystemMessage("s"), HumanMessage("q"), AIMessage("", tool_calls=[call]), ToolMessage("t", tool_call_id="1")]
    prompt = prompt_of(talk, ())
    assert prompt.system == "s"
    assert [message.author for message in prompt.messages] == ["user", "model", "tool"]
    assert prompt.messages[1].requests[0].name == "weights"
    assert prompt.messages[2].answers == "1"


async def test_tokens_come_back() -> None:
    answer = Answer(text="x", usage=Usage(input_tokens=3, output_tokens=4), model="fake:x")
    said = await GuardedChat(model=FakeModel([answer])).ainvoke("q")
    assert said.usage_metadata is not None
    assert said.usage_metadata["total_tokens"] == 7


def test_it_is_asynchronous_only() -> None:
    with pytest.raises(NotImplementedError, match="ainvoke"):
        GuardedChat(model=FakeModel(["x"])).invoke("q")
