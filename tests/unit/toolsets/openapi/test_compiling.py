"""What a description becomes, feature by feature; and hostile ones, each of which ends in one clear line."""

import json
import time

import jsonschema_rs
import pytest
from tests.unit.toolsets.openapi.descriptions import described, imported, one

from steersman.domain.errors import InputError
from steersman.domain.fact import JsonObject
from steersman.remote.schemas.checking import bundle, validator
from steersman.toolsets.openapi.compiling import Compiler
from steersman.toolsets.openapi.reading import MAX_BYTES, read
from steersman.toolsets.openapi.recipe import Recipe

TREE = {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}}}


def compiled(root: dict) -> tuple[Compiler, list[Recipe]]:
    compiler = Compiler.of(root)
    return compiler, list(compiler.recipes())


def arguments_of(root: dict) -> jsonschema_rs.Validator:
    compiler, (recipe,) = compiled(root)
    parts: JsonObject = compiler.schemas.closed(recipe.parts)
    return validator(bundle(recipe.input_schema, parts))


def body_schema(schema: dict, *, version: str = "3.0.3", **schemas: dict) -> jsonschema_rs.Validator:
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return arguments_of(one("post", "/x", {"requestBody": body}, version=version, components={"schemas": schemas}))


def accepts(check: jsonschema_rs.Validator, *values: object) -> list[bool]:
    return [check.is_valid({"body": value}) for value in values]


def test_recursive_references_stay_recursive() -> None:
    check = body_schema({"$ref": "#/components/schemas/Tree"}, Tree=TREE)
    deep: dict = {}
    for _ in range(50):
        deep = {"kids": [deep]}
    assert accepts(check, deep, {"kids": [{"kids": 1}]}) == [True, False]


def test_pointers_are_unescaped_and_references_to_references_are_followed() -> None:
    check = body_schema(
        {"$ref": "#/components/schemas/a~1b%20c"},
        **{"a/b c": {"$ref": "#/components/schemas/Last"}, "Last": {"type": "integer"}},
    )
    assert accepts(check, 1, "1") == [True, False]


def test_an_anchor_is_found_in_3_1() -> None:
    check = body_schema({"$ref": "#here"}, version="3.1.0", A={"$anchor": "here", "type": "integer"})
    assert accepts(check, 1, "1") == [True, False]


@pytest.mark.parametrize(
    "ref", ["http://evil.example/s.json", "other.yaml#/A", "file:///etc/passwd", "//evil/x", "#/nowhere", "#gone", 7]
)
def test_a_reference_that_leaves_the_document_is_refused(ref: object) -> None:
    body = {"content": {"application/json": {"schema": {"$ref": ref}}}}
    with pytest.raises(InputError, match="reference"):
        imported(one("post", "/x", {"requestBody": body}))


def test_a_bad_answer_schema_costs_only_the_check_of_the_answer() -> None:
    answer = {"200": {"description": "x", "content": {"application/json": {"schema": {"$ref": "http://e/x"}}}}}
    made = imported(one("get", "/x", {"responses": answer}))
    assert [out.where for out in made.weaker] == ["GET /x"]
    assert made.manifest.operations == 1


def test_all_of_any_of_one_of_and_not() -> None:
    check = body_schema(
        {
            "allOf": [{"type": "object", "required": ["a"]}, {"properties": {"a": {"anyOf": [{"type": "string"}]}}}],
            "not": {"required": ["b"]},
            "oneOf": [{"required": ["c"]}, {"required": ["d"]}],
        }
    )
    ok = {"a": "x", "c": 1}
    assert accepts(check, ok, {**ok, "d": 1}, {**ok, "b": 1}, {"a": 1, "c": 1}) == [True, False, False, False]


@pytest.mark.parametrize(
    ("schema", "version"),
    [
        ({"type": "string", "nullable": True}, "3.0.3"),
        ({"type": ["string", "null"]}, "3.1.0"),
        ({"allOf": [{"type": "string"}], "nullable": True}, "3.0.3"),
    ],
)
def test_nullable_of_each_version(schema: dict, version: str) -> None:
    assert accepts(body_schema(schema, version=version), None, "x", 1) == [True, True, False]


def test_nullable_means_nothing_in_3_1() -> None:
    assert accepts(body_schema({"type": "string", "nullable": True}, version="3.1.0"), None) == [False]


def test_boolean_bounds_of_3_0() -> None:
    check = body_schema({"type": "number", "minimum": 1, "exclusiveMinimum": True})
    assert accepts(check, 1, 1.1) == [False, True]


def test_formats_of_integers_are_bounds() -> None:
    assert accepts(body_schema({"type": "integer", "format": "int32"}), 2**31 - 1, 2**31) == [True, False]


def test_read_only_fields_are_not_sent_and_not_wanted() -> None:
    check = body_schema(
        {
            "type": "object",
            "required": ["id", "name"],
            "properties": {"id": {"type": "integer", "readOnly": True}, "name": {"type": "string"}},
        }
    )
    assert accepts(check, {"name": "x"}, {"name": "x", "id": 1}) == [True, False]


def test_a_discriminator_chooses_the_branch() -> None:
    """Both branches would match by shape alone: plain oneOf refuses, the discriminator tells them apart."""
    pet = {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}}
    check = body_schema(
        {
            "oneOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}],
            "discriminator": {"propertyName": "kind", "mapping": {"hound": "#/components/schemas/Dog"}},
        },
        Cat=pet,
        Dog={**pet, "required": ["kind", "bark"]},
    )
    values = [{"kind": "Cat"}, {"kind": "hound"}, {"kind": "hound", "bark": 1}, {"kind": "Dog", "bark": 1}, {}]
    assert accepts(check, *values) == [True, False, True, False, False]


def test_siblings_of_a_reference_count_in_3_1_only() -> None:
    schema = {"$ref": "#/components/schemas/A", "maxLength": 1}
    assert accepts(body_schema(schema, version="3.1.0", A={"type": "string"}), "xx") == [False]
    assert accepts(body_schema(schema, A={"type": "string"}), "xx") == [True]


def test_keywords_of_3_1() -> None:
    check = body_schema(
        {
            "type": "array",
            "prefixItems": [{"const": "a"}],
            "items": {"if": {"type": "string"}, "then": {"minLength": 2}},
            "contains": {"type": "integer"},
        },
        version="3.1.0",
    )
    assert accepts(check, ["a", "bb", 1], ["b", 1], ["a", "b", 1], ["a", "bb"]) == [True, False, False, False]


def test_swagger_2_0_becomes_the_same() -> None:
    root = described(
        {
            "/pets/{id}": {
                "parameters": [{"name": "id", "in": "path", "required": True, "type": "integer", "format": "int64"}],
                "post": {
                    "operationId": "uploadPhoto",
                    "consumes": ["multipart/form-data"],
                    "parameters": [
                        {"name": "photo", "in": "formData", "type": "file", "required": True},
                        {
                            "name": "tags",
                            "in": "query",
                            "type": "array",
                            "items": {"type": "string"},
                            "collectionFormat": "pipes",
                        },
                    ],
                    "responses": {"200": {"description": "x", "schema": {"$ref": "#/definitions/Pet"}}},
                },
            }
        },
        version="2.0",
        host="pets.example.com",
        basePath="/v2",
        schemes=["http", "https"],
        definitions={"Pet": {"type": "object", "x-nullable": True}},
        securityDefinitions={"key": {"type": "apiKey", "in": "header", "name": "X-Key"}, "b": {"type": "basic"}},
    )
    compiler, (recipe,) = compiled(root)
    assert recipe.verb == "upload_photo"
    assert compiler.servers()[0] == "https://pets.example.com/v2"
    assert {each.argument: each.style for each in recipe.parameters} == {"id": "simple", "tags": "pipeDelimited"}
    assert recipe.body is not None
    assert recipe.body.media[0].fields["photo"].file
    assert compiler.schemes()["b"].kind == "basic"
    assert recipe.answers["200"][0].body == {"$ref": "#/$defs/out.Pet"}


def test_a_list_of_functions_with_json_schemas_is_a_description_too() -> None:
    made = imported(
        {
            "functions": [
                {
                    "name": "scaleService",
                    "input": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}},
                },
                {
                    "name": "list",
                    "method": "GET",
                    "parameters": {"type": "object", "properties": {"q": {"type": "string"}}},
                },
            ]
        },
        server="https://fn.example.com",
    )
    assert [(row[0], row[1], row[2]) for row in made.rows.operations] == [
        ("list", "GET", "/list"),
        ("scale_service", "POST", "/scaleService"),
    ]


def test_names_are_plain_and_unique() -> None:
    answers = {"responses": {}}
    root = described(
        {
            "/a": {"get": {"operationId": "listPods", **answers}, "post": {"operationId": "list_pods", **answers}},
            "/b/{id}": {
                "delete": {"parameters": [{"name": "id", "in": "path", "schema": {"type": "string"}}], **answers}
            },
            "/c": {"get": {"operationId": "3D/View", **answers}},
        }
    )
    assert [recipe.verb for recipe in compiled(root)[1]] == [
        "list_pods",
        "list_pods_2",
        "delete_b_by_id",
        "op_3_d_view",
    ]


def test_two_parameters_of_one_name_become_two_arguments() -> None:
    parameters = [
        {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
        {"name": "id", "in": "query", "schema": {"type": "string"}},
        {"name": "filter[state]", "in": "query", "schema": {"type": "string"}},
        {"name": "body", "in": "query", "schema": {"type": "string"}},
        {"name": "Authorization", "in": "header", "schema": {"type": "string"}},
        {"name": "Host", "in": "header", "schema": {"type": "string"}},
    ]
    _, (recipe,) = compiled(one("get", "/x/{id}", {"parameters": parameters}))
    assert [each.argument for each in recipe.parameters] == ["id", "query_id", "filter_state", "query_body"]


def test_a_pattern_that_could_take_for_ever_is_left_to_the_server() -> None:
    compiler, _ = compiled(
        one(
            "get",
            "/x",
            {"parameters": [{"name": "q", "in": "query", "schema": {"type": "string", "pattern": "^(?=(a+)+$)b"}}]},
        )
    )
    assert compiler.schemas.unchecked == {"^(?=(a+)+$)b"}


def test_nested_quantifiers_run_in_linear_time() -> None:
    check = body_schema({"type": "string", "pattern": "^(a+)+$"})
    began = time.perf_counter()
    assert accepts(check, "a" * 50_000 + "!") == [False]
    assert time.perf_counter() - began < 2


def cyclic() -> dict:
    schemas = {
        "A": {"allOf": [{"$ref": "#/components/schemas/B"}]},
        "B": {"anyOf": [{"$ref": "#/components/schemas/A"}]},
    }
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}}
    return one("post", "/x", {"requestBody": body}, components={"schemas": schemas})


def nested(levels: int) -> dict:
    schema: dict = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return one("post", "/x", {"requestBody": {"content": {"application/json": {"schema": schema}}}})


def laughing() -> bytes:
    lines = ["openapi: 3.0.0", 'a0: &a0 ["lol"]']
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    return "\n".join(lines).encode()


HOSTILE = {
    "billion laughs": (laughing(), "nodes"),
    "an alias in itself": (b"openapi: 3.0.0\na: &a [*a]", "nodes|neither"),
    "deep JSON": (b'{"openapi": "3.0.0", "x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "deep"),
    "deep YAML": (b"openapi: 3.0.0\nx: " + b"[" * 5_000 + b"]" * 5_000, "deep|neither"),
    "50 MB": (b'{"openapi": "3.0.0", "x": "' + b"a" * (50 * 2**20) + b'"}', "MiB"),
    "cyclic allOf": (json.dumps(cyclic()).encode(), "without end"),
    "a schema of 100 levels": (json.dumps(nested(100)).encode(), "deeper"),
    "a huge enum": (
        json.dumps(
            one("get", "/x", {"parameters": [{"name": "q", "in": "query", "schema": {"enum": list(range(20_000))}}]})
        ).encode(),
        "enum",
    ),
    "a reference to itself": (
        json.dumps(
            one(
                "post",
                "/x",
                {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}}},
                components={"schemas": {"A": {"$ref": "#/components/schemas/A"}}},
            )
        ).encode(),
        "circle",
    ),
    "no text": (b"\xff\xfe\x00", "UTF-8"),
    "no description": (b"[1, 2]", "name"),
    "another version": (b'{"openapi": "9.9", "paths": {}}', "3.1"),
    "a tag of Python's": (b"openapi: !!python/object/apply:os.system ['id']", "neither"),
    "no paths": (b'{"openapi": "3.0.0"}', "paths"),
    "too many operations": (
        json.dumps(described({f"/p{n}": {"get": {"responses": {}}} for n in range(20_001)})).encode(),
        "operations",
    ),
    "a path with a query": (json.dumps(one("get", "/x?admin=1", {})).encode(), "path"),
    "a path that goes up": (json.dumps(one("get", "/../admin", {})).encode(), "path"),
    "a hole without a parameter": (json.dumps(one("get", "/x/{id}", {})).encode(), "declared"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_description_ends_in_one_clear_line(what: str) -> None:
    data, said = HOSTILE[what]
    began = time.process_time()
    with pytest.raises(InputError, match=said) as caught:
        imported_bytes(data)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert time.process_time() - began < 20


def imported_bytes(data: bytes) -> None:
    root = read(data, name="spec")
    compiler = Compiler.of(root)
    if not list(compiler.recipes()):
        raise InputError(f"nothing: {compiler.left_out[0].why}")


def test_the_limit_of_size_is_told_before_anything_is_read() -> None:
    with pytest.raises(InputError, match="32 MiB"):
        read(b" " * (MAX_BYTES + 1), name="big")


def test_yaml_is_read_as_json_would_be() -> None:
    found = read(b"openapi: 3.0.0\non: {no: yes, 200: 2020-01-01, t: true}\n", name="s")
    assert found == {"openapi": "3.0.0", "on": {"no": "yes", "200": "2020-01-01", "t": True}}
