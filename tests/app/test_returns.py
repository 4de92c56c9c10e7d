"""Return annotations: what is sent, what stays behind, what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.app.project import make_application

from waypost.testing import Client

HEAD = """
from __future__ import annotations
from dataclasses import dataclass
from typing import Any, TypedDict
import msgspec
from pydantic import BaseModel, Field
from waypost import NextResponse, Request, Response

class User(BaseModel):
    name: str
    age: int = 0
class Private(User):
    password: str = "secret"
class Post(BaseModel):
    id: int
    author: User
    other: str = Field("o", serialization_alias="another")
class SUser(msgspec.Struct):
    name: str
    age: int = 0
class SPrivate(SUser):
    password: str = "secret"
class SPost(msgspec.Struct):
    id: int
    author: SUser
@dataclass
class DPost:
    id: int
@dataclass
class DPrivate(DPost):
    password: str = "secret"
class TPost(TypedDict):
    id: int
class Row:  # as an ORM has it
    def __init__(self): self.id, self.author, self.password = 1, Private(name="Ada"), "secret"
class Problem(msgspec.Struct):
    error: str
"""


def route(*functions: str) -> str:
    return HEAD + "\n".join(functions)


PROJECT = {
    "app/model/route.py": route(
        "async def GET() -> Post: return Post(id=1, author=Private(name='Ada'))",
        "async def POST() -> Post: return {'id': 1, 'author': {'name': 'Ada', 'password': 's'}, 'password': 's'}",
        "async def PUT() -> Post: return Row()",
        "def PATCH() -> list[Post]: return [Post(id=1, author=Private(name='Ada')), Row()]",
        "async def DELETE() -> dict[str, User]: return {'a': Private(name='Ada')}",
    ),
    "app/struct/route.py": route(
        "async def GET() -> SPost: return SPost(1, SPrivate('Ada'))",
        "async def POST() -> SPost: return {'id': 1, 'author': {'name': 'Ada', 'password': 's'}, 'password': 's'}",
        "async def PUT() -> DPost: return DPrivate(1)",
        "def PATCH() -> list[SPost]: return [SPost(1, SPrivate('Ada'))]",
        "async def DELETE() -> TPost: return {'id': 1, 'password': 'secret'}",
    ),
    "app/rows/route.py": route(
        "class TAuthor(TypedDict):\n    name: str",
        "class TFull(TypedDict, total=False):\n    id: int\n    author: TAuthor | None\n    missing: str",
        "async def GET() -> TPost: return Row()",
        "async def POST() -> list[TFull]: return [Row(), {'id': 2, 'author': Row().author}]",
        "async def PUT() -> dict[str, TFull | None]: return {'a': Row(), 'b': None}",
        "class Page(msgspec.Struct):\n    items: list[TFull]\n    user: SUser",
        "async def PATCH() -> Page: return {'items': (Row(),), 'user': SPrivate('Ada')}",
        "async def DELETE() -> TPost: return User(name='Ada')",
    ),
    "app/wrong/route.py": route(
        "async def GET() -> Post: return {'id': 1, 'author': {'age': 's3cr3t'}}",
        "async def POST() -> list[SPost]: return [{'id': 1, 'author': {'name': 5}}]",
        "async def PUT() -> SPost: return None",
        "async def PATCH() -> Post: return 'text'",
        "async def DELETE() -> Post | None: return 5",
    ),
    "app/plain/route.py": route(
        "responses = {'PUT': {201: 'Made'}}",
        "async def GET() -> dict[str, int]: return {'a': 1}",
        "def POST() -> list[str]: return ('a', 'b')",
        "async def PUT() -> dict[str, dict[str, float | None]] | None: return {'a': {'b': 1.5, 'c': None}}",
        "async def PATCH() -> tuple[int, str]: return [1, 'x']",
        "async def DELETE() -> Response | dict[int, bool]: return Response.json({'1': 'no'}, 400)",
    ),
    "app/plain/wrong/route.py": route(
        "async def GET() -> dict[str, int]: return {'a': 'x'}",
        "async def POST() -> list[str]: return ['a', 5]",
        "async def PUT() -> Response[list[int]]: return Response.json(['a'])",
        "async def PATCH() -> dict[str, int]: return None",
    ),
    "app/null/route.py": route(
        "async def GET() -> Post | None: return None",
        "def POST() -> SPost | None: return None",
        "async def PUT() -> dict[str, int] | None: return None",
        "async def PATCH() -> dict[str, Any] | Response | None: return None",
        "async def DELETE() -> Response | None: return None",
    ),
    "app/changed/route.py": route(
        "async def GET() -> Problem: return Problem(5)",
        "async def POST() -> Post:\n    post = Post(id=1, author=User(name='Ada'))\n    post.author.age = 'old'\n"
        "    return post",
    ),
    "app/response/route.py": route(
        "async def GET() -> Response[Post]: return Response.json({'id': 1, 'author': {'name': 'Ada'}}, 201)",
        "async def POST() -> Response[Post]: return Response.json({'id': 'x', 'author': {}})",
        "async def PUT() -> NextResponse[list[Post]]: return Response.json({'error': 'no'}, 404)",
        "async def PATCH() -> Post | Response: return Response('text', 202)",
    ),
    "app/deep/route.py": route(
        "class Branch(BaseModel):\n    below: list[Branch] = []",
        "async def GET() -> Response[Branch]:\n    branch = {}\n    for _ in range(150): branch = {'below': [branch]}\n"
        "    return Response.json(branch)",
    ),
    "app/declared/route.py": route(
        "responses = {404: Problem, 409: 'The title is taken', 'POST': {201: (SPost, 'Made')}}",
        "async def GET() -> SPost: return Response.json({'error': 'none'}, 404)",
        "async def POST() -> SPost: return {'id': 1, 'author': {'name': 'Ada'}}",
        "async def PUT() -> Response: return Response.json({'wrong': 1}, 404)",
    ),
    "app/deleted/route.py": route(
        "responses = {204: 'Deleted'}",
        "async def GET() -> SPost: return {'id': 1, 'author': {'name': 'Ada'}}",
        "async def POST() -> dict[str, int]: return {'a': 1}",
        "async def DELETE(): return Response(None, 204)",
    ),
    "app/untold/route.py": route(
        "async def GET() -> dict: return {'a': 1}",
        "async def POST() -> dict[str, Any]: return {'a': 1}",
        "async def PUT() -> Any: return Private(name='x')",
        "def PATCH() -> list[dict[str, Any]]: return [{'a': 1}]",
        "async def DELETE() -> Response | dict[str, int] | None: return {'a': 1}",
    ),
    "app/page/page.py": HEAD + "async def page() -> str: return '<p>x</p>'\n",
}  # fmt: skip


@pytest.fixture(scope="module", params=["production", "development"])
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    root = tmp_path_factory.mktemp("returns")
    with Client(make_application(root, PROJECT, dev=request.param == "development"), host="localhost") as client:
        yield client


def test_only_the_fields_of_the_model_leave(client: Client) -> None:
    post = {"id": 1, "author": {"name": "Ada", "age": 0}, "another": "o"}
    assert client.get("/model").json() == post
    assert client.post("/model").json() == post
    assert client.put("/model").json() == post
    assert client.patch("/model").json() == [post, post]
    assert client.delete("/model").json() == {"a": {"name": "Ada", "age": 0}}
    post = {"id": 1, "author": {"name": "Ada", "age": 0}}
    assert client.get("/struct").json() == client.post("/struct").json() == post
    assert client.put("/struct").json() == client.delete("/struct").json() == {"id": 1}
    assert client.patch("/struct").json() == [post]


def test_a_row_is_sent_with_the_fields_of_a_typed_dict(client: Client) -> None:
    full = {"id": 1, "author": {"name": "Ada"}}
    assert client.get("/rows").json() == {"id": 1}
    assert client.post("/rows").json() == [full, full | {"id": 2}]
    assert client.put("/rows").json() == {"a": full, "b": None}
    assert client.patch("/rows").json() == {"items": [full], "user": {"name": "Ada", "age": 0}}
    assert client.delete("/rows").status == 500


@pytest.mark.parametrize(
    ("verb", "told"),
    [
        ("GET", "author.name: Field required"),
        ("POST", "0.author.name: "),
        ("PUT", "SPost"),
        ("PATCH", "Post"),
        ("DELETE", "5"),
    ],
)
def test_what_is_no_model_is_a_bug_that_names_the_field(client: Client, verb: str, told: str) -> None:
    response = client.request(verb, "/wrong")
    assert response.status == 500
    if client.application.config.dev:
        assert response.json()["type"] == "InvalidResponseError"
        if verb != "DELETE":
            assert told in response.json()["message"]
        assert "s3cr3t" not in response.json()["message"]
    else:
        assert set(response.json()) == {"error", "id"}


@pytest.mark.parametrize(("verb", "told"), [("GET", "error: "), ("POST", "age")])
def test_an_object_that_was_changed_is_found_in_development(client: Client, verb: str, told: str) -> None:
    response = client.request(verb, "/changed")
    if client.application.config.dev:
        assert response.status == 500
        assert told in response.json()["message"]
    else:
        assert response.status == 200


def test_a_response_of_the_handlers_own_is_held_against_its_schema_in_development(client: Client) -> None:
    assert client.get("/response").status == 201
    assert client.put("/response").status == 404, "only what is declared is held against it"
    assert client.patch("/response").status == 202
    response = client.post("/response")
    if client.application.config.dev:
        assert response.status == 500
        assert "id: " in response.json()["message"]
        assert "author.name: Field required" in response.json()["message"]
    else:
        assert response.status == 200


def test_a_response_that_is_nested_too_deeply_is_no_mistake_of_the_client(client: Client) -> None:
    response = client.get("/deep")
    if client.application.config.dev:
        assert response.status == 500
        assert "nested too deeply" in response.json()["message"]
    else:
        assert response.status == 200


def test_declared_statuses(client: Client) -> None:
    assert client.get("/declared").json() == {"error": "none"}
    made = client.post("/declared")
    assert (made.status, made.json()["id"]) == (201, 1)
    wrong = client.put("/declared")
    assert wrong.status == (500 if client.application.config.dev else 404)
    operations = next(route for route in client.application.routes if route.pattern == "/declared").operations
    assert {status: item.description for status, item in operations["POST"].responses.items()} == {
        201: "Made", 404: "Not Found", 409: "The title is taken",
    }  # fmt: skip
    schemas = {
        status: item.schema and item.schema.annotation.__name__ for status, item in operations["GET"].responses.items()
    }
    assert schemas == {200: "SPost", 404: "Problem", 409: None}
    assert {status for status, item in operations["PUT"].responses.items() if item.schema} == {404}


def test_data_is_not_sent_with_a_status_that_has_no_body(client: Client) -> None:
    assert client.delete("/deleted").status == 204
    for answer in (client.get("/deleted"), client.post("/deleted")):
        assert answer.status == 200 and answer.json()


def test_annotations_that_say_nothing_leave_the_answer_as_it_is(client: Client) -> None:
    assert client.get("/untold").json() == client.post("/untold").json() == client.delete("/untold").json() == {"a": 1}
    assert client.put("/untold").json() == {"name": "x", "age": 0, "password": "secret"}
    assert client.patch("/untold").json() == [{"a": 1}]
    assert client.get("/page").text == "<p>x</p>"


def test_containers_without_fields_are_sent_as_they_are_and_held_in_development(client: Client) -> None:
    assert client.get("/plain").json() == {"a": 1}
    assert client.post("/plain").json() == ["a", "b"]
    made = client.put("/plain")
    assert (made.status, made.json()) == (201, {"a": {"b": 1.5, "c": None}})
    assert client.patch("/plain").json() == [1, "x"]
    assert client.delete("/plain").status == 400
    for verb, told in (("GET", "a: "), ("POST", "1: "), ("PUT", "0: ")):
        response = client.request(verb, "/plain/wrong")
        if client.application.config.dev:
            assert response.status == 500
            assert told in response.json()["message"]
        else:
            assert response.status == 200
    assert client.patch("/plain/wrong").status == 500, "a branch that forgot its return"
    operations = next(route for route in client.application.routes if route.pattern == "/plain").operations
    schemas = {
        verb: [(status, item.schema and item.schema.annotation) for status, item in operation.responses.items()]
        for verb, operation in operations.items()
    }
    assert schemas["GET"] == [(200, dict[str, int])]
    assert schemas["PUT"] == [(201, dict[str, dict[str, float | None]] | None)]
    assert schemas["DELETE"] == [(200, dict[int, bool])]


def test_none_is_null_where_the_annotation_has_it(client: Client) -> None:
    for verb in ("GET", "POST", "PUT", "PATCH"):
        response = client.request(verb, "/null")
        assert (response.status, response.text) == (200, "null")
        assert response.headers["content-type"] == "application/json"
    assert client.delete("/null").status == 500, "a response is not there"
    operations = next(route for route in client.application.routes if route.pattern == "/null").operations
    for verb in ("GET", "POST", "PUT"):
        schema = operations[verb].responses[200].schema
        assert schema is not None
        assert {"type": "null"} in schema.json_schema("serialization")[0]["anyOf"]


def test_a_name_responses_of_the_projects_own(tmp_path: Path) -> None:
    files = {"app/route.py": "responses = {'a': 1, 'b': [2]}\nasync def GET(): return responses\n"}
    with Client(make_application(tmp_path, files)) as client:
        assert client.get("/").json() == {"a": 1, "b": [2]}


SENT = """
from __future__ import annotations
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal
import msgspec
import pydantic
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, computed_field, field_serializer, model_validator
from pydantic.alias_generators import to_camel
from waypost import Response

class Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)
    first_name: str
class OnlyAlias(BaseModel):
    first_name: str = Field(alias="firstName")
class TwoNames(BaseModel):
    a: int = Field(validation_alias="in_ab", serialization_alias="outAb")
    b: list[str] = Field(default_factory=list, serialization_alias="outB")
class Computed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    w: int
    @computed_field(alias="theArea")
    @property
    def area(self) -> int: return self.w * 2
class Written(BaseModel):
    day: date
    other: date = date(2026, 1, 2)
    secret: str = Field(exclude=True)
    @field_serializer("day")
    def _day(self, value: date) -> str: return value.strftime("%d.%m.%Y")
    @field_serializer("other")
    def _other(self, value): return {"year": value.year}
    @model_validator(mode="after")
    def _whole(self):
        assert len(self.secret) > 3
        return self
class Text(BaseModel):
    words: Annotated[list[str], BeforeValidator(lambda text: text.split(","))]
    numbers: pydantic.Json[list[int]] = "[]"
    address: pydantic.AnyUrl = pydantic.AnyUrl("https://example.com/")
class Tree(BaseModel):
    name: str = Field(validation_alias="in_name", serialization_alias="outName")
    children: list[Tree] = []
class Cat(BaseModel):
    kind: Literal["cat"] = Field("cat", validation_alias="in_kind", serialization_alias="outKind")
    lives: int = 9
class Dog(BaseModel):
    kind: Literal["dog"] = Field("dog", validation_alias="in_kind", serialization_alias="outKind")
    good: bool = True
@pydantic.dataclasses.dataclass(config=ConfigDict(extra="forbid"))
class Wire:
    a: int = Field(validation_alias="in_ab", serialization_alias="outAb")
class Strict(BaseModel):
    model_config = ConfigDict(strict=True)
    n: int
class Renamed(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    first_name: str
def ada(): return Camel(first_name="Ada")
"""


@pytest.mark.parametrize(
    ("kind", "value", "sent"),
    [
        ("Camel", "ada()", {"firstName": "Ada"}),
        ("Camel", "{'firstName': 'Ada'}", {"firstName": "Ada"}),
        ("list[Camel]", "[ada()]", [{"firstName": "Ada"}]),
        ("dict[str, Camel]", "{'x': ada()}", {"x": {"firstName": "Ada"}}),
        ("OnlyAlias", "OnlyAlias(firstName='Ada')", {"firstName": "Ada"}),
        ("TwoNames", "TwoNames(in_ab=1)", {"outAb": 1, "outB": []}),
        ("TwoNames", "{'outAb': 1}", {"outAb": 1}),
        ("Computed", "Computed(w=1)", {"w": 1, "theArea": 2}),
        (
            "Written",
            "Written(day=date(2026, 1, 2), secret='long')",
            {"day": "02.01.2026", "other": {"year": 2026}},
        ),
        (
            "Text",
            "Text(words='a,b', numbers='[1]')",
            {"words": ["a", "b"], "numbers": [1], "address": "https://example.com/"},
        ),
        (
            "Tree",
            "Tree(in_name='a', children=[{'in_name': 'b'}])",
            {"outName": "a", "children": [{"outName": "b", "children": []}]},
        ),
        ("Annotated[Cat | Dog, Field(discriminator='kind')]", "Dog()", {"outKind": "dog", "good": True}),
        ("Wire", "{'outAb': 1}", {"outAb": 1}),
        ("Strict", "Strict(n=1)", {"n": 1}),
        ("Renamed", "Renamed('Ada')", {"firstName": "Ada"}),
        ("list[Renamed]", "[Renamed('Ada')]", [{"firstName": "Ada"}]),
    ],
)
@pytest.mark.parametrize("dev", [False, True])
def test_a_response_is_held_against_what_is_sent_of_a_model(
    tmp_path: Path, kind: str, value: str, sent: object, dev: bool
) -> None:
    code = SENT + f"async def GET() -> Response[{kind}]: return Response.json({value})\n"
    with Client(make_application(tmp_path, {"app/route.py": code}, dev=dev), host="localhost") as client:
        assert client.get("/").json() == sent


@pytest.mark.parametrize(
    ("kind", "value", "told"),
    [
        ("Camel", "{'first_name': 'Ada'}", "firstName: Field required"),
        ("TwoNames", "{'in_ab': 1}", "outAb: Field required"),
        ("TwoNames", "{'outAb': 'x'}", "outAb: "),
        ("Computed", "{'w': 1, 'theArea': 'x'}", "theArea: "),
        ("Written", "{'day': 5}", "day: "),
        ("Tree", "{'outName': 'a', 'children': [{'in_name': 'b'}]}", "children.0.outName: Field required"),
        ("Annotated[Cat | Dog, Field(discriminator='kind')]", "{'outKind': 'dog', 'good': 'x'}", "good: "),
        ("Strict", "{'n': '1'}", "n: "),
        ("Renamed", "{'first_name': 'Ada'}", "firstName"),
    ],
)
def test_a_response_that_is_not_what_is_sent_of_a_model_is_found_in_development(
    tmp_path: Path, kind: str, value: str, told: str
) -> None:
    code = SENT + f"async def GET() -> Response[{kind}]: return Response.json({value})\n"
    with Client(make_application(tmp_path, {"app/route.py": code}, dev=True), host="localhost") as client:
        response = client.get("/")
        assert response.status == 500
        assert told in response.json()["message"]
