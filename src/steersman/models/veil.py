"""What leaves for a provider holds no secret, and pseudonyms in the place of identifiers; answers are turned back.

Secrets are taken out by the function that is given (the gate's redactor) and never come back. Identifiers (addresses,
hosts, mail, ids, and words that the operator names) get pseudonyms such as `HOST_1x`, the same one all through a run.
A text that already looks like a pseudonym gets one as well, so turning back is exact whatever the text was.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from steersman.domain.fact import JsonObject
from steersman.domain.model import Answer, Message, Model, Prompt, ToolOffer, ToolRequest

Redact = Callable[[str], str]

ENDINGS = (
    r"(?:com|net|org|io|dev|internal|intranet|local|localdomain|corp|lan|cloud|svc|"
    r"kr|jp|cn|de|uk|fr|eu|us|in|nl|se|ch|invalid|example)"
)
KINDS = r"(?:HOST|MAIL|ADDRESS|ID|ACCOUNT|NAME|KNOWN)"
PSEUDONYM = re.compile(rf"{KINDS}_\d+x", re.IGNORECASE | re.ASCII)
"""Found wherever it stands, also with a Korean particle or another name right behind it: hence the `x` at its end."""
IDENTIFIERS = (
    r"""
    (?P<MAIL>[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+)
  | (?P<ACCOUNT>(?<![A-Za-z0-9])arn:[a-z\-]+:[A-Za-z0-9:/_.\-]+|(?<![A-Za-z0-9.\-])\d{12}(?![A-Za-z0-9.\-]))   # AWS
  | (?P<ID>(?<![0-9a-fA-F])[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})
  | (?P<ADDRESS>(?<![A-Za-z0-9.])(?:\d{1,3}\.){3}\d{1,3}(?!\.?[A-Za-z0-9])
      |(?<![A-Za-z0-9:])(?:[0-9a-fA-F]{1,4}:){4,7}[0-9a-fA-F]{1,4}(?![A-Za-z0-9:])
      |(?<![A-Za-z0-9:])(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}(?![A-Za-z0-9:]))
  | (?P<HOST>(?<![A-Za-z0-9.\-])(?:[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?\.)+"""
    + ENDINGS
    + r"""(?![A-Za-z0-9\-]|\.[A-Za-z0-9]))
"""
)
MARK = re.compile(r"\[redacted(?: [0-9a-f]+)?\]")
TAIL = 24
"""Characters that a stream holds back, since a pseudonym may come in two pieces."""


@dataclass(slots=True)
class Pseudonyms:
    """The two-way table of one run."""

    words: Sequence[str] = ()
    """What else must not leave: names of customers, projects, services."""
    _given: dict[str, str] = field(default_factory=dict)
    _behind: dict[str, str] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        longest_first = sorted((word for word in self.words if word), key=len, reverse=True)
        names = "|".join(map(re.escape, longest_first)) or "(?!)"
        self._pattern = re.compile(rf"(?xi)(?P<KNOWN>{KINDS}_[0-9]+x)|(?P<NAME>{names})|{IDENTIFIERS}", re.ASCII)

    def hide(self, text: str) -> str:
        """The text with pseudonyms."""
        return self._pattern.sub(lambda hit: self._pseudonym(hit.lastgroup or "ID", hit[0]), text)

    def show(self, text: str) -> str:
        """The text with what the pseudonyms stand for; one that was never given stays."""
        return PSEUDONYM.sub(lambda hit: self._behind.get(hit[0].upper(), hit[0]), text)

    def _pseudonym(self, kind: str, original: str) -> str:
        if original not in self._given:
            self._counts[kind] = number = self._counts.get(kind, 0) + 1
            pseudonym = f"{kind}_{number}x"
            self._given[original] = pseudonym
            self._behind[pseudonym.upper()] = original
        return self._given[original]


@dataclass(frozen=True, slots=True)
class Veiled:
    """Hides before the inner model, shows after it."""

    inner: Model
    redact: Redact
    pseudonyms: Pseudonyms

    @property
    def name(self) -> str:
        """Of the inner one."""
        return self.inner.name

    async def answer(self, prompt: Prompt) -> Answer:
        """As the inner one."""
        return self._shown(await self.inner.answer(self.hidden(prompt)))

    async def stream(self, prompt: Prompt) -> AsyncIterator[str | Answer]:
        """As the inner one, a few characters later."""
        held = ""
        async for piece in self.inner.stream(self.hidden(prompt)):
            if isinstance(piece, Answer):
                if held:
                    yield self.pseudonyms.show(held)
                yield self._shown(piece)
                return
            held += piece
            ready = held.rfind(" ", 0, max(0, len(held) - TAIL)) + 1
            if ready:
                yield self.pseudonyms.show(held[:ready])
                held = held[ready:]

    def hidden(self, prompt: Prompt) -> Prompt:
        """The prompt as it may leave."""
        return prompt.model_copy(
            update={
                "system": self._text(prompt.system),
                "messages": tuple(self._message(message) for message in prompt.messages),
                "shape": None if prompt.shape is None else self._object(prompt.shape),
                "tools": tuple(self._tool(tool) for tool in prompt.tools),
            }
        )

    def _text(self, text: str) -> str:
        """Marks of secrets are numbered anew: those of the redactor differ with its key, and recordings would, too."""
        seen: dict[str, str] = {}
        redacted = MARK.sub(lambda hit: seen.setdefault(hit[0], f"[secret {len(seen) + 1}]"), self.redact(text))
        return self.pseudonyms.hide(redacted)

    def _value(self, value: JsonValue) -> JsonValue:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return [self._value(item) for item in value]
        return self._object(value) if isinstance(value, dict) else value

    def _object(self, document: JsonObject) -> JsonObject:
        """Keys stay: they are names of fields, and answers come back under them."""
        return {key: self._value(item) for key, item in document.items()}

    def _message(self, message: Message) -> Message:
        requests = tuple(r.model_copy(update={"arguments": self._object(r.arguments)}) for r in message.requests)
        return message.model_copy(update={"text": self._text(message.text), "requests": requests})

    def _tool(self, tool: ToolOffer) -> ToolOffer:
        changed = {"description": self._text(tool.description), "input_schema": self._object(tool.input_schema)}
        return tool.model_copy(update=changed)

    def _shown(self, answer: Answer) -> Answer:
        return answer.model_copy(
            update={
                "text": self._of_answer(answer.text),
                "requests": tuple(self._request(request) for request in answer.requests),
            }
        )

    def _of_answer(self, text: str) -> str:
        """What stands in JSON is put back as JSON: an original with a quote in it must not break the document."""
        if text.lstrip()[:1] not in ("{", "["):
            return self.pseudonyms.show(text)
        return PSEUDONYM.sub(lambda hit: json.dumps(self.pseudonyms.show(hit[0]), ensure_ascii=False)[1:-1], text)

    def _request(self, request: ToolRequest) -> ToolRequest:
        return request.model_copy(update={"arguments": self._shown_object(request.arguments)})

    def _shown_object(self, document: JsonObject) -> JsonObject:
        return {key: self._shown_value(item) for key, item in document.items()}

    def _shown_value(self, value: JsonValue) -> JsonValue:
        if isinstance(value, str):
            return self.pseudonyms.show(value)
        if isinstance(value, list):
            return [self._shown_value(item) for item in value]
        return self._shown_object(value) if isinstance(value, dict) else value
