"""A description to recipes, one operation at a time; what cannot be taken over is left out with a reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import JsonValue

from steersman.domain.errors import InputError
from steersman.domain.fact import JsonObject
from steersman.remote.schemas.conversion import Schemas
from steersman.remote.schemas.document import Document
from steersman.remote.text import one_line
from steersman.toolsets.openapi import functions, upgrade
from steersman.toolsets.openapi.bodies import answers_of, body_of
from steersman.toolsets.openapi.names import argument, verb
from steersman.toolsets.openapi.paging import asks_for_more
from steersman.toolsets.openapi.parameters import TAKEN, parameter_of, skipped
from steersman.toolsets.openapi.recipe import Parameter, Recipe, Scheme

METHODS = ("get", "head", "post", "put", "patch", "delete")
MAX_OPERATIONS = 20_000
MAX_PARAMETERS = 500
_PATH = re.compile(r"/(?:[^{}?#\s\\]|\{[^{}/]+\})*")
_HOLE = re.compile(r"\{([^{}]+)\}")


@dataclass(slots=True)
class LeftOut:
    """An operation that is not taken over, or a check that is not made."""

    where: str
    why: str


@dataclass(slots=True)
class Compiler:
    """Compiles the operations of one document."""

    document: Document
    schemas: Schemas
    left_out: list[LeftOut] = field(default_factory=list)
    weaker: list[LeftOut] = field(default_factory=list)
    """Operations whose answers are not checked, because their schema cannot be used."""
    _taken: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, root: JsonObject) -> Compiler:
        """Raises InputError for what is no description."""
        document = Document.of(functions.described(root) if functions.is_list_of_functions(root) else root)
        return cls(document, Schemas(document))

    def recipes(self) -> Iterator[Recipe]:
        """Each operation that can be taken over. Raises InputError when there are too many, or no paths at all."""
        paths = self.document.root.get("paths")
        if not isinstance(paths, dict):
            raise InputError("the description has no `paths`")
        count = 0
        for path, raw in paths.items():
            for method in METHODS:
                item = self._item(path, raw)
                if method not in item:
                    continue
                count += 1
                if count > MAX_OPERATIONS:
                    raise InputError(f"more than {MAX_OPERATIONS:,} operations; split the description")
                try:
                    recipe = self._recipe(path, method, item)
                except InputError as e:
                    self.left_out.append(LeftOut(f"{method.upper()} {one_line(path, limit=80)}", str(e)))
                    continue
                self._taken.add(recipe.verb)
                yield recipe

    def schemes(self) -> dict[str, Scheme]:
        """How one may authenticate, by name; kinds that are not known are left out."""
        old = self.document.dialect == "2.0"
        held = self.document.root if old else self.document.root.get("components")
        raw = held.get("securityDefinitions" if old else "securitySchemes") if isinstance(held, dict) else None
        found: dict[str, Scheme] = {}
        for name, value in raw.items() if isinstance(raw, dict) else ():
            try:
                plain = self.document.plain(value)
            except InputError as e:
                self.left_out.append(LeftOut(f"security scheme {one_line(name, limit=60)}", str(e)))
                continue
            scheme = _scheme(upgrade.scheme(plain) if old else plain)
            if scheme is not None:
                found[name] = scheme
        return found

    def servers(self) -> tuple[str, ...]:
        """The document's servers, with the defaults of their variables."""
        if self.document.dialect == "2.0":
            return _servers(upgrade.servers(self.document.root))
        return _servers(self.document.root.get("servers"))

    def _item(self, path: str, raw: JsonValue) -> JsonObject:
        try:
            return self.document.plain(raw)
        except InputError as e:
            if not any(out.where == path for out in self.left_out):
                self.left_out.append(LeftOut(path, str(e)))
            return {}

    def _recipe(self, path: str, method: str, item: JsonObject) -> Recipe:
        if not _PATH.fullmatch(path) or any(part in (".", "..") for part in path.split("/")):
            raise InputError(f"path {one_line(path, limit=80)!r} is none that can be called")
        raw = self.document.plain(item[method])
        listed = self._parameters(item, raw)
        if self.document.dialect == "2.0":
            raw, listed = upgrade.operation(self.document, raw, listed)
        name = verb(raw.get("operationId"), method, path, taken=self._taken)
        takes = _Taken()
        for each in listed:
            self._take(takes, each)
        _all_holes(path, takes.parameters)
        body = body_of(raw.get("requestBody"), self.document, self.schemas)
        if body is not None:
            takes.body(body.schema, [media.content_type for media in body.body.media], required=body.body.required)
            takes.parts |= body.parts
        answers, answer_parts, why = answers_of(raw.get("responses"), self.document, self.schemas)
        if why:
            self.weaker.append(LeftOut(f"{method.upper()} {path}", why))
        summary = _summary(raw, method, path)
        return Recipe(
            verb=name,
            method=method.upper(),
            path=path,
            summary=summary,
            words=_words(raw, item, path),
            servers=_servers(raw.get("servers", item.get("servers"))),
            parameters=tuple(takes.parameters),
            body=body.body if body else None,
            input_schema=takes.schema(),
            answers=answers,
            security=self._security(raw),
            parts=tuple(sorted(takes.parts)),
            answer_parts=tuple(sorted(answer_parts)),
            paging=asks_for_more([each.argument for each in takes.parameters if each.place == "query"]),
        )

    def _parameters(self, item: JsonObject, raw: JsonObject) -> list[JsonObject]:
        """The operation's own, and those of its path that it does not replace."""
        found: dict[tuple[str, str], JsonObject] = {}
        for held in (item.get("parameters"), raw.get("parameters")):
            for each in held if isinstance(held, list) else []:
                plain = self.document.plain(each)
                found[str(plain.get("in")), str(plain.get("name"))] = plain
        if len(found) > MAX_PARAMETERS:
            raise InputError(f"{len(found)} parameters; the limit is {MAX_PARAMETERS}")
        return list(found.values())

    def _take(self, takes: _Taken, raw: JsonObject) -> None:
        if skipped(raw):
            return
        name = argument(str(raw.get("name")), str(raw.get("in")), taken={*takes.properties, *TAKEN})
        made, schema = parameter_of(raw, name)
        converted, parts = self.schemas.convert(schema, "in")
        takes.parts |= parts
        takes.add(made, converted, raw.get("description"))

    def _security(self, raw: JsonObject) -> tuple[dict[str, tuple[str, ...]], ...] | None:
        said = raw.get("security", self.document.root.get("security"))
        if not isinstance(said, list):
            return None
        return tuple(
            {
                name: tuple(str(scope) for scope in scopes) if isinstance(scopes, list) else ()
                for name, scopes in alternative.items()
            }
            for alternative in said
            if isinstance(alternative, dict)
        )


@dataclass(slots=True)
class _Taken:
    """The arguments of one operation, as they come together."""

    parameters: list[Parameter] = field(default_factory=list)
    properties: dict[str, JsonValue] = field(default_factory=dict)
    required: list[JsonValue] = field(default_factory=list)
    parts: set[str] = field(default_factory=set)

    def add(self, parameter: Parameter, schema: JsonValue, description: JsonValue) -> None:
        """One parameter."""
        self.parameters.append(parameter)
        said = one_line(description, limit=200) if isinstance(description, str) else ""
        plain: JsonValue = schema
        if said and isinstance(schema, dict):
            plain = {**schema, "description": said}
        self.properties[parameter.argument] = plain
        if parameter.required:
            self.required.append(parameter.argument)

    def body(self, schema: JsonValue, kinds: list[str], *, required: bool) -> None:
        """The body, and the choice of its content type where there is one."""
        self.properties["body"] = schema
        if required:
            self.required.append("body")
        if len(kinds) > 1:
            self.properties["content_type"] = {"enum": list[JsonValue](kinds), "default": kinds[0]}

    def schema(self) -> JsonObject:
        """All of them as one closed object."""
        return {
            "type": "object",
            "properties": self.properties,
            "required": self.required,
            "additionalProperties": False,
        }


def _all_holes(path: str, parameters: list[Parameter]) -> None:
    named = {each.name for each in parameters if each.place == "path"}
    for hole in _HOLE.findall(path):
        if hole not in named:
            raise InputError(f"nothing is declared for {{{hole}}} of its path")
    for each in parameters:
        if each.place == "path" and f"{{{each.name}}}" not in path:
            raise InputError(f"path parameter {each.name!r} is not in its path")


def _summary(raw: JsonObject, method: str, path: str) -> str:
    said = raw.get("summary") or raw.get("description")
    text = one_line(said, limit=160) if isinstance(said, str) else ""
    return text or f"{method.upper()} {one_line(path, limit=140)}"


def _words(raw: JsonObject, item: JsonObject, path: str) -> str:
    """What it is found by, beside its name and summary."""
    tags = raw.get("tags")
    said = [str(tag) for tag in tags] if isinstance(tags, list) else []
    held = (raw.get("description"), item.get("summary"), item.get("description"))
    said += [text[:600] for text in held if isinstance(text, str)]
    return one_line(" ".join([path.replace("/", " "), *said]), limit=600)


def _servers(value: JsonValue) -> tuple[str, ...]:
    found = []
    for each in value if isinstance(value, list) else []:
        url = each.get("url") if isinstance(each, dict) else None
        if not isinstance(each, dict) or not isinstance(url, str):
            continue
        variables = each.get("variables")
        for name, held in variables.items() if isinstance(variables, dict) else ():
            default = held.get("default") if isinstance(held, dict) else None
            if isinstance(default, (str, int)):
                url = url.replace(f"{{{name}}}", str(default))
        found.append(url)
    return tuple(found)


def _scheme(raw: JsonObject) -> Scheme | None:
    name = raw.get("name")
    match raw.get("type"), str(raw.get("scheme", "")).lower():
        case "apiKey", _ if isinstance(name, str):
            place = raw.get("in")
            return Scheme(kind=place, name=name) if place in ("header", "query", "cookie") else None
        case "http", "basic":
            return Scheme(kind="basic")
        case ("http", "bearer") | ("openIdConnect", _):
            return Scheme(kind="bearer")
        case "oauth2", _:
            flows = raw.get("flows")
            flow = flows.get("clientCredentials") if isinstance(flows, dict) else None
            url = flow.get("tokenUrl") if isinstance(flow, dict) else None
            return Scheme(kind="oauth2", token_url=url if isinstance(url, str) else "")
    return None
