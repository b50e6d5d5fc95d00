"""How more is asked for: from the names of parameters, from `Link` headers, and from tokens in answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

from pydantic import JsonValue

from steersman.domain.fact import JsonObject

_ASKING = (
    "page_token",
    "pageToken",
    "next_token",
    "nextToken",
    "cursor",
    "continue",
    "starting_after",
    "after",
    "marker",
    "page",
    "offset",
    "skip",
    "start",
)
"""Names of parameters that ask for the next page, surest first."""
_TOKENS = (
    ("next_page_token",),
    ("nextPageToken",),
    ("next_token",),
    ("nextToken",),
    ("NextToken",),
    ("next_cursor",),
    ("nextCursor",),
    ("metadata", "continue"),
    ("response_metadata", "next_cursor"),
    ("meta", "next_cursor"),
)
_OF_TOKEN = ("page_token", "pageToken", "next_token", "nextToken", "NextToken", "cursor", "continue", "marker")
_LINK = re.compile(r'<([^<>]{1,4000})>((?:\s*;\s*[a-zA-Z*]{1,20}=(?:"[^"]{0,200}"|[^\s";,]{1,200})){0,10})')
_REL_NEXT = re.compile(r'rel=(?:"[^"]*\bnext\b[^"]*"|next\b)', re.IGNORECASE)


def asks_for_more(arguments: Sequence[str]) -> str:
    """The argument that asks for the next page; empty when none is known to."""
    return next((name for name in _ASKING if name in arguments), "")


def next_arguments(known: dict[str, str], paging: str, *, link: str, body: JsonValue) -> JsonObject:
    """Arguments that differ for the next page; empty when there is none, or nothing says how.

    known: names of query parameters on the wire to arguments. A server's link is read for these only: it never leads
    anywhere else.
    """
    for found in _LINK.finditer(link[:8_000]):
        if _REL_NEXT.search(found[2]):
            pairs = parse_qsl(urlsplit(found[1]).query, keep_blank_values=True)
            return {known[name]: value for name, value in pairs if name in known}
    if not paging or not isinstance(body, dict):
        return {}
    for path in _TOKENS:
        token = _at(body, path)
        if isinstance(token, (str, int)) and not isinstance(token, bool) and token != "" and paging in _OF_TOKEN:
            return {paging: token}
    return _after_last(paging, body)


def _after_last(paging: str, body: JsonObject) -> JsonObject:
    """Stripe's way: more is there, and it begins after the last one's id."""
    rows = body.get("data")
    if paging not in ("starting_after", "after") or body.get("has_more") is not True or not isinstance(rows, list):
        return {}
    last = rows[-1] if rows else None
    identity = last.get("id") if isinstance(last, dict) else None
    return {paging: identity} if isinstance(identity, str) else {}


def _at(body: JsonObject, path: tuple[str, ...]) -> JsonValue:
    here: JsonValue = body
    for key in path:
        here = here.get(key) if isinstance(here, dict) else None
    return here
