"""Language models as the rest sees them: a prompt goes in, an answer comes out, and neither is trusted.

Deciding code knows this port alone; providers stand behind it in `models/`. What a model says is a proposal: callers
validate it, and nothing here can call an operation.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal, Protocol

from pydantic import Field, JsonValue

from steersman.domain.fact import Fact, JsonObject

ModelRole = Literal["planner", "sub_agent", "writer", "critic"]
"""What a model is used for; each may be another model."""

Stop = Literal["end", "length", "tools", "refused"]
"""length: the answer was cut at `max_output_tokens`; refused: the provider or the model declined."""


class ToolOffer(Fact):
    """A tool that the model may ask for. Asking does nothing by itself."""

    name: str
    description: str
    input_schema: JsonObject


class ToolRequest(Fact):
    """The model asks for a tool; name and arguments are its own words."""

    id: str
    name: str
    arguments: JsonObject = {}


class Message(Fact):
    """One turn of a conversation."""

    author: Literal["user", "model", "tool"]
    text: str = ""
    requests: tuple[ToolRequest, ...] = ()
    """Of the model."""
    answers: str = ""
    """Id of the request that a tool's message answers."""


class Prompt(Fact):
    """All that a model is told in one call."""

    system: str = ""
    """The stable part: first on the wire, so that providers can cache it."""
    messages: tuple[Message, ...]
    shape: JsonObject | None = None
    """JSON Schema of the answer; the answer's `value` fits it, or the call is a ToolError."""
    tools: tuple[ToolOffer, ...] = ()
    max_output_tokens: int = Field(default=1_500, ge=1)


class Usage(Fact):
    """Tokens of one call, as far as they are known; what a provider does not say is estimated."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    """Those of the input that the provider had in its cache."""
    money_usd: float = 0.0

    @property
    def tokens(self) -> int:
        """All of them."""
        return self.input_tokens + self.output_tokens


class Answer(Fact):
    """What a model said. Untrusted."""

    text: str = ""
    value: JsonValue = None
    """Parsed and valid against the prompt's `shape`, where it has one."""
    requests: tuple[ToolRequest, ...] = ()
    stop: Stop = "end"
    usage: Usage = Usage()
    model: str
    """Who answered: `provider:name`."""


class Model(Protocol):
    """A language model with its guards.

    Every call raises UnavailableError (later may work), ToolError (it refused, or said what does not fit),
    BudgetExceededError (a cap is reached) or ConfigError (key, address, name), and nothing else that is expected.
    """

    @property
    def name(self) -> str:
        """`provider:name`."""
        ...

    async def answer(self, prompt: Prompt) -> Answer:
        """The answer."""
        ...

    def stream(self, prompt: Prompt) -> AsyncIterator[str | Answer]:
        """Pieces of text as they come, then the whole answer. A prompt with a `shape` is not streamed in pieces."""
        ...


def asked(text: str) -> Message:
    """A user's turn."""
    return Message(author="user", text=text)
