"""OpenAI's chat completions, which llama.cpp, vLLM and many others speak as well."""

from __future__ import annotations

import json
from collections.abc import Iterator

from steersman.domain.fact import JsonObject
from steersman.testing.model_servers.replies import Say, Status

STREAM_TYPE = "text/event-stream"
STOPS = {"end": "stop", "length": "length", "refused": "content_filter"}
HEAD: JsonObject = {"id": "chatcmpl-1", "created": 1, "model": "test"}


def streams(_path: str, body: JsonObject) -> bool:
    """Whether a stream is asked for."""
    return bool(body.get("stream"))


def whole(say: Say) -> JsonObject:
    """One answer."""
    message: JsonObject = {"role": "assistant", "content": say.text or None, "refusal": None}
    if say.calls:
        message["tool_calls"] = [*_calls(say)]
    choice: JsonObject = {"index": 0, "message": message, "finish_reason": _reason(say), "logprobs": None}
    return {**HEAD, "object": "chat.completion", "choices": [choice], "usage": _usage(say)}


def events(say: Say) -> Iterator[bytes]:
    """The answer in pieces."""
    for piece in say.pieces():
        yield _event({"role": "assistant", "content": piece})
    if say.calls:
        yield _event({"tool_calls": [{"index": n, **call} for n, call in enumerate(_calls(say))]})
    yield _event({}, reason=_reason(say))
    yield _line({**HEAD, "object": "chat.completion.chunk", "choices": [], "usage": _usage(say)})
    yield b"data: [DONE]\n\n"


def fault(status: Status) -> JsonObject:
    """An error's body."""
    return {"error": {"message": status.message, "type": "error", "code": None, "param": None}}


def _calls(say: Say) -> list[JsonObject]:
    return [
        {"id": f"call_{n}", "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
        for n, c in enumerate(say.calls)
    ]


def _event(delta: JsonObject, *, reason: str | None = None) -> bytes:
    choice: JsonObject = {"index": 0, "delta": delta, "finish_reason": reason}
    return _line({**HEAD, "object": "chat.completion.chunk", "choices": [choice]})


def _line(event: JsonObject) -> bytes:
    return b"data: " + json.dumps(event).encode() + b"\n\n"


def _reason(say: Say) -> str:
    return "tool_calls" if say.calls else STOPS[say.stop]


def _usage(say: Say) -> JsonObject:
    return {
        "prompt_tokens": say.input_tokens,
        "completion_tokens": say.output_tokens,
        "total_tokens": say.input_tokens + say.output_tokens,
        "prompt_tokens_details": {"cached_tokens": say.cached_tokens},
    }
