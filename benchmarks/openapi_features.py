"""Features of OpenAPI with what must leave, and what must be refused: crafted descriptions on a server that records."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from pydantic import SecretStr

from steersman.domain.errors import InputError, SteersmanError
from steersman.domain.ports import CallContext
from steersman.remote.schemas.checking import validator
from steersman.testing.clock import FakeClock
from steersman.toolsets.openapi.importing import Wish, import_description, scheme_of
from steersman.toolsets.openapi.kept import Kept, keep
from steersman.toolsets.openapi.signing import Credential
from steersman.toolsets.openapi.toolset import open_toolset

NOW = datetime(2026, 11, 25, tzinfo=UTC)
CONTEXT = CallContext(key="k", deadline=NOW + timedelta(minutes=1))
REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature: arguments to what is seen of the request, or to `REFUSED`."""

    name: str
    root: dict[str, Any]
    cases: tuple[tuple[dict[str, Any], object], ...]
    see: Callable[[httpx.Request], object] = lambda request: request.url.raw_path.decode()
    secrets: dict[str, str] | None = None


def wrong(feature: Feature) -> list[str]:
    """Cases that went otherwise than they must."""
    found = []
    for arguments, expected in feature.cases:
        try:
            seen: object = asyncio.run(_seen(feature, arguments))
        except SteersmanError:
            seen = REFUSED
        if seen != expected:
            found.append(f"{arguments}: {seen!r}, not {expected!r}")
    return found


async def _seen(feature: Feature, arguments: dict[str, Any]) -> object:
    requests: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        request.read()
        requests.append(request)
        return httpx.Response(200, json={})

    wish = Wish(name="api", source="spec", by="bench")
    made = import_description(json.dumps(feature.root).encode(), wish, now=NOW)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "api.db"
        keep(path, made.manifest, made.rows, signature="")
        kept = Kept(path)
        schemes = made.manifest.schemes
        credentials = {
            name: Credential(scheme_of(name, schemes), SecretStr(secret))
            for name, secret in (feature.secrets or {}).items()
        }
        transport = httpx.MockTransport(server)
        async with open_toolset(kept, credentials, clock=FakeClock(NOW), transport=transport) as toolset:
            binding = toolset.bindings()[0]
            if not validator(binding.operation.input_schema).is_valid(arguments):
                raise InputError("as the gate would say")
            await binding.run(arguments, CONTEXT)
        kept.close()
    return feature.see(requests[-1])


def _spec(
    operation: dict[str, Any], path: str = "/x", method: str = "get", version: str = "3.0.3", **more: Any
) -> dict[str, Any]:
    return {
        "openapi": version,
        "info": {"title": "t", "version": "1"},
        "servers": [{"url": "https://api.example.com"}],
        "paths": {path: {method: {"operationId": "op", "responses": {}, **operation}}},
        **more,
    }


def _parameter(
    place: str, style: str, *, explode: bool = False, schema: dict[str, Any] | None = None
) -> dict[str, Any]:
    path = "/x/{c}" if place == "path" else "/x"
    one = {"name": "c", "in": place, "style": style, "explode": explode, "schema": schema or {}}
    return _spec({"parameters": [{**one, "required": place == "path"}]}, path)


def _body(
    schema: dict[str, Any], kind: str = "application/json", version: str = "3.0.3", **more: Any
) -> dict[str, Any]:
    media = {"schema": schema, **more.pop("media", {})}
    return _spec({"requestBody": {"required": True, "content": {kind: media}}}, method="post", version=version, **more)


def _json(request: httpx.Request) -> object:
    return json.loads(request.content)


def features() -> Iterator[Feature]:
    """The table."""
    array, thing = ["a", "b"], {"R": 1, "G": 2}
    for place, style, explode, value, written in (
        ("path", "simple", False, array, "/x/a,b"),
        ("path", "simple", True, thing, "/x/R=1,G=2"),
        ("path", "label", True, array, "/x/.a.b"),
        ("path", "matrix", True, array, "/x/;c=a;c=b"),
        ("query", "form", True, array, "/x?c=a&c=b"),
        ("query", "form", False, array, "/x?c=a,b"),
        ("query", "form", True, thing, "/x?R=1&G=2"),
        ("query", "spaceDelimited", False, array, "/x?c=a%20b"),
        ("query", "pipeDelimited", False, array, "/x?c=a%7Cb"),
        ("query", "deepObject", True, thing, "/x?c[R]=1&c[G]=2"),
    ):
        name = f"{place}, {style}, explode={explode}, {'array' if isinstance(value, list) else 'object'}"
        yield Feature(name, _parameter(place, style, explode=explode), (({"c": value}, written),))
    yield Feature("header, simple", _parameter("header", "simple"), (({"c": array}, "a,b"),), lambda r: r.headers["c"])
    yield Feature("cookie, form", _parameter("cookie", "form"), (({"c": "v"}, "c=v"),), lambda r: r.headers["cookie"])
    yield Feature(
        "path escapes",
        _parameter("path", "simple"),
        (({"c": "a/b c"}, "/x/a%2Fb%20c"), ({"c": ".."}, REFUSED), ({"c": ""}, REFUSED)),
    )
    yield from _schemas()
    yield from _bodies()
    yield from _auth()
    yield from _versions()


def _schemas() -> Iterator[Feature]:
    tree = {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#/components/schemas/T"}}}}
    ref = {"$ref": "#/components/schemas/T"}
    good, bad = {"kids": [{"kids": []}]}, {"kids": [{"kids": 1}]}
    yield Feature(
        "recursive $ref",
        _body(ref, components={"schemas": {"T": tree}}),
        (({"body": good}, good), ({"body": bad}, REFUSED)),
        _json,
    )
    yield Feature("remote $ref refused", _body({"$ref": "http://evil.example/s"}), (({"body": {}}, REFUSED),), _json)
    for key, cases in (
        ("allOf", (({"a": "x", "b": 1}, True), ({"a": "x"}, False))),
        ("anyOf", (({"a": "x"}, True), ({}, False))),
        ("oneOf", (({"a": "x"}, True), ({"a": "x", "b": 1}, False))),
    ):
        schema = {key: [{"required": ["a"]}, {"required": ["b"]}], "type": "object"}
        yield Feature(key, _body(schema), tuple(({"body": v}, v if ok else REFUSED) for v, ok in cases), _json)
    pets = {"Cat": {"type": "object", "required": ["k"]}, "Dog": {"type": "object", "required": ["k", "bark"]}}
    named = {"oneOf": [{"$ref": f"#/components/schemas/{n}"} for n in pets], "discriminator": {"propertyName": "k"}}
    yield Feature(
        "discriminator",
        _body(named, components={"schemas": pets}),
        (({"body": {"k": "Cat", "bark": 1}}, {"k": "Cat", "bark": 1}), ({"body": {"k": "Dog"}}, REFUSED)),
        _json,
    )
    yield Feature(
        "nullable (3.0)",
        _body({"type": "string", "nullable": True}),
        (({"body": None}, None), ({"body": 1}, REFUSED)),
        _json,
    )
    yield Feature(
        "type arrays (3.1)",
        _body({"type": ["string", "null"]}, version="3.1.0"),
        (({"body": None}, None), ({"body": 1}, REFUSED)),
        _json,
    )
    yield Feature(
        "const, prefixItems (3.1)",
        _body({"prefixItems": [{"const": 1}]}, version="3.1.0"),
        (({"body": [1]}, [1]), ({"body": [2]}, REFUSED)),
        _json,
    )
    read_only = {"type": "object", "required": ["id"], "properties": {"id": {"readOnly": True}, "n": {}}}
    yield Feature("readOnly", _body(read_only), (({"body": {"n": 1}}, {"n": 1}), ({"body": {"id": 1}}, REFUSED)), _json)
    yield Feature("int32 bounds", _body({"type": "integer", "format": "int32"}), (({"body": 2**31}, REFUSED),), _json)
    yield Feature(
        "pattern, linear time",
        _body({"type": "string", "pattern": "^(a+)+$"}),
        (({"body": "a" * 30_000 + "!"}, REFUSED),),
        _json,
    )


def _bodies() -> Iterator[Feature]:
    form = "application/x-www-form-urlencoded"
    deep = {"encoding": {"m": {"style": "deepObject", "explode": True}}}
    schema = {"type": "object", "properties": {"m": {"type": "object"}}}
    yield Feature(
        "form, deepObject",
        _body(schema, form, media=deep),
        (({"body": {"m": {"a": 1}}}, b"m[a]=1"),),
        lambda r: r.content,
    )
    files = {"type": "object", "properties": {"f": {"type": "string", "format": "binary"}}}
    yield Feature(
        "multipart with a file",
        _body(files, "multipart/form-data"),
        (({"body": {"f": {"filename": "a.txt", "text": "hi"}}}, True),),
        lambda r: b'filename="a.txt"' in r.content and b"\r\n\r\nhi\r\n" in r.content,
    )
    yield Feature("text body", _body({}, "text/plain"), (({"body": "hi"}, b"hi"),), lambda r: r.content)


def _auth() -> Iterator[Feature]:
    schemes = {
        "q": {"type": "apiKey", "in": "query", "name": "key"},
        "b": {"type": "http", "scheme": "basic"},
        "t": {"type": "http", "scheme": "bearer"},
    }
    for name, secret, seen in (("b", "u:p", "Basic dTpw"), ("t", "tok", "Bearer tok")):
        root = _spec({"security": [{name: []}]}, components={"securitySchemes": schemes})
        yield Feature(
            f"auth: {schemes[name]['scheme']}",
            root,
            (({}, seen),),
            lambda r: r.headers["authorization"],
            {name: secret},
        )
    root = _spec({"security": [{"q": []}]}, components={"securitySchemes": schemes})
    yield Feature("auth: apiKey in query", root, (({}, "/x?key=s"),), secrets={"q": "s"})
    yield Feature("auth: none given, nothing sent", root, (({}, REFUSED),))


def _versions() -> Iterator[Feature]:
    old = {
        "swagger": "2.0",
        "info": {"title": "t", "version": "1"},
        "host": "api.example.com",
        "basePath": "/v2",
        "paths": {
            "/x": {
                "get": {
                    "parameters": [
                        {
                            "name": "c",
                            "in": "query",
                            "type": "array",
                            "items": {"type": "string"},
                            "collectionFormat": "pipes",
                        }
                    ],
                    "responses": {},
                }
            }
        },
    }
    yield Feature("Swagger 2.0, collectionFormat", old, (({"c": ["a", "b"]}, "/v2/x?c=a%7Cb"), ({"c": "a"}, REFUSED)))
    listed = {
        "functions": [{"name": "scale", "input": {"type": "object", "required": ["n"]}}],
        "servers": [{"url": "https://f.example.com"}],
    }
    yield Feature(
        "list of functions (JSON Schema)", listed, (({"body": {"n": 1}}, {"n": 1}), ({"body": {}}, REFUSED)), _json
    )
