"""Pages: page.html as a file, page.py as HTML, with everything that routes have."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from tests.app.project import make_application

from waypost.errors import StartupErrors
from waypost.testing import Client


def client(root: Path, files: dict[str, str], **settings: Any) -> Client:
    return Client(make_application(root, files, **settings))


def test_page_html_is_sent_and_asked_about_each_time(tmp_path: Path) -> None:
    with client(tmp_path, {"app/chat/page.html": "<!doctype html><p>Grüße"}) as browser:
        answer = browser.get("/chat")
        assert (answer.status, answer.text) == (200, "<!doctype html><p>Grüße")
        headers = answer.headers
        assert headers.get("content-type") == "text/html; charset=utf-8"
        assert (headers.get("cache-control"), headers.get("x-content-type-options")) == ("no-cache", "nosniff")
        etag = headers.get("etag") or ""
        again = browser.get("/chat", headers={"if-none-match": etag})
        assert (again.status, again.content, again.headers.get("etag")) == (304, b"", etag)
        assert again.headers.get("cache-control") == "no-cache"
        (tmp_path / "app/chat/page.html").write_text("<!doctype html><p>new, and of another length")
        changed = browser.get("/chat", headers={"if-none-match": etag})
        assert (changed.status, "new" in changed.text) == (200, True)
        head = browser.head("/chat")
        assert (head.status, head.content) == (200, b"")
        refused = browser.post("/chat")
        assert (refused.status, refused.headers.get("allow")) == (405, "GET, HEAD, OPTIONS")


PAGE = """
from waypost import cookies
{0}def page({1}):
    cookies().set("seen", "yes")
    return f"<h1>{{{2}}}</h1>"
"""


@pytest.mark.parametrize(
    ("kind", "arguments", "value", "expected"),
    [
        ("async ", "request, context", "context.params['id']", "a b"),
        ("async ", "request", "request.next_url.search_params.get('q')", "x"),
        ("async ", "context", "(context.params)['id']", "a b"),
        ("", "request, context", "context.params['id'] + request.cookies.get('who').value", "a bAda"),
        ("", "", "1 + 1", "2"),
    ],
)
def test_page_py_gives_html(tmp_path: Path, kind: str, arguments: str, value: str, expected: str) -> None:
    with client(tmp_path, {"app/p/[id]/page.py": PAGE.format(kind, arguments, value)}) as browser:
        answer = browser.get("/p/a%20b?q=x", headers={"cookie": "who=Ada"})
        assert (answer.status, answer.text) == (200, f"<h1>{expected}</h1>")
        headers = answer.headers
        assert headers.get("content-type") == "text/html; charset=utf-8"
        assert headers.get("cache-control") == "private, no-cache"
        assert headers.get("x-content-type-options") == "nosniff"
        assert headers.get("set-cookie") == "seen=yes; Path=/"
        etag = headers.get("etag") or ""
        same = browser.get("/p/a%20b?q=x", headers={"cookie": "who=Ada", "if-none-match": etag})
        assert (same.status, same.content, same.headers.get("etag")) == (304, b"", etag)
        other = browser.get("/p/a%20b?q=x", headers={"cookie": "who=Ada", "if-none-match": '"other"'})
        assert (other.status, other.headers.get("etag")) == (200, etag)


def test_typed_arguments(tmp_path: Path) -> None:
    page = "async def page(id: int, _q: str = 'none') -> str:\n    return f'<p>{id + 1} {_q}'\n"
    with client(tmp_path, {"app/p/[id]/page.py": page}) as browser:
        assert browser.get("/p/4").text.startswith("<p>5")
        wrong = browser.get("/p/x")
        assert (wrong.status, wrong.json()["error"]) == (400, "Validation failed")


def test_what_else_a_page_may_give(tmp_path: Path) -> None:
    files = {
        "app/response/page.py": "from waypost import Response\n"
        "async def page(): return Response('<p>', 201, {'content-type': 'text/html'})\n",
        "app/object/page.py": "class H:\n    def __html__(self): return '<b>'\nasync def page(): return H()\n",
        "app/redirect/page.py": "from waypost import redirect\nasync def page(): redirect('/object')\n",
        "app/missing/page.py": "from waypost import not_found\nasync def page(): not_found()\n",
        "app/nothing/page.py": "async def page(): pass\n",
        "app/fails/page.py": "async def page(): raise RuntimeError('hunter2')\n",
        "app/route/route.py": "async def GET(): return '<p>'\n",
    }
    with client(tmp_path, files) as browser:
        answer = browser.get("/response")
        assert (answer.status, answer.text, answer.headers.get("etag")) == (201, "<p>", None)
        assert browser.get("/object").text == "<b>"
        assert browser.get("/redirect").headers.get("location") == "/object"
        assert browser.get("/missing").status == 404
        for path in ("/nothing", "/fails", "/route"):
            failed = browser.get(path)
            assert failed.status == 500
            assert "hunter2" not in failed.text


def test_middleware_and_rules_cover_pages(tmp_path: Path) -> None:
    files = {
        "app/a/page.html": "<p>file",
        "app/b/page.py": "def page(request): return '<p>made'\n",
        "app/a/middleware.py": "from waypost import Response\nasync def middleware(request):\n"
        "    if not request.cookies.has('session'): return Response.redirect('/login')\n",
        "middleware.py": "from waypost import Response\nasync def middleware(request):\n"
        "    return Response.next(headers={'x-root': 'yes'})\n",
    }
    rule = {"source": "/:path*", "headers": [{"key": "X-Frame-Options", "value": "DENY"}]}
    with client(tmp_path, files, headers=[rule]) as browser:
        assert browser.get("/a").headers.get("location") == "/login"
        for path, text in (("/a", "<p>file"), ("/b", "<p>made")):
            answer = browser.get(path, headers={"cookie": "session=1"})
            assert (answer.text, answer.headers.get("x-root")) == (text, "yes")
            assert answer.headers.get("x-frame-options") == "DENY"


def test_a_static_page_is_stored_as_html(tmp_path: Path) -> None:
    page = "import itertools\nRUNS = itertools.count()\nrevalidate = 60\nasync def page(): return f'<p>{next(RUNS)}'\n"
    with client(tmp_path, {"app/p/page.py": page}) as browser:
        first = browser.get("/p")
        assert (first.text, first.headers.get("cache-status")) == ("<p>0", "waypost; fwd=uri-miss; stored")
        deadline = time.monotonic() + 5
        while (second := browser.get("/p")).headers.get("cache-status", "").startswith("waypost; fwd"):
            assert time.monotonic() < deadline
        assert second.text == "<p>0"
        assert second.headers.get("content-type") == "text/html; charset=utf-8"
        assert second.headers.get("cache-control", "").startswith("s-maxage=60")
        assert browser.get("/p", headers={"if-none-match": second.headers.get("etag") or ""}).status == 304


def test_a_page_beside_a_route_or_another_page_does_not_start(tmp_path: Path) -> None:
    files = {
        "app/a/page.html": "<p>",
        "app/a/route.py": "async def GET(): return {}\n",
        "app/b/page.py": "def page(request): return ''\n",
        "app/b/page.html": "<p>",
    }
    with pytest.raises(StartupErrors) as caught:
        make_application(tmp_path, files)
    text = str(caught.value)
    assert len(caught.value.errors) == 2
    assert all(name in text for name in ("a/page.html", "a/route.py", "b/page.py", "b/page.html"))


def test_a_page_that_cannot_be_called_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(StartupErrors, match=r"page can't be called.*'user'"):
        make_application(tmp_path, {"app/a/page.py": "def page(request, context, user): return ''\n"})
