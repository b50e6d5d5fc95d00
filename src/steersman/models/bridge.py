"""A guarded model as a LangChain chat model: for agents that are built on one, with meter and veil all the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool

from steersman.domain.model import Answer, Message, Model, Prompt, ToolOffer, ToolRequest

NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}}


class GuardedChat(BaseChatModel):
    """What LangChain's agents take. Raises what the model behind it raises; asynchronous only."""

    model: Any
    """A `domain.model.Model`; a protocol, which pydantic cannot check."""
    offers: tuple[ToolOffer, ...] = ()
    max_output_tokens: int = 1_500

    @property
    def _llm_type(self) -> str:
        return "steersman"

    def bind_tools(self, tools: Sequence[dict[str, Any] | type | Callable[..., Any] | Any], **_: Any) -> GuardedChat:
        """The same model with tools on offer."""
        return self.model_copy(update={"offers": tuple(_offer(convert_to_openai_tool(tool)) for tool in tools)})

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        del messages
        raise NotImplementedError("a guarded model is asked with `ainvoke`: its meter and its waits are asynchronous")

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        guarded: Model = self.model
        answer = await guarded.answer(prompt_of(messages, self.offers, self.max_output_tokens))
        return ChatResult(generations=[ChatGeneration(message=message_of(answer))])


def prompt_of(messages: Sequence[BaseMessage], offers: tuple[ToolOffer, ...], most: int = 1_500) -> Prompt:
    """LangChain's messages as a prompt: what the system says first, the rest in order."""
    system = "\n".join(str(message.text) for message in messages if isinstance(message, SystemMessage))
    rest = tuple(_message(message) for message in messages if not isinstance(message, SystemMessage))
    return Prompt(system=system, messages=rest, tools=offers, max_output_tokens=most)


def message_of(answer: Answer) -> AIMessage:
    """An answer as LangChain's agents expect it."""
    usage = answer.usage
    calls = [{"id": r.id, "name": r.name, "args": r.arguments, "type": "tool_call"} for r in answer.requests]
    return AIMessage(
        content=answer.text,
        tool_calls=calls,
        usage_metadata={
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "total_tokens": usage.tokens,
        },
        response_metadata={"model_name": answer.model, "finish_reason": answer.stop},
    )


def _message(message: BaseMessage) -> Message:
    text = str(message.text)
    if isinstance(message, ToolMessage):
        return Message(author="tool", text=text, answers=message.tool_call_id)
    if isinstance(message, AIMessage):
        requests = tuple(
            ToolRequest(id=call["id"] or f"r{place}", name=call["name"], arguments=call["args"])
            for place, call in enumerate(message.tool_calls)
        )
        return Message(author="model", text=text, requests=requests)
    return Message(author="user", text=text)


def _offer(tool: dict[str, Any]) -> ToolOffer:
    function = tool["function"]
    return ToolOffer(
        name=function["name"],
        description=function.get("description", ""),
        input_schema=function.get("parameters") or NO_PARAMETERS,
    )
