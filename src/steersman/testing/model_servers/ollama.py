"""Ollama's chat: lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

from steersman.domain.fact import JsonObject
from steersman.testing.model_servers.replies import Say, Status

STREAM_TYPE = "application/x-ndjson"
STOPS = {"end": "stop", "length": "length", "refused": "refusal"}
HEAD: JsonObject = {"model": "test", "created_at": "2026-11-25T12:00:00Z"}


def streams(_path: str, body: JsonObject) -> bool:
    """Whether a stream is asked for: unless it is turned off."""
    return body.get("stream") is not False


def whole(say: Say) -> JsonObject:
    """One answer."""
    message: JsonObject = {"role": "assistant", "content": say.text}
    if say.calls:
        message["tool_calls"] = [*_calls(say)]
    return {**HEAD, "message": message, **_end(say)}


def events(say: Say) -> Iterator[bytes]:
    """The answer in pieces."""
    for piece in say.pieces():
        yield _line({**HEAD, "message": {"role": "assistant", "content": piece}, "done": False})
    if say.calls:
        message: JsonObject = {"role": "assistant", "content": "", "tool_calls": [*_calls(say)]}
        yield _line({**HEAD, "message": message, "done": False})
    yield _line({**HEAD, "message": {"role": "assistant", "content": ""}, **_end(say)})


def fault(status: Status) -> JsonObject:
    """An error's body."""
    return {"error": status.message}


def _calls(say: Say) -> list[JsonObject]:
    return [{"function": {"name": c.name, "arguments": json.loads(c.arguments)}} for c in say.calls]


def _end(say: Say) -> JsonObject:
    return {
        "done": True,
        "done_reason": STOPS[say.stop],
        "prompt_eval_count": say.input_tokens,
        "eval_count": say.output_tokens,
        "total_duration": 1,
    }


def _line(event: JsonObject) -> bytes:
    return json.dumps(event).encode() + b"\n"
