from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.app.project import make_application

from waypost.app.application import Application
from waypost.config import load_config
from waypost.errors import StartupError, StartupErrors
from waypost.testing import Client

ECHO = """
from waypost import Response
async def GET(request, context):
    return Response.json(
        {"path": request.path, "search": request.next_url.search, "params": dict(context.params)},
        headers={"x-both": "handler", "vary": "Accept"},
    )
async def POST(request):
    return Response.json({"body": await request.text()})
"""
FILES = {
    "app/route.py": ECHO,
    "app/a/route.py": ECHO,
    "app/b/route.py": ECHO,
    "app/p/[id]/route.py": ECHO,
    "app/files/[...path]/route.py": ECHO,
    "app/boom/route.py": "async def GET():\n    raise RuntimeError('bug')\n",
    "app/cookie/route.py": """
from waypost import Response
async def GET():
    response = Response("x")
    response.cookies.set("own", "1")
    return response
""",
    "public/file.txt": "file",
}


def client(root: Path, files: dict[str, str] | None = None, **settings: Any) -> Client:
    return Client(make_application(root, {**FILES, **(files or {})}, **settings))


def header(source: str, headers: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    return {"source": source, "headers": headers or {"x-rule": source}, **more}


def redirect(source: str, destination: str, **more: Any) -> dict[str, Any]:
    return {
        "source": source,
        "destination": destination,
        **({"permanent": False} | more if "status" not in more else more),
    }


def rewrite(source: str, destination: str, **more: Any) -> dict[str, Any]:
    return {"source": source, "destination": destination, **more}


# -- headers


def test_configured_headers_win_over_the_handlers_and_join_lists(tmp_path: Path) -> None:
    rules = [header("/a", {"X-Both": "config", "Vary": "Origin", "Set-Cookie": "c=1"})]
    with client(tmp_path, headers=rules) as open_client:
        answer = open_client.get("/a")
        other = open_client.get("/b")
    assert (answer.headers["x-both"], answer.headers["vary"]) == ("config", "Accept, Origin")
    assert answer.headers.get_set_cookie() == ["c=1"]
    assert other.headers["x-both"] == "handler"


def test_all_matching_rules_apply_and_the_last_wins(tmp_path: Path) -> None:
    rules = [header("/:path*", {"x-1": "all", "x-2": "all"}), header("/a", {"x-2": "a"}), header("/b", {"x-2": "b"})]
    with client(tmp_path, headers=rules) as open_client:
        assert [open_client.get("/a").headers[name] for name in ("x-1", "x-2")] == ["all", "a"]


def test_they_are_on_every_kind_of_answer(tmp_path: Path) -> None:
    with client(tmp_path, headers=[header("/:path*", {"x-rule": "1"})]) as open_client:
        for method, path, status in [
            ("GET", "/a", 200), ("GET", "/none", 404), ("DELETE", "/a", 405), ("OPTIONS", "/a", 204),
            ("HEAD", "/a", 200), ("GET", "/file.txt", 200), ("GET", "/boom", 500), ("GET", "/a/", 308),
            ("GET", "/p/1", 200), ("GET", "/", 200),
        ]:  # fmt: skip
            answer = open_client.request(method, path)
            assert (answer.status, answer.headers.get("x-rule")) == (status, "1"), path


def test_set_cookie_accumulates_configured_first(tmp_path: Path) -> None:
    rules = [header("/cookie", {"set-cookie": "a=1"}), header("/:path*", {"set-cookie": "b=1"})]
    with client(tmp_path, headers=rules) as open_client:
        assert sorted(open_client.get("/cookie").headers.get_set_cookie()[:2]) == ["a=1", "b=1"]
        assert open_client.get("/cookie").headers.get_set_cookie()[2] == "own=1; Path=/"


def test_parameters_in_names_and_values(tmp_path: Path) -> None:
    rules = [
        header("/p/:id", {"x-:id": "id is :id, not :other, at 10:30"}),
        header("/files/:path*", {"x-path": ":path*"}),
    ]
    with client(tmp_path, headers=rules) as open_client:
        assert open_client.get("/p/7").headers["x-7"] == "id is 7, not :other, at 10:30"
        assert open_client.get("/files/a/b").headers["x-path"] == "a/b"


def test_a_value_from_the_path_can_not_break_out_of_the_header(tmp_path: Path) -> None:
    with client(tmp_path, headers=[header("/p/:id", {"x-id": ":id"})]) as open_client:
        for path in ("/p/a%0d%0aSet-Cookie:%20x=1", "/p/%C3%A9", "/p/%F0%9F%98%80", "/p/a%2Fb%0a"):
            answer = open_client.get(path)
            assert answer.status == 200
            assert answer.headers["x-id"] == path.removeprefix("/p/")
            assert answer.headers.get_set_cookie() == []


def test_named_groups_of_conditions_are_parameters(tmp_path: Path) -> None:
    rule = header(
        "/a", {"x-lang": ":lang"}, has=[{"type": "header", "key": "accept-language", "value": "(?<lang>[a-z]+).*"}]
    )
    with client(tmp_path, headers=[rule]) as open_client:
        assert open_client.get("/a", headers={"Accept-Language": "de-CH"}).headers["x-lang"] == "de"
        assert not open_client.get("/a").headers.has("x-lang")


def test_middleware_wins_over_the_settings(tmp_path: Path) -> None:
    source = """
from waypost import Response
async def middleware(request):
    if request.path == "/b":
        return Response("mw", 401, {"x-rule": "mw"})
    return Response.next(headers={"x-rule": "mw", "x-both": "mw"})
"""
    rules = [header("/:path*", {"x-rule": "config", "x-other": "config"})]
    with client(tmp_path, {"middleware.py": source}, headers=rules) as open_client:
        for path in ("/a", "/b", "/none", "/boom"):
            headers = open_client.get(path).headers
            assert (headers["x-rule"], headers["x-other"]) == ("mw", "config"), path


def test_a_wrapper_sees_them_and_may_take_them_away(tmp_path: Path) -> None:
    source = """
async def middleware(request, next):
    response = await next(request)
    response.headers.delete("x-rule")
    return response
"""
    with client(
        tmp_path, {"middleware.py": source}, headers=[header("/a", {"x-rule": "1", "x-2": "2"})]
    ) as open_client:
        headers = open_client.get("/a").headers
        assert (headers.has("x-rule"), headers["x-2"]) == (False, "2")


def test_a_failing_guard_still_has_them(tmp_path: Path) -> None:
    source = "async def middleware(request):\n    raise RuntimeError('x')\n"
    with client(tmp_path, {"middleware.py": source}, headers=[header("/(.*)", {"x-rule": "1"})]) as open_client:
        answer = open_client.get("/a")
        assert (answer.status, answer.headers["x-rule"]) == (500, "1")


# -- redirects


@pytest.mark.parametrize(
    ("rule", "path", "status", "location"),
    [
        (redirect("/old", "/a"), "/old", 307, "/a"),
        (redirect("/old", "/a", permanent=True), "/old", 308, "/a"),
        (redirect("/old", "/a", status=301), "/old", 301, "/a"),
        (redirect("/old/:id", "/p/:id"), "/old/7", 307, "/p/7"),
        (redirect("/old/:id", "/p/:id"), "/old/a%2Fb%20c", 307, "/p/a%2Fb%20c"),
        (redirect("/old/:path*", "/files/:path*"), "/old/a/b", 307, "/files/a/b"),
        (redirect("/old/:path*", "/files/:path*"), "/old", 307, "/files"),
        (redirect("/old/:path*", "/:path*"), "/old", 307, "/"),
        (redirect("/old", "/a?fixed=1"), "/old?a=1&fixed=0", 307, "/a?a=1&fixed=1"),
        (redirect("/old", "/a"), "/old?b=1&a=%20&b=2", 307, "/a?b=1&a=%20&b=2"),
        (redirect("/old/:id", "/a?id=:id"), "/old/a&b=c+d", 307, "/a?id=a%26b%3Dc%2Bd"),
        (redirect("/old", "/a#part"), "/old?x=1", 307, "/a?x=1#part"),
        (redirect("/old/:path*", "https://new.example:8443/x/:path*"), "/old/a/b", 307, "https://new.example:8443/x/a/b"),
        (redirect("/old(.*)", "/:0"), "/old//evil.example", 308, "/old/evil.example"),
        (redirect("/go/:to", "/:to"), "/go/%2Fevil.example", 307, "/%2Fevil.example"),
        (redirect("/go/:to", "/:to"), "/go/%5Cevil.example", 307, "/%5Cevil.example"),
        (redirect("/go(.*)", "/:0"), "/go/evil.example", 307, "/evil.example"),
        (redirect("/a\\:b", "/a"), "/a:b", 307, "/a"),
        (redirect("/old/:x", "/:y", has=[{"type": "query", "key": "n", "value": "(?<y>.*)"}]), "/old/1?n=a%2Fb", 307,
         "/a%2Fb?n=a%2Fb"),
    ],
)  # fmt: skip
def test_redirects(tmp_path: Path, rule: dict[str, Any], path: str, status: int, location: str) -> None:
    with client(tmp_path, redirects=[rule]) as open_client:
        answer = open_client.get(path)
    assert (answer.status, answer.headers["location"]) == (status, location)
    assert answer.text == location
    assert answer.headers.has("refresh") is (status == 308)


def test_a_redirect_is_for_every_method_and_before_the_route(tmp_path: Path) -> None:
    with client(tmp_path, redirects=[redirect("/a", "/b")]) as open_client:
        assert [open_client.request(method, "/a").status for method in ("GET", "POST", "OPTIONS", "HEAD")] == [307] * 4


def test_the_first_redirect_wins_and_conditions_hold(tmp_path: Path) -> None:
    rules = [
        redirect("/old", "/a", has=[{"type": "header", "key": "x-beta"}]),
        redirect("/old", "/b", missing=[{"type": "cookie", "key": "no"}]),
    ]
    with client(tmp_path, redirects=rules) as open_client:
        assert open_client.get("/old", headers={"X-Beta": "1"}).headers["location"] == "/a"
        assert open_client.get("/old").headers["location"] == "/b"
        assert open_client.get("/old", headers={"Cookie": "no=1"}).status == 404


def test_a_slash_redirect_comes_before(tmp_path: Path) -> None:
    with client(tmp_path, redirects=[redirect("/old", "/a")]) as open_client:
        assert open_client.get("/old/").headers["location"] == "/old"


def test_a_redirect_comes_before_middleware(tmp_path: Path) -> None:
    source = "from waypost import Response\nasync def middleware(request):\n    return Response('mw', 401)\n"
    with client(tmp_path, {"middleware.py": source}, redirects=[redirect("/old", "/a")]) as open_client:
        assert [open_client.get(path).status for path in ("/old", "/a")] == [307, 401]


def test_no_request_header_takes_the_location_away(tmp_path: Path) -> None:
    fields = {
        "x-nextjs-data": "1",
        "rsc": "1",
        "next-router-prefetch": "1",
        "x-middleware-prefetch": "1",
        "purpose": "prefetch",
    }
    with client(tmp_path, redirects=[redirect("/old", "/a", permanent=True)]) as open_client:
        answer = open_client.get("/old", headers=fields)
        assert (answer.status, answer.headers["location"]) == (308, "/a")


# -- rewrites


def test_rewrites_run_another_route_and_the_handler_sees_its_own_url(tmp_path: Path) -> None:
    rules = [rewrite("/old/:id", "/p/:id?x=1"), rewrite("/post", "/b")]
    with client(tmp_path, rewrites=rules) as open_client:
        seen = open_client.get("/old/a%2Fb?q=1").json()
        assert seen == {"path": "/old/a%2Fb", "search": "?q=1", "params": {"id": "a/b"}}
        assert open_client.post("/post", body="kept").json() == {"body": "kept"}


def test_the_order_of_rewrites_and_routes(tmp_path: Path) -> None:
    rules = {
        "before_files": [rewrite("/a", "/b")],
        "after_files": [rewrite("/b", "/p/after"), rewrite("/p/one", "/a"), rewrite("/nothing", "/p/after")],
        "fallback": [rewrite("/p/two", "/a"), rewrite("/:path*", "/p/fallback")],
    }
    with client(tmp_path, rewrites=rules) as open_client:

        def params(path: str) -> Any:
            return open_client.get(path).json()["params"]

        assert params("/a") == {}  # to /b, a static route: after_files do not apply to it
        assert params("/b") == {}  # its own route
        assert params("/p/one") == {}  # after_files beat a route with parameters
        assert params("/p/two") == {"id": "two"}  # fallback does not
        assert params("/nothing") == {"id": "after"}
        assert params("/nowhere/at/all") == {"id": "fallback"}
        assert open_client.get("/file.txt").text == "file"


def test_rewrites_chain(tmp_path: Path) -> None:
    rules = {
        "before_files": [rewrite("/1", "/2"), rewrite("/2", "/3")],
        "after_files": [rewrite("/3", "/4"), rewrite("/4", "/p/end")],
    }
    with client(tmp_path, rewrites=rules) as open_client:
        assert open_client.get("/1").json()["params"] == {"id": "end"}


def test_rewrites_that_go_round_in_a_circle_end(tmp_path: Path) -> None:
    with client(tmp_path, rewrites=[rewrite("/x", "/y"), rewrite("/y", "/x")]) as open_client:
        assert open_client.get("/x").status == 404


def test_a_rewrite_with_a_condition(tmp_path: Path) -> None:
    accepts = [{"type": "header", "key": "accept", "value": ".*markdown.*"}]
    with client(tmp_path, rewrites={"before_files": [rewrite("/a", "/p/md", has=accepts)]}) as open_client:
        assert open_client.get("/a", headers={"Accept": "text/markdown"}).json()["params"] == {"id": "md"}
        assert open_client.get("/a").json()["params"] == {}


def test_conditions_see_the_query_of_the_rewrite_before(tmp_path: Path) -> None:
    rules = [
        rewrite("/1", "/2?step=two"),
        rewrite("/2", "/p/ok", has=[{"type": "query", "key": "step", "value": "two"}]),
    ]
    with client(tmp_path, rewrites=rules) as open_client:
        assert open_client.get("/1").json()["params"] == {"id": "ok"}
        assert open_client.get("/2").status == 404


def test_a_rewrite_does_not_redirect_to_the_right_spelling(tmp_path: Path) -> None:
    with client(tmp_path, rewrites=[rewrite("/1", "/p/x/"), rewrite("/2", "/p/../a")]) as open_client:
        assert [open_client.get(path).status for path in ("/1", "/2")] == [200, 200]


def test_middleware_covers_what_a_rewrite_leads_to(tmp_path: Path) -> None:
    source = """
from waypost import Response
config = {"matcher": "/a"}
RAN = []
async def middleware(request):
    RAN.append(1)
    if request.headers.get("x-key") != "1":
        return Response("no", 401)
    return Response.next(headers={"x-ran": str(len(RAN))})
"""
    rules = {
        "before_files": [rewrite("/1", "/a")],
        "after_files": [rewrite("/2", "/a")],
        "fallback": [rewrite("/3", "/a")],
    }
    with client(tmp_path, {"middleware.py": source}, rewrites=rules) as open_client:
        for path in ("/1", "/2", "/3", "/a"):
            assert open_client.get(path).status == 401, path
        assert open_client.get("/1", headers={"X-Key": "1"}).headers["x-ran"] == "5"
        assert open_client.get("/b").headers.has("x-ran") is False


def test_middleware_runs_once_though_source_and_target_are_covered(tmp_path: Path) -> None:
    source = """
async def middleware(request, next):
    response = await next(request)
    response.headers.append("x-n", "1")
    return response
"""
    with client(tmp_path, {"middleware.py": source}, rewrites={"before_files": [rewrite("/1", "/a")]}) as open_client:
        assert open_client.get("/1").headers.get_all("x-n") == ["1"]


def test_a_rewrite_by_middleware_goes_through_the_configured_ones(tmp_path: Path) -> None:
    source = """
from waypost import Response
config = {"matcher": "/start"}
async def middleware(request):
    return Response.rewrite("/1")
"""
    with client(tmp_path, {"middleware.py": source}, rewrites=[rewrite("/1", "/p/end")]) as open_client:
        assert open_client.get("/start").json()["params"] == {"id": "end"}


# -- base path


def test_rules_are_below_the_base_path_unless_they_say_otherwise(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "base_path": "/docs",
        "headers": [header("/a", {"x-in": "1"}), header("/docs/a", {"x-out": "1"}, base_path=False)],
        "redirects": [
            redirect("/old", "/a"),
            redirect("/", "/docs", base_path=False),
            redirect("/ext", "https://x.example/y"),
        ],
        "rewrites": [rewrite("/re", "/a"), rewrite("/other", "/docs/p/7", base_path=False)],
    }
    with client(tmp_path, **settings) as open_client:
        headers = open_client.get("/docs/a").headers
        assert (headers["x-in"], headers["x-out"]) == ("1", "1")
        assert open_client.get("/docs/old").headers["location"] == "/docs/a"
        assert open_client.get("/").headers["location"] == "/docs"
        assert open_client.get("/docs/ext").headers["location"] == "https://x.example/y"
        assert open_client.get("/docs/re").status == 200
        assert open_client.get("/other").json()["params"] == {"id": "7"}
        assert open_client.get("/old").status == 404


# -- start-up


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"headers": [header("/a/:")]}, "headers: \":\" needs a name after it\n  /a/:\n     ^"),
        ({"headers": [header("/a", {"bad name": "x"})]}, "is not a header name"),
        ({"headers": [header("/a", {"x": "a\nb"})]}, "line break"),
        ({"headers": [header("/((?:a+)+)")]}, "slow"),
        ({"redirects": [redirect("/a", "/:id")]}, "uses :id, which the source has not"),
        ({"redirects": [redirect("/a/:id", "https://:id.example/x")]}, "no parameter can stand there"),
        ({"redirects": [redirect("/a", "//evil.example")]}, "begins with one slash"),
        ({"redirects": [redirect("/a", "javascript:x")]}, "begins with one slash"),
        ({"redirects": [redirect("a", "/b")]}, "begins with a slash"),
        ({"rewrites": [rewrite("/a", "b")]}, "begins with one slash"),
        ({"rewrites": [rewrite("/a", "/b", has=[{"type": "header", "key": "x", "value": "(a"}])]}, "never closed"),
    ],
)  # fmt: skip
def test_a_mistake_is_a_startup_error(tmp_path: Path, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(StartupErrors) as caught:
        make_application(tmp_path, FILES, **settings)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("headers", [{"source": "/a"}], "needs headers"),
        ("headers", {"source": "/a"}, "must be a list"),
        ("headers", [{"source": "/a", "header": {}}], "did you mean headers"),
        ("headers", [{"source": 5, "headers": {"x": "y"}}], "needs a text as source"),
        ("redirects", [{"source": "/a", "destination": "/b"}], "needs either permanent"),
        (
            "redirects",
            [{"source": "/a", "destination": "/b", "permanent": True, "status": 301}],
            "needs either permanent",
        ),
        ("redirects", [{"source": "/a", "destination": "/b", "status": 200}], "301, 302"),
        ("redirects", [{"source": "/a", "destination": "/b", "permanent": "yes"}], "true or false"),
        (
            "redirects",
            [{"source": "/a", "destination": "/b", "permanent": True, "basePath": False}],
            "did you mean base_path",
        ),
        ("rewrites", {"before": []}, "did you mean before_files"),
        ("rewrites", [{"source": "/a", "destination": "/b", "has": [{"type": "x", "key": "y"}]}], "needs a type"),
        ("rewrites", [{"source": "/a", "destination": "/b", "base_path": 1}], "true or false as base_path"),
        ("rewrite_origins", ["https://a.example/path"], "scheme, host and port"),
        ("rewrite_origins", ["ftp://a.example"], "scheme, host and port"),
        ("rewrite_origins", ["a.example"], "scheme, host and port"),
    ],
)
def test_a_wrong_shape_is_a_startup_error(tmp_path: Path, key: str, value: object, words: str) -> None:
    with pytest.raises(StartupError, match=key) as caught:
        make_application(tmp_path, FILES, **{key: value})
    assert words in str(caught.value)


def test_rules_come_from_pyproject_with_their_line(tmp_path: Path) -> None:
    text = """
[[tool.waypost.redirects]]
source = "/old/:path*"
destination = "/files/:path*"
permanent = true

[[tool.waypost.headers]]
source = "/a"
has = [{ type = "query", key = "x" }]
headers = [{ key = "X-Rule", value = "1" }]

[tool.waypost.rewrites]
before_files = [{ source = "/re", destination = "/a" }]
"""
    with client(tmp_path, {"pyproject.toml": text}) as open_client:
        assert open_client.get("/old/x").headers["location"] == "/files/x"
        assert open_client.get("/a?x=1").headers["x-rule"] == "1"
        assert open_client.get("/a?x=").headers.has("x-rule") is False
        assert open_client.get("/re").status == 200
    with pytest.raises(StartupErrors) as caught:
        make_application(tmp_path, {"pyproject.toml": text.replace("/old/:path*", "/old/:a:b")})
    assert caught.value.errors[0].line == 3


def test_a_mistake_is_told_at_the_line_of_its_own_rule(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "pyproject.toml").write_text(
        """[project]
readme = "docs/x.md"
[[tool.waypost.redirects]]
source = "/x"
destination = "/y"
permanent = false
[[tool.waypost.rewrites]]
source = "/x"
destination = "no-slash"
"""
    )
    with pytest.raises(StartupErrors) as raised:
        Application(load_config(tmp_path, "production", environ={}))
    assert [error.line for error in raised.value.errors] == [8]


def test_rules_may_come_as_json_from_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with client(tmp_path, redirects='[{"source": "/old", "destination": "/a", "permanent": true}]') as open_client:
        assert open_client.get("/old").status == 308
    with pytest.raises(StartupError, match="must be JSON"):
        make_application(tmp_path, FILES, redirects="[")
