"""What becomes of single schemas and of odd names; test_typescript.py and test_python.py run whole clients."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from waypost.clients import write_python, write_typescript
from waypost.clients.python_types import PythonTypes, class_name, identifier
from waypost.clients.typescript_types import key, type_of

REF = {"$ref": "#/components/schemas/Post"}

CASES: list[tuple[Any, str, str]] = [
    (True, "unknown", "Any"),
    ({}, "unknown", "Any"),
    ({"type": "string"}, "string", "str"),
    ({"type": "string", "format": "date-time"}, "string", "str"),
    ({"type": "string", "format": "binary"}, "Blob", "FormFile"),
    ({"type": "integer"}, "number", "int"),
    ({"type": "number"}, "number", "float"),
    ({"type": ["string", "null"]}, "string | null", "str | None"),
    ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "number | null", "int | None"),
    ({"anyOf": [{"type": "integer"}, {}]}, "unknown", "Any"),
    ({"enum": ["a", "b", None]}, '"a" | "b" | null', 'Literal["a", "b", None]'),
    ({"const": 'it is "x"'}, '"it is \\"x\\""', 'Literal["it is \\"x\\""]'),
    ({"enum": [1, True]}, "1 | true", "Literal[1, True]"),
    ({"enum": [1.5]}, "1.5", "Any"),
    ({"type": "array", "items": REF}, "Post[]", "list[Post]"),
    ({"type": "array", "items": {"enum": ["a", "b"]}}, '("a" | "b")[]', 'list[Literal["a", "b"]]'),
    (
        {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
        "[string, number]",
        "list[str | int]",
    ),
    (
        {"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "integer"}},
        "[string, ...(number)[]]",
        "list[str | int]",
    ),
    ({"type": "object"}, "Record<string, unknown>", "dict[str, Any]"),
    ({"type": "object", "additionalProperties": REF}, "Record<string, Post>", "dict[str, Post]"),
    ({"allOf": [REF]}, "Post", "Post"),
    ({"allOf": [REF, {"type": "object", "additionalProperties": REF}]}, "Post & Record<string, Post>", "Any"),
]


@pytest.mark.parametrize(("schema", "typescript", "python"), CASES, ids=[str(index) for index in range(len(CASES))])
def test_a_schema_is_a_type(schema: Any, typescript: str, python: str) -> None:
    types = PythonTypes({"Post": {"type": "object", "properties": {"id": {"type": "integer"}}}}, ())
    assert (type_of(schema), types.of(schema, "Hint")) == (typescript, python)


def test_objects_have_fields() -> None:
    schema = {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "a-b": {"type": "string", "description": "Odd */ name"}},
        "required": ["id"],
    }
    assert type_of(schema) == '{\n  id: number;\n  /** Odd * / name */\n  "a-b"?: string;\n}'
    types = PythonTypes({"Post": schema}, ())
    assert types.definitions == ['Post = TypedDict("Post", {"id": "int", "a-b": "NotRequired[str]"})\n']


@pytest.mark.parametrize(
    ("name", "typescript", "python"),
    [("posts", "posts", "posts"), ("blog-posts", '"blog-posts"', "blog_posts"), ("class", "class", "class_"),
     ("2fa", '"2fa"', "_2fa"), ("über", '"über"', "über")],
)  # fmt: skip
def test_names(name: str, typescript: str, python: str) -> None:
    assert (key(name), identifier(name)) == (typescript, python)
    assert class_name("api", "blog-posts", name).startswith("ApiBlogPosts")


def document(*paths: str, schemas: dict[str, Any] | None = None) -> dict[str, Any]:
    def item(path: str) -> dict[str, Any]:
        parameters = [
            {"name": part[1:-1], "in": "path", "required": True, "schema": {"type": "string"}}
            | ({"x-waypost-catch-all": True} if part == "{rest}" else {})
            for part in path.split("/")
            if part.startswith("{")
        ]
        return {"get": {"parameters": parameters, "responses": {"default": {"description": ""}}}}

    return {
        "openapi": "3.1.1",
        "info": {"title": 'A "title"\nof two lines', "version": "1"},
        "paths": {path: item(path) for path in paths},
        "components": {"schemas": schemas or {}},
    }


def test_a_segment_beside_a_catch_all() -> None:
    written = document("/files/{id}", "/files/{rest}")
    typescript = write_typescript(written)
    assert "(id: Segment): {" in typescript
    assert "(rest: readonly Segment[]): {" in typescript
    python = write_python(written)
    assert python.count("@overload") == 4
    ast.parse(python)


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string"}, "Segment"),
        ({"type": "string", "format": "date-time"}, "Segment"),
        ({"type": "string", "format": "date"}, "string"),
        ({"type": "string", "format": "uuid"}, "string"),
        ({"anyOf": [{"type": "string", "format": "date"}, {"type": "integer"}]}, "string | number"),
    ],
)
def test_a_date_object_is_no_day(schema: Any, kind: str) -> None:
    given = document("/days/{day}")
    given["paths"]["/days/{day}"]["get"]["parameters"][0]["schema"] = schema
    assert f"(day: {kind}): {{" in write_typescript(given)


def test_the_root_is_a_path() -> None:
    assert "get(options?: RequestOptions): Call<{ default: unknown }, {}>;" in write_typescript(document("/"))
    ast.parse(write_python(document("/", "/{id}")))


def test_names_of_schemas_do_not_hide_ours() -> None:
    schemas = {name: {"type": "object", "properties": {"a": {"type": "string"}}} for name in ("Client", "Error", "Any")}
    typescript = write_typescript(document("/", schemas=schemas))
    assert "export type Client_ =" in typescript
    assert "export type Error_ =" in typescript
    python = write_python(document("/", schemas=schemas))
    assert "class Client_(TypedDict):" in python
    assert "class Any_(TypedDict):" in python


def test_words_of_the_document_stay_comments() -> None:
    given = document("/")
    given["paths"]["/"]["get"]["summary"] = 'Ends */ and """ and \\'
    assert "*/ and" not in write_typescript(given)
    ast.parse(write_python(given))


def test_a_trailing_slash_is_kept() -> None:
    assert "const TRAILING_SLASH = true;" in write_typescript(document("/posts/"))
    assert "TRAILING_SLASH = True" in write_python(document("/posts/"))
    assert "const TRAILING_SLASH = false;" in write_typescript(document("/"))
