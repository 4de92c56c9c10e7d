from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from waypost.openapi import breaking_changes

POST: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "title": {"type": "string", "maxLength": 200},
        "kind": {"enum": ["draft", "public"]},
        "author": {"anyOf": [{"$ref": "#/components/schemas/Author"}, {"type": "null"}]},
        "answers": {"type": "array", "items": {"$ref": "#/components/schemas/Post"}},
    },
    "required": ["id", "title"],
}
NEW_POST = {
    "type": "object",
    "properties": {name: POST["properties"][name] for name in ("title", "kind", "author")},
    "required": ["title"],
}
AUTHOR = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


def document() -> dict[str, Any]:
    text = json.dumps(
        {
            "openapi": "3.1.1",
            "info": {"title": "t", "version": "1"},
            "paths": {
                "/posts": {
                    "get": {
                        "parameters": [
                            {"name": "page", "in": "query", "schema": {"type": "integer", "minimum": 1}},
                            {"name": "X-Note", "in": "header", "schema": {"type": "string"}},
                        ],
                        "responses": {
                            "200": answer({"type": "array", "items": {"$ref": "#/components/schemas/Post"}}),
                            "404": answer({}),
                        },
                    },
                    "post": {
                        "requestBody": {"content": {"application/json": {"schema": ref("NewPost")}}},
                        "responses": {"201": answer(ref("Post"))},
                    },
                },
                "/posts/{id}": {
                    "get": {
                        "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
                        "responses": {"200": answer(ref("Post"))},
                    }
                },
            },
            "components": {
                "schemas": {"Post": POST, "Author": AUTHOR, "NewPost": NEW_POST},
            },
        }
    )
    found: dict[str, Any] = json.loads(text)
    return found


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def answer(schema: Any) -> dict[str, Any]:
    return {"description": "", "content": {"application/json": {"schema": schema}}}


def changed(change: Callable[[dict[str, Any]], object]) -> list[str]:
    new = document()
    change(new)
    return [str(found) for found in breaking_changes(document(), new)]


def get(new: dict[str, Any]) -> Any:
    return new["paths"]["/posts"]["get"]


def new_post(new: dict[str, Any]) -> Any:
    return new["components"]["schemas"]["NewPost"]


def author(new: dict[str, Any]) -> Any:
    return new["components"]["schemas"]["Author"]


def post(new: dict[str, Any]) -> Any:
    return new["components"]["schemas"]["Post"]


BREAKING: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    ("path", lambda new: new["paths"].pop("/posts/{id}"), "/posts/{id}: the path is gone"),
    ("verb", lambda new: new["paths"]["/posts"].pop("post"), "POST /posts: the method is gone"),
    ("parameter", lambda new: get(new)["parameters"].pop(0), "GET /posts: the query parameter page is gone"),
    (
        "required parameter",
        lambda new: get(new)["parameters"].append({"name": "q", "in": "query", "required": True}),
        "GET /posts: the query parameter q is new and required",
    ),
    (
        "now required",
        lambda new: get(new)["parameters"][1].update(required=True),
        "GET /posts: the header X-Note is required now",
    ),
    (
        "narrower parameter",
        lambda new: get(new)["parameters"][0]["schema"].update(minimum=2),
        "GET /posts: the query parameter page is narrower: minimum is 2, was 1",
    ),
    (
        "new limit",
        lambda new: get(new)["parameters"][0]["schema"].update(maximum=9),
        "GET /posts: the query parameter page is narrower: maximum is 9",
    ),
    (
        "type of a segment",
        lambda new: new["paths"]["/posts/{id}"]["get"]["parameters"][0].update(schema={"type": "boolean"}),
        "GET /posts/{id}: the segment id no longer takes integer",
    ),
    (
        "required field",
        lambda new: new_post(new)["required"].append("kind"),
        "POST /posts: the body, kind, is required now",
    ),
    (
        "new required field",
        lambda new: (new_post(new)["required"].append("x"), new_post(new)["properties"].update(x={"type": "string"})),
        "POST /posts: the body, x, is new and required",
    ),
    (
        "type of a field",
        lambda new: new_post(new)["properties"]["title"].update(type="integer"),
        "POST /posts: the body, title, no longer takes string",
    ),
    (
        "length of a field",
        lambda new: new_post(new)["properties"]["title"].update(maxLength=100),
        "POST /posts: the body, title, is narrower: maxLength is 100, was 200",
    ),
    (
        "value of a field",
        lambda new: new_post(new)["properties"]["kind"].update(enum=["public"]),
        'POST /posts: the body, kind, no longer takes "draft"',
    ),
    (
        "null of a field",
        lambda new: new_post(new)["properties"].update(author=ref("Author")),
        "POST /posts: the body, author, no longer takes null",
    ),
    (
        "closed body",
        lambda new: (new_post(new).update(additionalProperties=False), new_post(new)["properties"].pop("kind")),
        "POST /posts: the body, kind, is refused now",
    ),
    (
        "body that was open",
        lambda new: new_post(new).update(additionalProperties=False),
        "POST /posts: the body no longer takes fields that it does not name",
    ),
    (
        "value that was open",
        lambda new: author(new).update(additionalProperties=False),
        "POST /posts: the body, author, no longer takes fields that it does not name",
    ),
    (
        "body required",
        lambda new: new["paths"]["/posts"]["post"]["requestBody"].update(required=True),
        "POST /posts: the body is required now",
    ),
    (
        "media type of the body",
        lambda new: new["paths"]["/posts"]["post"].update(requestBody={"content": {"multipart/form-data": {}}}),
        "POST /posts: the body is no longer taken as application/json",
    ),
    (
        "status",
        lambda new: new["paths"]["/posts"]["post"].update(responses={"200": answer(ref("Post"))}),
        "POST /posts: the answer 201 is gone",
    ),
    (
        "media type of the answer",
        lambda new: get(new)["responses"]["200"].update(content={"text/csv": {}}),
        "GET /posts: the answer 200 is no longer application/json",
    ),
    (
        "sign in",
        lambda new: get(new).update(security=[{"session": []}]),
        "GET /posts: it asks for authentication now",
    ),
]


@pytest.mark.parametrize(("change", "message"), [case[1:] for case in BREAKING], ids=[case[0] for case in BREAKING])
def test_what_breaks_a_client_is_named(change: Callable[[dict[str, Any]], object], message: str) -> None:
    assert changed(change) == [message]


ANSWERS: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    (
        "gone",
        lambda new: (post(new)["properties"].pop("title"), post(new)["required"].remove("title")),
        "title, is gone",
    ),
    ("optional field gone", lambda new: post(new)["properties"].pop("kind"), "kind, is gone"),
    ("may be missing", lambda new: post(new)["required"].remove("id"), "id, may be missing now"),
    ("type", lambda new: post(new)["properties"]["id"].update(type="string"), "id, may be string now"),
    ("null", lambda new: post(new)["properties"]["id"].update(type=["integer", "null"]), "id, may be null now"),
    ("value", lambda new: post(new)["properties"]["kind"]["enum"].append("gone"), 'kind, may be "gone" now'),
]


@pytest.mark.parametrize(("change", "words"), [case[1:] for case in ANSWERS], ids=[case[0] for case in ANSWERS])
def test_what_an_answer_no_longer_promises_is_named(change: Callable[[dict[str, Any]], object], words: str) -> None:
    found = changed(change)
    assert f"POST /posts: the answer 201, {words}" in found
    assert f"GET /posts: the answer 200, [].{words}" in found


HARMLESS: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
    ("nothing", lambda new: None),
    ("path", lambda new: new["paths"].update({"/users": {"get": {"responses": {}}}})),
    ("verb", lambda new: new["paths"]["/posts"].update(delete={"responses": {}})),
    ("optional parameter", lambda new: get(new)["parameters"].append({"name": "q", "in": "query"})),
    ("wider parameter", lambda new: get(new)["parameters"][0]["schema"].pop("minimum")),
    (
        "text in a segment",
        lambda new: new["paths"]["/posts/{id}"]["get"]["parameters"][0].update(schema={"type": "string"}),
    ),
    ("text in a query", lambda new: get(new)["parameters"][0].update(schema={"type": "string", "minLength": 1})),
    (
        "several of a query",
        lambda new: get(new)["parameters"][0].update(schema={"type": "array", "items": {"type": "string"}}),
    ),
    ("closed answer", lambda new: post(new).update(additionalProperties=False)),
    ("case of a header", lambda new: get(new)["parameters"][1].update(name="x-note")),
    ("number for integer", lambda new: get(new)["parameters"][0]["schema"].update(type="number")),
    ("optional field", lambda new: new_post(new)["properties"].update(x={"type": "string"})),
    ("field that needs not be sent", lambda new: new_post(new)["required"].remove("title")),
    ("value taken", lambda new: new_post(new)["properties"]["kind"]["enum"].append("gone")),
    ("field of an answer", lambda new: post(new)["properties"].update(x={"type": "string"})),
    ("surer answer", lambda new: post(new)["required"].append("kind")),
    ("fewer values in an answer", lambda new: post(new)["properties"]["kind"]["enum"].pop()),
    ("never null", lambda new: post(new)["properties"].update(author=ref("Author"))),
    ("words", lambda new: get(new).update(summary="x", description="y", operationId="z", tags=["a"])),
    ("error", lambda new: get(new)["responses"].pop("404")),
    ("optional sign in", lambda new: get(new).update(security=[{}, {"session": []}])),
]


@pytest.mark.parametrize("change", [case[1] for case in HARMLESS], ids=[case[0] for case in HARMLESS])
def test_what_breaks_nobody_is_not_reported(change: Callable[[dict[str, Any]], object]) -> None:
    assert changed(change) == []


def test_a_parameter_of_the_path_may_be_renamed() -> None:
    def rename(new: dict[str, Any]) -> None:
        item = new["paths"]["/posts/{slug}"] = new["paths"].pop("/posts/{id}")
        item["get"]["parameters"][0]["name"] = "slug"

    assert changed(rename) == []


def test_schemas_that_speak_of_themselves_are_compared_once() -> None:
    assert changed(lambda new: post(new)["properties"]["answers"].update(items={"type": "string"})) != []


SCALARS: list[tuple[Any, Any, list[str]]] = [
    ({"type": "integer"}, {"type": "string"}, []),
    ({"type": "boolean"}, {"type": "string"}, []),
    ({"enum": [1, 2]}, {"type": "string"}, []),
    ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, {"type": "string"}, []),
    ({"type": "integer"}, {"anyOf": [{"type": "string"}, {"type": "null"}]}, []),
    ({"type": "array", "items": {"type": "integer"}}, {"type": "array", "items": {"type": "string"}}, []),
    ({"type": "string"}, {"type": "integer"}, [" no longer takes string"]),
    ({"type": "integer"}, {"type": "boolean"}, [" no longer takes integer"]),
    ({"type": "integer"}, {"type": "string", "format": "uuid"}, [" no longer takes integer"]),
    ({"type": "integer"}, {"type": "string", "maxLength": 3}, [" no longer takes integer"]),
    ({"type": "integer"}, {"enum": ["a"]}, [" no longer takes integer"]),
    ({"type": ["integer", "null"]}, {"type": "string", "minLength": 1}, [" no longer takes null"]),
    ({"type": "array", "items": {"type": "integer"}}, {"type": "string"}, [" no longer takes array"]),
    ({"type": "integer"}, {"type": "array", "items": {"type": "boolean"}}, [" no longer takes integer"]),
    ({"type": "integer"}, {"type": "array", "items": {"type": "integer"}, "minItems": 2}, [" no longer takes integer"]),
]


@pytest.mark.parametrize(("old", "new", "words"), SCALARS, ids=[str(number) for number in range(len(SCALARS))])
def test_a_value_of_a_query_or_a_form_is_text(old: Any, new: Any, words: list[str]) -> None:
    def described(schema: Any) -> dict[str, Any]:
        fields = {"type": "object", "properties": {"q": schema}}
        operation = {
            "parameters": [{"name": "q", "in": "query", "schema": schema}],
            "requestBody": {"content": {"multipart/form-data": {"schema": fields}}},
            "responses": {},
        }
        return {"paths": {"/": {"post": operation}}}

    assert [change.message for change in breaking_changes(described(old), described(new))] == [
        f"{place}{word}" for place in ("the query parameter q", "the body, q,") for word in words
    ]


def test_a_map_whose_values_are_told_now_takes_less() -> None:
    def described(schema: Any) -> dict[str, Any]:
        return {"paths": {"/": {"post": {"requestBody": {"content": {"application/json": {"schema": schema}}}}}}}

    old, new = {"type": "object"}, {"type": "object", "additionalProperties": {"type": "integer"}}
    found = breaking_changes(described(old), described(new))
    assert [change.message for change in found] == ["the body, *, no longer takes anything"]
    assert breaking_changes(described(new), described(old)) == []
