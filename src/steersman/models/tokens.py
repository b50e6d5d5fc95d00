"""How many tokens a text is, where no provider says so. An estimate: caps do not wait for exact figures."""

from __future__ import annotations

import json
import math

from steersman.domain.model import Message, Prompt

LATIN_CHARACTERS = 3.5
"""Of English, JSON and code, to one token of the usual vocabularies."""
OTHER_CHARACTERS = 1.2
"""Of Korean: one and a bit."""
TURN_TOKENS = 4


def estimated(text: str) -> int:
    """Tokens of a text, rather too many than too few."""
    latin = sum(character.isascii() for character in text)
    return math.ceil(latin / LATIN_CHARACTERS + (len(text) - latin) / OTHER_CHARACTERS)


def prompt_tokens(prompt: Prompt) -> int:
    """Tokens of all that a model is told."""
    return preamble_tokens(prompt) + sum(_turn(message) for message in prompt.messages)


def preamble_tokens(prompt: Prompt) -> int:
    """Tokens of what stands before the conversation: system text, tools, the answer's schema."""
    schemas = [tool.model_dump(mode="json") for tool in prompt.tools]
    shape = json.dumps(prompt.shape) if prompt.shape else ""
    return estimated(prompt.system) + estimated(json.dumps(schemas) if schemas else "") + estimated(shape)


def _turn(message: Message) -> int:
    asked = [request.model_dump(mode="json") for request in message.requests]
    return TURN_TOKENS + estimated(message.text) + estimated(json.dumps(asked) if asked else "")
