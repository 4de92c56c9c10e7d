"""Typed handlers under wrappers: ours, the project's own, several of them, and in static routes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.app.project import make_application

from waypost import Context, Request, Response
from waypost.app.wrapping import wrap
from waypost.errors import StartupErrors
from waypost.ratelimit import RateLimiter
from waypost.testing import Client, request_scope

HEAD = """
from __future__ import annotations
import functools
from typing import Any
import msgspec
from waypost import Context, Request, Response
from waypost.auth import Auth, StoredSessions
from waypost.cors import cors
from waypost.ratelimit import RateLimiter

auth = Auth(StoredSessions(None), load_user=lambda session: {"id": session.subject, "role": "admin"})
limiter = RateLimiter(limit=2, window="1m", store="memory:", key=lambda request: request.headers.get("x-key"))
policy = cors(origins="https://app.example")

class New(msgspec.Struct):
    title: str

def own(handler):
    @functools.wraps(handler)
    async def wrapper(request, context):
        if not request.headers.get("x-user"):
            return Response.json({"error": "Who?"}, 401)
        return await handler(request, context.extend(user=request.headers.get("x-user")))
    return wrapper

def passing(handler):
    @functools.wraps(handler)
    async def wrapper(*args, **kwargs):
        response = await handler(*args, **kwargs)
        return response
    return wrapper

def only_context(handler):
    @functools.wraps(handler)
    async def wrapper(context):
        return await handler(None, context.extend(user="from context"))
    return wrapper

def plain(handler):
    @functools.wraps(handler)
    def wrapper(request, context):
        return handler(request, context)
    return wrapper

async def typed(id: int, body: New, user: Any = "nobody") -> Response:
    return Response.json([id, body.title, user])
"""

WRAPS = {
    "own": "own(typed)",
    "passing": "passing(typed)",
    "plain": "plain(typed)",
    "cors": "policy(typed)",
    "limiter": "limiter(typed)",
    "own-passing": "own(passing(typed))",
    "passing-own": "passing(own(typed))",
    "cors-own": "policy(own(typed))",
    "own-cors": "own(policy(typed))",
    "limiter-cors-own": "limiter(policy(own(typed)))",
    "own-limiter-cors": "own(limiter(policy(typed)))",
}


@pytest.mark.parametrize("name", WRAPS)
def test_arguments_are_bound_inside_of_all_wrappers(tmp_path: Path, name: str) -> None:
    wrapped = WRAPS[name]
    files = {
        "app/[id]/route.py": f"{HEAD}\nPOST = {wrapped}\n",
        "app/b/[id]/route.py": f"{HEAD}\nPOST = PUT = {wrapped}\n",
    }
    user = "Ada" if "own" in name else "nobody"
    with Client(make_application(tmp_path, files)) as client:
        for path in ("/7", "/b/7"):
            response = client.post(
                path, json={"title": "x"}, headers={"x-user": "Ada", "origin": "https://app.example"}
            )
            assert response.json() == [7, "x", user], response.text
            assert ("access-control-allow-origin" in response.headers) == ("cors" in name)
            assert client.post(path, json={"title": 1}, headers={"x-user": "Ada"}).status == 400
        if "own" in name:
            assert client.post("/x", body="{").status == 401, "who may not ask learns nothing of the schema"
        assert client.put("/b/7", json={"title": "y"}, headers={"x-user": "Ada"}).json() == [7, "y", user]


def test_what_a_client_gets_wrong_counts_for_its_limit(tmp_path: Path) -> None:
    files = {"app/[id]/route.py": f"{HEAD}\nPOST = limiter(typed)\n"}
    with Client(make_application(tmp_path, files)) as client:
        headers = {"x-key": "k"}
        assert [client.post("/x", json={}, headers=headers).status for _ in range(3)] == [400, 400, 429]


def test_with_auth(tmp_path: Path) -> None:
    code = """
@auth.with_auth
async def POST(body: New, user: dict, id: int) -> Response: return Response.json([body.title, user["id"], id])
@auth.with_auth(role="admin")
def PUT(user, id: int): return [user["id"], id]
@auth.with_auth
async def PATCH(user): return [user["id"]]
async def GET(): await auth.login("7"); return {}
"""
    with Client(make_application(tmp_path, {"app/[id]/route.py": HEAD + code})) as client:
        assert client.post("/x", body="{").status == 401
        client.get("/1")
        headers = {"sec-fetch-site": "same-origin"}
        assert client.post("/3", json={"title": "x"}, headers=headers).json() == ["x", "7", 3]
        assert client.post("/x", json={"title": "x"}, headers=headers).status == 400
        assert client.put("/3", headers=headers).json() == ["7", 3]
        assert client.patch("/3", headers=headers).json() == ["7"]
        operations = client.application.routes[0].operations
        assert [way.name for way in operations["POST"].security] == ["session", "bearer"]
        assert operations["PUT"].additions[0].roles == {"admin"}
        assert set(operations["PUT"].additions[0].responses) == {401, 403}
        assert operations["GET"].security == ()


def test_a_folder_that_is_guarded_says_so(tmp_path: Path) -> None:
    files = {
        "lib/access.py": "from waypost.auth import Auth, StoredSessions\nauth = Auth(StoredSessions(None))\n",
        "app/middleware.py": "from lib.access import auth\nmiddleware = auth.with_auth(role='admin')\n",
        "app/[id]/route.py": "async def GET(id: int): return [id]\n",
    }
    operation = make_application(tmp_path, files).routes[0].operations["GET"]
    assert [way.name for way in operation.security] == ["session", "bearer"]


def test_a_wrapper_that_hides_its_handler_is_a_mistake(tmp_path: Path) -> None:
    code = """
def hiding(handler):
    held = [handler]
    @functools.wraps(handler)
    async def wrapper(request, context):
        return await held[0](request, context)
    return wrapper
POST = hiding(typed)
"""
    with pytest.raises(StartupErrors) as found:
        make_application(tmp_path, {"app/[id]/route.py": HEAD + code})
    assert "what wraps it hides it" in found.value.errors[0].message


def test_a_plain_typed_handler_under_a_wrapper_of_the_projects_own_is_a_mistake(tmp_path: Path) -> None:
    code = "\ndef plain_typed(id: int, body: New): return []\nPOST = own(plain_typed)\n"
    with pytest.raises(StartupErrors) as found:
        make_application(tmp_path, {"app/[id]/route.py": HEAD + code})
    assert "`async def`" in found.value.errors[0].remedy
    code = "\ndef by_place(request, context) -> New: return {'title': 'x', 'more': 1}\n"
    code += "POST = plain(by_place)\nPUT = auth.with_auth(typed)\n"
    with Client(make_application(tmp_path, {"app/[id]/route.py": HEAD + code})) as client:
        assert client.post("/1").json() == {"title": "x"}


def test_a_wrapper_that_asks_whether_its_handler_is_async(tmp_path: Path) -> None:
    code = """
import inspect
def asking(handler):
    @functools.wraps(handler)
    async def wrapper(request, context):
        value = handler(request, context)
        assert inspect.iscoroutinefunction(handler) and handler.__name__ == "typed"
        return await value
    return wrapper
POST = asking(typed)
"""
    with Client(make_application(tmp_path, {"app/[id]/route.py": HEAD + code})) as client:
        assert client.post("/1", json={"title": "x"}).json() == [1, "x", "nobody"]


def test_a_wrapper_that_calls_its_handler_in_its_own_way_still_may(tmp_path: Path) -> None:
    code = """
def own_way(handler):
    @functools.wraps(handler)
    async def wrapper(request, context):
        return await handler(id=1, body=New("mine"))
    return wrapper
POST = own_way(typed)
"""
    with Client(make_application(tmp_path, {"app/[id]/route.py": HEAD + code})) as client:
        assert client.post("/x").json() == [1, "mine", "nobody"]


class New(msgspec.Struct):
    title: str


def test_a_wrapped_handler_in_a_unit_test_without_an_application() -> None:
    async def add(request: Request, context: Context, inner: Any) -> Response:
        return await inner(request, context.extend(user="Ada"))  # type: ignore[no-any-return]  # a Response

    async def typed(user: str, id: int, body: New, query: dict[str, str]) -> list[Any]:
        return [user, id, body.title, query]

    async def by_place(request: Request, user: str) -> list[Any]:
        return [request.method, user]

    async def main() -> None:
        headers = {"content-type": "application/json"}
        request = Request("http://x/?a=b", method="POST", headers=headers, body='{"title": "x"}')
        with request_scope(request, id="7") as context:
            wrapped = wrap(typed, add)
            assert await (await wrapped(request, context)).json() == ["Ada", 7, "x", {"a": "b"}]
            assert await (await wrap(wrapped, add)(request, context)).json() == ["Ada", 7, "x", {"a": "b"}]
            assert await (await wrap(by_place, add)(request, context)).json() == ["POST", "Ada"]
            limited = RateLimiter(limit=9, window="1m", store="memory:")(typed)
            answer = await limited(request, context.extend(user="Bob"))
            assert await answer.json() == ["Bob", 7, "x", {"a": "b"}]

    asyncio.run(main())


def test_static_and_cached_handlers(tmp_path: Path) -> None:
    files = {
        "app/forced/[id]/route.py": "dynamic = 'force-static'\nasync def GET(id: int): return {'id': id}\n",
        "app/made/[id]/route.py": (
            "def generate_static_params(): return [{'id': '1'}]\n"
            "import msgspec\nclass Post(msgspec.Struct):\n    id: int\n"
            "async def GET(id: int) -> Post: return {'id': id, 'secret': 1}\n"
        ),
        "app/empty/route.py": (
            "import msgspec\ndynamic = 'force-static'\nclass Query(msgspec.Struct):\n    page: int = 1\n"
            "async def GET(query: Query): return {'page': query.page}\n"
        ),
    }
    with Client(make_application(tmp_path, files, cache_url="memory:")) as client:
        assert client.get("/forced/7").json() == client.get("/forced/7").json() == {"id": 7}
        assert "hit" in (client.get("/forced/7").headers.get("cache-status") or "")
        assert client.get("/forced/x").status == 400
        assert client.get("/made/1").json() == client.get("/made/1").json() == {"id": 1}
        assert client.get("/empty?page=2").json() == {"page": 1}
