"""Arguments by name: every place they come from, every kind of annotation, what a client can get wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.app.project import make_application

from waypost import File, FormData, URLSearchParams
from waypost.testing import Client

HEAD = """
import functools
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, NewType, Optional, TypedDict
from uuid import UUID
import msgspec
from pydantic import BaseModel, Field
from waypost import Context, Cookie, File, FormData, Headers, Params, Request, Response, URLSearchParams

class Colour(Enum):
    RED = "red"
    BLUE = "blue"

class Level(IntEnum):
    LOW = 1
    HIGH = 2

class New(BaseModel):
    title: Annotated[str, Field(min_length=1, max_length=20)]
    tags: list[str] = []
    rating: int | None = None

class Struct(msgspec.Struct):
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    tags: list[str] = []
    rating: int | None = None

@dataclass
class Data:
    title: str
    tags: list[str] = field(default_factory=list)
    rating: int | None = None

class Typed(TypedDict, total=False):
    title: str
    tags: list[str]
    rating: int | None
"""


def shown(kind: str, verb: str = "POST", name: str = "body") -> str:
    return f"{HEAD}\nasync def {verb}({name}: {kind}):\n    return {{'got': repr({name})}}\n"


PROJECT = {
    "app/int/[id]/route.py": shown("int", "GET", "id"),
    "app/uuid/[id]/route.py": shown("UUID", "GET", "id"),
    "app/date/[id]/route.py": shown("date", "GET", "id"),
    "app/colour/[id]/route.py": shown("Colour", "GET", "id"),
    "app/level/[id]/route.py": shown("Level", "GET", "id"),
    "app/literal/[id]/route.py": shown("Literal['a', 2]", "GET", "id"),
    "app/bounded/[id]/route.py": shown("Annotated[int, Field(ge=1, le=9)]", "GET", "id"),
    "app/meta/[id]/route.py": shown("Annotated[int, msgspec.Meta(ge=1, le=9)]", "GET", "id"),
    "app/text/[id]/route.py": shown("str", "GET", "id"),
    "app/plain/[id]/route.py": f"{HEAD}\ndef GET(id):\n    return {{'got': id}}\n",
    "app/dash/[post-id]/route.py": shown("int", "GET", "post_id"),
    "app/rest/[...path]/route.py": shown("list[str]", "GET", "path"),
    "app/numbers/[...path]/route.py": shown("list[int]", "GET", "path"),
    "app/maybe/[[...path]]/route.py": shown("list[str] | None", "GET", "path"),
    "app/params/[a]/[b]/route.py": HEAD
    + """
class Both(msgspec.Struct):
    a: int
    b: str
async def GET(params: Both): return {"got": [params.a, params.b]}
async def POST(params): return {"got": dict(params)}
async def PUT(params: Params): return {"got": dict(await params)}
""",
    "app/pydantic/route.py": shown("New"),
    "app/struct/route.py": shown("Struct"),
    "app/dataclass/route.py": shown("Data"),
    "app/typeddict/route.py": shown("Typed"),
    "app/list/route.py": shown("list[New]"),
    "app/any/route.py": f"{HEAD}\nasync def POST(body):\n    return {{'got': body}}\n",
    "app/optional/route.py": shown("New | None"),
    "app/default/route.py": f"{HEAD}\nasync def POST(body: New = None):\n    return {{'got': body is None}}\n",
    "app/bytes/route.py": shown("bytes"),
    "app/string/route.py": shown("str"),
    "app/query/route.py": HEAD
    + """
class Page(BaseModel):
    page: Annotated[int, Field(ge=1)] = 1
    size: float = 0.5
    price: Decimal | None = None
    tag: list[str] = []
    number: set[int] = set()
    draft: bool = False
    since: datetime | None = None
    colour: Colour = Colour.RED
    id: UUID | None = None
    q: str | None = None
    kind: Literal["a", "b"] = "a"
    other: int = Field(3, alias="x-other")

class Plain(msgspec.Struct, rename={"other": "x-other"}):
    page: Annotated[int, msgspec.Meta(ge=1)] = 1
    size: float = 0.5
    price: Decimal | None = None
    tag: list[str] = []
    number: set[int] = set()
    draft: bool = False
    since: datetime | None = None
    colour: Colour = Colour.RED
    id: UUID | None = None
    q: str | None = None
    kind: Literal["a", "b"] = "a"
    other: int = 3

def told(query):
    return {name: repr(getattr(query, name)) for name in Plain.__struct_fields__}

async def GET(query: Page): return told(query)
async def POST(query: Plain): return told(query)
async def PUT(query): return {"got": query.get_all("tag")}
async def PATCH(query: URLSearchParams): return {"got": str(query)}
async def DELETE(query: dict[str, str]): return query
async def HEAD(query: dict[str, list[int]]): return Response(None, headers={"x-got": str(query)})
""",
    "app/headers/route.py": HEAD
    + """
class Wanted(msgspec.Struct):
    x_number: int
    user_agent: str = "none"
async def GET(headers: Wanted): return {"got": [headers.x_number, headers.user_agent]}
async def POST(headers): return {"got": headers.get("x-number")}
class Many(BaseModel):
    x_tag: list[str] = []
    x_number: set[int] = set()
    x_text: str = ""
async def PUT(headers: Many): return {"got": [headers.x_tag, sorted(headers.x_number), headers.x_text]}
""",
    "app/cookies/route.py": HEAD
    + """
class Wanted(BaseModel):
    theme: Literal["dark", "light"] = "light"
    visits: int = 0
async def GET(cookies: Wanted): return {"got": [cookies.theme, cookies.visits]}
async def POST(cookies): return {"got": cookies.get("theme").value}
""",
    "app/form/route.py": HEAD
    + """
class Upload(BaseModel):
    title: str
    size: int = 0
    agreed: bool = False
    file: File | None = None
    more: list[File] = []
class Send(msgspec.Struct):
    title: str
    file: File
    size: int = 0
    agreed: bool = False
    more: list[File] = []
async def POST(form: Upload):
    return [form.title, form.size, form.agreed, form.file and form.file.name, [f.name for f in form.more]]
async def PUT(form: Send):
    return [form.title, form.size, form.agreed, form.file.name, [f.name for f in form.more]]
async def PATCH(form): return [name for name in form]
async def DELETE(form: Upload | None): return [form is None]
""",
    "app/mixed/[id]/route.py": HEAD
    + """
class Page(msgspec.Struct):
    page: int = 1
async def POST(request, id: int, query: Page, body: Struct, *, context: Context):
    return [request.method, id, query.page, body.title, context.params["id"]]
def PUT(id: int, body: New, ctx):
    return [id, body.title, ctx.params["id"]]
""",
}


@pytest.fixture(scope="module", params=["production", "development"])
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    root = tmp_path_factory.mktemp("typed")
    with Client(make_application(root, PROJECT, dev=request.param == "development")) as client:
        yield client


def issues(response: Any) -> list[tuple[list[Any], str]]:
    assert response.status == 400, response.text
    body = response.json()
    assert body["error"] == "Validation failed"
    assert all(set(issue) == {"path", "message", "code"} and issue["message"] for issue in body["issues"])
    return [(issue["path"], issue["code"]) for issue in body["issues"]]


@pytest.mark.parametrize(
    ("path", "got"),
    [
        ("int/7", "7"),
        ("int/-7", "-7"),
        ("int/007", "7"),
        ("int/99999999999999999999999", "99999999999999999999999"),
        ("uuid/00000000-0000-0000-0000-00000000000a", "UUID('00000000-0000-0000-0000-00000000000a')"),
        ("date/2026-11-26", "datetime.date(2026, 11, 26)"),
        ("colour/red", "<Colour.RED: 'red'>"),
        ("level/2", "<Level.HIGH: 2>"),
        ("literal/a", "'a'"),
        ("literal/2", "2"),
        ("bounded/9", "9"),
        ("meta/9", "9"),
        ("text/%C3%A9%20x", "'é x'"),
        ("plain/7", "7"),
        ("dash/7", "7"),
        ("rest/a/b", "['a', 'b']"),
        ("numbers/1/2", "[1, 2]"),
        ("maybe", "None"),
        ("maybe/a", "['a']"),
    ],
)
def test_a_segment_of_the_path(client: Client, path: str, got: str) -> None:
    assert client.get(f"/{path}").json() == {"got": got}


NO_INTEGERS = ["x", "%201", "1%20", "+1", "%2B1", "1_0", "%D9%A1", "1e3", "1.0", "0x1", "--1", "-", "1" * 5000, "NaN"]


@pytest.mark.parametrize("text", NO_INTEGERS, ids=lambda text: text[:10])
@pytest.mark.parametrize("route", ["int", "bounded", "meta", "level"])
def test_an_integer_is_ascii_digits_and_nothing_else(client: Client, route: str, text: str) -> None:
    found = issues(client.get(f"/{route}/{text}"))
    assert [path for path, _ in found] == [["id"]]


@pytest.mark.parametrize(
    "path", ["uuid/x", "date/2026-13-01", "colour/green", "level/3", "literal/b", "bounded/10", "meta/0", "dash/x"]
)
def test_a_segment_that_does_not_fit(client: Client, path: str) -> None:
    (found,) = issues(client.get(f"/{path}"))
    assert found[0] == ["post-id" if path.startswith("dash") else "id"]


def test_a_segment_of_several_names_the_one_that_is_wrong(client: Client) -> None:
    assert [path for path, _ in issues(client.get("/numbers/1/x/3/y"))] == [["path", 1], ["path", 3]]


def test_all_parameters_of_the_path_as_one(client: Client) -> None:
    assert client.get("/params/1/x").json() == {"got": [1, "x"]}
    assert client.post("/params/1/x").json() == client.put("/params/1/x").json() == {"got": {"a": "1", "b": "x"}}
    assert [path for path, _ in issues(client.get("/params/z/x"))] == [["a"]]


KINDS = ["pydantic", "struct", "dataclass", "typeddict"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_body(client: Client, kind: str) -> None:
    good = {"title": "Hello", "tags": ["a"], "rating": 5, "unknown": True}
    got = client.post(f"/{kind}", json=good).json()["got"]
    assert "Hello" in got
    assert "['a']" in got
    assert "unknown" not in got
    found = issues(client.post(f"/{kind}", json={"title": 5, "tags": ["a", 1, None], "rating": "x"}))
    assert [path for path, _ in found] == [["title"], ["tags", 1], ["tags", 2], ["rating"]]
    for wrong in ([], None, 1, "x", True):
        assert [path for path, _ in issues(client.post(f"/{kind}", body=json(wrong), headers=JSON))] == [[]]


JSON = {"content-type": "application/json"}


def json(value: Any) -> str:
    import json as standard

    return standard.dumps(value)


@pytest.mark.parametrize("kind", ["pydantic", "struct", "dataclass"])
def test_a_field_that_is_missing(client: Client, kind: str) -> None:
    assert issues(client.post(f"/{kind}", json={})) == [(["title"], "missing")]


def test_a_list_as_the_body(client: Client) -> None:
    assert client.post("/list", json=[{"title": "a"}]).status == 200
    assert [path for path, _ in issues(client.post("/list", json=[{"title": "a"}, {}]))] == [[1, "title"]]


def test_at_most_fifty_issues(client: Client) -> None:
    for kind in KINDS:
        assert len(issues(client.post(f"/{kind}", json={"title": "x", "tags": [1] * 80}))) == 50


@pytest.mark.parametrize("kind", [*KINDS, "any", "optional", "default", "list"])
@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON;charset=UTF-8", 200),
        ("application/merge-patch+json", 200),
        ("application/problem+json; x=y", 200),
        ("application/json\ta", 415),
        ("application/json;charset", 415),
        ("text/plain", 415),
        ("text/plain; application/json", 415),
        ("application/jsonx", 415),
        ("application/x-www-form-urlencoded", 415),
        ("json", 415),
        ("", 415),
    ],
)
def test_only_what_is_said_to_be_json(client: Client, kind: str, content_type: str, status: int) -> None:
    body = '[{"title": "a"}]' if kind == "list" else '{"title": "a"}'
    assert client.post(f"/{kind}", body=body, headers={"content-type": content_type}).status == status


@pytest.mark.parametrize("kind", [*KINDS, "any", "optional", "default", "list"])
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"nul",
        b"{'title': 'a'}",
        b'{"title": "a"} x',
        b'{"title": "a",}',
        b"NaN",
        b'{"title":"a","rating":NaN}',
        b'{"title":"a","rating":Infinity}',
        b'{"title":"\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\x00",
        b"1" * 5000,
        b'{"title":"a","rating":1e999}',
    ],
    ids=lambda body: body[:24].decode("latin-1"),
)
def test_what_is_no_json_is_the_clients_mistake(client: Client, kind: str, body: bytes) -> None:
    response = client.post(f"/{kind}", body=body or None, headers=JSON)
    if body == b"" and kind in ("optional", "default"):
        assert response.status == 200
        return
    assert response.status == 400, response.text
    assert response.json()["error"] in ("The body is not valid JSON", "Validation failed")


@pytest.mark.parametrize("kind", KINDS)
def test_a_mark_in_front_and_bad_bytes_are_put_right_as_the_web_does(client: Client, kind: str) -> None:
    assert "'Hé'" in client.post(f"/{kind}", body='\ufeff{"title": "Hé"}'.encode(), headers=JSON).json()["got"]
    assert "'H\ufffd'" in client.post(f"/{kind}", body=b'{"title": "H\xff"}', headers=JSON).json()["got"]


def test_a_body_that_may_lack(client: Client) -> None:
    assert client.post("/optional").json() == {"got": "None"}
    assert client.post("/default").json() == {"got": True}
    assert issues(client.post("/pydantic")) == [([], "missing")]
    assert client.post("/optional", json=None, body="null", headers=JSON).json() == {"got": "None"}


def test_bytes_and_text_are_the_body_as_it_is(client: Client) -> None:
    assert client.post("/bytes", body=b"\xff").json() == {"got": repr(b"\xff")}
    assert client.post("/string", body="é").json() == {"got": "'é'"}


def test_too_large_a_body_is_413(client: Client) -> None:
    assert client.post("/struct", body=b" " * 1_100_000, headers=JSON).status == 413


QUERY = (
    "page=2&size=1.5&price=1.20&tag=a&tag=b&number=1&number=2&draft=true&since=2026-01-02T03:04:05Z&colour=blue"
    "&id=00000000-0000-0000-0000-00000000000a&q=x%20y&kind=b&x-other=7&unknown=1"
)
WHOLE = {
    "page": "2", "size": "1.5", "price": "Decimal('1.20')", "tag": "['a', 'b']", "number": "{1, 2}", "draft": "True",
    "colour": "<Colour.BLUE: 'blue'>", "id": "UUID('00000000-0000-0000-0000-00000000000a')", "q": "'x y'",
    "kind": "'b'", "other": "7",
}  # fmt: skip


@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_a_query(client: Client, verb: str) -> None:
    got = client.request(verb, f"/query?{QUERY}").json()
    assert got.pop("since").startswith("datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=")
    assert got == WHOLE
    assert client.request(verb, "/query").json()["page"] == "1"
    assert client.request(verb, "/query?page=2&page=3").json()["page"] == "2", "the first counts, as with get()"
    assert client.request(verb, "/query?tag=a").json()["tag"] == "['a']"


@pytest.mark.parametrize("verb", ["GET", "POST"])
@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("page=0", ["page"]),
        ("page=", ["page"]),
        ("page=+1", ["page"]),
        ("page=%201", ["page"]),
        ("page=1_0", ["page"]),
        ("page=%D9%A1", ["page"]),
        ("page=1e3", ["page"]),
        ("page=1.0", ["page"]),
        ("size=nan", ["size"]),
        ("size=inf", ["size"]),
        ("size=1_0", ["size"]),
        ("size=%201", ["size"]),
        ("price=NaN", ["price"]),
        ("price=1_0", ["price"]),
        ("draft=yes", ["draft"]),
        ("draft=TRUE", ["draft"]),
        ("draft=2", ["draft"]),
        ("draft=", ["draft"]),
        ("since=x", ["since"]),
        ("colour=green", ["colour"]),
        ("id=1", ["id"]),
        ("kind=c", ["kind"]),
        ("number=1&number=x", ["number", 1]),
        ("x-other=x", ["x-other"]),
    ],
)
def test_a_query_that_does_not_fit(client: Client, verb: str, query: str, place: list[Any]) -> None:
    ((path, _),) = issues(client.request(verb, f"/query?{query}"))
    # pydantic does not say which member of a set it is.
    assert path == place


@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_everything_that_is_wrong_with_a_query_at_once(client: Client, verb: str) -> None:
    found = issues(client.request(verb, "/query?page=x&draft=maybe&kind=c"))
    assert [path for path, _ in found] == [["page"], ["draft"], ["kind"]]


@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_an_empty_text_is_none_where_none_may_be(client: Client, verb: str) -> None:
    got = client.request(verb, "/query?price=&since=&id=&q=").json()
    assert [got[name] for name in ("price", "since", "id", "q")] == ["None", "None", "None", "''"]


def test_the_query_as_it_is(client: Client) -> None:
    assert client.put("/query?tag=a&tag=b").json() == {"got": ["a", "b"]}
    assert client.patch("/query?tag=a&tag=b").json() == {"got": "tag=a&tag=b"}
    assert client.delete("/query?tag=a&tag=b&x=1").json() == {"tag": "a", "x": "1"}
    assert client.head("/query?a=1&b=2&a=3").headers["x-got"] == "{'a': [1, 3], 'b': [2]}"


def test_headers(client: Client) -> None:
    assert client.get("/headers", headers={"X-Number": "7", "User-Agent": "me"}).json() == {"got": [7, "me"]}
    assert client.get("/headers", headers={"X-Number": "7"}).json() == {"got": [7, "none"]}
    assert [path for path, _ in issues(client.get("/headers", headers={"X-Number": "x"}))] == [["x_number"]]
    assert issues(client.get("/headers")) == [(["x_number"], "missing")]
    assert client.post("/headers", headers={"X-Number": "7"}).json() == {"got": "7"}


def test_a_list_of_a_header_has_what_stands_between_commas_and_in_all_lines(client: Client) -> None:
    sent = [("x-tag", "a, b c"), ("x-number", "1,2,,3"), ("x-tag", "d"), ("x-text", "e, f")]
    assert client.put("/headers", headers=sent).json() == {"got": [["a", "b c", "d"], [1, 2, 3], "e, f"]}
    assert client.put("/headers", headers={"x-tag": ""}).json() == {"got": [[], [], ""]}
    assert issues(client.put("/headers", headers={"x-number": "1, x"})) == [(["x_number", 1], "int_parsing")]


def test_cookies(client: Client) -> None:
    assert client.get("/cookies", headers={"cookie": "theme=dark; visits=3; theme=x"}).json() == {"got": ["dark", 3]}
    assert client.get("/cookies").json() == {"got": ["light", 0]}
    assert [path for path, _ in issues(client.get("/cookies", headers={"cookie": "theme=x; visits= "}))] == [
        ["theme"], ["visits"],
    ]  # fmt: skip
    assert client.post("/cookies", headers={"cookie": "theme=dark"}).json() == {"got": "dark"}


@pytest.mark.parametrize("verb", ["POST", "PUT"])
def test_a_form(client: Client, verb: str) -> None:
    form = FormData([("title", "x"), ("size", "3"), ("agreed", "on"), ("file", File([b"abc"], "a.txt"))])
    form.append("more", File([b"1"], "b"))
    form.append("more", File([b""], ""))  # what a browser sends for an input without a choice
    assert client.request(verb, "/form", body=form).json() == ["x", 3, True, "a.txt", ["b"]]
    wrong = FormData([("title", File([b"abc"], "a.txt")), ("size", "x"), ("file", "text"), ("more", "text")])
    found = [path for path, _ in issues(client.request(verb, "/form", body=wrong))]
    assert sorted(map(str, found)) == ["['file']", "['more', 0]", "['size']", "['title']"]


def test_a_form_in_the_url_encoding_and_what_is_no_form(client: Client) -> None:
    assert client.post("/form", body=URLSearchParams({"title": "x"})).json() == ["x", 0, False, None, []]
    assert client.post("/form", json={"title": "x"}).status == 415
    assert issues(client.post("/form")) == [([], "missing")]
    assert client.delete("/form").json() == [True]
    assert client.patch("/form", body=URLSearchParams({"a": "1", "b": "2"})).json() == ["a", "b"]


def test_arguments_of_all_kinds_in_one_signature(client: Client) -> None:
    assert client.post("/mixed/7?page=2", json={"title": "x"}).json() == ["POST", 7, 2, "x", "7"]
    assert client.put("/mixed/7", json={"title": "x"}).json() == [7, "x", "7"]
    found = issues(client.post("/mixed/x?page=y", json={"title": ""}))
    assert [path for path, _ in found] == [["id"], ["page"], ["title"]]
    assert client.post("/mixed/x?page=y", body="{", headers=JSON).json() == {"error": "The body is not valid JSON"}


def test_what_was_sent_is_never_repeated(client: Client) -> None:
    secret = "s3cr3t-passw0rd"
    for kind in KINDS:
        for value in (secret, [secret], {"secret": secret}):
            body = {"title": {"x": value}, "tags": [value, {"y": value}], "rating": value}
            assert secret not in client.post(f"/{kind}", json=body).text
    for path in ("int", "uuid", "date", "colour", "level", "literal", "bounded", "meta"):
        assert secret not in client.get(f"/{path}/{secret}").text
    for name in WHOLE:
        for verb in ("GET", "POST"):
            if name not in ("q", "tag"):
                assert secret not in client.request(verb, f"/query?{name}={secret}").text


def test_a_page_takes_arguments_too(tmp_path: Path) -> None:
    files = {"app/[id]/page.py": "async def page(id: int, query: dict[str, str]): return f'<p>{id}{query}</p>'\n"}
    with Client(make_application(tmp_path, files)) as client:
        assert client.get("/7?a=b").text == "<p>7{'a': 'b'}</p>"
        assert client.get("/x").status == 400
        (operation,) = client.application.routes[0].operations.values()
        assert (operation.verb, [item.name for item in operation.parameters]) == ("GET", ["id"])


@pytest.mark.parametrize("kind", ["callable", "method", "partial"])
def test_whatever_can_be_called(tmp_path: Path, kind: str) -> None:
    code = f"""{HEAD}
class Api:
    def __init__(self, name): self.name = name
    async def __call__(self, id: int, body: Struct): return [self.name, id, body.title]
    async def post(self, id: int, body: Struct): return [self.name, id, body.title]
async def post(name, id: int, body: Struct): return [name, id, body.title]
POST = {{"callable": Api("x"), "method": Api("x").post, "partial": functools.partial(post, "x")}}[{kind!r}]
"""
    with Client(make_application(tmp_path, {"app/[id]/route.py": code})) as client:
        assert client.post("/7", json={"title": "t"}).json() == ["x", 7, "t"]
        assert [path for path, _ in issues(client.post("/x", json={}))] == [["id"], ["title"]]


def test_a_client_that_sends_the_path_wrong_does_not_hide_the_traceback_of_a_bug(tmp_path: Path) -> None:
    files = {"app/[id]/route.py": "async def GET(id: int):\n    return 1 // id\n"}
    with Client(make_application(tmp_path, files, dev=True)) as client:
        trace = client.get("/0", headers={"host": "localhost"}).json()["traceback"]
    assert any("the arguments of GET /[id]" in line for line in trace)
    assert any("route.py:2 in GET" in line for line in trace)
