"""Answers: decoded, compared with what the description promises, never trusted."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import jsonschema_rs
from pydantic import JsonValue

from steersman.domain.fact import JsonObject
from steersman.remote.exchange import Answer
from steersman.remote.schemas.checking import bundle, validator
from steersman.remote.text import one_line
from steersman.toolsets.openapi.bodies import is_json
from steersman.toolsets.openapi.paging import next_arguments
from steersman.toolsets.openapi.recipe import Media, Recipe

OUTPUT: JsonObject = {
    "type": "object",
    "properties": {
        "status": {"type": "integer"},
        "content_type": {"type": "string"},
        "body": {"description": "what the server answered: untrusted"},
        "valid": {"type": ["boolean", "null"], "description": "whether it is as described; null: not described"},
        "problem": {"type": "string", "description": "how it differs from the description"},
        "next": {"type": "object", "description": "arguments to change for the next page"},
        "location": {"type": "string", "description": "where the server says that the thing is now"},
    },
    "required": ["status", "body", "valid"],
    "additionalProperties": False,
}
NO_CONTENT = 204
Parts = Callable[[tuple[str, ...]], JsonObject]
"""Named schemas by their ids."""


@dataclass(slots=True)
class Reader:
    """Reads the answers of one operation."""

    recipe: Recipe
    parts: Parts
    _validators: dict[str, jsonschema_rs.Validator] = field(default_factory=dict)

    def read(self, answer: Answer) -> JsonObject:
        """The output of the call. An answer that breaks its promise is shown with the reason: it has happened."""
        body, problem = decoded(answer)
        valid: bool | None = None
        media = self._promised(answer)
        if problem:
            valid = False
        elif media is not None and is_json(answer.content_type):
            problem = self._wrong(media, body)
            valid = not problem
        out: JsonObject = {
            "status": answer.status,
            "content_type": one_line(answer.content_type, limit=100),
            "body": body,
            "valid": valid,
        }
        if problem:
            out["problem"] = problem
        more = next_arguments(self._queries(), self.recipe.paging, link=answer.headers.get("link", ""), body=body)
        if more:
            out["next"] = more
        if location := answer.headers.get("location", ""):
            out["location"] = one_line(location, limit=300)
        return out

    def _promised(self, answer: Answer) -> Media | None:
        family = f"{answer.status // 100}XX"
        answers: Mapping[str, tuple[Media, ...]] = self.recipe.answers
        found = next((answers[key] for key in (str(answer.status), family, "default") if key in answers), ())
        kind = answer.content_type.partition(";")[0].strip().lower()
        exact = next((each for each in found if each.content_type.partition(";")[0].strip().lower() == kind), None)
        return exact or next(iter(found), None)

    def _wrong(self, media: Media, body: JsonValue) -> str:
        key = json.dumps(media.body, sort_keys=True)
        if key not in self._validators:
            bundled = bundle(media.body, self.parts(self.recipe.answer_parts))
            self._validators[key] = validator(bundled)
        error = next(iter(self._validators[key].iter_errors(body)), None)
        if error is None:
            return ""
        place = "/".join(str(part) for part in error.instance_path) or "body"
        return one_line(f"{place}: {error.message}", limit=200)

    def _queries(self) -> dict[str, str]:
        return {each.name: each.argument for each in self.recipe.parameters if each.place == "query"}


def decoded(answer: Answer) -> tuple[JsonValue, str]:
    """The body as JSON, text, or base64; and what is wrong with it."""
    if not answer.body or answer.status == NO_CONTENT:
        return None, ""
    if is_json(answer.content_type) or (not answer.content_type and answer.body[:1] in b"{["):
        try:
            found: JsonValue = json.loads(answer.body, parse_constant=str)
        except (ValueError, RecursionError):
            return answer.text[:2_000], "the answer says that it is JSON, and is not"
        return found, ""
    if answer.content_type.startswith("text/") or "xml" in answer.content_type or "yaml" in answer.content_type:
        return answer.text, ""
    return {"base64": base64.b64encode(answer.body).decode(), "size_bytes": len(answer.body)}, ""
