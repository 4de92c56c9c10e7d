"""A page's own `new WebSocket` against our server: messages, subprotocols, refusals, cookies, codes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.app.project import make_application
from tests.browser import chromium
from tests.server.conftest import Live

from waypost.server.websocket import upgrade

ROUTES = {
    "app/page/route.py": """
from waypost import Response
async def GET():
    response = Response("<!doctype html><title>t</title>", headers={"Content-Type": "text/html"})
    response.cookies.set("user", "ada")
    return response
""",
    "app/chat/route.py": """
from waypost import Response

async def WEBSOCKET(socket):
    if socket.cookies.get("user") is None:
        return Response("who are you?", 401)
    await socket.accept("v2" if "v2" in socket.protocols else None)
    async for message in socket:
        if message == "who":
            await socket.send_json([socket.cookies.get("user").value, socket.headers.get("origin")])
        elif message == "bye":
            await socket.close(4001, "as you wish")
        elif message == "boom":
            raise ValueError
        else:
            await socket.send(message)
""",
    "app/page-only/route.py": "async def GET():\n    return {}\n",
}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    application = make_application(tmp_path_factory.mktemp("sockets"), ROUTES, websocket_compression=True)
    live = Live(application.handle, {"site": application.site, "upgrade": upgrade, "websocket_compression": True}, True)
    yield live.port
    live.stop()


def visit(page: str, *sockets: tuple[str, list[str], list[Any]]) -> list[dict[str, Any]]:
    """What the sockets that `page` opens reported."""
    try:
        browser, node = chromium.find_browser(), chromium.find_node()
        chromium.install_driver()
    except chromium.MissingBrowser as missing:
        pytest.skip(str(missing))
    done = subprocess.run(
        [node, "sockets.mjs", browser, page, json.dumps(sockets)],
        cwd=Path(chromium.__file__).parent,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: list[dict[str, Any]] = json.loads(done.stdout)
    return result


def test_a_page_talks(port: int) -> None:
    base, url = f"http://localhost:{port}", f"ws://localhost:{port}/chat"
    long = "waypost " * 9_000
    talk, bye, boom, refused, plain = visit(
        f"{base}/page",
        (url, ["v1", "v2"], ["who", "é😀", {"bytes": [0, 255]}, long, {"close": [4000, "done"]}]),
        (url, [], ["bye"]),
        (url, [], ["boom"]),
        (f"ws://localhost:{port}/page-only", [], []),
        (url, ["other"], []),
    )
    assert talk == {
        "opened": True,
        "protocol": "v2",
        "extensions": talk["extensions"],
        "received": [json.dumps(["ada", base], separators=(",", ":")), "é😀", {"bytes": [0, 255]}, long],
        "code": 4000,
        "reason": "done",
        "clean": True,
    }
    assert talk["extensions"].startswith("permessage-deflate")
    assert (bye["code"], bye["reason"], bye["clean"]) == (4001, "as you wish", True)
    assert boom["code"] == 1011
    assert boom["reason"].startswith("Internal server error, id ")
    for answer in (refused, plain):
        assert (answer["opened"], answer["code"]) == (False, 1006)


def test_a_page_of_another_site_is_refused(port: int) -> None:
    """The page is at 127.0.0.1, the socket at localhost: to a browser two sites."""
    (answer,) = visit(f"http://127.0.0.1:{port}/page", (f"ws://localhost:{port}/chat", [], ["who"]))
    assert (answer["opened"], answer["code"]) == (False, 1006)
