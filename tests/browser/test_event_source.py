"""waypost.sse read by a browser's own EventSource, which connects anew where a stream ended."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.app.project import make_application
from tests.browser import chromium
from tests.server.conftest import Live

ROUTES = {
    "app/page/route.py": """
from waypost import Response
async def GET(): return Response("<!doctype html><title>t</title>", headers={"Content-Type": "text/html"})
""",
    "app/events/route.py": """
import asyncio
from waypost.sse import Event, EventStream, last_event_id

seen, ended = [], []

async def events(after):
    try:
        for number in range(after + 1, after + 4):
            yield Event(f"event {number}", id=number)
            await asyncio.sleep(0.02)
        if after >= 6:
            yield Event("two\\r\\nlines\\rthree\\u2028 \\0 é", event="news", id="é-9")
            yield {"json": [1, 2]}
            yield ""
            yield Event(" : data: x", event="")
            await asyncio.sleep(60)
    finally:
        ended.append(after)

async def GET(request):
    seen.append(last_event_id(request))
    return EventStream(events(int(last_event_id(request) or 0)), retry=50, heartbeat=0.01)
""",
    "app/state/route.py": """
from app.events.route import ended, seen
async def GET(): return {"seen": seen, "ended": ended}
""",
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    application = make_application(tmp_path_factory.mktemp("events"), ROUTES)
    live = Live(application.handle, {"site": application.site}, True)
    yield f"http://127.0.0.1:{live.port}"
    live.stop()


def listen(base: str, count: int) -> dict[str, Any]:
    """What EventSource reported up to `count` events."""
    try:
        browser, node = chromium.find_browser(), chromium.find_node()
        chromium.install_driver()
    except chromium.MissingBrowser as missing:
        pytest.skip(str(missing))
    done = subprocess.run(
        [node, "events.mjs", browser, f"{base}/page", f"{base}/events", str(count)],
        cwd=Path(chromium.__file__).parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def state(base: str) -> dict[str, list[Any]]:
    with urllib.request.urlopen(f"{base}/state") as response:
        result: dict[str, list[Any]] = json.load(response)
        return result


def test_a_browser_reads_the_events_and_goes_on_where_it_was(base: str) -> None:
    result = listen(base, 13)
    left = time.monotonic()
    numbered = [{"type": "message", "data": f"event {number}", "id": str(number)} for number in range(1, 10)]
    assert result["events"] == [
        *numbered,
        {"type": "news", "data": "two\nlines\nthree\u2028 \0 é", "id": "é-9"},
        {"type": "message", "data": '{"json":[1,2]}', "id": "é-9"},
        {"type": "message", "data": "", "id": "é-9"},
        {"type": "message", "data": " : data: x", "id": "é-9"},
    ]
    assert result["opened"] == 3
    assert state(base)["seen"] == [None, "3", "6"]
    while len(state(base)["ended"]) < 3:
        assert time.monotonic() - left < 1, "the source was not closed when the page left"
        time.sleep(0.02)
