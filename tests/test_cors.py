from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from tests.app.project import make_application

from waypost.cors import cors
from waypost.errors import StartupError
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.testing import Client

APP = "https://app.example"


def answer(policy: Any, method: str = "GET", response: Response | None = None, **headers: str) -> Response:
    """What the policy makes of a response, called as middleware."""

    async def next(request: Request) -> Response:
        return response.copy() if response is not None else Response.json({})

    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return asyncio.run(policy(Request("http://api.example/", method=method, headers=fields), next))


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (APP, True),
        ("https://APP.example", False),  # browsers send lower case
        ("https://app.example.evil", False),
        ("https://app.example:8443", False),
        ("https://app.example:443", False),
        ("https://app.example/", False),
        ("https://app.example%60.evil", False),
        ("https://user@app.example", False),
        ("http://app.example", False),
        ("https://evil-app.example", False),
        ("https://[::1]", False),
        ("null", False),
        ("", False),
        (f"{APP}, https://other.example", False),
    ],
)
def test_an_origin_matches_exactly_or_not_at_all(origin: str, allowed: bool) -> None:
    """What CVE-2026-27977 and -27978 were about: `null` and look-alikes counted as the same origin."""
    got = answer(cors(origins=[APP]), origin=origin)
    assert got.headers.get("access-control-allow-origin") == (APP if allowed else None)
    assert got.headers.get("vary") == "Origin"


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://a.example.com", True),
        ("https://a.b.example.com", True),
        ("https://example.com", False),
        ("https://evilexample.com", False),
        ("https://a.exampleXcom", False),
        ("https://a.example.com.evil", False),
        ("https://a/.example.com", False),
        ("https://@.example.com", False),
        ("https://.example.com", False),
        ("http://a.example.com", False),
    ],
)
def test_subdomains(origin: str, allowed: bool) -> None:
    """What CVE-2026-25478 was about: a dot of the configured name matched any character."""
    got = answer(cors(origins="https://*.example.com", credentials=True), origin=origin)
    assert got.headers.get("access-control-allow-origin") == (origin if allowed else None)
    assert got.headers.has("access-control-allow-credentials") == allowed


def test_a_pattern_has_to_match_the_whole_origin() -> None:
    policy = cors(origins=[re.compile(r"https://pr-\d+\.example\.com")])
    assert answer(policy, origin="https://pr-12.example.com").headers.has("access-control-allow-origin")
    for origin in ("https://pr-12.example.com.evil", "xhttps://pr-12.example.com", "https://pr-12.example.com\x00"):
        if "\x00" not in origin:
            assert not answer(policy, origin=origin).headers.has("access-control-allow-origin")


def test_any_origin_and_the_default_port() -> None:
    assert answer(cors(origins="*"), origin="https://x.y").headers.get("access-control-allow-origin") == "*"
    assert not answer(cors(origins="*"), origin="null").headers.has("access-control-allow-origin")
    assert answer(cors(origins="https://app.example:443"), origin=APP).headers.get("access-control-allow-origin") == APP


@pytest.mark.parametrize(
    "options",
    [
        {"origins": "*", "credentials": True},
        {"origins": "app.example"},
        {"origins": "https://app.example/"},
        {"origins": "https://app.*"},
        {"origins": [APP, "null"]},
        {"origins": [APP, 5]},
        {"origins": APP, "methods": ["GET\r\n"]},
        {"origins": APP, "headers": ["a b"]},
    ],
)
def test_what_can_not_work_is_a_startup_error(options: dict[str, Any]) -> None:
    with pytest.raises(StartupError) as caught:
        cors(**options)
    assert caught.value.remedy


def test_a_preflight_names_the_methods_of_the_route_and_the_headers_asked_for() -> None:
    policy = cors(origins=APP, credentials=True, max_age=60, private_network=True)
    got = answer(
        policy,
        "OPTIONS",
        Response(None, 204, {"allow": "GET, HEAD, OPTIONS, PUT"}),
        origin=APP,
        access_control_request_method="PUT",
        access_control_request_headers="content-type, x-a, b(d, ",
        access_control_request_private_network="true",
    )
    assert got.status == 204
    assert dict(got.headers.entries()) == {
        "access-control-allow-credentials": "true",
        "access-control-allow-headers": "content-type, x-a",
        "access-control-allow-methods": "GET, HEAD, OPTIONS, PUT",
        "access-control-allow-origin": APP,
        "access-control-allow-private-network": "true",
        "access-control-max-age": "60",
        "allow": "GET, HEAD, OPTIONS, PUT",
        "vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
    }


def test_a_preflight_of_a_stranger_gets_nothing_and_options_without_origin_is_no_preflight() -> None:
    policy = cors(origins=APP, methods=["PUT"], headers=["x-a"])
    got = answer(
        policy, "OPTIONS", Response(None, 204), origin="https://evil.example", access_control_request_method="PUT"
    )
    assert [name for name in got.headers if name.startswith("access-control")] == []
    assert answer(policy, "OPTIONS", Response("own")).payload == b"own"


def test_what_the_route_says_itself_stands() -> None:
    own = Response(None, 204, {"access-control-allow-origin": "https://other.example"})
    got = answer(cors(origins=APP), "OPTIONS", own, origin=APP, access_control_request_method="PUT")
    assert got.headers.get("access-control-allow-origin") == "https://other.example"
    assert "Origin" in (got.headers.get("vary") or "")
    assert own.headers.get("vary") is None


def test_vary_is_merged_and_exposed_headers_are_listed() -> None:
    policy = cors(origins=APP, expose=["x-total", "x-page"])
    got = answer(policy, response=Response("x", headers={"vary": "Accept, origin"}), origin=APP)
    assert got.headers.get("vary") == "Accept, origin"
    assert got.headers.get("access-control-expose-headers") == "x-total, x-page"


ROUTE = """
from waypost import Response
from waypost.cors import cors
allow = cors(origins=["https://app.example"])
@allow
async def PUT(request, context): return {"id": context.params["id"]}
@allow
def PATCH(request): return {"plain": True}
async def GET(): return {"open": False}
"""


def test_wrapped_handlers_and_their_preflights(tmp_path: Path) -> None:
    with Client(make_application(tmp_path, {"app/[id]/route.py": ROUTE})) as client:
        got = client.put("/7", headers={"origin": APP})
        assert (got.json(), got.headers.get("access-control-allow-origin")) == ({"id": "7"}, APP)
        assert client.patch("/7", headers={"origin": APP}).json() == {"plain": True}
        assert client.get("/7", headers={"origin": APP}).headers.get("access-control-allow-origin") is None
        ask = {"origin": APP, "access-control-request-method": "PUT"}
        asked = client.options("/7", headers=ask)
        assert asked.headers.get("access-control-allow-methods") == "GET, HEAD, OPTIONS, PATCH, PUT"
        plain = client.options("/7", headers={**ask, "access-control-request-method": "GET"})
        assert plain.headers.get("access-control-allow-origin") is None
        assert plain.headers.get("allow") == "GET, HEAD, OPTIONS, PATCH, PUT"
        assert client.options("/nope/x", headers=ask).status == 404


# -- in an application

GLOBAL = """
from waypost.cors import cors
middleware = cors(origins=["https://app.example"], credentials=True, expose=["X-Total"])
"""
ANSWERS = """
from waypost import Response, cookies, not_found, redirect
from waypost.errors import HTTPError
async def GET(request, context):
    kind = context.params["kind"]
    cookies().set("seen", "1")
    if kind == "bug": raise ValueError("x")
    if kind == "missing": not_found()
    if kind == "away": redirect("/there")
    if kind == "raised": raise Response("raised", 418)
    if kind == "http": raise HTTPError("No", status=409)
    if kind == "nothing": return None
    if kind == "stream":
        async def chunks():
            yield "a"
        return Response(chunks())
    if kind == "vary": return Response("x", headers={"Vary": "Accept-Language, origin"})
    return {"ok": True}
async def POST(request): return await request.json()
"""
KINDS = [
    ("bug", 500),
    ("missing", 404),
    ("away", 307),
    ("raised", 418),
    ("http", 409),
    ("nothing", 500),
    ("stream", 200),
    ("vary", 200),
    ("fine", 200),
]
WRAPPED = """
from waypost.cors import cors
allow = cors(origins=["https://app.example"], credentials=True, expose=["X-Total"])
"""
WAYS = {
    "global": {"middleware.py": GLOBAL, "app/[kind]/route.py": ANSWERS},
    "folder": {"app/middleware.py": GLOBAL, "app/[kind]/route.py": ANSWERS},
    "file": {"app/[kind]/route.py": WRAPPED + ANSWERS + "middleware = [allow]\n"},
    "wrapped": {"app/[kind]/route.py": WRAPPED + ANSWERS + "GET = allow(GET)\nPOST = allow(POST)\n"},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("kind", "status"), KINDS)
def test_every_answer_of_a_route_can_be_read(tmp_path: Path, way: str, kind: str, status: int) -> None:
    """An error that the page can't read looks like a network that is down."""
    with Client(make_application(tmp_path, WAYS[way])) as client:
        got = client.get(f"/{kind}", headers={"origin": APP})
        assert got.status == status
        assert got.headers.get("access-control-allow-origin") == APP
        assert got.headers.get("access-control-allow-credentials") == "true"
        assert got.headers.get("access-control-expose-headers") == "X-Total"
        names = [name.strip().lower() for name in (got.headers.get("vary") or "").split(",")]
        assert names.count("origin") == 1
        stranger = client.get(f"/{kind}", headers={"origin": "https://evil.example"})
        assert (stranger.status, stranger.headers.has("access-control-allow-origin")) == (status, False)
        assert "Origin" in (stranger.headers.get("vary") or "").replace("origin", "Origin")


@pytest.mark.parametrize("way", WAYS)
def test_a_body_that_is_refused_can_be_read_about(tmp_path: Path, way: str) -> None:
    with Client(make_application(tmp_path, WAYS[way])) as client:
        got = client.post("/fine", body=b"{", headers={"origin": APP})
        assert (got.status, got.headers.get("access-control-allow-origin")) == (400, APP)


@pytest.mark.parametrize("way", ["global", "folder", "file"])
def test_a_verb_that_is_missing_and_its_preflight(tmp_path: Path, way: str) -> None:
    with Client(make_application(tmp_path, WAYS[way])) as client:
        got = client.put("/fine", headers={"origin": APP})
        assert (got.status, got.headers.get("access-control-allow-origin")) == (405, APP)
        asked = client.options("/fine", headers={"origin": APP, "access-control-request-method": "PUT"})
        assert asked.headers.get("access-control-allow-methods") == "GET, HEAD, OPTIONS, POST"


def test_global_cors_covers_files_and_what_is_not_there(tmp_path: Path) -> None:
    with Client(make_application(tmp_path, {**WAYS["global"], "public/data.txt": "text"})) as client:
        file = client.get("/data.txt", headers={"origin": APP})
        assert (file.text, file.headers.get("access-control-allow-origin")) == ("text", APP)
        again = client.get("/data.txt", headers={"origin": APP, "if-none-match": file.headers["etag"]})
        assert (again.status, again.headers.get("access-control-allow-origin")) == (304, APP)
        part = client.get("/data.txt", headers={"origin": APP, "range": "bytes=1-2"})
        assert (part.status, part.text, part.headers.get("access-control-allow-origin")) == (206, "ex", APP)
        missing = client.get("/a/b/c", headers={"origin": APP})
        assert (missing.status, missing.headers.get("access-control-allow-origin")) == (404, APP)
        assert missing.headers.get("vary") == "Accept, Origin"
        asked = client.options("/a/b/c", headers={"origin": APP, "access-control-request-method": "PUT"})
        assert (asked.status, asked.headers.has("access-control-allow-origin")) == (404, False)
        assert (
            client.options("/data.txt", headers={"origin": APP, "access-control-request-method": "GET"}).status == 204
        )
        head = client.head("/data.txt", headers={"origin": APP})
        assert head.headers == file.headers


def test_the_innermost_policy_decides_also_when_it_refuses(tmp_path: Path) -> None:
    """A wider policy around an application must not open what one route has closed."""
    files = {
        "middleware.py": "from waypost.cors import cors\nmiddleware = cors(origins='*')\n",
        "app/route.py": "from waypost.cors import cors\nasync def GET(): return {}\nasync def PUT(): raise ValueError\n"
        "allow = cors(origins=['https://app.example'])\nGET = allow(GET)\nPUT = allow(PUT)\n",
        "app/closed/route.py": "from waypost.cors import cors\nasync def GET(): return {}\n"
        "middleware = [cors(origins=[])]\n",
        "app/open/route.py": "async def GET(): return {}\n",
    }
    with Client(make_application(tmp_path, files)) as client:

        def allowed(method: str, path: str, origin: str, **more: str) -> str | None:
            fields = {"origin": origin, **{name.replace("_", "-"): value for name, value in more.items()}}
            return client.request(method, path, headers=fields).headers.get("access-control-allow-origin")

        assert allowed("GET", "/", APP) == APP
        assert allowed("PUT", "/", APP) == APP
        for method in ("GET", "PUT"):
            assert allowed(method, "/", "https://evil.example") is None
            assert allowed("OPTIONS", "/", "https://evil.example", access_control_request_method=method) is None
            assert allowed("OPTIONS", "/", APP, access_control_request_method=method) == APP
        assert allowed("GET", "/closed", APP) is None
        assert allowed("GET", "/open", "https://evil.example") == "*"


def test_a_guard_inside_does_not_stop_the_preflight(tmp_path: Path) -> None:
    """A preflight never carries credentials: a check of them says 401 to each."""
    files = {
        "middleware.py": GLOBAL,
        "app/middleware.py": "from waypost import Response\n"
        "async def middleware(request):\n"
        "    if not request.headers.has('authorization'):\n"
        "        return Response.json({}, 401, {'www-authenticate': 'Bearer', 'x-guard': 'yes'})\n",
        "app/route.py": "async def PUT(): return {}\n",
    }
    with Client(make_application(tmp_path, files)) as client:
        asked = client.options(
            "/",
            headers={
                "origin": APP,
                "access-control-request-method": "PUT",
                "access-control-request-headers": "authorization",
            },
        )
        assert asked.status == 204
        assert asked.headers.get("access-control-allow-methods") == "PUT"
        assert asked.headers.get("access-control-allow-headers") == "authorization"
        assert not asked.headers.has("www-authenticate")
        assert not asked.headers.has("content-type")
        refused = client.put("/", headers={"origin": APP})
        assert (refused.status, refused.headers.get("access-control-allow-origin")) == (401, APP)
        assert client.put("/", headers={"origin": APP, "authorization": "Bearer x"}).json() == {}


def test_a_wrapped_handler_is_called_as_it_would_be_without(tmp_path: Path) -> None:
    files = {
        "app/[id]/route.py": """
import threading
from waypost.cors import cors
allow = cors(origins="*")
@allow
async def GET(context): return {"id": context.params["id"]}
@allow
def PUT(request): return {"loop": threading.current_thread().name.startswith("waypost-client")}
@allow
async def POST(): return {}
@allow
async def PATCH(request, *more): return {"more": len(more)}
class Endpoint:
    async def __call__(self, request, context): return {"called": context.params["id"]}
DELETE = allow(Endpoint())
"""
    }
    with Client(make_application(tmp_path, files)) as client:
        for method, body in (
            ("GET", {"id": "7"}),
            ("PUT", {"loop": False}),
            ("POST", {}),
            ("PATCH", {"more": 1}),
            ("DELETE", {"called": "7"}),
        ):
            got = client.request(method, "/7", headers={"origin": APP})
            assert (got.json(), got.headers.get("access-control-allow-origin")) == (body, "*")


def test_a_wrapped_handler_can_be_called_in_a_unit_test() -> None:
    @cors(origins=APP)
    async def handler(request: Request) -> Response:
        return Response("x")

    got = asyncio.run(handler(Request("http://a.example/", headers={"origin": APP})))
    assert got.headers.get("access-control-allow-origin") == APP


def test_the_vary_of_a_request_is_not_answered() -> None:
    """GHSA-q7jf-gf43-6x6p: it chose how caches in between keep the answer."""
    got = answer(cors(origins=APP), origin=APP, vary="X-Anything")
    assert got.headers.get("vary") == "Origin"


@pytest.mark.parametrize("way", ["GET = allow(GET)", "middleware = [allow]"])
def test_a_response_that_everyone_gets_stays_as_it_is(tmp_path: Path, way: str) -> None:
    text = f"""
from waypost import Response
from waypost.cors import cors
allow = cors(origins=["https://app.example"])
SHARED = Response("x", headers={{"Vary": "Accept"}})
PLAIN = Response("y")
async def GET(request):
    return SHARED if request.query_string else PLAIN
{way}
"""
    with Client(make_application(tmp_path, {"app/route.py": text})) as client:
        for target, vary in (("/?1", "Accept, Origin"), ("/", "Origin")):
            for origin in (APP, "https://evil.example", APP):
                got = client.get(target, headers={"origin": origin})
                assert got.headers.get("access-control-allow-origin") == (APP if origin == APP else None)
                assert got.headers.get("vary") == vary


def test_two_origin_headers_are_no_origin() -> None:
    request = Request("http://api.example/", headers=[("origin", APP), ("origin", APP)])

    async def next(request: Request) -> Response:
        return Response("x")

    got = asyncio.run(cors(origins=APP)(request, next))  # type: ignore[arg-type]  # a coroutine it is
    assert not got.headers.has("access-control-allow-origin")


def test_what_browsers_take_literally_is_refused() -> None:
    for option in ("methods", "headers", "expose"):
        with pytest.raises(StartupError):
            cors(origins=APP, credentials=True, **{option: ["*"]})  # type: ignore[arg-type]  # one of three
        cors(origins=APP, **{option: ["*"]})  # type: ignore[arg-type]  # as above
    for seconds in (-1, 1.5, "60"):
        with pytest.raises(StartupError):
            cors(origins=APP, max_age=seconds)  # type: ignore[arg-type]  # what is refused
    with pytest.raises(StartupError):
        cors(origins=APP)(5)  # type: ignore[call-overload]  # what is refused


def test_methods_are_sent_in_capitals() -> None:
    got = answer(cors(origins=APP, methods=["put"]), "OPTIONS", origin=APP, access_control_request_method="PUT")
    assert got.headers.get("access-control-allow-methods") == "PUT"


def test_a_pattern_that_could_be_slow_is_refused_and_a_long_origin_is_no_origin() -> None:
    with pytest.raises(StartupError, match="slow"):
        cors(origins=re.compile(r"https://([a-z]+)+\.example"))
    policy = cors(origins=re.compile(r"https://[a-z]+\.example"))
    assert answer(policy, origin="https://a.example").headers.has("access-control-allow-origin")
    assert not answer(policy, origin=f"https://{'a' * 300}.example").headers.has("access-control-allow-origin")


STATIC = """
from waypost.cors import cors
allow = cors(origins=["https://app.example"])
{option}
made = []
{above}
async def GET(request, context):
    made.append(1)
    return {{"made": len(made)}}
def generate_static_params(): return [{{"id": "1"}}]
{below}
"""


@pytest.mark.parametrize("option", ["revalidate = 60", 'dynamic = "force-static"'])
@pytest.mark.parametrize(
    ("above", "below", "root"),
    [("@allow", "", ""), ("@allow\n@allow", "", ""), ("", "middleware = [allow]", ""), ("", "", "middleware = cors")],
)
def test_a_cached_answer_is_everyones_and_its_permission_is_not(
    tmp_path: Path, option: str, above: str, below: str, root: str
) -> None:
    files = {"app/[id]/route.py": STATIC.format(option=option, above=above, below=below)}
    if root:
        files["middleware.py"] = GLOBAL
    with Client(make_application(tmp_path, files)) as client:
        for method in ("GET", "HEAD"):
            for origin in ("https://evil.example", APP, None, APP, "https://evil.example"):
                got = client.request(method, "/1", headers={} if origin is None else {"origin": origin})
                assert got.headers.get("access-control-allow-origin") == (APP if origin == APP else None)
                assert got.headers.get("vary") == "Origin"
        assert client.get("/1").json() == {"made": 1}
        assert client.options("/1", headers={"origin": APP, "access-control-request-method": "GET"}).status == 204


def test_a_wrapper_around_the_wrapper_is_called(tmp_path: Path) -> None:
    """functools.wraps hands the marks of the inner wrapper on."""
    text = """
import functools
from waypost import Response
from waypost.cors import cors
allow = cors(origins=["https://app.example"])
def guarded(handler):
    @functools.wraps(handler)
    async def wrapper(request, context):
        if not request.headers.has("authorization"):
            return Response.json({}, 401)
        return await handler(request, context)
    return wrapper
@guarded
@allow
async def GET(request, context): return {}
@allow
@guarded
async def PUT(request, context): return {}
"""
    with Client(make_application(tmp_path, {"app/route.py": text})) as client:
        for method, readable in (("GET", False), ("PUT", True)):
            refused = client.request(method, "/", headers={"origin": APP})
            assert (refused.status, refused.headers.has("access-control-allow-origin")) == (401, readable)
            got = client.request(method, "/", headers={"origin": APP, "authorization": "x"})
            assert (got.status, got.headers.get("access-control-allow-origin")) == (200, APP)
            asked = client.options("/", headers={"origin": APP, "access-control-request-method": method})
            assert asked.headers.get("access-control-allow-origin") == APP
