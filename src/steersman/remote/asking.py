"""JSON over HTTP: one thing that may not be there, all pages of a list, and writes."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

import httpx
from pydantic import JsonValue

from steersman.domain.errors import ToolError
from steersman.remote.exchange import Pairs, Remote, Request
from steersman.remote.shape import items, mapping, reading

NOT_FOUND = frozenset({httpx.codes.NOT_FOUND})
PAGE = 50
"""Gitea gives no more at once."""
MOST_PAGES = 20

Json = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Asking:
    """JSON over HTTP, with the prefix of an API before every path."""

    remote: Remote
    prefix: str = ""

    async def one(self, path: str, query: Pairs = ()) -> Json | None:
        """The object at a path; None when there is none."""
        request = Request("GET", self.prefix + path, query=query)
        answer = await self.remote.ask(request, accept=NOT_FOUND)
        if answer.status == httpx.codes.NOT_FOUND:
            return None
        with reading(self.remote.name, path):
            return mapping(self.remote.decoded(request, answer))

    async def some(self, path: str, query: Pairs = (), *, key: str = "", size: str = "per_page") -> list[Json]:
        """All pages of a list; key: of the list inside an object. Raises ToolError when there are too many."""
        found: list[Json] = []
        for page in range(1, MOST_PAGES + 1):
            pairs = [*query, (size, str(PAGE)), ("page", str(page))]
            document = await self.remote.json(Request("GET", self.prefix + path, query=pairs))
            with reading(self.remote.name, path):
                shown = items(mapping(document)[key] if key else document)
            found += shown
            if len(shown) < PAGE:
                return found
        raise ToolError(f"{self.remote.name}: {path!r} has more than {MOST_PAGES * PAGE} entries")

    async def write(self, method: str, path: str, body: JsonValue = None, *, query: Pairs = ()) -> JsonValue:
        """The answer to a write; None when it has no body."""
        request = Request(method, self.prefix + path, query=query, body=body, writes=True)
        answer = await self.remote.ask(request)
        return self.remote.decoded(request, answer) if answer.body.strip() else None


def in_path(text: str) -> str:
    """A name inside a path of a URL; its slashes stay."""
    return quote(text, safe="/")


def whole(text: str) -> str:
    """A name as one segment of a path of a URL, as GitLab wants it."""
    return quote(text, safe="")
