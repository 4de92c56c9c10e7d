from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from tests.app.project import make_application, write_project

from waypost.app.application import Application
from waypost.config import load_config
from waypost.errors import StartupError, StartupErrors
from waypost.testing import Client, ClientResponse

ECHO = """
from waypost import Response, cookies
async def GET(request, context):
    return Response.json({
        "path": request.path, "pathname": request.next_url.pathname, "search": request.next_url.search,
        "params": dict(context.params), "method": request.method,
        "headers": {k: v for k, v in request.headers.items() if k.startswith("x-")},
        "cookies": [c.name for c in request.cookies.get_all()],
        "seen": [c.name for c in cookies().get_all()], "url": request.url, "ip": request.ip,
    }, headers={"x-both": "handler", "x-handler": "yes", "vary": "Accept-Language"})
async def POST(request):
    return Response.json({"body": await request.text()})
"""
PROJECT = {
    "app/echo/route.py": ECHO,
    "app/items/[id]/route.py": ECHO,
    "app/boom/route.py": "async def GET(request):\n    raise RuntimeError('bug')\n",
    "app/gone/route.py": "from waypost import not_found\nasync def GET(request):\n    not_found()\n",
    "app/there/route.py": "from waypost import redirect\nasync def GET(request):\n    redirect('/echo')\n",
    "public/logo.txt": "logo",
}
HEAD = "from waypost import Response, Headers, URL, cookies, headers, redirect, not_found, HTTPError\n"


def client(
    root: Path, middleware: str, files: dict[str, str] | None = None, *, name: str = "middleware.py", **settings: Any
) -> Client:
    return Client(make_application(root, {**PROJECT, name: HEAD + middleware, **(files or {})}, **settings))


def ask(root: Path, middleware: str, target: str = "/echo", method: str = "GET", **options: Any) -> ClientResponse:
    with client(root, middleware) as open_client:
        return open_client.request(method, target, **options)


# -- the first form


@pytest.mark.parametrize("body", ["return None", "return Response.next()", "pass", "return Response.next(headers={})"])
def test_none_and_next_go_on(tmp_path: Path, body: str) -> None:
    response = ask(tmp_path, f"async def middleware(request):\n    {body}\n")
    assert (response.status, response.json()["path"]) == (200, "/echo")


def test_a_response_is_the_answer(tmp_path: Path) -> None:
    response = ask(
        tmp_path, "async def middleware(request):\n    return Response.json({'no': 1}, 401, {'x-mw': '1'})\n"
    )
    assert (response.status, response.json(), response.headers["x-mw"]) == (401, {"no": 1}, "1")


@pytest.mark.parametrize("how", ["raise Response('no', 403)", "return Response('no', 403)"])
def test_a_response_may_be_raised(tmp_path: Path, how: str) -> None:
    response = ask(tmp_path, f"async def middleware(request):\n    {how}\n")
    assert (response.status, response.text) == (403, "no")


def test_redirect_and_not_found_work(tmp_path: Path) -> None:
    response = ask(tmp_path, "async def middleware(request):\n    redirect('/login')\n")
    assert (response.status, response.headers["location"]) == (307, "/login")
    assert ask(tmp_path, "async def middleware(request):\n    not_found()\n").status == 404


def test_a_plain_function_runs_in_a_thread(tmp_path: Path) -> None:
    source = """
import threading
def middleware(request):
    return Response.next(headers={"x-thread": str(threading.current_thread() is threading.main_thread()),
                                  "x-host": headers().get("host")})
"""
    response = ask(tmp_path, source)
    assert (response.headers["x-thread"], response.headers["x-host"]) == ("False", "testserver")


def test_a_callable_object_and_a_list_work(tmp_path: Path) -> None:
    source = """
class Add:
    def __init__(self, name): self.name = name
    async def __call__(self, request, next):
        response = await next(request)
        response.headers.append("x-order", self.name)
        return response
middleware = [Add("outer"), Add("inner")]
"""
    assert ask(tmp_path, source).headers["x-order"] == "inner, outer"


@pytest.mark.parametrize("value", ["'text'", "5", "object()"])
def test_another_value_is_an_error_that_names_the_function(
    tmp_path: Path, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    response = ask(tmp_path, f"async def middleware(request):\n    return {value}\n")
    assert response.status == 500
    assert "middleware in" in caplog.text
    assert "middleware.py" in caplog.text


def test_an_error_is_500_with_an_id_and_the_handler_does_not_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with client(tmp_path, "async def middleware(request):\n    raise ValueError('guard broke')\n") as open_client:
        response = open_client.get("/echo")
    assert response.status == 500
    assert response.json()["id"] in caplog.text
    assert "guard broke" not in response.text


def test_it_runs_for_everything_without_a_matcher(tmp_path: Path) -> None:
    source = "async def middleware(request):\n    return Response.next(headers={'x-mw': request.method})\n"
    with client(tmp_path, source) as open_client:
        answers = [
            open_client.get("/echo"),
            open_client.get("/none"),
            open_client.request("DELETE", "/echo"),
            open_client.options("/echo"),
            open_client.get("/logo.txt"),
            open_client.head("/echo"),
            open_client.get("/boom"),
            open_client.get("/gone"),
            open_client.get("/there"),
            open_client.get("/items/7"),
        ]
    assert [answer.status for answer in answers] == [200, 404, 405, 204, 200, 200, 500, 404, 307, 200]
    assert [answer.headers.get("x-mw") for answer in answers] == [
        "GET", "GET", "DELETE", "OPTIONS", "GET", "HEAD", "GET", "GET", "GET", "GET",
    ]  # fmt: skip


def test_a_slash_redirect_comes_first(tmp_path: Path) -> None:
    with client(tmp_path, "async def middleware(request):\n    return Response('mw', 401)\n") as open_client:
        for path in ("/echo/", "//echo", "/x/../echo", "/items/7/", "/nothing/"):
            response = open_client.get(path)
            assert response.status == 308, path
        assert open_client.get("/echo").status == 401


# -- headers


def test_headers_of_next_win_over_the_handlers(tmp_path: Path) -> None:
    source = """
async def middleware(request):
    response = Response.next(headers={"x-both": "middleware", "X-Mw": "1"})
    response.headers.append("vary", "Origin")
    response.headers.append("vary", "accept-language")
    return response
"""
    headers = ask(tmp_path, source).headers
    assert (headers["x-both"], headers["x-mw"], headers["x-handler"]) == ("middleware", "1", "yes")
    assert headers["vary"] == "Accept-Language, Origin"
    assert headers["content-type"] == "application/json"


def test_a_response_that_two_requests_share_is_not_changed(tmp_path: Path) -> None:
    files = {"app/shared/route.py": "from waypost import Response\nR = Response('x')\nasync def GET():\n    return R\n"}
    source = """
async def middleware(request, next):
    response = await next(request)
    response.headers.append("x-n", "1")
    return response
"""
    with client(tmp_path, source, files) as open_client:
        assert [open_client.get("/shared").headers.get_all("x-n") for _ in range(3)] == [["1"]] * 3


@pytest.mark.parametrize("name", ["content-length", "transfer-encoding", "connection", "host"])
def test_framing_and_request_headers_are_refused(tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    response = ask(tmp_path, f"async def middleware(request):\n    return Response.next(headers={{{name!r}: '5'}})\n")
    assert response.status == 500
    assert name in caplog.text


def test_request_headers_replace_the_clients(tmp_path: Path) -> None:
    source = """
async def middleware(request):
    fields = Headers(request.headers)
    fields.set("x-user", "42")
    fields.delete("x-secret")
    return Response.next(request_headers=fields)
"""
    answer = ask(tmp_path, source, headers={"X-User": "forged", "X-Secret": "1", "X-Keep": "k", "Cookie": "a=1"})
    assert answer.json()["headers"] == {"x-keep": "k", "x-user": "42"}
    assert answer.json()["cookies"] == ["a"]
    assert "x-user" not in answer.headers


def test_who_the_client_is_does_not_depend_on_replaced_headers(tmp_path: Path) -> None:
    source = (
        "async def middleware(request):\n    return Response.next(request_headers={'x-only': '1', 'host': 'evil'})\n"
    )
    app = make_application(tmp_path, {**PROJECT, "middleware.py": HEAD + source}, trusted_proxies="127.0.0.1")
    with Client(app) as open_client:
        answer = open_client.get("/echo", headers={"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "api.example"})
    assert answer.json()["headers"] == {"x-only": "1"}
    assert (answer.json()["url"], answer.json()["ip"]) == ("http://api.example/echo", "203.0.113.9")


def test_the_clients_headers_control_nothing(tmp_path: Path) -> None:
    names = ["x-middleware-next", "x-middleware-rewrite", "x-middleware-override-headers", "x-middleware-request-x"]
    fields = dict.fromkeys(names, "/boom")
    response = ask(tmp_path, "async def middleware(request):\n    return Response.next()\n", headers=fields)
    assert (response.status, set(response.json()["headers"])) == (200, set(names))


# -- cookies


def test_cookies_of_a_control_response_come_first(tmp_path: Path) -> None:
    files = {
        "app/set/route.py": """
from waypost import Response, cookies
async def GET():
    cookies().set("c", "3")
    response = Response("x")
    response.cookies.set("b", "2")
    return response
"""
    }
    source = "async def middleware(request):\n    r = Response.next()\n    r.cookies.set('a', '1')\n    return r\n"
    with client(tmp_path, source, files) as open_client:
        lines = open_client.get("/set").headers.get_set_cookie()
        assert open_client.get("/echo", headers={"Cookie": "z=1"}).json()["seen"] == ["z"]
    assert lines == ["a=1; Path=/", "b=2; Path=/", "c=3; Path=/"]


def test_a_changed_request_cookie_is_seen_downstream(tmp_path: Path) -> None:
    for ending in ("return None", "return Response.next()", "return Response.next(request_headers=request.headers)"):
        source = f"async def middleware(request):\n    request.cookies.set('in', 'y')\n    {ending}\n"
        answer = ask(tmp_path, source, headers={"Cookie": "a=1"}).json()
        assert (answer["cookies"], answer["seen"]) == (["a", "in"], ["a", "in"])


def test_the_ambient_cookies_of_middleware_reach_the_answer_and_the_handler(tmp_path: Path) -> None:
    source = "async def middleware(request):\n    cookies().set('session', 'new')\n"
    with client(tmp_path, source) as open_client:
        assert open_client.get("/echo").json()["seen"] == ["session"]
        for path in ("/echo", "/gone", "/boom", "/there", "/nothing"):
            lines = open_client.get(path, headers={"Cookie": ""}).headers.get_set_cookie()
            assert lines == ["session=new; Path=/"], path


ROLE = """
from waypost import Response, cookies
async def GET(request):
    seen = cookies().get("role")
    known = request.cookies.get("role")
    return Response.json({
        "cookies()": seen and seen.value, "request": known and known.value, "header": request.headers.get("cookie"),
        "visited": cookies().has("visited"),
    })
"""


@pytest.mark.parametrize(
    "change",
    [
        "h = Headers(request.headers)\n    h.set('cookie', 'role=guest')\n    return Response.next(request_headers=h)",
        "request.cookies.set('role', 'guest')",
        "request.headers.set('cookie', 'role=guest')",
        "request.cookies\n    request.headers.set('cookie', 'role=guest')",
    ],
)
@pytest.mark.parametrize("before", ["pass", "cookies().get('role')", "cookies().set('visited', '1')"])
def test_a_cookie_that_middleware_replaced_is_seen_by_no_way_of_reading(
    tmp_path: Path, change: str, before: str
) -> None:
    source = f"async def middleware(request):\n    {before}\n    {change}\n"
    with client(tmp_path, source, {"app/role/route.py": ROLE}) as open_client:
        answer = open_client.get("/role", headers={"Cookie": "role=admin"})
    assert answer.json() == {
        "cookies()": "guest", "request": "guest", "header": "role=guest", "visited": "set" in before
    }  # fmt: skip


def test_a_deleted_request_cookie_is_gone_after_a_write_too(tmp_path: Path) -> None:
    source = "async def middleware(request):\n    cookies().set('visited', '1')\n    request.cookies.delete('role')\n"
    with client(tmp_path, source, {"app/role/route.py": ROLE}) as open_client:
        answer = open_client.get("/role", headers={"Cookie": "role=admin"}).json()
    assert answer == {"cookies()": None, "request": None, "header": None, "visited": True}


def test_what_ambient_cookies_set_stands_above_the_headers_and_leaves_them_as_sent(tmp_path: Path) -> None:
    source = "async def middleware(request):\n    cookies().set('role', 'new')\n"
    with client(tmp_path, source, {"app/role/route.py": ROLE}) as open_client:
        answer = open_client.get("/role", headers={"Cookie": "role=sent"}).json()
    assert (answer["cookies()"], answer["request"], answer["header"]) == ("new", "sent", "role=sent")


def test_a_failed_handler_loses_its_own_cookies_only(tmp_path: Path) -> None:
    files = {
        "app/fails/route.py": "from waypost import cookies, not_found\n"
        "async def GET():\n    cookies().set('mine', '1')\n    cookies().set('session', 'other')\n    not_found()\n"
    }
    with client(
        tmp_path, "async def middleware(request):\n    cookies().set('session', 'new')\n", files
    ) as open_client:
        assert open_client.get("/fails").headers.get_set_cookie() == ["session=new; Path=/"]


# -- the second form


def test_it_wraps_changes_and_times(tmp_path: Path) -> None:
    source = """
async def middleware(request, next):
    response = await next(request)
    response.headers.set("x-both", "wrapper")
    response.cookies.set("w", "1")
    return Response.json({"was": response.status}, headers=response.headers)
"""
    response = ask(tmp_path, source)
    assert response.json() == {"was": 200}
    assert (response.headers["x-both"], response.headers["x-handler"]) == ("wrapper", "yes")


def test_next_gives_a_response_for_whatever_is_an_answer(tmp_path: Path) -> None:
    files = {
        "app/raised/route.py": "from waypost import Response\nasync def GET():\n    raise Response('r', 418)\n",
        "app/bad/route.py": "async def GET(request):\n    return await request.json()\nPOST = GET\n",
        "app/dict/route.py": "async def GET():\n    return {'a': 1}\n",
    }
    source = """
async def middleware(request, next):
    response = await next(request)
    response.headers.set("x-status", str(response.status))
    return response
"""
    with client(tmp_path, source, files) as open_client:
        for method, path, status in [
            ("GET", "/raised", 418), ("POST", "/bad", 400), ("GET", "/dict", 200), ("GET", "/gone", 404),
            ("GET", "/there", 307), ("GET", "/none", 404), ("PUT", "/echo", 405), ("OPTIONS", "/echo", 204),
        ]:  # fmt: skip
            answer = open_client.request(method, path)
            assert (answer.status, answer.headers["x-status"]) == (status, str(status)), path


def test_it_can_catch_a_bug(tmp_path: Path) -> None:
    source = """
async def middleware(request, next):
    try:
        return await next(request)
    except RuntimeError as error:
        return Response.json({"caught": str(error)}, 503)
"""
    response = ask(tmp_path, source, "/boom")
    assert (response.status, response.json()) == (503, {"caught": "bug"})


def test_a_bug_that_is_not_caught_is_a_500_and_finally_runs(tmp_path: Path) -> None:
    source = """
LOG = []
async def middleware(request, next):
    if request.path == "/none":
        return {"log": LOG}
    try:
        return await next(request)
    finally:
        LOG.append("after")
"""
    with client(tmp_path, source) as open_client:
        assert open_client.get("/boom").status == 500
        assert open_client.get("/none").json() == {"log": ["after"]}


def test_it_may_answer_without_next_or_call_it_twice(tmp_path: Path) -> None:
    source = """
async def middleware(request, next):
    if request.path == "/none":
        return Response("short")
    first = await next()
    return await next(request)
"""
    with client(tmp_path, source) as open_client:
        assert open_client.get("/none").text == "short"
        assert open_client.post("/echo", body="again").json() == {"body": "again"}


def test_it_may_return_control_responses(tmp_path: Path) -> None:
    source = """
async def middleware(request, next):
    if request.path == "/old":
        return Response.rewrite("/echo", headers={"x-mw": "rewritten"})
    return Response.next(headers={"x-mw": "next"})
"""
    with client(tmp_path, source) as open_client:
        assert open_client.get("/old").headers["x-mw"] == "rewritten"
        assert open_client.get("/echo").headers["x-mw"] == "next"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("async def middleware(request, next):\n    await next(request)\n", "returned None"),
        ("async def middleware(request, next):\n    return await next(request.clone())\n", "takes the request"),
        ("async def middleware(request, next):\n    return 'x'\n", "returned str"),
    ],
)
def test_misuse_of_the_second_form_is_a_500_that_says_so(
    tmp_path: Path, source: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert ask(tmp_path, source).status == 500
    assert words in caplog.text


def test_a_plain_function_may_pass_next_on(tmp_path: Path) -> None:
    source = """
def middleware(request, next):
    if request.headers.get("x-no"):
        return Response("no", 401)
    return next(request)
"""
    assert ask(tmp_path, source).status == 200
    assert ask(tmp_path, source, headers={"X-No": "1"}).status == 401


# -- matchers


MATCHED = """
config = {"matcher": MATCHER}
async def middleware(request):
    return Response.next(headers={"x-mw": "1"})
"""


def matched(root: Path, matcher: object, *paths: str, **options: Any) -> list[bool]:
    with client(root, MATCHED.replace("MATCHER", repr(matcher))) as open_client:
        return [open_client.get(path, **options).headers.has("x-mw") for path in paths]


def test_a_matcher_is_a_text_a_list_or_dicts(tmp_path: Path) -> None:
    assert matched(tmp_path, "/items/:id", "/items/7", "/echo", "/items") == [True, False, False]
    assert matched(tmp_path, ["/echo", "/items/:path*"], "/items/7", "/echo", "/logo.txt") == [True, True, False]
    assert matched(tmp_path, {"source": "/echo"}, "/items/7", "/echo") == [False, True]
    assert matched(tmp_path, ("/((?!items).*)",), "/items/7", "/echo", "/nothing", "/logo.txt") == [
        False,
        True,
        True,
        True,
    ]


def test_a_matcher_may_be_computed(tmp_path: Path) -> None:
    source = (
        "PREFIXES = ['/echo', '/items']\nconfig = {'matcher': [f'{p}/:path*' for p in PREFIXES]}\n"
        + MATCHED.split("\n", 2)[2]
    )
    with client(tmp_path, source) as open_client:
        assert [open_client.get(path).headers.has("x-mw") for path in ("/echo", "/items/7", "/boom")] == [
            True,
            True,
            False,
        ]


def test_conditions_of_a_matcher(tmp_path: Path) -> None:
    has = {"source": "/:path*", "has": [{"type": "header", "key": "X-A", "value": "(?<n>[0-9]+)"}]}
    assert matched(tmp_path, has, "/echo", "/items/1", headers={"X-A": "12"}) == [True, True]
    assert matched(tmp_path, has, "/echo", headers={"X-A": "12x"}) == [False]
    missing = {"source": "/echo", "missing": [{"type": "cookie", "key": "session"}]}
    assert matched(tmp_path, missing, "/echo") == [True]
    assert matched(tmp_path, missing, "/echo", headers={"Cookie": "session=1"}) == [False]
    both = [has, "/items/:id"]
    assert matched(tmp_path, both, "/echo", "/items/1") == [False, True]


def test_a_matcher_is_below_the_base_path(tmp_path: Path) -> None:
    source = MATCHED.replace("MATCHER", repr(["/echo", "/"]))
    with client(tmp_path, source, {"app/route.py": ECHO}, base_path="/docs") as open_client:
        paths = ("/docs/echo", "/docs", "/docs/items/1", "/echo")
        assert [open_client.get(path).headers.has("x-mw") for path in paths] == [True, True, False, False]


@pytest.mark.parametrize("trailing", [True, False])
def test_a_matcher_takes_paths_with_and_without_a_slash_at_the_end(tmp_path: Path, trailing: bool) -> None:
    settings = {"trailing_slash": True} if trailing else {"skip_trailing_slash_redirect": True}
    with client(tmp_path, MATCHED.replace("MATCHER", "['/echo', '/items/:id']"), **settings) as open_client:
        for path in ("/echo/", "/items/7/"):
            assert open_client.get(path).headers.has("x-mw"), path


# -- bodies


def test_the_body_may_be_read_before_the_handler_reads_it(tmp_path: Path) -> None:
    source = """
async def middleware(request):
    fields = Headers(request.headers)
    fields.set("x-length", str(len(await request.text())))
    return Response.next(request_headers=fields)
"""
    assert ask(tmp_path, source, method="POST", body="shared").json() == {"body": "shared"}


LIMITS = {
    "app/large/route.py": """
max_body_size = "4mb"
async def POST(request):
    return {"n": len(await request.bytes())}
""",
    "app/small/route.py": """
max_body_size = 10
RAN = []
async def POST(request):
    RAN.append(await request.bytes())
    return {"n": 1}
async def GET():
    return {"ran": len(RAN)}
""",
}
READS = "async def middleware(request):\n    if request.method == 'POST':\n        await request.bytes()\n"


async def chunks(size: int) -> Any:
    for _ in range(size // 65536):
        yield b"x" * 65536


@pytest.mark.parametrize("reads", [True, False])
@pytest.mark.parametrize("chunked", [True, False])
def test_a_large_body_passes_whole_where_the_route_allows_it(tmp_path: Path, reads: bool, chunked: bool) -> None:
    size = 3 * 1024 * 1024
    with client(tmp_path, READS if reads else "async def middleware(request): pass\n", LIMITS) as open_client:
        response = open_client.post("/large", body=chunks(size) if chunked else b"x" * size)
    assert response.json() == {"n": size}


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize(
    "source",
    [READS, "async def middleware(request): pass\n", "async def middleware(request, next): return await next()\n"],
)
def test_the_limit_of_the_route_holds_behind_middleware(tmp_path: Path, source: str, chunked: bool) -> None:
    with client(tmp_path, source, LIMITS) as open_client:
        for path, size in (("/small", 65536), ("/large", 5 * 1024 * 1024), ("/echo", 2 * 1024 * 1024)):
            response = open_client.post(path, body=chunks(size) if chunked else b"x" * size)
            assert response.status == 413, path
        assert open_client.get("/small").json() == {"ran": 0}


def test_what_middleware_reads_of_a_path_without_route_is_bounded(tmp_path: Path) -> None:
    assert ask(tmp_path, READS, "/none", method="POST", body=b"x" * (2 * 1024 * 1024)).status == 413


# -- folders and routes

NAMED = """
from waypost import Response
async def middleware(request, next):
    response = await next(request)
    response.headers.append("x-order", "NAME")
    return response
"""


def named(name: str) -> str:
    return NAMED.replace("NAME", name)


def test_folders_compose_outermost_first_and_the_routes_own_is_innermost(tmp_path: Path) -> None:
    files = {
        **PROJECT,
        "middleware.py": named("root"),
        "app/middleware.py": named("app"),
        "app/(group)/middleware.py": named("group"),
        "app/(group)/a/middleware.py": named("a"),
        "app/(group)/a/[id]/route.py": named("own") + "async def GET(): return {}\n",
        "app/b/route.py": """
def named(name):
    async def add(request, next):
        response = await next()
        response.headers.append("x-order", name)
        return response
    return add
middleware = [named("first"), named("second")]
async def GET(): return {}
""",
    }
    with Client(make_application(tmp_path, files)) as open_client:
        assert open_client.get("/a/1").headers["x-order"] == "own, a, group, app, root"
        assert open_client.get("/b").headers["x-order"] == "second, first, app, root"
        assert open_client.get("/echo").headers["x-order"] == "app, root"
        assert open_client.get("/none").headers["x-order"] == "root"
        assert open_client.get("/logo.txt").headers["x-order"] == "root"


def test_a_folder_covers_every_verb_of_its_routes(tmp_path: Path) -> None:
    files = {
        "app/admin/middleware.py": "from waypost import Response\nasync def middleware(request):\n"
        "    if request.headers.get('authorization') != 'ok':\n        return Response.json({'error': 'no'}, 401)\n",
        "app/admin/users/[id]/route.py": ECHO,
        "app/admin/page.html": "<h1>admin</h1>",
        "app/open/route.py": ECHO,
    }
    with Client(make_application(tmp_path, files)) as open_client:
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"):
            assert open_client.request(method, "/admin/users/7").status == 401, method
        assert open_client.get("/admin").status == 401
        assert open_client.get("/admin/users/7", headers={"Authorization": "ok"}).json()["params"] == {"id": "7"}
        assert open_client.request("PUT", "/admin/users/7", headers={"Authorization": "ok"}).status == 405
        assert open_client.get("/open").status == 200


def test_a_folders_first_form_sets_headers_and_request_headers(tmp_path: Path) -> None:
    files = {
        **PROJECT,
        "app/items/middleware.py": HEAD + "async def middleware(request):\n"
        "    return Response.next(headers={'x-both': 'folder'}, request_headers={'x-user': '1'})\n",
        "app/items/[id]/fails/route.py": "async def GET():\n    raise RuntimeError('bug')\n",
    }
    with Client(make_application(tmp_path, files)) as open_client:
        answer = open_client.get("/items/7")
        assert (answer.headers["x-both"], answer.json()["headers"]) == ("folder", {"x-user": "1"})
        failed = open_client.get("/items/7/fails")
        assert (failed.status, failed.headers["x-both"]) == (500, "folder")
        assert open_client.put("/items/7").headers["x-both"] == "folder"


def test_headers_of_several_layers_join_and_the_outer_wins(tmp_path: Path) -> None:
    def layer(name: str) -> str:
        return HEAD + (
            f"async def middleware(request):\n    r = Response.next(headers={{'x-both': '{name}', 'vary': '{name}'}})\n"
            f"    r.cookies.set('{name}', '1')\n    return r\n"
        )

    files = {**PROJECT, "middleware.py": layer("root"), "app/middleware.py": layer("app")}
    with Client(make_application(tmp_path, files)) as open_client:
        for path in ("/echo", "/boom", "/gone"):
            headers = open_client.get(path).headers
            assert headers["x-both"] == "root", path
            assert headers.get_set_cookie() == ["root=1; Path=/", "app=1; Path=/"], path
            assert {"root", "app"} <= {name.strip() for name in headers["vary"].split(",")}


def test_a_folder_may_have_a_matcher_of_its_own(tmp_path: Path) -> None:
    files = {
        **PROJECT,
        "app/middleware.py": HEAD + "config = {'matcher': '/items/:id(\\\\d+)'}\n"
        "async def middleware(request):\n    return Response.next(headers={'x-mw': '1'})\n",
    }
    with Client(make_application(tmp_path, files)) as open_client:
        paths = ("/items/7", "/items/%37", "/items/x", "/echo")
        assert [open_client.get(path).headers.has("x-mw") for path in paths] == [True, True, False, False]


def test_middleware_of_a_route_alone(tmp_path: Path) -> None:
    source = HEAD + "def middleware(request):\n    return Response('no', 403)\nasync def GET(): return {}\n"
    files = {"app/one/route.py": source, "app/two/route.py": "async def GET(): return {}\n"}
    with Client(make_application(tmp_path, files)) as open_client:
        assert [open_client.get(path).status for path in ("/one", "/two")] == [403, 200]
        assert open_client.post("/one").status == 403


# -- rewrites


def rewrites(root: Path, target: str, path: str = "/from?q=1", **settings: Any) -> ClientResponse:
    source = f"async def middleware(request):\n    return Response.rewrite({target})\n"
    with client(root, "config = {'matcher': ['/from', '/docs/from']}\n" + source, **settings) as open_client:
        return open_client.get(path)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("'/items/7'", "7"),
        ("'/items/7?x=2'", "7"),
        ("'/items/7#f'", "7"),
        ("'/items/a b'", "a b"),
        ("'/items/é'", "é"),
        ("'/items/a%2Fb'", "a/b"),
        ("'/x/../items/7'", "7"),
        ("'/items//7/'", "7"),
        ("'items/7'", "7"),
        ("URL('/items/7', request.url)", "7"),
        ("f'http://testserver/items/7'", "7"),
        ("f'http://TESTSERVER:80/items/7'", "7"),
    ],
)
def test_a_rewrite_runs_the_other_route_and_the_handler_sees_its_own_url(
    tmp_path: Path, target: str, expected: str
) -> None:
    answer = rewrites(tmp_path, target)
    seen = answer.json()
    assert (answer.status, seen["params"]) == (200, {"id": expected})
    assert (seen["path"], seen["pathname"], seen["search"]) == ("/from", "/from", "?q=1")


def test_a_changed_next_url_is_a_target_and_the_handler_has_the_clients(tmp_path: Path) -> None:
    source = """
config = {"matcher": "/from"}
async def middleware(request):
    request.next_url.pathname = "/items/9"
    request.next_url.search_params.set("q", "2")
    return Response.rewrite(request.next_url)
"""
    seen = ask(tmp_path, source, "/from?q=1").json()
    assert (seen["params"], seen["pathname"], seen["search"]) == ({"id": "9"}, "/from", "?q=1")


def test_a_rewrite_to_nothing_is_404(tmp_path: Path) -> None:
    assert rewrites(tmp_path, "'/nothing/here'").status == 404


def test_a_rewrite_may_carry_headers_both_ways(tmp_path: Path) -> None:
    answer = rewrites(tmp_path, "'/echo', headers={'x-both': 'mw'}, request_headers={'x-n': '1'}")
    assert (answer.headers["x-both"], answer.json()["headers"]) == ("mw", {"x-n": "1"})


def test_a_rewrite_and_the_base_path(tmp_path: Path) -> None:
    source = "config = {'matcher': '/from'}\nasync def middleware(request):\n    TARGET\n"
    targets = ["return Response.rewrite('/items/7')", "return Response.rewrite('http://testserver/docs/items/7')"]
    targets.append("u = request.next_url.clone()\n    u.pathname = '/items/7'\n    return Response.rewrite(u)")
    for target in targets:
        with client(tmp_path, source.replace("TARGET", target), base_path="/docs") as open_client:
            assert open_client.get("/docs/from").json()["params"] == {"id": "7"}, target


@pytest.mark.parametrize(
    "target", ["'https://evil.example/x'", "'//evil.example/x'", "'/\\\\evil.example'", "'http://testserver:81/x'"]
)
def test_another_origin_is_refused_unless_it_is_configured(
    tmp_path: Path, target: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert rewrites(tmp_path, target).status == 500
    assert "rewrite_origins" in caplog.text


@pytest.mark.parametrize("target", ["'http://'", "'javascript:alert(1)'", "'data:,x'", "'file:///etc/passwd'"])
def test_what_is_no_target_is_refused(tmp_path: Path, target: str) -> None:
    assert rewrites(tmp_path, target, rewrite_origins=("https://api.example.com",)).status == 500


def test_a_rewrite_needs_a_text_or_a_url(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert rewrites(tmp_path, "None").status == 500
    assert "takes a path or a URL" in caplog.text


def test_a_folder_may_rewrite_and_the_targets_middleware_runs(tmp_path: Path) -> None:
    files = {
        **PROJECT,
        "app/middleware.py": named("app"),
        "app/old/middleware.py": HEAD + "async def middleware(request):\n    return Response.rewrite('/new/x')\n",
        "app/old/route.py": ECHO,
        "app/new/middleware.py": named("new"),
        "app/new/[id]/route.py": ECHO,
    }
    with Client(make_application(tmp_path, files)) as open_client:
        answer = open_client.get("/old")
        assert (answer.json()["params"], answer.headers["x-order"]) == ({"id": "x"}, "new, app")


def test_folders_that_rewrite_to_each_other_end(tmp_path: Path) -> None:
    def to(path: str) -> str:
        return HEAD + f"async def middleware(request):\n    return Response.rewrite('{path}')\n"

    files = {
        "app/a/middleware.py": to("/b"),
        "app/b/middleware.py": to("/a"),
        "app/a/route.py": ECHO,
        "app/b/route.py": ECHO,
    }
    with Client(make_application(tmp_path, files)) as open_client:
        assert open_client.get("/a").status == 200


def test_the_projects_middleware_runs_when_a_folder_rewrites_to_what_it_covers(tmp_path: Path) -> None:
    files = {
        **PROJECT,
        "middleware.py": HEAD
        + "config = {'matcher': '/secret'}\nasync def middleware(request):\n    return Response('no', 401)\n",
        "app/open/middleware.py": HEAD + "async def middleware(request):\n    return Response.rewrite('/secret')\n",
        "app/open/route.py": ECHO,
        "app/secret/route.py": ECHO,
    }
    with Client(make_application(tmp_path, files)) as open_client:
        assert open_client.get("/open").status == 401


# -- redirects


@pytest.mark.parametrize(
    ("location", "sent"),
    [
        ("http://testserver/login?a=1#f", "/login?a=1#f"),
        ("http://TESTSERVER/login", "/login"),
        ("https://testserver/login", "https://testserver/login"),
        ("http://testserver.evil/login", "http://testserver.evil/login"),
        ("https://example.com/there", "https://example.com/there"),
        ("/login", "/login"),
    ],
)
def test_a_redirect_within_the_site_is_made_relative(tmp_path: Path, location: str, sent: str) -> None:
    for form in ("request", "request, next"):
        source = f"async def middleware({form}):\n    return Response(None, 307, {{'location': {location!r}}})\n"
        assert ask(tmp_path, source).headers["location"] == sent


def test_making_a_redirect_relative_does_not_lead_away(tmp_path: Path) -> None:
    source = "async def middleware(request):\n    return Response(None, 307, {'location': 'http://testserver//evil.example'})\n"
    assert ask(tmp_path, source).headers["location"] == "http://testserver//evil.example"


# -- start-up


def startup(root: Path, files: dict[str, str]) -> list[StartupError]:
    with pytest.raises(StartupErrors) as caught:
        make_application(root, {"app/route.py": ECHO, **files})
    return caught.value.errors


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"middleware.py": "async def middleware(r): pass\n", "proxy.py": "async def proxy(r): pass\n"}, "keep one"),
        ({"middleware.py": "async def proxy(request): pass\n"}, "Rename proxy to middleware."),
        ({"proxy.py": "async def middleware(request): pass\n"}, "Rename middleware to proxy."),
        ({"middleware.py": "async def handler(request): pass\n"}, "Rename handler to middleware."),
        ({"middleware.py": "async def check_user(request): pass\n"}, "Rename check_user to middleware."),
        ({"middleware.py": "X = 1\n"}, "async def middleware(request)"),
        ({"middleware.py": "middleware = 5\n"}, "no function but int"),
        ({"middleware.py": "class middleware: pass\n"}, "no function"),
        ({"middleware.py": "async def f(request): pass\nmiddleware = f(1)\n"}, "Remove the parentheses"),
        ({"middleware.py": "async def middleware(): pass\n"}, "takes no request"),
        ({"middleware.py": "async def middleware(request, event): pass\n"}, "waypost.after()"),
        ({"middleware.py": "async def middleware(request, context): pass\n"}, "no context"),
        ({"middleware.py": "async def middleware(request, next, db): pass\n"}, "'db'"),
        ({"middleware.py": "async def middleware(request, *, db): pass\n"}, "'db'"),
        ({"middleware.py": "async def middleware(*a): pass\n"}, "functools.wraps"),
        ({"middleware.py": "async def middleware(request):\n    yield\n"}, "generator"),
        ({"middleware.py": "import nothing_of_this_name\n"}, "nothing_of_this_name"),
        ({"middleware.py": "async def middleware(request: pass\n"}, "SyntaxError"),
        ({"Middleware.py": "async def middleware(request): pass\n"}, "Rename it to middleware.py"),
        ({"app/middleware.py": "async def proxy(request): pass\n"}, "Rename proxy to middleware."),
        ({"app/route.py": ECHO + "middleware = [1]\n"}, "no function but int"),
    ],
)
def test_a_mistake_is_reported_with_its_remedy(tmp_path: Path, files: dict[str, str], words: str) -> None:
    errors = startup(tmp_path, files)
    assert len(errors) == 1, errors
    assert words in str(errors[0])
    assert errors[0].file is not None


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("'/a'", "must be a dict"),
        ("{}", "has no matcher"),
        ("{'matcher': []}", "never run"),
        ("{'matcher': '/a', 'runtime': 'nodejs'}", "no 'runtime'"),
        ("{'matcher': 5}", "can't be int"),
        ("{'matcher': [None]}", "can't be NoneType"),
        ("{'matcher': {'source': '/a', 'locale': False}}", "no 'locale'"),
        ("{'matcher': {'has': []}}", "can't be NoneType"),
        ("{'matcher': {'source': '/a', 'has': 'x'}}", "must be a list"),
        ("{'matcher': {'source': '/a', 'has': [{'type': 'agent', 'key': 'x'}]}}", "header, cookie, query or host"),
        ("{'matcher': {'source': '/a', 'has': [{'type': 'host', 'key': 'x'}]}}", "no key for a host"),
        ("{'matcher': {'source': '/a', 'missing': [{'type': 'cookie'}]}}", "needs a key"),
        ("{'matcher': {'source': '/a', 'has': [{'type': 'header', 'key': 'x', 'value': '(a+)+'}]}}", "slow"),
        ("{'matcher': {'source': '/a', 'has': [{'type': 'header', 'key': 'x', 'value': '('}]}}", "never closed"),
        ("{'matcher': '/a/:b('}", "/a/:b(\n       ^"),
        ("{'matcher': ['/ok', 'api']}", "Write /api"),
    ],
)
def test_a_wrong_config_is_reported_with_its_line(tmp_path: Path, config: str, words: str) -> None:
    errors = startup(tmp_path, {"middleware.py": f"\n\nconfig = {config}\nasync def middleware(request): pass\n"})
    assert len(errors) == 1
    assert words in str(errors[0])
    assert errors[0].line == 3


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    files = {
        "middleware.py": "X = 1\n",
        "app/a/middleware.py": "Y = 1\n",
        "app/a/route.py": ECHO,
        "app/a/b/route.py": ECHO,
        "app/c/route.py": "x = (\n",
    }
    assert len(startup(tmp_path, files)) == 3


def test_a_settings_object_that_is_called_config_is_no_matcher(tmp_path: Path) -> None:
    write_project(tmp_path, {"lib/settings.py": "class Config: pass\nconfig = Config()\n"})
    source = "from lib.settings import config\nasync def middleware(request):\n    return Response('mw')\n"
    assert ask(tmp_path, source).text == "mw"


def test_proxy_is_the_other_name(tmp_path: Path) -> None:
    with client(tmp_path, "async def proxy(request):\n    return Response('proxy')\n", name="proxy.py") as open_client:
        assert open_client.get("/echo").text == "proxy"


def test_beside_a_src_folder_it_would_not_run_and_is_refused(tmp_path: Path) -> None:
    files = {"src/app/route.py": ECHO, "middleware.py": "async def middleware(request): pass\n"}
    with pytest.raises(StartupErrors, match=r"Move it to src/middleware\.py"):
        make_application(tmp_path, files)


def test_in_a_src_folder_it_runs(tmp_path: Path) -> None:
    files = {
        "src/app/route.py": ECHO,
        "src/middleware.py": HEAD + "async def middleware(request):\n    return Response('mw')\n",
    }
    with Client(make_application(tmp_path, files)) as open_client:
        assert open_client.get("/").text == "mw"


def test_a_script_of_next_is_a_warning(tmp_path: Path) -> None:
    app = make_application(tmp_path, {"app/route.py": ECHO, "middleware.ts": "export function middleware() {}\n"})
    assert [warning.remedy for warning in app.warnings] == ["Port it to middleware.py."]


def test_in_dev_a_broken_guard_lets_nobody_pass(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = {**PROJECT, "middleware.py": "raise RuntimeError('half written')\n"}
    with Client(make_application(tmp_path, files, dev=True)) as open_client:
        assert [open_client.get(path).status for path in ("/echo", "/none", "/items/1")] == [500, 500, 500]
        assert "half written" in open_client.get("/echo").text


def test_in_dev_a_broken_folder_closes_that_folder_alone(tmp_path: Path) -> None:
    files = {**PROJECT, "app/items/middleware.py": "x = (\n"}
    with Client(make_application(tmp_path, files, dev=True)) as open_client:
        assert [open_client.get(path).status for path in ("/items/1", "/echo")] == [500, 200]


def test_a_project_without_middleware_has_none_between(tmp_path: Path) -> None:
    app = make_application(tmp_path, PROJECT)
    assert app._select == app._dispatcher.select


def test_two_projects_in_one_process_do_not_share_their_middleware(tmp_path: Path) -> None:
    for name in ("one", "two"):
        root = tmp_path / name
        source = f"from waypost import Response\nasync def middleware(request):\n    return Response('{name}')\n"
        write_project(root, {"app/route.py": ECHO, "middleware.py": source})
        with Client(Application(load_config(root, environ={}))) as open_client:
            assert open_client.get("/").text == name


def test_the_log_names_no_header_of_the_client(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    ask(
        tmp_path,
        "async def middleware(request):\n    raise ValueError('x')\n",
        headers={"Authorization": "secret-token"},
    )
    assert "secret-token" not in caplog.text
