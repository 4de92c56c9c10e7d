from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.running import write
from tests.openapi.odd_names import FILES
from tests.openapi.validity import validate

from waypost.app.application import Application
from waypost.config import load_config
from waypost.errors import StartupErrors
from waypost.openapi import openapi_document

Make = Callable[..., dict[str, Any]]

HEAD = "from __future__ import annotations\nfrom waypost import *\n"


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """The document of a project with these files, which is a valid one."""

    def build(files: dict[str, str], pyproject: str = "") -> dict[str, Any]:
        write(tmp_path, {**files, "pyproject.toml": pyproject})
        application = Application(load_config(tmp_path, environ={}))
        document = openapi_document(application.routes, application.config)
        validate(document)
        return document

    return build


def test_an_untyped_handler_may_answer_anything(make: Make) -> None:
    document = make(
        {"app/route.py": "async def GET(request): ...\nasync def POST(request): ...\nasync def PUT(): ...\n"}
    )
    get, post, put = (document["paths"]["/"][verb] for verb in ("get", "post", "put"))
    assert get == {
        "operationId": "getRoot",
        "responses": {
            "default": {"description": "What the handler answers; it declares nothing."},
        },
    }
    assert post["requestBody"] == {"content": {"*/*": {}}}
    assert sorted(post["responses"]) == ["413", "default"]
    assert "requestBody" not in put


TYPED = (
    HEAD
    + '''
from typing import Annotated
from pydantic import BaseModel, Field

class Author(BaseModel):
    """Who wrote it."""
    name: str

class NewPost(BaseModel):
    title: Annotated[str, Field(max_length=20, examples=["Hello"])]
    author: Author | None = None

class Post(NewPost):
    id: int
    kind: str = "public"

class Query(BaseModel):
    page: Annotated[int, Field(ge=1, description="From 1 on.")] = 1
    tag: list[str] = []

responses = {"POST": {201: Post, 409: "The title is taken."}}

async def GET(query: Query) -> list[Post]:
    """List posts.

    Page by page.
    """

async def POST(body: NewPost) -> Response[Post]: ...
'''
)


def test_a_typed_handler_is_described_from_its_signature(make: Make) -> None:
    document = make({"app/api/posts/route.py": '"""The posts."""\n' + TYPED})
    item = document["paths"]["/api/posts"]
    get, post = item["get"], item["post"]
    assert item["description"] == "The posts."
    assert (get["operationId"], get["tags"], get["summary"], get["description"]) == (
        "getApiPosts", ["posts"], "List posts.", "Page by page.",
    )  # fmt: skip
    page, tag = get["parameters"]
    assert (page["name"], page["in"], page.get("required")) == ("page", "query", None)
    assert page["schema"]["minimum"] == 1
    assert tag["schema"] == {"type": "array", "items": {"type": "string"}, "default": []}
    assert get["responses"]["200"]["content"]["application/json"]["schema"] == {
        "type": "array",
        "items": {"$ref": "#/components/schemas/Post"},
    }
    assert post["requestBody"] == {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewPost"}}},
    }
    assert sorted(get["responses"]) == ["200", "400"]
    assert sorted(post["responses"]) == ["201", "400", "409", "413", "415"]
    assert post["responses"]["409"]["description"] == "The title is taken."
    assert "1048576" in post["responses"]["413"]["description"]
    schemas = document["components"]["schemas"]
    assert sorted(schemas) == ["Author", "ErrorResponse", "NewPost", "Post", "ValidationErrorResponse"]
    assert schemas["Author"]["description"] == "Who wrote it."
    assert schemas["NewPost"]["required"] == ["title"]
    # What is sent has every field.
    assert schemas["Post"]["required"] == ["title", "author", "id", "kind"]
    assert schemas["NewPost"]["properties"]["title"] == {"type": "string", "maxLength": 20, "examples": ["Hello"]}


def test_the_same_project_gives_the_same_document(make: Make) -> None:
    files = {"app/api/posts/route.py": TYPED, "app/[id]/route.py": "async def GET(id: int): ...\n"}
    assert make(files) == make(files)


def test_two_types_of_one_name_have_two_names(make: Make) -> None:
    one = HEAD + "import msgspec\nclass Post(msgspec.Struct):\n    id: int\nasync def GET() -> Post: ...\n"
    two = HEAD + "import msgspec\nclass Post(msgspec.Struct):\n    title: str\nasync def GET() -> Post: ...\n"
    document = make({"app/a/route.py": one, "app/b/route.py": two, "app/c/route.py": one})
    assert [
        document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"][21:]
        for path in ("/a", "/b", "/c")
    ] == ["Post", "Post2", "Post"]


def test_types_that_differ_below_have_two_names(make: Make) -> None:
    text = HEAD + (
        "import msgspec\nclass Inner(msgspec.Struct):\n    {}: int\nclass Outer(msgspec.Struct):\n    inner: Inner\n"
        "async def GET() -> Outer: ...\n"
    )
    document = make({"app/a/route.py": text.format("x"), "app/b/route.py": text.format("y")})
    schemas = document["components"]["schemas"]
    assert {"Inner", "Inner2", "Outer", "Outer2"} <= set(schemas)
    assert schemas["Outer2"]["properties"]["inner"]["$ref"].endswith("/Inner2")


def test_one_type_that_is_read_and_written_has_two_names_where_its_forms_differ(make: Make) -> None:
    text = HEAD + "import msgspec\nclass Post(msgspec.Struct):\n    title: str\n    kind: str = 'x'\n"
    document = make({"app/route.py": text + "async def POST(body: Post) -> Post: ...\n"})
    schemas = document["components"]["schemas"]
    assert schemas["Post"]["required"] == ["title"]
    assert schemas["PostOutput"]["required"] == ["title", "kind"]


def test_a_type_that_speaks_of_itself(make: Make) -> None:
    text = (
        HEAD + "import msgspec\nclass Tree(msgspec.Struct):\n    children: list[Tree]\nasync def GET() -> Tree: ...\n"
    )
    document = make({"app/route.py": text})
    assert document["components"]["schemas"]["Tree"]["properties"]["children"]["items"]["$ref"].endswith("/Tree")


def test_segments_are_parameters(make: Make) -> None:
    handler = "async def GET(context): ...\n"
    document = make(
        {
            "app/posts/[id]/route.py": "async def GET(id: int): ...\n",
            "app/users/[name]/route.py": handler,
            "app/shop/[[...path]]/route.py": handler,
        }
    )
    paths = document["paths"]
    assert list(paths) == ["/posts/{id}", "/shop", "/shop/{path}", "/users/{name}"]
    (number,) = paths["/posts/{id}"]["get"]["parameters"]
    assert number == {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
    (name,) = paths["/users/{name}"]["get"]["parameters"]
    assert name["schema"] == {"type": "string"}
    assert "parameters" not in paths["/shop"]["get"]
    (several,) = paths["/shop/{path}"]["get"]["parameters"]
    assert several["x-waypost-catch-all"] is True
    assert [paths[path]["get"]["operationId"] for path in ("/shop", "/shop/{path}")] == ["getShop", "getShopByPath"]
    assert sorted(paths["/posts/{id}"]["get"]["responses"]) == ["400", "default"]
    assert sorted(paths["/users/{name}"]["get"]["responses"]) == ["default"]


def test_forms_headers_and_cookies(make: Make) -> None:
    text = (
        HEAD
        + """
import msgspec
class Upload(msgspec.Struct):
    file: File
    note: str = ""
class Note(msgspec.Struct):
    note: str
class Fields(msgspec.Struct):
    x_note: str
class Jar(msgspec.Struct):
    theme: str = "light"
async def POST(form: Upload, headers: Fields, cookies: Jar): ...
async def PUT(form: Note): ...
"""
    )
    item = make({"app/route.py": text})["paths"]["/"]
    parameters = {(one["in"], one["name"]): one.get("required", False) for one in item["post"]["parameters"]}
    assert parameters == {("header", "x-note"): True, ("cookie", "theme"): False}
    # Only a multipart form has files.
    assert list(item["post"]["requestBody"]["content"]) == ["multipart/form-data"]
    assert list(item["put"]["requestBody"]["content"]) == ["multipart/form-data", "application/x-www-form-urlencoded"]


AUTH = (
    "from waypost.auth import Auth, TokenSessions\nauth = Auth(TokenSessions('x' * 32))\nwith_auth = auth.with_auth\n"
)


def test_wrappers_say_what_they_ask_for_and_refuse(make: Make) -> None:
    text = (
        HEAD
        + """
from lib.auth import with_auth
from waypost.ratelimit import RateLimiter
limiter = RateLimiter(limit=3, window="1m")
@with_auth
async def GET(request): ...
@limiter
@with_auth(role="admin")
async def DELETE(request): ...
@limiter
async def PUT(request): ...
"""
    )
    document = make({"lib/auth.py": AUTH, "app/route.py": text})
    get, delete, put = (document["paths"]["/"][verb] for verb in ("get", "delete", "put"))
    assert get["security"] == [{"session": []}, {"bearer": []}]
    assert {"401", "403"} <= set(get["responses"])
    assert delete["security"] == [{"session": ["admin"]}, {"bearer": ["admin"]}]
    assert {"401", "403", "429"} <= set(delete["responses"])
    assert "admin" in delete["responses"]["403"]["description"]
    assert "security" not in put
    assert next(iter(put["responses"]["429"]["headers"])) == "Retry-After"
    assert document["components"]["securitySchemes"] == {
        "bearer": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": "__Host-session"},
    }


def test_middleware_says_the_same_for_what_is_behind_it(make: Make) -> None:
    document = make(
        {
            "lib/auth.py": AUTH,
            "app/admin/middleware.py": "from lib.auth import with_auth\nmiddleware = with_auth\n",
            "app/admin/route.py": "async def GET(): ...\n",
            "app/listed/route.py": "from lib.auth import with_auth\nmiddleware = [with_auth]\nasync def GET(): ...\n",
            "app/some/middleware.py": "from lib.auth import with_auth\nmiddleware = with_auth\n"
            "config = {'matcher': '/some/where'}\n",
            "app/some/route.py": "async def GET(): ...\n",
            "app/open/route.py": "async def GET(): ...\n",
        }
    )
    found = {path: item["get"] for path, item in document["paths"].items()}
    assert found["/admin"]["security"] == found["/listed"]["security"] == [{"session": []}, {"bearer": []}]
    assert "401" in found["/admin"]["responses"]
    # A matcher may let it pass by.
    assert "security" not in found["/some"]
    assert "401" in found["/some"]["responses"]
    assert "security" not in found["/open"]
    assert "401" not in found["/open"]["responses"]


def test_a_stream_of_events_says_so(make: Make) -> None:
    text = HEAD + "from waypost.sse import EventStream\nasync def GET() -> EventStream: ...\n"
    responses = make({"app/route.py": text})["paths"]["/"]["get"]["responses"]
    assert responses == {"200": {"description": "OK", "content": {"text/event-stream": {}}}}


def test_an_answer_without_a_body_has_no_content(make: Make) -> None:
    text = HEAD + "responses = {'DELETE': {204: 'Gone.'}}\nasync def DELETE() -> Response: ...\n"
    assert make({"app/route.py": text})["paths"]["/"]["delete"]["responses"] == {"204": {"description": "Gone."}}


def test_pages_public_files_and_what_opts_out_are_left_out(make: Make) -> None:
    document = make(
        {
            "app/page.py": "async def page(): ...\n",
            "app/about/page.html": "<p>",
            "public/x.json": "{}",
            "app/internal/route.py": "openapi = False\nasync def GET(): ...\n",
            "app/api/route.py": "async def GET(): ...\n",
        }
    )
    assert list(document["paths"]) == ["/api"]


def test_the_limit_of_a_route_is_told(make: Make) -> None:
    text = "max_body_size = 10\nasync def POST(request): ...\n"
    assert "10 bytes" in make({"app/route.py": text})["paths"]["/"]["post"]["responses"]["413"]["description"]


def test_info_comes_from_the_project(make: Make) -> None:
    document = make(
        {"app/route.py": "def GET(): ...\n"},
        '[project]\nname = "blog"\nversion = "2.1"\ndescription = "Posts."\n[tool.waypost]\nbase-path = "/v2"\n',
    )
    assert document["openapi"].startswith("3.1.")
    assert document["info"] == {"title": "blog", "description": "Posts.", "version": "2.1"}
    assert document["servers"] == [{"url": "/v2"}]
    assert list(document["paths"]) == ["/"]


def test_the_settings_say_more(make: Make) -> None:
    document = make(
        {"app/users/route.py": "def GET(): ...\n", "app/posts/route.py": "def GET(): ...\n"},
        """
[project]
name = "blog"
[tool.waypost.openapi]
title = "The blog"
version = "3"
summary = "Posts"
description = "All of them."
terms-of-service = "https://example.com/terms"
contact = { name = "Ada", email = "ada@example.com" }
license = { name = "MIT", identifier = "MIT" }
servers = ["https://api.example.com", { url = "https://test.example.com", description = "For tests" }]
tags = [{ name = "users", description = "People." }]
""",
    )
    assert document["info"] == {
        "title": "The blog",
        "summary": "Posts",
        "description": "All of them.",
        "termsOfService": "https://example.com/terms",
        "contact": {"name": "Ada", "email": "ada@example.com"},
        "license": {"name": "MIT", "identifier": "MIT"},
        "version": "3",
    }
    assert document["servers"] == [
        {"url": "https://api.example.com"},
        {"url": "https://test.example.com", "description": "For tests"},
    ]
    assert document["tags"] == [{"name": "users", "description": "People."}, {"name": "posts"}]


def test_fields_that_are_called_as_keywords_are_fields(make: Make) -> None:
    schemas = make(FILES)["components"]["schemas"]
    names = ["properties", "required", "default", "type", "items", "enum", "allOf", "examples", "title", "mapping"]
    for name, ours in (("Feature", ["$ref", *names]), ("Piece", ["$ref", *names]), ("Part", names)):
        fields = schemas[name]["properties"]
        assert list(fields) == [*ours, "discriminator"]
        assert "title" not in fields["properties"]
        assert fields["title"]["type"] == "string"
        assert not schemas[name].get("required")
        assert {"default", "type", "enum", "title"} <= set(schemas[f"{name}Output"]["required"])


def test_fields_of_any_name_are_never_missing_in_an_answer(make: Make) -> None:
    text = HEAD + (
        "from pydantic import BaseModel\nclass Feature(BaseModel):\n    properties: dict[str, str] = {}\n"
        "    required: list[str] = []\n    default: int = 1\nasync def GET() -> Feature: ...\n"
    )
    schema = make({"app/route.py": text})["components"]["schemas"]["Feature"]
    assert schema["required"] == ["properties", "required", "default"]
    assert schema["properties"]["properties"]["default"] == {}


def test_values_that_look_like_schemas_stay_what_they_are(make: Make) -> None:
    fields = {"x": {"title": "X", "default": 1}}
    value = {"$ref": "#/components/schemas/Inner", "title": "X", "properties": fields, "x": {"properties": fields}}
    text = HEAD + (
        "from typing import Annotated, Any\nimport msgspec\nclass Inner(msgspec.Struct):\n    x: int = 1\n"
        f"VALUE = {value!r}\nclass Outer(msgspec.Struct):\n    inner: Inner\n"
        "    free: Annotated[Any, msgspec.Meta(examples=[VALUE])]\n"
        "async def GET() -> Outer: ...\nasync def POST(body: Outer): ...\n"
    )
    schemas = make({"app/route.py": text})["components"]["schemas"]
    found = [schema["properties"]["free"] for name, schema in schemas.items() if name.startswith("Outer")]
    assert found == [{"examples": [value]}] * 2


CATS_AND_DOGS = (
    HEAD
    + """
from typing import Annotated, Literal
from pydantic import BaseModel, Field
class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int = 9
class Pup(BaseModel):
    kind: Literal["dog"] = "dog"
    age: Literal["pup"] = "pup"
class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    age: Literal["old"] = "old"
Pet = Annotated[Cat | Dog, Field(discriminator="kind")]
Anyone = Annotated[Cat | Annotated[Pup | Dog, Field(discriminator="age")], Field(discriminator="kind")]
"""
)


def body_of(document: dict[str, Any], path: str = "/") -> Any:
    return document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]


def answer_of(document: dict[str, Any], path: str = "/", verb: str = "get") -> Any:
    return document["paths"][path][verb]["responses"]["200"]["content"]["application/json"]["schema"]


@pytest.mark.parametrize(
    "text",
    [
        CATS_AND_DOGS,
        HEAD + "import msgspec\nclass Cat(msgspec.Struct, tag=True):\n    lives: int = 9\n"
        "class Dog(msgspec.Struct, tag=True):\n    age: str = ''\nPet = Cat | Dog\n",
    ],
    ids=["pydantic", "msgspec"],
)
def test_the_tags_of_a_union_lead_to_its_members(make: Make, text: str) -> None:
    document = make({"app/route.py": text + "async def GET() -> Pet: ...\nasync def POST(body: Pet): ...\n"})
    for union in (body_of(document), answer_of(document)):
        members = [member["$ref"] for member in union.get("oneOf", union.get("anyOf"))]
        assert list(union["discriminator"]["mapping"].values()) == members
        assert {reference.rpartition("/")[2] for reference in members} <= set(document["components"]["schemas"])


def test_a_tag_that_stands_for_a_further_union_is_no_name(make: Make) -> None:
    outer = body_of(make({"app/route.py": CATS_AND_DOGS + "async def POST(body: Anyone): ...\n"}))
    assert "discriminator" not in outer
    assert sorted(outer["oneOf"][1]["discriminator"]["mapping"]) == ["old", "pup"]


def named(reference: dict[str, Any]) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def test_the_tag_of_a_union_that_is_read_is_required_in_its_members(make: Make) -> None:
    document = make(
        {"app/route.py": CATS_AND_DOGS + "async def GET() -> list[Pet]: ...\nasync def POST(body: Pet): ...\n"}
    )
    schemas = document["components"]["schemas"]
    union = body_of(document)
    assert [named(member) for member in union["oneOf"]] == ["Cat", "Dog"]
    assert (schemas["Cat"]["required"], schemas["Dog"]["required"]) == (["kind"], ["kind"])
    assert schemas["CatOutput"]["required"] == ["kind", "lives"]


def test_a_member_of_a_union_that_is_read_alone_needs_no_tag_there(make: Make) -> None:
    document = make(
        {
            "app/pets/route.py": CATS_AND_DOGS + "async def POST(body: Pet): ...\n",
            "app/tom/route.py": CATS_AND_DOGS + "async def POST(body: Cat): ...\n",
        }
    )
    union = body_of(document, "/pets")
    schemas = document["components"]["schemas"]
    assert named(body_of(document, "/tom")) == "Cat"
    assert "required" not in schemas["Cat"]
    assert [named(member) for member in union["oneOf"]] == ["CatTagged", "Dog"]
    assert union["discriminator"]["mapping"]["cat"].endswith("/CatTagged")
    assert schemas["CatTagged"]["required"] == ["kind"]


def test_a_union_inside_of_a_union_has_both_tags(make: Make) -> None:
    document = make({"app/route.py": CATS_AND_DOGS + "async def POST(body: list[Anyone]): ...\n"})
    schemas = document["components"]["schemas"]
    assert sorted(set(schemas) - {"ErrorResponse", "ValidationErrorResponse"}) == ["Cat", "Dog", "Pup"]
    assert schemas["Cat"]["required"] == ["kind"]
    assert schemas["Pup"]["required"] == schemas["Dog"]["required"] == ["kind", "age"]


def test_a_union_whose_members_hold_it_again(make: Make) -> None:
    text = (
        HEAD
        + """
from typing import Annotated, Literal
from pydantic import BaseModel, Field
class Leaf(BaseModel):
    kind: Literal["leaf"] = "leaf"
class Branch(BaseModel):
    kind: Literal["branch"] = "branch"
    children: list[Annotated[Leaf | Branch, Field(discriminator="kind")]]
async def POST(body: Branch): ...
"""
    )
    schemas = make({"app/route.py": text})["components"]["schemas"]
    assert schemas["Branch"]["required"] == ["children"]
    assert schemas["BranchTagged"]["required"] == ["kind", "children"]
    for branch in ("Branch", "BranchTagged"):
        items = schemas[branch]["properties"]["children"]["items"]
        assert [named(member) for member in items["oneOf"]] == ["Leaf", "BranchTagged"]


NOTES = HEAD + "import msgspec\nclass Note(msgspec.Struct):\n    text: str\n    kind: str = 'x'\n"


@pytest.mark.parametrize(("reads", "sends"), [("a", "b"), ("b", "a")])
def test_the_names_of_schemas_do_not_depend_on_the_order_of_paths(make: Make, reads: str, sends: str) -> None:
    document = make(
        {
            f"app/{reads}/route.py": NOTES + "async def POST(body: Note): ...\n",
            f"app/{sends}/route.py": NOTES + "async def GET() -> Note: ...\n",
        }
    )
    assert named(body_of(document, f"/{reads}")) == "Note"
    assert named(answer_of(document, f"/{sends}")) == "NoteOutput"


def test_a_type_that_has_the_name_of_a_form_keeps_it(make: Make) -> None:
    other = HEAD + "import msgspec\nclass NoteOutput(msgspec.Struct):\n    x: int\n"
    document = make(
        {
            "app/a/route.py": NOTES + "async def POST(body: Note) -> Note: ...\n",
            "app/b/route.py": other + "async def GET() -> NoteOutput: ...\n",
        }
    )
    assert named(answer_of(document, "/b")) == "NoteOutput"
    assert named(answer_of(document, "/a", "post")) == "NoteOutput2"


def test_an_enum_that_both_libraries_read_is_one_schema(make: Make) -> None:
    text = (
        HEAD
        + """
from enum import Enum
import msgspec
from pydantic import BaseModel
class Color(Enum):
    red = "red"
    green = "green"
class Model(BaseModel):
    color: Color
class Piece(msgspec.Struct):
    color: Color
async def GET() -> {}: ...
async def POST(body: {}): ...
"""
    )
    for pair in (("Model", "Piece"), ("Piece", "Model")):
        schemas = make({"app/route.py": text.format(*pair)})["components"]["schemas"]
        assert [name for name in schemas if name.startswith("Color")] == ["Color"]
        assert schemas["Color"] == {"enum": ["red", "green"], "title": "Color", "type": "string"}


CALLS = (
    HEAD
    + """
from collections.abc import Callable
from dataclasses import dataclass
from pydantic import BaseModel, Field
class Inner(BaseModel):
    call: Callable[[], int] | None = {}
class Outer(BaseModel):
    id: int
    inner: Inner | None = None
async def GET() -> dict[str, str]: ...
async def POST(body: Outer): ...
async def PUT(body: list[Inner]) -> Outer: ...
"""
)


def test_a_field_that_is_excluded_and_has_no_schema_is_left_out(make: Make) -> None:
    document = make({"app/route.py": CALLS.format("Field(None, exclude=True)")})
    assert document["components"]["schemas"]["Inner"]["properties"] == {}


def test_a_type_without_a_schema_is_an_error_with_its_handler_and_field(make: Make) -> None:
    with pytest.raises(StartupErrors) as found:
        make({"app/route.py": CALLS.format("None")})
    post, put = found.value.errors
    assert post.message.startswith("POST: Inner.call has no JSON schema: ")
    assert post.place.endswith("app/route.py:13")
    assert "exclude=True" in post.remedy
    assert "openapi = False" in post.remedy
    assert put.place.endswith("app/route.py:14")


def test_a_required_field_without_a_schema_is_no_less_an_error_for_being_excluded(make: Make) -> None:
    with pytest.raises(StartupErrors, match=r"Inner\.call has no JSON schema"):
        make({"app/route.py": CALLS.format("Field(exclude=True)")})


def test_a_default_that_pydantic_takes_for_a_reference_is_told(make: Make) -> None:
    text = HEAD + (
        "from typing import Any\nfrom pydantic import BaseModel\nclass Part(BaseModel):\n"
        "    free: Any = {'$ref': '#/x'}\nasync def POST(body: Part): ...\n"
    )
    with pytest.raises(StartupErrors, match="POST: Part has no JSON schema"):
        make({"app/route.py": text})
