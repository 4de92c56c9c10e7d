"""Signatures that can't work: found at the start, all at once, with file, line and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.app.project import make_application

from waypost.errors import StartupError, StartupErrors
from waypost.testing import Client

HEAD = """from __future__ import annotations
import enum
import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID
import msgspec
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic import BaseModel
from waypost import Context, File, Request, Response
from waypost.auth import Auth, StoredSessions
from waypost.cors import cors
if TYPE_CHECKING:
    from nowhere import User, Request as Req
class Thing: ...
class New(BaseModel): title: str
class WithFile(BaseModel): file: File
@dataclass
class Lost: user: User
class Sort(enum.Enum):
    UP = "up"
with_auth = Auth(StoredSessions(None)).with_auth
policy = cors(origins="https://app.example")
class Nested(BaseModel): inner: New | None = None
class Flat(msgspec.Struct): inner: dict[str, int]
class Matrix(msgspec.Struct): rows: list[list[int]]
@pydantic_dataclass
class PydanticData: inner: New
"""


def mistakes(tmp_path: Path, code: str, folder: str = "[id]") -> list[StartupError]:
    with pytest.raises(StartupErrors) as found:
        make_application(tmp_path, {f"app/{folder}/route.py": HEAD + code})
    return found.value.errors


@pytest.mark.parametrize(
    ("code", "message", "remedy"),
    [
        ("async def POST(bdy: New): ...", "nothing provides its argument 'bdy'", "`id` of the path"),
        ("async def POST(request, identity: int): ...", "nothing provides its argument 'identity'", "`id`"),
        ("async def POST(_page: int = 1, *, id: int, extra): ...", "nothing provides its argument 'extra'", "Name it"),
        ("async def GET(limit: int = 10): ...", "nothing provides its argument 'limit'", "`query: Query`"),
        ("async def GET(id: int, q: str | None = None): ...", "nothing provides its argument 'q'", "with `_`"),
        ("async def GET(request, tag: list[str] = ['a']): ...", "nothing provides its argument 'tag'", "with `_`"),
        ("async def GET(*, since: date | None = None): ...", "nothing provides its argument 'since'", "with `_`"),
        ("async def GET(key: Annotated[UUID, 1] = UUID(int=1)): ...", "argument 'key'", "with `_`"),
        ("async def GET(sort: Sort = Sort.UP): ...", "nothing provides its argument 'sort'", "with `_`"),
        ("async def GET(sort: Literal['up', 'down'] = 'up'): ...", "nothing provides its argument 'sort'", "with `_`"),
        ("@with_auth\nasync def GET(limit: int = 10): ...", "nothing provides its argument 'limit'", "with `_`"),
        ("@with_auth\nasync def GET(usr): ...", "nothing provides its argument 'usr'", "headers, user or cookies"),
        ("@with_auth\nasync def GET(usr: User): ...", "nothing provides its argument 'usr'", "user"),
        ("@with_auth\nasync def PUT(boddy: int, user): ...", "nothing provides its argument 'boddy'", "`id`"),
        ("@policy\n@with_auth\nasync def PUT(boddy, user): ...", "nothing provides its argument 'boddy'", "`id`"),
        ("async def GET(body: New): ...", "GET takes body", "answer POST"),
        ("async def HEAD(form: New): ...", "HEAD takes form", "answer POST"),
        ("async def POST(body: New, form: New): ...", "takes both body and form", "keep one"),
        ("async def POST(body: Thing): ...", "Thing is no type of data", "a model"),
        ("async def POST(body: dict[str, Thing]): ...", "Thing is no type of data", "a model"),
        ("async def POST(body: User): ...", "'body' can't be resolved: User is not defined", "TYPE_CHECKING"),
        ("class M(BaseModel): a: Missing\nasync def POST(body: M): ...", "names Missing, which", "Import Missing in"),
        (
            "class M(BaseModel): a: Missing\nasync def POST(body: list[M]): ...",
            "list[app.[id].route.M] can't be a schema: it names Missing, which is not defined",
            "Import Missing in",
        ),
        ("class M(BaseModel): a: list[Issue]\nasync def GET(id) -> M: ...", "names Issue, which", "Import Issue in"),
        ("async def POST(body: Lost): ...", "User", "not only under"),
        ("async def POST(body: 'New |'): ...", "the annotation of its argument 'body' is none", "Write a type"),
        ("async def POST(body: WithFile): ...", "a File can't come from there", "form"),
        ("async def POST(query: WithFile): ...", "a File can't come from there", "form"),
        ("async def POST(form: int): ...", "form can't be int, which has no fields", "each field"),
        ("async def GET(query: int): ...", "query can't be int, which has no fields", "each field"),
        ("async def GET(headers: list[str]): ...", "headers can't be list[str], which has no fields", "each field"),
        (
            "async def GET(params: New): ...",
            "has the field 'title', and the path has no such parameter",
            "The path has id",
        ),
        ("async def GET(id: list[str]): ...", "'id' can't be list[str]", "[id] is one segment"),
        ("async def GET(id: dict[str, int]): ...", "'id' can't be dict[str, int]", "a scalar"),
        ("async def GET(id: New): ...", "'id' can't be New", "a scalar"),
        ("async def GET(id: Flat | None): ...", "'id' can't be ", "a scalar"),
        ("async def GET(query: Nested): ...", "query can't have the field 'inner' of Nested", "name the argument body"),
        ("async def GET(query: Flat): ...", "query can't have the field 'inner' of Flat", "name the argument body"),
        ("async def GET(headers: Flat): ...", "headers can't have the field 'inner' of Flat", "name the argument body"),
        ("async def GET(cookies: Matrix): ...", "cookies can't have the field 'rows' of Matrix", "name the argument"),
        ("async def POST(form: Nested): ...", "form can't have the field 'inner' of Nested", "name the argument body"),
        ("async def GET(query: PydanticData): ...", "query can't have the field 'inner' of PydanticData", "body"),
        ("async def GET(query: dict[str, New]): ...", "query can't be dict[str, ", "dict[str, list[str]]"),
        ("async def GET(query: dict[int, str]): ...", "query can't be dict[int, str]", "names"),
        ("async def POST(body: Callable[[int], int]): ...", "is no type of data", "a model"),
        ("async def POST(body: New | Callable[[int], int]): ...", "a function or a class is no data", "a model"),
        ("async def POST(body: list[type[int]] | None): ...", "is no type of data", "a model"),
        ("async def GET() -> str: ...", "GET returns str, and every request", "Response(text)"),
        ("def GET(id) -> Annotated[int, 1] | None: ...", "GET returns int, and every request", "Response"),
        ("@with_auth\nasync def GET() -> bytes | bool: ...", "GET returns bytes or bool", "Response"),
        ("async def GET(id) -> Thing: ...", "return annotation can't be a schema", "a model"),
        ("async def GET(id) -> User: ...", "return annotation can't be resolved", "TYPE_CHECKING"),
        ("responses = {404: Thing}\nasync def GET(): ...", "responses[404] can't be a schema", "Write responses ="),
        ("responses = {'GET': 404}\nasync def GET(): ...", "responses['GET'] is no dict", "Write responses ="),
        ("async def validation_error(error, request): ...\nasync def GET(): ...", "validation_error is async", "def"),
        (
            "def validation_error(error): ...\nasync def GET(): ...",
            "can't be called as",
            "validation_error(error, request)",
        ),
    ],
)
def test_a_mistake_is_named_at_its_line(tmp_path: Path, code: str, message: str, remedy: str) -> None:
    (error,) = mistakes(tmp_path, code)
    assert message in error.message
    assert remedy in error.remedy
    assert error.file == tmp_path / "app/[id]/route.py"
    assert error.line is not None
    assert error.line > HEAD.count("\n")


def test_a_catch_all_is_a_list(tmp_path: Path) -> None:
    (error,) = mistakes(tmp_path, "async def GET(path: str): ...", "[...path]")
    assert error.message == "GET: 'path' can't be str"
    assert error.remedy == "[...path] is several segments: annotate it with list[str]."


def test_all_mistakes_of_a_file_at_once(tmp_path: Path) -> None:
    code = "async def GET(body: Thing, query: int): ...\nasync def POST(body: User, nobody: int): ...\n"
    assert len(mistakes(tmp_path, code)) == 5


def test_in_development_a_wrong_signature_breaks_its_own_route(tmp_path: Path) -> None:
    files = {"app/a/route.py": HEAD + "async def GET(body: New): ...", "app/b/route.py": "async def GET(): return {}\n"}
    with Client(make_application(tmp_path, files, dev=True)) as client:
        assert client.get("/b").status == 200
        broken = client.get("/a", headers={"host": "localhost"})
        assert broken.status == 500
        assert broken.json()["message"] == "GET takes body, and a GET request has none"


def test_types_that_only_checkers_import_are_fine_where_no_schema_is_needed(tmp_path: Path) -> None:
    code = """
def with_user(handler):
    @functools.wraps(handler)
    async def wrapper(request, context):
        return await handler(request, context.extend(user="Ada"))
    return wrapper
@with_user
async def GET(request: Req, user: User, id: int) -> Response: return Response.json([user, id])
async def POST(request: Req, context: Nothing) -> "Response": return Response.json(context.params)
async def PUT(req: Request, ctx: Context): return ctx.params
"""
    with Client(make_application(tmp_path, {"app/[id]/route.py": HEAD + code})) as client:
        assert client.get("/7").json() == ["Ada", 7]
        assert client.post("/7").json() == client.put("/7").json() == {"id": "7"}


def test_defaults_of_a_functions_own_are_its_own(tmp_path: Path) -> None:
    code = """
def own(handler):
    @functools.wraps(handler)
    async def wrapper(request, context): return await handler(request, context.extend(limit=5))
    return wrapper
@own
async def GET(limit: int = 10): return {"limit": limit}
async def POST(request, limit=10): return {"limit": limit}
async def PUT(_limit: int = 10, *, id: int): return {"limit": _limit}
async def PATCH(thing: Thing = Thing(), id: int = 1): return {"limit": 10}
@with_auth
async def DELETE(user, id: int, limit=10): return {"limit": limit}
"""
    with Client(make_application(tmp_path, {"app/[id]/route.py": HEAD + code})) as client:
        assert client.get("/7").json() == {"limit": 5}
        assert client.post("/7").json() == client.put("/7").json() == client.patch("/7").json() == {"limit": 10}
        assert client.delete("/7").status == 401


def test_return_annotations_that_are_an_answer_all_the_same(tmp_path: Path) -> None:
    code = """
from waypost import redirect
def own(handler):
    @functools.wraps(handler)
    async def wrapper(request, context): return Response(await handler(request, context))
    return wrapper
@own
async def GET(request, context) -> str: return "text"
async def POST() -> None: redirect("/elsewhere")
async def PUT() -> str | Response: return Response("text")
"""
    files = {"app/route.py": HEAD + code, "app/page/page.py": "def page() -> str: return '<p>'\n"}
    with Client(make_application(tmp_path, files)) as client:
        assert client.get("/").text == client.put("/").text == "text"
        assert client.post("/").headers["location"] == "/elsewhere"
        assert client.get("/page").text == "<p>"


def test_without_pydantic_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "pydantic" else real(name, *rest)
    )
    (error,) = mistakes(tmp_path, "async def POST(body: New): ...")
    assert "New needs pydantic" in error.message
    assert 'pip install "waypost[pydantic]"' in error.remedy


def test_pydantic_is_not_imported_for_what_msgspec_reads(tmp_path: Path) -> None:
    import subprocess
    import sys

    (tmp_path / "app").mkdir()
    (tmp_path / "app/route.py").write_text(
        "from dataclasses import dataclass\n@dataclass\nclass New:\n    title: str\n"
        "async def POST(body: New) -> New: return body\n"
    )
    code = (
        "import sys\nfrom waypost.testing import Client\n"
        "with Client('.') as client: print(client.post('/', json={'title': 'x'}).text)\n"
        "print([name for name in sys.modules if name.startswith('pydantic')])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ['{"title":"x"}', "[]"]
