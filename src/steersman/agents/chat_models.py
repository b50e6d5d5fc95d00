"""Any chat model of LangChain, as the rest of Steersman knows models."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from steersman.domain.errors import ToolError, UnavailableError
from steersman.domain.model import Answer, Message, Model, Prompt, ToolOffer, ToolRequest, Usage

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage


def as_model(given: Model | BaseChatModel) -> Model:
    """The model itself, or one that speaks through LangChain's, which is neither metered nor veiled."""
    return cast("Model", given) if hasattr(given, "answer") else ChatModel(given)


@dataclass(frozen=True, slots=True)
class ChatModel:
    """Implements `domain.model.Model`; for prompts without a shape."""

    chat: BaseChatModel

    @property
    def name(self) -> str:
        """`langchain:type`."""
        return f"langchain:{self.chat._llm_type}"  # noqa: SLF001 - there is no public name

    async def answer(self, prompt: Prompt) -> Answer:
        """The answer. Raises UnavailableError when it does not come, ToolError for a prompt that wants a shape."""
        if prompt.shape is not None:
            raise ToolError(f"{self.name!r} gives no answers of a given shape here; ask it with tools")
        chat = self.chat.bind_tools([_tool(offer) for offer in prompt.tools]) if prompt.tools else self.chat
        try:
            said = await chat.ainvoke(_messages(prompt))
        except (OSError, ValueError) as e:
            raise UnavailableError(f"{self.name!r} gave no answer: {type(e).__name__}; try again later") from e
        return self._answer(said)

    async def stream(self, prompt: Prompt) -> AsyncIterator[str | Answer]:
        """The whole answer at once."""
        yield await self.answer(prompt)

    def _answer(self, said: AIMessage) -> Answer:
        used = said.usage_metadata
        usage = Usage(input_tokens=used["input_tokens"], output_tokens=used["output_tokens"]) if used else Usage()
        requests = tuple(
            ToolRequest(id=str(call["id"]), name=call["name"], arguments=call["args"]) for call in said.tool_calls
        )
        stop = "tools" if requests else "end"
        text = said.content if isinstance(said.content, str) else json.dumps(said.content, ensure_ascii=False)
        return Answer(text=text, requests=requests, stop=stop, usage=usage, model=self.name)


def _tool(offer: ToolOffer) -> dict[str, object]:
    function = {"name": offer.name, "description": offer.description, "parameters": offer.input_schema}
    return {"type": "function", "function": function}


def _messages(prompt: Prompt) -> list[BaseMessage]:
    from langchain_core.messages import SystemMessage

    system: list[BaseMessage] = [SystemMessage(prompt.system)] if prompt.system else []
    return [*system, *map(_message, prompt.messages)]


def _message(message: Message) -> BaseMessage:
    from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

    match message.author:
        case "user":
            return HumanMessage(message.text)
        case "tool":
            return ToolMessage(message.text, tool_call_id=message.answers)
        case "model":
            calls = [{"id": each.id, "name": each.name, "args": dict(each.arguments)} for each in message.requests]
            return AIMessage(message.text, tool_calls=calls)
