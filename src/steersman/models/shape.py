"""Answers that must be JSON of a schema: read, validated, and refused when they are not."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn

import jsonschema_rs
from pydantic import JsonValue

from steersman.domain.errors import ToolError
from steersman.domain.fact import JsonObject
from steersman.domain.model import Answer, Model, Prompt
from steersman.planning.schema import pointer_text, validator

FENCED = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL)
LONGEST = 200_000
"""Characters of an answer that is read at all."""
FAULTS_SHOWN = 6
LONGEST_FAULT = 200


@dataclass(frozen=True, slots=True)
class Shaped:
    """Gives `value`, valid against the prompt's schema, whatever the model or a replacement of it said."""

    inner: Model

    @property
    def name(self) -> str:
        """Of the inner one."""
        return self.inner.name

    async def answer(self, prompt: Prompt) -> Answer:
        """As the inner one. Raises ToolError that says what does not fit."""
        answer = await self.inner.answer(prompt)
        return answer if prompt.shape is None else fitted(answer, prompt.shape)

    async def stream(self, prompt: Prompt) -> AsyncIterator[str | Answer]:
        """As the inner one."""
        async for piece in self.inner.stream(prompt):
            whole = isinstance(piece, Answer) and prompt.shape is not None
            yield fitted(piece, prompt.shape) if whole else piece  # type: ignore[arg-type]


def fitted(answer: Answer, shape: JsonObject) -> Answer:
    """The answer with its value. Raises ToolError when there is none that fits."""
    if answer.stop == "length":
        raise ToolError(f"model {answer.model!r}: the answer was cut at its longest; ask for less")
    value = parsed(answer.text, answer.model)
    faults = [
        f"{pointer_text(fault.instance_path)} {fault.message[:LONGEST_FAULT]}".strip()
        for fault in _validator(json.dumps(shape, sort_keys=True)).iter_errors(value)
    ]
    if faults:
        more = "" if len(faults) <= FAULTS_SHOWN else f" and {len(faults) - FAULTS_SHOWN} more"
        raise ToolError(f"model {answer.model!r}: the answer does not fit: {'; '.join(faults[:FAULTS_SHOWN])}{more}")
    return answer.model_copy(update={"value": value})


def parsed(text: str, model: str) -> JsonValue:
    """The JSON in a text, bare or fenced. Raises ToolError when there is none."""
    if len(text) > LONGEST:
        raise ToolError(f"model {model!r}: an answer of {len(text)} characters is not read; ask for less")
    fenced = FENCED.search(text)
    for candidate in (text, fenced[1] if fenced else ""):
        try:
            value: JsonValue = json.loads(candidate, parse_constant=_no_number)
        except (ValueError, RecursionError):
            continue
        return value
    raise ToolError(f"model {model!r}: the answer is no JSON; ask again")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


@lru_cache(maxsize=64)
def _validator(schema: str) -> jsonschema_rs.Validator:
    return validator(json.loads(schema))
