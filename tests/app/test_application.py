"""One request through the whole application, without a socket."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.app.project import make_application

from waypost.errors import NoRequestError, StartupErrors
from waypost.testing import Client


@contextmanager
def serving(root: Path, files: dict[str, str], **settings: Any) -> Iterator[Client]:
    with Client(make_application(root, files, **settings)) as client:
        yield client


ECHO = """
from waypost import Response
async def GET(request, context):
    return Response.json({"params": context.params, "awaited": await context.params, "path": request.path})
"""


def test_verbs_head_options_and_405(tmp_path: Path) -> None:
    files = {
        "app/both/route.py": "async def GET(): return {'a': 1}\nasync def POST(request): return await request.json()\n",
        "app/own/route.py": "from waypost import Response\nasync def GET(): return {}\n"
        "async def HEAD(): return Response(None, 200, {'x-head': 'own'})\n"
        "async def OPTIONS(request): return Response(await request.text())\n",
        "app/write/route.py": "async def DELETE(): return {}\nasync def PATCH(): return {}\n",
    }
    with serving(tmp_path, files) as client:
        assert client.get("/both").json() == {"a": 1}
        head = client.head("/both")
        assert (head.status, head.content, head.headers.get("content-type")) == (200, b"", "application/json")
        assert client.head("/own").headers.get("x-head") == "own"
        assert client.options("/own", body="hi").text == "hi"
        options = client.options("/both")
        assert (options.status, options.headers.get("allow")) == (204, "GET, HEAD, OPTIONS, POST")
        assert client.options("/write").headers.get("allow") == "DELETE, OPTIONS, PATCH"
        refused = client.delete("/both")
        assert (refused.status, refused.headers.get("allow")) == (405, "GET, HEAD, OPTIONS, POST")
        assert refused.json() == {"error": "Method not allowed"}
        assert client.head("/write").status == 405
        assert client.request("PROPFIND", "/both").status == 400


def test_params(tmp_path: Path) -> None:
    files = {
        "app/[id]/route.py": ECHO,
        "app/files/[...path]/route.py": ECHO,
        "app/docs/[[...path]]/route.py": ECHO,
    }
    with serving(tmp_path, files) as client:
        one = client.get("/a%20b%2Fc").json()
        assert one == {"params": {"id": "a b/c"}, "awaited": {"id": "a b/c"}, "path": "/a%20b%2Fc"}
        assert client.get("/files/a/b%2Fc").json()["params"] == {"path": ["a", "b/c"]}
        assert client.get("/docs").json()["params"] == {}
        assert client.get("/%E0%A4%A").status == 400
        assert client.get("/%00").status == 400


@pytest.mark.parametrize(
    "sign", ["()", "(request)", "(request, context)", "(req, ctx)", "(context)", "(*args)", "(_, __)"]
)
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_handlers_take_what_they_name(tmp_path: Path, sign: str, kind: str) -> None:
    with serving(tmp_path, {"app/route.py": f"{kind} GET{sign}:\n    return {{'ok': True}}\n"}) as client:
        assert client.get("/").json() == {"ok": True}


def test_the_context_comes_by_its_name_and_grows_by_wrappers(tmp_path: Path) -> None:
    text = """
import functools
from waypost import Response
def with_user(handler):
    @functools.wraps(handler)
    async def guarded(request, context):
        return await handler(request, context.extend(user="ann"))
    return guarded
def plain(handler):
    @functools.wraps(handler)
    def guarded(request, context):
        if request.headers.get("x-stop"):
            return Response("stopped", 403)
        return handler(request, context)
    return guarded
@with_user
async def GET(request, context):
    return {"user": context.user, "id": context.params["id"]}
@plain
async def POST(context):
    return {"id": context.params["id"]}
@plain
async def PUT(request, context):
    return {"id": context.params["id"]}
class Callable_:
    async def __call__(self, request):
        return {"callable": True}
PATCH = Callable_()
"""
    text = text.replace("@plain\nasync def POST(context)", "async def POST(ctx)").replace(
        'return {"id": context.params["id"]}\n@plain\nasync def PUT',
        'return {"id": ctx.params["id"]}\n@plain\nasync def PUT',
    )
    with serving(tmp_path, {"app/[id]/route.py": text}) as client:
        assert client.get("/7").json() == {"user": "ann", "id": "7"}
        assert client.post("/7").json() == {"id": "7"}
        assert client.put("/7").json() == {"id": "7"}
        assert client.put("/7", headers={"x-stop": "1"}).text == "stopped"
        assert client.patch("/7").json() == {"callable": True}


def test_a_signature_that_can_not_be_called_is_a_startup_error(tmp_path: Path) -> None:
    files = {
        "app/a/route.py": "\n\nasync def GET(request, context, db): return {}\n",
        "app/b/route.py": "async def POST(request, *, key): return {}\n",
    }
    with pytest.raises(StartupErrors) as caught:
        make_application(tmp_path, files)
    places = [(error.file.parent.name, error.line) for error in caught.value.errors if error.file]
    assert places == [("a", 3), ("b", 1)]
    assert all(error.remedy for error in caught.value.errors)


CONTROL = """
from waypost import Response, cookies, forbidden, not_found, permanent_redirect, redirect, unauthorized
async def GET(request, context):
    cookies().set("seen", "1")
    kind = context.params["kind"]
    try:
        if kind == "redirect": redirect("/there")
        if kind == "permanent": permanent_redirect("https://example.com/x")
        if kind == "missing": not_found()
        if kind == "forbidden": forbidden()
        if kind == "unauthorized": unauthorized()
        if kind == "response": raise Response.json({"raised": True}, 418)
        if kind == "error": raise ValueError("secret detail")
        if kind == "exit": raise SystemExit(3)
    except Exception:
        return Response("swallowed", 500)
    return None
"""


@pytest.mark.parametrize(
    ("kind", "status", "location", "cookie"),
    [
        ("redirect", 307, "/there", True),
        ("permanent", 308, "https://example.com/x", True),
        ("missing", 404, None, False),
        ("forbidden", 403, None, False),
        ("unauthorized", 401, None, False),
        ("response", 418, None, True),
        ("error", 500, None, True),
        ("exit", 500, None, False),
        ("nothing", 500, None, False),
    ],
)
def test_control_flow(tmp_path: Path, kind: str, status: int, location: str | None, cookie: bool) -> None:
    with serving(tmp_path, {"app/[kind]/route.py": CONTROL}) as client:
        answer = client.get(f"/{kind}")
        assert answer.status == status
        assert answer.headers.get("location") == location
        assert bool(answer.headers.get_set_cookie()) == cookie
        assert (answer.text == "swallowed") == (kind == "error")


def test_control_flow_leaves_a_task_group(tmp_path: Path) -> None:
    text = """
import asyncio
from waypost import not_found
async def inner(): not_found()
async def GET():
    async with asyncio.TaskGroup() as group:
        group.create_task(inner())
    return {}
"""
    with serving(tmp_path, {"app/route.py": text}) as client:
        assert client.get("/").status == 404


def test_a_bug_is_500_with_an_id_and_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = "async def GET():\n    raise RuntimeError('password=hunter2')\n"
    with serving(tmp_path, {"app/route.py": text}) as client, caplog.at_level(logging.ERROR, "waypost"):
        answer = client.get("/", headers={"accept": "text/html"})
    body = answer.json()
    assert answer.status == 500
    assert body == {"error": "Internal server error", "id": body["id"]}
    assert body["id"] in caplog.text
    assert "hunter2" in caplog.text
    assert "hunter2" not in answer.text


def test_a_path_can_not_write_log_lines(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = "async def GET():\n    raise RuntimeError('x')\n"
    with serving(tmp_path, {"app/[x]/route.py": text}) as client, caplog.at_level(logging.ERROR, "waypost"):
        client.get("/a%0aERROR%20fake%1b[31m")
    assert "\x1b" not in caplog.text
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "returned", ["None", "'text'", "5", "b'x'", "object()", "Response.error()", "Response", "(x for x in [])"]
)
def test_what_is_no_response_is_500_and_named_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, returned: str
) -> None:
    text = f"from waypost import Response\nasync def GET():\n    return {returned}\n"
    with serving(tmp_path, {"app/route.py": text}) as client, caplog.at_level(logging.ERROR, "waypost"):
        assert client.get("/").status == 500
    assert "route.py" in caplog.text
    assert "GET" in caplog.text


@pytest.mark.parametrize("error", ["GeneratorExit", "KeyboardInterrupt"])
def test_what_ends_the_process_is_not_answered(tmp_path: Path, error: str) -> None:
    application = make_application(tmp_path, {"app/route.py": f"async def GET():\n    raise {error}\n"})
    from waypost.http.request import Request

    work = application.handle(Request("http://testserver/"))
    with pytest.raises(BaseException) as caught:
        contextvars.copy_context().run(work.send, None)
    assert type(caught.value).__name__ == error


def test_the_same_response_object_may_be_returned_to_everyone(tmp_path: Path) -> None:
    text = """
from waypost import Response, cookies
ANSWER = Response("shared", headers={"x-a": "1"})
async def GET(request):
    cookies().set("who", request.headers.get("x-who"))
    return ANSWER
"""
    with serving(tmp_path, {"app/route.py": text}) as client:
        for who in ("ann", "bob"):
            client.cookies.clear()
            answer = client.get("/", headers={"x-who": who})
            assert answer.text == "shared"
            assert answer.headers.get_set_cookie() == [f"who={who}; Path=/"]


def test_body_limits_hold_before_the_handler_has_any_effect(tmp_path: Path) -> None:
    text = """
import pathlib
from waypost import Response
CALLS = []
async def POST(request):
    CALLS.append(1)
    try:
        if request.headers.get("x-read"): await request.bytes()
    except Exception:
        pass
    return Response("ok")
async def GET(): return {"calls": len(CALLS)}
"""
    files = {
        "app/small/route.py": text,
        "app/large/route.py": text + "max_body_size = '2mb'\n",
    }

    async def chunks() -> Any:
        for _ in range(3):
            yield b"x" * 500

    with serving(tmp_path, files, max_body_size=1000) as client:
        assert client.post("/small", body=b"x" * 1000).status == 200
        for headers in ({}, {"x-read": "1"}):
            assert client.post("/small", body=b"x" * 1001, headers=headers).status == 413
            assert client.post("/small", body=chunks(), headers=headers).status == 413
        assert client.get("/small").json() == {"calls": 1}
        assert client.post("/large", body=b"x" * 1_500_000).status == 200
        assert client.post("/large", body=b"x" * 2_500_000).status == 413
        assert client.get("/large").json() == {"calls": 1}


def test_a_route_with_a_limit_of_its_own_streams_and_can_not_hide_the_overflow(tmp_path: Path) -> None:
    text = """
from waypost import Response
max_body_size = 1000
async def POST(request):
    try:
        async for chunk in request.stream(): pass
    except Exception:
        return Response("hidden")
    return Response("ok")
"""

    async def chunks() -> Any:
        for _ in range(3):
            yield b"x" * 500

    with serving(tmp_path, {"app/route.py": text}) as client:
        answer = client.post("/", body=chunks())
        assert (answer.status, answer.json()) == (413, {"error": "Request body is larger than 1000 bytes"})


@pytest.mark.parametrize("body", ["", "{", "[1,]", "NaN", "{'a':1}", "\x00", '"\\x"'])
def test_bad_json_is_400_when_nobody_catches_it(tmp_path: Path, body: str) -> None:
    text = "async def POST(request): return {'got': await request.json()}\n"
    with serving(tmp_path, {"app/route.py": text}) as client:
        answer = client.post("/", body=body, headers={"content-type": "application/json"})
        assert answer.status == 400
        assert set(answer.json()) == {"error"}


def test_slash_redirects(tmp_path: Path) -> None:
    files = {"app/a/b/route.py": "async def GET(): return {}\n"}
    with serving(tmp_path, files) as client:
        for path, location in [
            ("/a/b/", "/a/b"),
            ("/a//b", "/a/b"),
            ("/nope/", "/nope"),
            ("//evil.example/", "/evil.example"),
        ]:
            answer = client.post(f"{path}?q=1")
            assert (answer.status, answer.headers.get("location")) == (308, f"{location}?q=1"), path
    with serving(tmp_path, files, trailing_slash=True) as client:
        assert client.get("/a/b").headers.get("location") == "/a/b/"
        assert client.get("/a/b/").status == 200
    with serving(tmp_path, files, base_path="/docs") as client:
        assert client.get("/docs/a/b").status == 200
        for path in ("/a/b", "/docsa/b", "/"):
            assert client.get(path).status == 404


def test_public_files(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("secret")
    root = tmp_path / "project"
    files = {
        "app/shadow.txt/route.py": "async def GET(): return {'route': True}\n",
        "public/shadow.txt": "file",
        "public/naïve file.svg": "<svg/>",
    }
    make_application(root, files)
    (root / "public" / "link.txt").symlink_to(outside)
    with serving(root, {}) as client:
        answer = client.get("/shadow.txt")
        assert answer.text == "file"
        assert answer.headers.get("cache-control") == "no-cache"
        assert answer.headers.get("content-type") == "text/plain; charset=utf-8"
        etag = answer.headers.get("etag")
        assert etag
        assert client.get("/shadow.txt", headers={"if-none-match": etag}).status == 304
        assert client.get("/shadow.txt", headers={"if-none-match": '"other"'}).status == 200
        part = client.get("/shadow.txt", headers={"range": "bytes=1-2"})
        assert (part.status, part.text, part.headers.get("content-range")) == (206, "il", "bytes 1-2/4")
        assert client.get("/shadow.txt", headers={"range": "bytes=9-"}).status == 416
        assert client.get("/na%C3%AFve%20file.svg").text == "<svg/>"
        refused = client.post("/shadow.txt")
        assert (refused.status, refused.headers.get("allow")) == (405, "GET, HEAD, OPTIONS")
        for path in ("/link.txt", "/..%2foutside.txt", "/%2e%2e/outside.txt", "/.env", "/app/shadow.txt/route.py"):
            assert client.get(path).status in (404, 308), path


def test_routes_that_another_folder_hides_are_told(tmp_path: Path) -> None:
    files = {"src/app/x/route.py": "async def GET(): return {}\n", "app/y/route.py": "async def GET(): return {}\n"}
    (warning,) = make_application(tmp_path, files).warnings
    assert warning.file == tmp_path / "src/app"
    assert "nothing in this folder is served" in warning.message


def test_unknown_paths(tmp_path: Path) -> None:
    with serving(tmp_path, {"app/a/route.py": "async def GET(): return {}\n"}) as client:
        assert client.get("/x").json() == {"error": "Not found"}
        page = client.get("/x", headers={"accept": "text/html,*/*"})
        assert page.status == 404
        assert (page.headers.get("content-type") or "").startswith("text/html")
        assert "no-store" in (page.headers.get("cache-control") or "")


def test_in_dev_one_broken_file_breaks_its_own_route(tmp_path: Path) -> None:
    files = {
        "app/good/route.py": "async def GET(): return {'ok': True}\n",
        "app/bad/route.py": "async def GET(:\n",
        "app/one/[a]/route.py": "async def GET(): return {}\n",
        "app/(x)/same/route.py": "async def GET(): return {}\n",
        "app/(y)/same/route.py": "async def GET(): return {}\n",
        "app/two/[a]/[a]/route.py": "async def GET(): return {}\n",
        "app/two/[a]/[a]/below/[b]/route.py": "async def GET(): return {}\n",
        "app/after/[...all]/end/route.py": "async def GET(): return {}\n",
    }
    with serving(tmp_path, files, dev=True) as client:
        assert client.get("/good").json() == {"ok": True}
        for path in ("/two/1/2", "/two/1/2/below/3"):
            twice = client.get(path, headers={"accept": "application/json"})
            assert twice.status == 500
            assert "two parameters called a" in twice.text
        assert client.get("/after/1/end").status == 404
        bad = client.get("/bad", headers={"accept": "application/json"})
        assert bad.status == 500
        assert "route.py" in bad.json()["traceback"][0]
        assert client.get("/same").status == 500
        page = client.get("/bad", headers={"accept": "text/html"})
        assert "app/bad/route.py" in page.text
        # Another site that resolves to this machine learns nothing.
        assert "route.py" not in client.get("/bad", headers={"host": "evil.example"}).text
    with pytest.raises(StartupErrors) as caught:
        make_application(tmp_path, {})
    assert len(caught.value.errors) == 5


def test_two_requests_never_see_each_other(tmp_path: Path) -> None:
    text = """
import asyncio
from waypost import cookies, headers
async def GET():
    first = (await headers()).get("x-n")
    await asyncio.sleep(0.01)
    return {"same": first == headers().get("x-n") == (await cookies()).get("n").value}
"""
    application = make_application(tmp_path, {"app/route.py": text})
    from waypost.testing import AsyncClient

    async def main() -> None:
        async with AsyncClient(application) as client:
            answers = await asyncio.gather(
                *(client.get("/", headers={"x-n": str(n), "cookie": f"n={n}"}) for n in range(50))
            )
        assert all(answer.json() == {"same": True} for answer in answers)

    asyncio.run(main())


def test_ambient_functions_outside_a_request_say_so() -> None:
    from waypost import cookies, headers

    for function in (cookies, headers):
        with pytest.raises(NoRequestError, match="outside a request"):
            function()


def test_a_plain_handler_sees_its_request_from_its_thread(tmp_path: Path) -> None:
    text = """
import threading
from waypost import cookies, headers
def GET():
    cookies().set("a", "b")
    return {"n": headers().get("x-n"), "main": threading.current_thread() is threading.main_thread()}
def POST():
    raise StopIteration
"""
    with serving(tmp_path, {"app/route.py": text}) as client:
        answer = client.get("/", headers={"x-n": "5"})
        assert answer.json() == {"n": "5", "main": False}
        assert answer.headers.get_set_cookie() == ["a=b; Path=/"]
        assert client.post("/").status == 500
