"""Known ways around middleware, one test each: published advisories against other frameworks, tried on ours.

The names of the tests carry the advisory.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.app.project import make_application
from tests.app.wire import exchange, serve

from waypost.routing.matcher import PathPattern, PathSet
from waypost.testing import Client

SECRET = """
from waypost import Response
async def GET(request, context):
    return Response.json({"secret": dict(context.params)})
POST = GET
"""
GUARD = """
from waypost import Response
config = {"matcher": ["/admin/:path*", "/p/:id"]}
async def middleware(request):
    if request.headers.get("authorization") != "ok":
        return Response.json({"error": "no"}, 401)
    return Response.next(headers={"x-path": request.next_url.pathname})
"""
FILES = {
    "middleware.py": GUARD,
    "app/route.py": SECRET,
    "app/admin/route.py": SECRET,
    "app/admin/[id]/route.py": SECRET,
    "app/admin/[id]/[...rest]/route.py": SECRET,
    "app/p/[id]/route.py": SECRET,
    "app/[name]/route.py": "async def GET(request, context):\n    return {'name': context.params['name']}\n",
    "app/old/route.py": "from waypost import redirect\nasync def GET():\n    redirect('/x')\n",
    "public/open.txt": "open",
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    application = make_application(tmp_path_factory.mktemp("bypass"), FILES)
    with Client(application) as open_client:
        yield open_client


CONTROL = [
    "x-middleware-subrequest", "x-middleware-subrequest-id", "x-middleware-next", "x-middleware-rewrite",
    "x-middleware-redirect", "x-middleware-skip", "x-middleware-override-headers", "x-middleware-set-cookie",
    "x-middleware-prefetch", "x-middleware-cache", "x-nextjs-data", "x-nextjs-rewrite", "x-matched-path",
    "x-invoke-path", "x-invoke-status", "x-waypost-next", "x-waypost-rewrite", "x-waypost-skip", "x-waypost-control",
    "x-original-url", "x-rewrite-url", "x-override-url", "x-forwarded-prefix", "x-http-method-override", "rsc",
    "next-router-prefetch", "next-router-state-tree", "next-action", "x-prerender-revalidate", "x-now-route-matches",
]  # fmt: skip
VALUES = ["1", "true", "middleware", "src/middleware", "proxy", "/", "/open.txt", "app/admin/route", "0"]


@pytest.mark.parametrize("name", CONTROL)
def test_cve_2025_29927_no_header_of_a_client_skips_middleware(client: Client, name: str) -> None:
    for value in VALUES:
        for times in (1, 5, 10):
            for joined in (":".join([value] * times), ",".join([value] * times)):
                answer = client.get("/admin/7", headers={name: joined})
                assert answer.status == 401, (name, joined)
        answer = client.get("/admin/7", headers=[(name, value)] * 10)
        assert answer.status == 401


PATHS = [
    "/admin", "/admin/", "//admin", "/admin//7", "/Admin", "/%61dmin", "/%61%64%6d%69%6e", "/admin;x", "/admin;/7",
    "/admin%2f7", "/admin%2F7", "/admin/.", "/admin/./7", "/x/../admin", "/x/..;/admin", "/admin/..;/7", "/admin%00",
    "/admin\\7", "\\admin\\7", "/admin%5c7", "/admin%20", "/admin%09", "/admin%0a", "/admin.", "/admin/7/..",
    "/%2e/admin", "/%2e%2e/admin", "/.%2e/admin", "/admin%2f%2e%2e%2fadmin", "/admin%252f7", "/%2561dmin",
    "/admin/%37", "/admin?", "/admin#x", "/admin%23", "/admin%3f", "/%c0%afadmin", "/%e0%80%afadmin", "/admin/7%2f8",
    "/p/1", "/p/%31", "/p/1%2f2", "/%70/1", "/p/", "/p//1", "/admin.json", "/admin.rsc", "/admin.txt", "/admin/7.rsc",
    "/admin/7.json", "/admin?_rsc=1", "/_next/data/x/admin.json", "/admin.segments/_tree.segment.rsc", "/en/admin",
    "/default/admin", "/route.py", "/app/admin/route.py", "/.env", "/__pycache__/route.pyc", "/middleware.py",
    "/admin/route.py",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_cve_2024_51479_no_spelling_of_a_path_reaches_a_guarded_handler(client: Client, path: str) -> None:
    """Also CVE-2026-44575 and -45109 (other transports), CVE-2026-44573 (prefixes), CVE-2025-55183 (sources)."""
    answer = client.get(path)
    assert answer.status in (200, 308, 400, 401, 404), (path, answer.status)
    assert b"secret" not in answer.content
    if answer.status == 308:
        assert client.get(answer.headers["location"]).status in (308, 401, 404, 200)
    allowed = client.get(path, headers={"Authorization": "ok"})
    if b"secret" in allowed.content:
        assert allowed.headers.has("x-path"), path


@pytest.mark.parametrize("target", ["/p/1?id=2", "/p/1?nxtPid=2", "/p/1?id=2&id=3", "/p/1?params=2", "/p/1?%69d=2"])
def test_cve_2026_44574_a_query_does_not_change_what_the_route_answers(client: Client, target: str) -> None:
    headers = {"Authorization": "ok", "Cookie": "id=2", "x-params-id": "2", "x-now-route-matches": "1=2"}
    answer = client.get(target, headers=headers)
    assert answer.json() == {"secret": {"id": "1"}}
    assert answer.headers["x-path"] == "/p/1"


@pytest.mark.parametrize(
    "name", ["x-nextjs-data", "x-middleware-prefetch", "purpose", "rsc", "next-router-prefetch", "range", "te"]
)
def test_cve_2026_44572_a_redirect_keeps_its_location(client: Client, name: str) -> None:
    answer = client.get("/old", headers={name: "1"})
    assert (answer.status, answer.headers["location"]) == (307, "/x")
    slash = client.get("/admin/", headers={name: "1"})
    assert (slash.status, slash.headers["location"]) == (308, "/admin")


def test_cve_2026_44578_a_target_in_absolute_form_connects_nowhere(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as canary, serve(make_application(tmp_path, FILES)) as port:
        canary.settimeout(0.2)
        inner = f"127.0.0.1:{canary.getsockname()[1]}"
        for target, extra in [
            (f"http://{inner}/", "Upgrade: websocket\r\nConnection: Upgrade\r\n"),
            (f"http://{inner}/admin", ""),
            (f"//{inner}/", ""),
            (f"/\\{inner}/", ""),
            (f"/{inner}", f"X-Forwarded-Host: {inner}\r\n"),
            (f"/http://{inner}/", ""),
        ]:
            answer = exchange(
                port, f"GET {target} HTTP/1.1\r\nHost: {inner}\r\n{extra}Connection: close\r\n\r\n".encode()
            )
            status = answer.split(b" ")[1]
            assert status in (b"200", b"308", b"400", b"401", b"404"), (target, answer[:80])
            location = next((line for line in answer.split(b"\r\n") if line.lower().startswith(b"location:")), b"")
            assert not location.startswith((b"location: //", b"location: http")), location
        assert exchange(port, f"CONNECT {inner} HTTP/1.1\r\nHost: {inner}\r\n\r\n".encode())[9:12] in (
            b"400",
            b"405",
            b"501",
        )
        with pytest.raises(TimeoutError):
            canary.accept()


def test_cve_2025_57822_request_headers_on_next_steer_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The misuse that made servers fetch what a client's Location said: here it is an error, and nothing is fetched."""
    source = """
from waypost import Response
async def middleware(request):
    return Response.next(headers=request.headers)
"""
    with Client(make_application(tmp_path, {"app/route.py": SECRET, "middleware.py": source})) as open_client:
        answer = open_client.get(
            "/", headers={"Location": "http://169.254.169.254/", "x-middleware-rewrite": "http://x/"}
        )
    assert answer.status == 500
    assert "request_headers=" in caplog.text


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "EVIL.example"])
def test_cve_2024_34351_a_host_header_does_not_choose_the_server(tmp_path: Path, host: str) -> None:
    """A rewrite made from request.url stays in the application, whatever the Host says; no outbound request."""
    source = """
from waypost import URL, Response
config = {"matcher": "/go"}
async def middleware(request):
    return Response.rewrite(URL("/target", request.url))
"""
    files = {"app/target/route.py": SECRET, "middleware.py": source}
    with Client(make_application(tmp_path, files)) as open_client:
        assert open_client.get("/go", headers={"Host": host}).json() == {"secret": {}}


def test_cve_2023_50710_the_matcher_reads_the_path_and_not_the_url(client: Client) -> None:
    """Hono CVE-2025-58362, CVE-2026-47676: path parsing from an absolute URL; h3 CVE-2026-33131: the Host in it."""
    for host in ("a", "testserver:8080", "xn--admin", "admin", "localhost"):
        assert client.get("/admin/7", headers={"Host": host}).status == 401
    for path in ("/http://x/admin", "/%E4%BD%A0/../admin", "/%E4%BD%A0/admin", "/@admin", "/admin@x"):
        answer = client.get(path)
        assert b"secret" not in answer.content


def test_h3_cve_2026_33490_a_prefix_ends_at_a_border(client: Client) -> None:
    guard = PathSet([PathPattern("/admin/:path*")])
    assert [guard.matches(path) for path in ("/admin", "/admin/x")] == [True, True]
    assert [guard.matches(path) for path in ("/administrator", "/admin-x", "/admin.x", "/adminx/y")] == [False] * 4
    assert client.get("/administrator").json() == {"name": "administrator"}


def test_hono_cve_2026_29087_an_encoded_slash_does_not_pass_a_guard(client: Client) -> None:
    for path in ("/admin%2Fsecret.txt", "/admin%2fsecret.txt", "/%61dmin%2F7", "/admin%2F"):
        assert client.get(path).status == 401, path


def test_nitro_cve_2026_44373_dots_do_not_leave_the_scope_of_a_rule(tmp_path: Path) -> None:
    rules = [{"source": "/files/:path*", "destination": "https://api.example.com/public/:path*"}]
    with Client(make_application(tmp_path, {"app/route.py": SECRET}, rewrites=rules)) as open_client:
        for path in ("/files/..%2fadmin", "/files/%2e%2e%2fadmin", "/files/a%2f..%2f..%2fadmin", "/files/..%5cadmin"):
            assert open_client.get(path).status == 400, path


@pytest.mark.parametrize(
    ("matcher", "covered", "open_path"),
    [
        ("/admin/:path*", "/admin/7", "/x"),
        (["/none", "/admin/:path*"], "/admin/7", "/x"),
        ("/((?!x|open).*)", "/admin/7", "/x"),
        ("/admin/:path+", "/admin/7", "/admin"),
        ("/(.*)", "/admin/7", None),
        ("/admin/(.*)", "/admin/7", "/admin"),
        ({"source": "/:first/:rest*"}, "/admin/7", "/"),
    ],
)
def test_fastify_cve_2026_33807_every_way_of_writing_a_matcher_covers(
    tmp_path: Path, matcher: object, covered: str, open_path: str | None
) -> None:
    """Also CVE-2026-33808 and -6556: paths doubled, not normalised, lists and expressions without their prefix."""
    source = GUARD.replace('["/admin/:path*", "/p/:id"]', repr(matcher))
    for settings in ({}, {"base_path": "/docs"}):
        root = tmp_path / ("b" if settings else "a")
        base = settings.get("base_path", "")
        with Client(make_application(root, {**FILES, "middleware.py": source}, **settings)) as open_client:
            for path in (covered, covered.replace("a", "%61"), covered.replace("/7", "/%37")):
                assert open_client.get(base + path).status == 401, path
            if open_path is not None:
                assert open_client.get(base + open_path if open_path != "/" else base or "/").status == 200


def test_next_gh_38461_a_computed_matcher_is_not_ignored(tmp_path: Path) -> None:
    source = GUARD.replace('config = {"matcher": [', 'NAME = "admin"\nconfig = {"matcher": [f"/{NAME}/:path*", ')
    with Client(make_application(tmp_path, {**FILES, "middleware.py": source})) as open_client:
        assert open_client.get("/admin/7").status == 401


def test_a_rewrite_does_not_lead_past_the_guard_of_its_target(tmp_path: Path) -> None:
    rules = {
        "before_files": [{"source": "/a/:id", "destination": "/admin/:id"}],
        "fallback": [{"source": "/b/c", "destination": "/p/1"}],
    }
    with Client(make_application(tmp_path, FILES, rewrites=rules)) as open_client:
        for path in ("/a/7", "/%61/7", "/b/c"):
            assert open_client.get(path).status == 401, path


def test_a_body_or_a_method_does_not_change_what_is_covered(client: Client) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "get", "TRACE"):
        assert client.request(method, "/admin/7").status == 401, method
    form = {"Content-Type": "application/x-www-form-urlencoded", "X-HTTP-Method-Override": "GET"}
    assert client.post("/admin/7", body="_method=GET&path=/open.txt", headers=form).status == 401


def test_a_guard_that_fails_lets_nobody_pass(tmp_path: Path) -> None:
    for broken in ("raise RuntimeError('x')", "return 5", "return request", "return Response.error()"):
        source = f"from waypost import Response\nasync def middleware(request):\n    {broken}\n"
        with Client(make_application(tmp_path, {"app/route.py": SECRET, "middleware.py": source})) as open_client:
            answer = open_client.get("/")
            assert (answer.status, b"secret" in answer.content) == (500, False)
