"""Prompts into LangChain's messages, and its answers into ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steersman.domain.errors import ToolError
from steersman.domain.model import Answer, Message, Prompt, Stop, ToolOffer, ToolRequest, Usage
from steersman.models.spec import ModelSpec

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage, BaseMessage

CUT = frozenset({"length", "max_tokens"})
DECLINED = frozenset(
    {"refusal", "safety", "content_filter", "prohibited_content", "recitation", "blocklist", "spii", "image_safety"}
)
REASONS = ("finish_reason", "stop_reason", "done_reason")


def messages(prompt: Prompt, spec: ModelSpec) -> list[BaseMessage]:
    """The prompt as LangChain takes it; the stable part first, marked for the cache where a provider wants that."""
    from langchain_core.messages import SystemMessage

    found: list[BaseMessage] = [SystemMessage(_system(prompt.system, spec))] if prompt.system else []
    return found + [_message(message) for message in prompt.messages]


def _system(text: str, spec: ModelSpec) -> Any:
    """Gemini, OpenAI, Ollama and llama.cpp cache equal beginnings by themselves; Anthropic wants a mark."""
    if spec.provider != "anthropic":
        return text
    return [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]


def _message(message: Message) -> BaseMessage:
    from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

    match message.author:
        case "user":
            return HumanMessage(message.text)
        case "tool":
            return ToolMessage(message.text, tool_call_id=message.answers)
        case "model":
            calls = [{"id": r.id, "name": r.name, "args": r.arguments, "type": "tool_call"} for r in message.requests]
            return AIMessage(content=message.text, tool_calls=calls)


def offers(tools: tuple[ToolOffer, ...]) -> list[dict[str, Any]]:
    """Tools in the form that all of LangChain's providers take; names keep to what they all allow."""
    return [
        {
            "type": "function",
            "function": {"name": wired(tool.name), "description": tool.description, "parameters": tool.input_schema},
        }
        for tool in tools
    ]


def wired(name: str) -> str:
    """A tool's name on the wire, where dots are not allowed."""
    return name.replace(".", "__")


def answer(found: AIMessage, prompt: Prompt, spec: ModelSpec) -> Answer:
    """Our form of an answer. Raises ToolError for a refusal, and for tool arguments that are no JSON."""
    reason = _reason(found)
    if reason in DECLINED or found.additional_kwargs.get("refusal"):
        raise ToolError(f"model {spec.name!r} declined to answer ({reason or 'refusal'}); ask another way")
    if found.invalid_tool_calls:
        raise ToolError(f"model {spec.name!r} asked for a tool with arguments that are no JSON; ask again")
    names = {wired(tool.name): tool.name for tool in prompt.tools}
    requests = tuple(
        ToolRequest(id=call["id"] or f"r{place}", name=names.get(call["name"], call["name"]), arguments=call["args"])
        for place, call in enumerate(found.tool_calls)
    )
    stop: Stop = "tools" if requests else "length" if reason in CUT else "end"
    return Answer(text=str(found.text), requests=requests, stop=stop, usage=_usage(found), model=spec.name)


def is_whole(found: AIMessage | None) -> bool:
    """Whether a stream came to its end: the last piece says why it ended."""
    return found is not None and bool(_reason(found))


def _reason(found: AIMessage) -> str:
    for field in REASONS:
        told = found.response_metadata.get(field)
        if told:
            return str(getattr(told, "name", told)).lower()
    return ""


def _usage(found: AIMessage) -> Usage:
    told = found.usage_metadata
    if told is None:
        return Usage()
    details = told.get("input_token_details") or {}
    return Usage(
        input_tokens=max(0, told["input_tokens"]),
        output_tokens=max(0, told["output_tokens"]),
        cached_tokens=max(0, details.get("cache_read") or 0),
    )
