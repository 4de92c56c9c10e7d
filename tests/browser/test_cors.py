"""CORS as a real browser sees it: a page of one origin, Waypost on another, and what fetch() in the page reports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.browser.chromium import Chromium, MissingBrowser, Visit
from tests.cli.running import Running, running, write

pytestmark = pytest.mark.slow

REFUSED = "TypeError: Failed to fetch"

PAGES = {
    "app/route.py": "from waypost import Response\n"
    "PAGE = '<!doctype html><title>page</title><link rel=icon href=data:,>'\n"
    "FRAME = '<iframe sandbox=allow-scripts srcdoc=\"<p>frame\"></iframe>'\n"
    "async def GET():\n"
    "    return Response(PAGE + FRAME, headers={'Content-Type': 'text/html'})\n",
    # What a browser takes for a page of the internet, although it came from this machine.
    "app/public/route.py": "from waypost import Response\n"
    "async def GET():\n"
    "    fields = {'Content-Type': 'text/html', 'Content-Security-Policy': 'treat-as-public-address'}\n"
    "    return Response('<!doctype html><link rel=icon href=data:,>', headers=fields)\n",
}

HANDLERS = """
import asyncio
from waypost import Response
changes = []

async def GET(request):
    kind = request.next_url.search_params.get("kind")
    if kind == "bug":
        raise ValueError("a bug")
    if kind == "stream":
        async def chunks():
            for word in ("one ", "two ", "three"):
                yield word
                await asyncio.sleep(0.01)
        return Response(chunks(), headers={"Content-Type": "text/plain"})
    if kind == "big":
        return Response.json({"text": "compress me " * 1000})
    response = Response.json({"cookie": request.headers.get("cookie"), "changes": changes})
    response.headers.set("X-Total", "42")
    response.headers.set("X-Internal", "not for pages")
    response.cookies.set("visitor", "7", http_only=True)
    return response

async def PUT(request):
    changes.append(await request.json())
    return {"cookie": request.headers.get("cookie"), "note": request.headers.get("x-note"), "got": changes[-1]}

async def POST(request):
    return await request.json()
"""

POLICY = """
from waypost.cors import cors
allow = cors(
    origins=["http://localhost:%PORT%"],
    headers=["Content-Type", "X-Note"],
    credentials=True,
    expose=["X-Total", "Content-Encoding"],
    max_age=60,
)
"""

WAYS = {
    "wrapped": {"app/api/route.py": POLICY + HANDLERS + "GET = allow(GET)\nPUT = allow(PUT)\nPOST = allow(POST)\n"},
    "file": {"app/api/route.py": POLICY + HANDLERS + "middleware = [allow]\n"},
    "global": {"app/api/route.py": HANDLERS, "middleware.py": POLICY + "middleware = allow\n"},
}

ANY = """
from waypost.cors import cors
@cors(origins="*")
async def GET():
    return {"public": True}
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    try:
        chromium = Chromium()
    except MissingBrowser as missing:
        pytest.skip(str(missing))
    yield chromium
    chromium.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("pages")
    write(folder, PAGES)
    with running("start", "--host", "localhost", "--port", "0", cwd=folder) as server:
        assert server.port
        yield server


class Site:
    """An API of one origin as the pages of another see it."""

    def __init__(self, browser: Chromium, pages: Running, api: Running) -> None:
        self._browser = browser
        self._api = api
        self.ours = f"http://localhost:{pages.port}"
        self.theirs = f"http://127.0.0.1:{pages.port}"
        self.url = f"http://localhost:{api.port}"

    def fetch(self, *requests: tuple[str, dict[str, Any]], page: str | None = None, **options: Any) -> Visit:
        """fetch() in a page of the allowed origin, or in `page`; paths are the API's."""
        return self._browser.visit(page or self.ours, *((self.url + path, init) for path, init in requests), **options)

    def changes(self) -> list[Any]:
        """What PUT has changed, asked without a browser."""
        return list(json.loads(self._api.get("/api"))["changes"])


@pytest.fixture(scope="module", params=WAYS)
def site(
    request: pytest.FixtureRequest, browser: Chromium, pages: Running, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp(request.param)
    write(folder, {name: text.replace("%PORT%", str(pages.port)) for name, text in WAYS[request.param].items()})
    with ExitStack() as stack:
        api = stack.enter_context(running("start", "--host", "localhost", "--port", "0", cwd=folder))
        yield Site(browser, pages, api)


def put(body: object, **options: Any) -> dict[str, Any]:
    headers = {"Content-Type": "application/json", **options.pop("headers", {})}
    return {"method": "PUT", "headers": headers, "body": json.dumps(body), **options}


def test_a_simple_request_is_read_with_the_headers_that_are_exposed(site: Site) -> None:
    visit = site.fetch(("/api", {}), read=["content-type", "x-total", "x-internal"])
    (got,) = visit.results
    assert visit.origin == site.ours
    assert got["status"] == 200
    assert json.loads(got["body"])["cookie"] is None
    assert got["headers"] == {"content-type": "application/json", "x-total": "42", "x-internal": None}
    assert visit.methods == ["GET"]


def test_a_preflight_comes_before_a_put_and_is_remembered(site: Site) -> None:
    visit = site.fetch(("/api", put(1, headers={"X-Note": "a"})), ("/api", put(2, headers={"X-Note": "b"})))
    assert [json.loads(got["body"]) for got in visit.results] == [
        {"cookie": None, "note": "a", "got": 1},
        {"cookie": None, "note": "b", "got": 2},
    ]
    assert visit.methods == ["OPTIONS", "PUT", "PUT"]


def test_cookies_come_along_where_the_page_asks_for_it(site: Site) -> None:
    include = {"credentials": "include"}
    visit = site.fetch(("/api", include), ("/api", include), ("/api", {}), ("/api", put(3, **include)))
    assert [json.loads(got["body"])["cookie"] for got in visit.results] == [None, "visitor=7", None, "visitor=7"]


def test_a_page_of_another_origin_reads_nothing_and_changes_nothing(site: Site) -> None:
    before = site.changes()
    visit = site.fetch(("/api", {}), ("/api", {"credentials": "include"}), ("/api", put("evil")), page=site.theirs)
    assert visit.origin == site.theirs
    assert [got.get("error") for got in visit.results] == [REFUSED] * 3
    assert "PUT" not in visit.methods
    assert site.changes() == before


def test_a_page_without_an_origin_reads_nothing(site: Site) -> None:
    """A sandboxed frame, which any site can make, has the origin `null`."""
    visit = site.fetch(("/api", {}), ("/api", put("evil")), frame=True)
    assert visit.origin == "null"
    assert [got.get("error") for got in visit.results] == [REFUSED] * 2
    assert "evil" not in site.changes()


def test_what_the_policy_does_not_list_is_not_sent(site: Site) -> None:
    visit = site.fetch(
        ("/api", put(4, headers={"X-Other": "not listed"})),
        ("/api", {"method": "DELETE"}),
    )
    assert [got.get("error") for got in visit.results] == [REFUSED] * 2
    assert visit.methods == ["OPTIONS", "OPTIONS"]
    assert 4 not in site.changes()


def test_errors_can_be_read(site: Site) -> None:
    post = {"method": "POST", "body": "{", "headers": {"Content-Type": "text/plain"}}
    visit = site.fetch(("/api?kind=bug", {}), ("/api", post))
    bug, broken = visit.results
    assert (bug["status"], json.loads(bug["body"])["error"]) == (500, "Internal server error")
    assert (broken["status"], json.loads(broken["body"])["error"]) == (400, "The body is not valid JSON")


def test_streams_and_compressed_answers_arrive_whole(site: Site) -> None:
    visit = site.fetch(("/api?kind=stream", {}), ("/api?kind=big", {}), read=["content-encoding"])
    stream, big = visit.results
    assert stream["body"] == "one two three"
    assert json.loads(big["body"]) == {"text": "compress me " * 1000}
    assert big["headers"]["content-encoding"] in ("zstd", "br", "gzip")


def test_unknown_paths_and_verbs_can_be_read_where_the_policy_is_global(
    request: pytest.FixtureRequest, site: Site
) -> None:
    visit = site.fetch(("/nothing/here", {}), ("/nothing/here", put(5)))
    missing, preflighted = visit.results
    if request.node.callspec.params["site"] == "global":
        assert (missing["status"], json.loads(missing["body"])) == (404, {"error": "Not found"})
    else:
        assert missing["error"] == REFUSED
    assert preflighted["error"] == REFUSED  # the preflight is 404: there is nothing to ask about
    assert visit.methods == ["GET", "OPTIONS"]


def test_any_origin_is_for_what_carries_no_credentials(browser: Chromium, pages: Running, tmp_path: Path) -> None:
    """Browsers refuse `*` where cookies come along, which is why cors() refuses the pair at the start."""
    write(tmp_path, {"app/api/route.py": ANY})
    with running("start", "--host", "localhost", "--port", "0", cwd=tmp_path) as api:
        site = Site(browser, pages, api)
        visit = site.fetch(("/api", {}), ("/api", {"credentials": "include"}), page=site.theirs)
        assert visit.results[0]["body"] == '{"public":true}'
        assert visit.results[1]["error"] == REFUSED
        assert site.fetch(("/api", {}), frame=True).results[0]["error"] == REFUSED


def test_a_public_page_reaches_a_private_address_only_with_the_visitors_consent(site: Site) -> None:
    """Chromium asks the person, whatever the server says; the policy counts once the person has agreed."""
    page = f"{site.ours}/public"
    assert site.fetch(("/api", {}), page=page).results[0]["error"] == REFUSED
    agreed = ["local-network-access"]
    assert site.fetch(("/api", {}), page=page, permissions=agreed).results[0]["status"] == 200
    other = f"{site.theirs}/public"
    assert site.fetch(("/api", {}), page=other, permissions=agreed).results[0]["error"] == REFUSED
