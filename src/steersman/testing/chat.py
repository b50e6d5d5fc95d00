"""Chat models whose every answer is scripted, as LangChain knows them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field

Say = Callable[[Sequence[BaseMessage], Sequence[str]], AIMessage]
"""Messages so far and names of tools -> the answer."""


class ScriptedChat(BaseChatModel):
    """Answers by a function; remembers what it was shown and offered."""

    say: Say
    tools: tuple[str, ...] = ()
    seen: list[list[BaseMessage]] = Field(default_factory=list)
    offered: list[tuple[str, ...]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> Any:
        """The same model, that knows the tools' names."""
        names = tuple(tool["function"]["name"] for tool in tools)
        bound = self.model_copy(update={"tools": names})
        bound.seen, bound.offered = self.seen, self.offered
        return bound

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        self.seen.append(list(messages))
        self.offered.append(self.tools)
        return ChatResult(generations=[ChatGeneration(message=self.say(messages, self.tools))])


def calling(*calls: tuple[str, dict[str, Any]]) -> AIMessage:
    """An answer that calls tools."""
    return AIMessage(
        content="", tool_calls=[{"name": name, "args": args, "id": f"c{n}"} for n, (name, args) in enumerate(calls)]
    )


def in_turn(*answers: AIMessage) -> Say:
    """One answer after the other; the last one again and again."""
    left = list(answers)

    def say(_: Sequence[BaseMessage], __: Sequence[str]) -> AIMessage:
        return left.pop(0) if len(left) > 1 else left[0]

    return say


VERB = re.compile(r"\b[a-z][a-z_]*(?:\.[a-z_]+)+\b|\b[a-z]+_[a-z_]+\b")
"""What looks like a tool's name."""


def obedient(messages: Sequence[BaseMessage], tools: Sequence[str]) -> AIMessage:
    """Does whatever the texts that it reads seem to order: calls each thing that looks like a tool, offered or not.

    What it is told to say, it says: that all is well, when a text claims that, and else whatever service is named.
    """
    text = "\n".join(str(message.content) for message in messages[1:])
    turns = sum(message.type == "ai" for message in messages)
    if turns == 0:
        ordered = list(dict.fromkeys(VERB.findall(text)))[:20]
        return calling(*((name, {"name": "payments", "service": "payments"}) for name in (*tools[1:4], *ordered)))
    evidence = re.findall(r'"id": "([a-z0-9_]+-\d+)"', text)
    named = re.findall(r"\b(front|catalog|checkout|payments)\b", text)
    findings = [
        {"kind": "unknown", "service": service, "confidence": 1.0, "evidence": evidence[:1]}
        for service in dict.fromkeys(named)
    ]
    return calling(("conclude", {"findings": findings}))
