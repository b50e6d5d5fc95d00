"""What is kept of one imported operation: how arguments become a request, and what its answers look like."""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue

from steersman.domain.fact import Fact, JsonObject

Place = Literal["path", "query", "header", "cookie"]
Style = Literal[
    "simple", "label", "matrix", "form", "spaceDelimited", "pipeDelimited", "deepObject", "tabDelimited", "multi"
]
"""`tabDelimited` is Swagger 2.0's `tsv`; `multi` is not used: it is `form` exploded."""


class Parameter(Fact):
    """One parameter: the argument that it is read from, and how it is written."""

    argument: str
    name: str
    """As it stands on the wire."""
    place: Place
    style: Style
    explode: bool
    required: bool = False
    reserved: bool = False
    """RFC 3986 reserved characters stay as they are (queries only)."""
    as_json: bool = False
    """It has `content` instead of a schema: the value is sent as JSON text."""


class FieldStyle(Fact):
    """How one field of a form or multipart body is written."""

    style: Style = "form"
    explode: bool = True
    content_type: str = ""
    file: bool = False


class Media(Fact):
    """One content type of a body or an answer."""

    content_type: str
    body: JsonValue = True
    """Its schema, with references to parts."""
    fields: dict[str, FieldStyle] = {}


class Body(Fact):
    """What may be sent; the first content type is the default."""

    required: bool
    media: tuple[Media, ...]
    several: bool = False
    """Whether the caller chooses the content type."""


class Scheme(Fact):
    """One way to authenticate, as the description declares it."""

    kind: Literal["header", "query", "cookie", "basic", "bearer", "oauth2"]
    name: str = ""
    """Of the header, query parameter or cookie."""
    token_url: str = ""
    """Where an oauth2 client gets a token for its id and secret; empty when the description names none."""


class Recipe(Fact):
    """One operation, compiled."""

    verb: str
    """Its name without that of the toolset."""
    method: str
    path: str
    """Template, `/repos/{owner}`; the braces hold names as they stand on the wire."""
    summary: str
    words: str
    """What it is found by."""
    servers: tuple[str, ...] = ()
    """Servers of its own; empty: those of the document."""
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    input_schema: JsonObject
    """Without the parts."""
    answers: dict[str, tuple[Media, ...]] = {}
    """By status: `200`, `2XX` or `default`."""
    security: tuple[dict[str, tuple[str, ...]], ...] | None = None
    """Alternatives: scheme name to scopes; None: nothing is said anywhere."""
    parts: tuple[str, ...] = ()
    """What its arguments' schema refers to."""
    answer_parts: tuple[str, ...] = ()
    """What its answers' schemas refer to."""
    paging: str = ""
    """Name of the argument that asks for the next page; empty: none was recognised."""

    @property
    def reads(self) -> bool:
        """Whether the method promises to change nothing."""
        return self.method in ("GET", "HEAD")
