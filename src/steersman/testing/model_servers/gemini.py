"""Gemini: `models/NAME:generateContent`, and the same as server-sent events."""

from __future__ import annotations

import json
from collections.abc import Iterator

from steersman.domain.fact import JsonObject
from steersman.testing.model_servers.replies import Say, Status

STOPS = {"end": "STOP", "length": "MAX_TOKENS", "refused": "SAFETY"}
STREAM_TYPE = "text/event-stream"


def streams(path: str, _body: JsonObject) -> bool:
    """Whether a stream is asked for."""
    return ":streamGenerateContent" in path


def whole(say: Say) -> JsonObject:
    """One answer."""
    return _answer(say, say.text, last=True)


def events(say: Say) -> Iterator[bytes]:
    """The answer in pieces."""
    pieces = say.pieces() or [""]
    for place, piece in enumerate(pieces):
        event = _answer(say, piece, last=place == len(pieces) - 1)
        yield b"data: " + json.dumps(event).encode() + b"\r\n\r\n"


def fault(status: Status) -> JsonObject:
    """An error's body."""
    return {"error": {"code": status.code, "message": status.message, "status": "ERROR"}}


def _answer(say: Say, text: str, *, last: bool) -> JsonObject:
    parts: list[JsonObject] = [{"text": text}] if text else []
    candidate: JsonObject = {"index": 0}
    if last:
        parts += [{"functionCall": {"name": c.name, "args": json.loads(c.arguments)}} for c in say.calls]
        candidate["finishReason"] = STOPS[say.stop]
    candidate["content"] = {"role": "model", "parts": [*parts]}
    used: JsonObject = {
        "promptTokenCount": say.input_tokens,
        "candidatesTokenCount": say.output_tokens,
        "totalTokenCount": say.input_tokens + say.output_tokens,
        "cachedContentTokenCount": say.cached_tokens,
    }
    return {"candidates": [candidate], "usageMetadata": used, "modelVersion": "test"}
