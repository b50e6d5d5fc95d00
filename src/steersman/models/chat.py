"""One attempt at one model, by LangChain's chat model of its provider."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from steersman.domain.errors import ToolError, UnavailableError
from steersman.domain.model import Answer, Prompt
from steersman.models import conversion
from steersman.models.mending import expected_errors, mended
from steersman.models.providers import MAKERS, capped, chat_model, shaped
from steersman.models.spec import ModelSpec

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.runnables import Runnable

LONGEST_TOKEN = 40
"""Characters; a stream that brings more than its cap of tokens allows is given up."""


class ProviderModel:
    """Implements `domain.model.Model` for one attempt, without any guard: `opening.assembled` puts those around it."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec

    @property
    def name(self) -> str:
        """`provider:model`."""
        return self.spec.name

    @cached_property
    def _chat(self) -> BaseChatModel:
        return chat_model(self.spec)

    async def answer(self, prompt: Prompt) -> Answer:
        """The answer within `timeout_s`."""
        asked = self._asked(prompt)
        with _mended(self.spec), _untraced():
            async with asyncio.timeout(self.spec.timeout_s):
                found = await asked.ainvoke(conversion.messages(prompt, self.spec))
            raw = _raw(found, self.spec)
            if MAKERS[self.spec.provider].always_streams and not conversion.is_whole(raw):
                raise UnavailableError(f"model {self.name!r}: the answer was cut before its end; try again")
            return conversion.answer(raw, prompt, self.spec)

    async def stream(self, prompt: Prompt) -> AsyncIterator[str | Answer]:
        """Pieces as they come; the end only when the provider said that it is one."""
        if prompt.shape is not None:
            yield await self.answer(prompt)
            return
        pieces = self._asked(prompt).astream(conversion.messages(prompt, self.spec))
        loop = asyncio.get_running_loop()
        until, room = loop.time() + self.spec.timeout_s, prompt.max_output_tokens * LONGEST_TOKEN
        whole: Any = None
        while (piece := await self._next(pieces, until)) is not None:
            whole = piece if whole is None else whole + piece
            room -= len(piece.text)
            if room < 0:
                raise ToolError(f"model {self.name!r} talks without end; ask another way")
            if piece.text:
                yield str(piece.text)
        if not conversion.is_whole(whole):
            raise UnavailableError(f"model {self.name!r}: the stream was cut before its end; try again")
        with _mended(self.spec):
            yield conversion.answer(whole, prompt, self.spec)

    async def _next(self, pieces: AsyncIterator[Any], until: float) -> Any:
        with _mended(self.spec), _untraced():
            async with asyncio.timeout_at(until):
                return await anext(pieces, None)

    def _asked(self, prompt: Prompt) -> Runnable[Any, Any]:
        model = capped(self._chat, self.spec, prompt.max_output_tokens)
        if prompt.shape is not None:
            return shaped(model, self.spec, prompt.shape)
        return model.bind_tools(conversion.offers(prompt.tools)) if prompt.tools else model


def _raw(found: Any, spec: ModelSpec) -> AIMessage:
    from langchain_core.messages import AIMessage

    message = found["raw"] if isinstance(found, dict) else found
    if not isinstance(message, AIMessage):
        raise ToolError(f"model {spec.name!r} gave no message; ask again")
    return message


@contextmanager
def _mended(spec: ModelSpec) -> Iterator[None]:
    try:
        yield
    except expected_errors(spec) as e:
        raise mended(e, spec) from e


@contextmanager
def _untraced() -> Iterator[None]:
    """What leaves goes to the provider that was named, whatever tracing service the surroundings have switched on."""
    from langsmith import tracing_context

    with tracing_context(enabled=False):
        yield
