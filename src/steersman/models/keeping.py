"""Answers written down, and given again: an evaluation can be judged anew without a model, a network or a key."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue, ValidationError

from steersman.domain.errors import InputError, SteersmanError, ToolError, UnavailableError
from steersman.domain.fact import Digest, digest
from steersman.domain.model import Answer, Model, Prompt

ERRORS: dict[str, type[SteersmanError]] = {"ToolError": ToolError, "UnavailableError": UnavailableError}
"""Which failures are kept as well: they are answers of a kind."""


def prompt_digest(prompt: Prompt) -> Digest:
    """What names a prompt in a recording."""
    return digest(prompt)


@dataclass(frozen=True, slots=True)
class Recording:
    """Writes each prompt's digest and its answer as a line of a file."""

    inner: Model
    file: Path

    @property
    def name(self) -> str:
        """Of the inner one."""
        return self.inner.name

    async def answer(self, prompt: Prompt) -> Answer:
        """As the inner one."""
        try:
            answer = await self.inner.answer(prompt)
        except (ToolError, UnavailableError) as e:
            self._write(prompt, {"error": type(e).__name__, "message": str(e)})
            raise
        self._write(prompt, {"answer": answer.model_dump(mode="json")})
        return answer

    async def stream(self, prompt: Prompt) -> AsyncIterator[str | Answer]:
        """As the inner one."""
        async for piece in self.inner.stream(prompt):
            if isinstance(piece, Answer):
                self._write(prompt, {"answer": piece.model_dump(mode="json")})
            yield piece

    def _write(self, prompt: Prompt, said: dict[str, JsonValue]) -> None:
        line = {"model": self.name, "prompt": prompt_digest(prompt), **said}
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a", encoding="utf-8") as opened:
            opened.write(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n")


@dataclass(slots=True)
class Replay:
    """Implements `domain.model.Model` from a recording; the same prompt asked again gives the next answer to it."""

    file: Path
    name: str = "replay"
    _lines: dict[str, list[dict[str, JsonValue]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            lines = self.file.read_text(encoding="utf-8").splitlines()
            for line in lines:
                said = json.loads(line)
                self._lines.setdefault(said["prompt"], []).append(said)
                self.name = said["model"]
        except (OSError, ValueError, LookupError, TypeError) as e:
            raise InputError(f"{str(self.file)!r} is no recording of model answers: {e}; make one with --record") from e

    async def answer(self, prompt: Prompt) -> Answer:
        """What was said then. Raises UnavailableError for a prompt that was never asked."""
        lines = self._lines.get(prompt_digest(prompt))
        if not lines:
            raise UnavailableError(f"{str(self.file)!r} holds no answer to this prompt; record again")
        said = lines.pop(0) if len(lines) > 1 else lines[0]
        if "error" in said:
            raise ERRORS.get(str(said["error"]), ToolError)(str(said["message"]))
        try:
            return Answer.model_validate(said["answer"])
        except (ValidationError, LookupError) as e:
            raise InputError(f"{str(self.file)!r}: a line is no answer; record again") from e

    async def stream(self, prompt: Prompt) -> AsyncIterator[str | Answer]:
        """The same, in one piece."""
        answer = await self.answer(prompt)
        if answer.text and prompt.shape is None:
            yield answer.text
        yield answer
