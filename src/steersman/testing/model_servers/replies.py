"""What a server is scripted to do with a request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from steersman.domain.fact import JsonObject


@dataclass(frozen=True, slots=True)
class Wanted:
    """A tool that the model asks for; `arguments` as the text of its JSON, which may be none."""

    name: str
    arguments: str = "{}"


@dataclass(frozen=True, slots=True)
class Say:
    """A proper answer."""

    text: str = ""
    calls: tuple[Wanted, ...] = ()
    stop: Literal["end", "length", "refused"] = "end"
    input_tokens: int = 11
    output_tokens: int = 7
    cached_tokens: int = 0

    def pieces(self) -> list[str]:
        """The text in a few parts, as a stream brings it."""
        third = max(1, len(self.text) // 3)
        return [self.text[at : at + third] for at in range(0, len(self.text), third)]


@dataclass(frozen=True, slots=True)
class Status:
    """An HTTP error."""

    code: int
    headers: dict[str, str] = field(default_factory=dict)
    message: str = "no"


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection breaks in the middle of an answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Garbage:
    """Status 200 and these bytes."""

    body: bytes
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Hang:
    """No answer for so long."""

    seconds: float = 30.0


Reply = Say | Status | Cut | Garbage | Hang


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came over the wire."""

    path: str
    headers: dict[str, str]
    body: JsonObject
