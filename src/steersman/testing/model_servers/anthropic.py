"""Anthropic's messages."""

from __future__ import annotations

import json
from collections.abc import Iterator

from steersman.domain.fact import JsonObject
from steersman.testing.model_servers.replies import Say, Status

STREAM_TYPE = "text/event-stream"
STOPS = {"end": "end_turn", "length": "max_tokens", "refused": "refusal"}


def streams(_path: str, body: JsonObject) -> bool:
    """Whether a stream is asked for."""
    return bool(body.get("stream"))


def whole(say: Say) -> JsonObject:
    """One answer."""
    content: list[JsonObject] = [{"type": "text", "text": say.text}] if say.text else []
    content += [
        {"type": "tool_use", "id": f"toolu_{n}", "name": c.name, "input": json.loads(c.arguments)}
        for n, c in enumerate(say.calls)
    ]
    return {**_head(say), "content": [*content], "stop_reason": _reason(say), "stop_sequence": None}


def events(say: Say) -> Iterator[bytes]:
    """The answer in pieces."""
    yield _event("message_start", message={**_head(say), "content": [], "stop_reason": None, "stop_sequence": None})
    yield _event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    for piece in say.pieces():
        yield _event("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
    yield _event("content_block_stop", index=0)
    for number, call in enumerate(say.calls, start=1):
        block: JsonObject = {"type": "tool_use", "id": f"toolu_{number}", "name": call.name, "input": {}}
        yield _event("content_block_start", index=number, content_block=block)
        delta: JsonObject = {"type": "input_json_delta", "partial_json": call.arguments}
        yield _event("content_block_delta", index=number, delta=delta)
        yield _event("content_block_stop", index=number)
    stop: JsonObject = {"stop_reason": _reason(say), "stop_sequence": None}
    yield _event("message_delta", delta=stop, usage={"output_tokens": say.output_tokens})
    yield _event("message_stop")


def fault(status: Status) -> JsonObject:
    """An error's body."""
    return {"type": "error", "error": {"type": "error", "message": status.message}}


def _head(say: Say) -> JsonObject:
    used: JsonObject = {
        "input_tokens": say.input_tokens - say.cached_tokens,
        "output_tokens": say.output_tokens,
        "cache_read_input_tokens": say.cached_tokens,
        "cache_creation_input_tokens": 0,
    }
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": "test", "usage": used}


def _reason(say: Say) -> str:
    return "tool_use" if say.calls else STOPS[say.stop]


def _event(kind: str, **fields: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()
