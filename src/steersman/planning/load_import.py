"""Journeys out of what a browser recorded (HAR), or out of an API's description (OpenAPI 3). Pure.

Only what is understood is taken, and what is left out is told. Credentials and cookies are never taken over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

from pydantic import ValidationError

from steersman.domain.errors import InputError
from steersman.domain.fact import Fact
from steersman.domain.load import CREDENTIALS, FRAMING, SAFE_METHODS, Header, Journey, Request
from steersman.planning.load_preset import name_of, split_url
from steersman.planning.plain_yaml import parse_yaml

MOST_REQUESTS = 20
TAKEN = frozenset({"accept", "accept-language", "content-type", "x-requested-with"})
"""Headers of a recording that are worth sending again."""
LONGEST = 20_000_000
"""Characters of a recording."""


class Imported(Fact):
    """What was read, and what was not."""

    origin: str
    journeys: tuple[Journey, ...]
    left_out: tuple[str, ...] = ()
    """Why, one line for each."""


def from_har(text: str, *, origin: str = "") -> Imported:
    """One journey of a recording's requests to one origin, in order.

    origin: empty takes that of the first request. Raises InputError when there is nothing to take.
    """
    if len(text) > LONGEST:
        raise InputError(f"the recording has {len(text)} characters, more than {LONGEST}; record less")
    try:
        entries = json.loads(text)["log"]["entries"]
        asked = [(str(e["request"]["method"]).upper(), str(e["request"]["url"]), e["request"]) for e in entries]
    except (ValueError, KeyError, TypeError, RecursionError) as e:
        raise InputError(f"this is no HAR recording ({type(e).__name__}); export one as `HAR` from a browser") from e
    left_out: list[str] = []
    requests: list[Request] = []
    wanted = origin
    for number, (method, url, document) in enumerate(asked, start=1):
        made = _recorded(number, method, url, document, wanted=wanted)
        if isinstance(made, str):
            left_out.append(made)
        elif len(requests) == MOST_REQUESTS:
            left_out.append(f"{method} {url[:100]}: a journey has at most {MOST_REQUESTS} requests")
        else:
            wanted, request = made
            requests.append(request)
    if not requests:
        raise InputError(f"nothing of the recording can be sent again: {left_out[0] if left_out else 'it is empty'}")
    return Imported(
        origin=wanted, journeys=(Journey(name="recorded", requests=tuple(requests)),), left_out=tuple(left_out)
    )


def _recorded(number: int, method: str, url: str, document: Any, *, wanted: str) -> tuple[str, Request] | str:
    """The origin and the request; or why not."""
    shown = f"{method[:10]} {url[:100]}"
    if method not in SAFE_METHODS:
        return f"{shown}: only methods that change nothing are taken from a recording"
    try:
        found, path = split_url(url)
    except InputError as e:
        return f"{shown}: {e}"
    if wanted and found != wanted:
        return f"{shown}: another origin than {wanted}"
    try:
        return found, Request(
            name=f"r{number}",
            method=method,
            path=quote(path, safe="/?&=%:@!$'()*+,;~.-_"),
            headers=tuple(_headers(document.get("headers", ()) if isinstance(document, dict) else ())),
        )
    except ValidationError as e:
        return f"{shown}: {e.errors(include_url=False)[0]['msg']}"


def _headers(recorded: Any) -> Iterator[Header]:
    for pair in recorded if isinstance(recorded, list) else ():
        name, value = str(pair.get("name", "")), str(pair.get("value", ""))
        if name.lower() in TAKEN and name.lower() not in FRAMING | CREDENTIALS:
            yield Header(name=name, value=value)


def from_openapi(text: str, *, origin: str = "") -> Imported:
    """One journey for each GET of an OpenAPI 3 description whose parameters have examples.

    origin: empty takes the description's first server. Raises InputError when there is nothing to take.
    """
    document = parse_yaml(text) if len(text) <= LONGEST else None
    if not isinstance(document, dict) or not str(document.get("openapi", "")).startswith("3."):
        raise InputError("this is no OpenAPI 3 description; it has no `openapi: 3.x`")
    server, base = _server(document, origin)
    journeys: list[Journey] = []
    left_out: list[str] = []
    paths = document.get("paths")
    for path, item in paths.items() if isinstance(paths, dict) else ():
        made = _operation(document, str(path), item, base=base)
        if isinstance(made, str):
            left_out.append(made)
        elif made is not None and len(journeys) < MOST_REQUESTS:
            journeys.append(made)
        elif made is not None:
            left_out.append(f"GET {path}: a profile has at most {MOST_REQUESTS} journeys")
    if not journeys:
        why = left_out[0] if left_out else "it has no GET"
        raise InputError(f"nothing of the description can be asked: {why}")
    return Imported(origin=server, journeys=tuple(journeys), left_out=tuple(left_out))


def _server(document: dict[str, Any], origin: str) -> tuple[str, str]:
    servers = document.get("servers")
    first = servers[0] if isinstance(servers, list) and servers else {}
    url = str(first.get("url", "")) if isinstance(first, dict) else ""
    base = split_url(url)[1] if url.startswith("http") else url
    if not origin and not url.startswith("http"):
        raise InputError("the description names no server with a full URL; say --url")
    return origin or split_url(url)[0], base.rstrip("/")


def _operation(document: dict[str, Any], path: str, item: Any, *, base: str) -> Journey | str | None:
    """A journey; why there is none; None when the path has no GET."""
    if not isinstance(item, dict) or not isinstance(item.get("get"), dict):
        return None
    operation = item["get"]
    if operation.get("security") or (document.get("security") and operation.get("security") != []):
        note = "needs credentials; write a profile with `auth` for it"
        return f"GET {path}: {note}"
    query: dict[str, str] = {}
    for raw in (*item.get("parameters", ()), *operation.get("parameters", ())):
        parameter = _resolved(document, raw)
        name, place, value = parameter.get("name"), parameter.get("in"), _example(document, parameter)
        if value is None:
            if parameter.get("required"):
                return f"GET {path}: parameter {name!r} has no example"
        elif place == "path":
            path = path.replace("{" + str(name) + "}", quote(str(value), safe=""))
        elif place == "query":
            query[str(name)] = str(value)
    name = name_of(str(operation.get("operationId") or f"get{path}"))
    tail = f"?{urlencode(query, quote_via=quote)}" if query else ""
    try:
        request = Request(name="get", path=quote(base + path, safe="/%:@!$&'()*+,;=~.-_") + tail)
        return Journey(name=name, requests=(request,))
    except ValidationError as e:
        return f"GET {path}: {e.errors(include_url=False)[0]['msg']}"


def _resolved(document: dict[str, Any], value: Any) -> dict[str, Any]:
    """A local `$ref` followed once; references to elsewhere are never followed."""
    if isinstance(value, dict) and isinstance(reference := value.get("$ref"), str) and reference.startswith("#/"):
        here: Any = document
        for key in reference[2:].split("/"):
            here = here.get(key.replace("~1", "/").replace("~0", "~")) if isinstance(here, dict) else None
        value = here
    return value if isinstance(value, dict) else {}


def _example(document: dict[str, Any], parameter: dict[str, Any]) -> Any:
    schema = _resolved(document, parameter.get("schema"))
    many = parameter.get("examples")
    first: Any = next(iter(many.values()), {}) if isinstance(many, dict) else {}
    candidates = (
        parameter.get("example"),
        _resolved(document, first).get("value"),
        schema.get("example"),
        schema.get("default"),
        next(iter(schema.get("enum") or ()), None),
    )
    return next((value for value in candidates if isinstance(value, (str, int, float)) and value != ""), None)
