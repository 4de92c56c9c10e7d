"""What `waypost start` tells about itself: access log, request ids in every line, instrumentation in each worker."""

from __future__ import annotations

import http.client
import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.cli.running import Running, running, until, write

PROJECT = {
    "lib/tell.py": """
import logging
log = logging.getLogger("shop")
def tell(text):
    log.info("%s", text)
""",
    "app/tell/route.py": """
import asyncio, logging
from lib.tell import tell
from waypost import Response, after
async def GET(request):
    tell("in the handler")
    await asyncio.to_thread(tell, "in a thread")
    await asyncio.gather(asyncio.create_task(later()))
    after(lambda: tell("after it"))
    async def chunks():
        tell("in the stream")
        yield "x"
    return Response(chunks())
async def later():
    tell("in a task")
def POST():
    tell("in a plain handler")
    logging.getLogger("other").warning("two\\nlines")
    return {}
""",
    "app/bug/route.py": "async def GET(): raise ValueError('the bug')\n",
    "middleware.py": """
from lib.tell import tell
async def middleware(request, next):
    if request.path != "/tell": return await next(request)
    tell("in the middleware")
    response = await next(request)
    tell("on the way back")
    return response
""",
}
PLACES = [
    "in the middleware",
    "in the handler",
    "in a thread",
    "in a task",
    "on the way back",
    "in the stream",
    "after it",
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, PROJECT)
    return tmp_path


def ask(server: Running, path: str, method: str = "GET", **headers: str) -> tuple[int, str, str | None]:
    """Status, body and X-Request-Id."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, response.read().decode(), response.getheader("x-request-id")
    finally:
        connection.close()


def json_lines(server: Running) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.output.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_as_json_every_line_of_a_request_has_its_id(project: Path, workers: str) -> None:
    arguments = ("--port", "0", "--workers", workers, "--access-log", "--log-format", "json")
    with running("start", *arguments, cwd=project) as server:
        first, second = ask(server, "/tell?q=1"), ask(server, "/tell")
        posted = ask(server, "/tell", "POST")
        failed = ask(server, "/bug")
        assert server.stop() == 0
        ids = [answer[2] for answer in (first, second, posted, failed)]
        assert len(set(ids)) == 4
        assert None not in ids
        lines = json_lines(server)
    assert not [line for line in server.output.splitlines() if not line.startswith(("{", "waypost start"))]
    for number in ids[:2]:
        told = [line for line in lines if line.get("logger") == "shop" and line["request_id"] == number]
        assert [line["message"] for line in told] == PLACES
        assert {line["level"] for line in told} == {"info"}
    told = [line for line in lines if line["request_id"] == ids[2] and "message" in line]
    assert [line["message"] for line in told if "way" not in line["message"]] == [
        "in the middleware",
        "in a plain handler",
        "two\nlines",
    ]
    (bug,) = [line for line in lines if line["request_id"] == ids[3] and "message" in line]
    assert (bug["level"], bug["logger"]) == ("error", "waypost")
    assert "ValueError: the bug" in bug["exception"]
    access = {line["request_id"]: line for line in lines if "status" in line}
    assert sorted(access) == sorted(number for number in ids if number is not None)  # two workers, two orders
    assert access[ids[0]] == {
        **access[ids[0]],
        "ip": "127.0.0.1",
        "method": "GET",
        "target": "/tell?q=1",
        "status": 200,
        "bytes": 1,
    }
    assert access[ids[0]]["ms"] > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", access[ids[0]]["time"])
    assert json.loads(failed[1]) == {"error": "Internal server error", "id": ids[3]}


def test_as_text_every_line_of_a_request_has_its_id(project: Path) -> None:
    with running("start", "--port", "0", "--access-log", cwd=project) as server:
        number = ask(server, "/tell?q=1")[2]
        posted = ask(server, "/tell", "POST")[2]
        failed = ask(server, "/bug")[2]
        assert server.stop() == 0
    assert number is not None
    stamp = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ "
    told = re.findall(rf"{stamp}INFO \[\d+\] shop {number}: (.*)$", server.output, re.MULTILINE)
    assert told == PLACES
    assert re.search(rf"{stamp}WARNING \[\d+\] other {posted}: two\\x0alines$", server.output, re.MULTILINE)
    assert re.search(rf"{stamp}ERROR \[\d+\] waypost {failed}: GET /bug \(/bug\)", server.output, re.MULTILINE)
    assert "ValueError: the bug" in server.output
    assert re.search(rf"{stamp}127.0.0.1 GET /tell\?q=1 200 1 [\d.]+ms {number}$", server.output, re.MULTILINE)
    assert re.search(rf"{stamp}127.0.0.1 GET /bug 500 \d+ [\d.]+ms {failed}$", server.output, re.MULTILINE)


def test_lines_outside_of_a_request_have_no_id(project: Path) -> None:
    write(project, {"instrumentation.py": "from lib.tell import tell\ndef register():\n    tell('registered')\n"})
    arguments = ("--port", "0", "--access-log", "--log-format", "json")
    with running("start", *arguments, cwd=project) as server:
        ask(server, "/tell")
        assert server.stop() == 0
    (line,) = [line for line in json_lines(server) if line.get("message") == "registered"]
    assert "request_id" not in line


def test_a_trusted_proxy_names_the_request(project: Path) -> None:
    arguments = ("--port", "0", "--access-log", "--log-format", "json", "--trusted-proxies", "127.0.0.1")
    with running("start", *arguments, cwd=project) as server:
        assert ask(server, "/tell", x_request_id="from-the-proxy")[2] == "from-the-proxy"
        assert server.stop() == 0
    lines = [line for line in json_lines(server) if line.get("request_id") == "from-the-proxy"]
    assert len(lines) == len(PLACES) + 1


def test_without_an_access_log_nothing_has_an_id(project: Path) -> None:
    with running("start", "--port", "0", cwd=project) as server:
        assert ask(server, "/tell")[2] is None
        server.wait_for(r"INFO \[\d+\] shop: after it\n")
        body = json.loads(ask(server, "/bug")[1])
        server.wait_for(rf"ERROR \[\d+\] waypost: GET /bug \(/bug\) \[{body['id']}\]")


def test_a_logger_of_the_project_with_a_format_of_its_own(project: Path) -> None:
    setup = """
import logging
from waypost import request_id
def add_request_id(record):
    record.request_id = request_id()
    return True
def register():
    handler = logging.StreamHandler()
    handler.addFilter(add_request_id)
    handler.setFormatter(logging.Formatter("OWN %(request_id)s %(message)s"))
    logging.getLogger("shop").addHandler(handler)
    logging.getLogger("shop").propagate = False
"""
    write(project, {"instrumentation.py": setup})
    with running("start", "--port", "0", "--access-log", cwd=project) as server:
        number = ask(server, "/tell")[2]
        server.wait_for(f"OWN {number} after it\n")


@pytest.mark.parametrize("workers", ["1", "3"])
def test_register_runs_once_in_each_worker(project: Path, workers: str) -> None:
    write(
        project,
        {"instrumentation.py": "import os\ndef register():\n    os.write(1, b'registered %d\\n' % os.getpid())\n"},
    )
    with running("start", "--port", "0", "--workers", workers, cwd=project) as server:
        until(lambda: server.output.count("registered") >= int(workers), 10)
        server.get("/tell")
        assert server.stop() == 0
    found = re.findall(r"^registered (\d+)$", server.output, re.MULTILINE)
    assert len(found) == len(set(found)) == int(workers)


def test_bugs_reach_on_request_error_also_at_the_end(project: Path) -> None:
    hooks = """
import time
def on_request_error(error, request, context):
    time.sleep(0.5)
    print("reported", repr(error), request.method, request.path, context["route_path"], context["error_id"], flush=True)
"""
    write(project, {"instrumentation.py": hooks})
    with running("start", "--port", "0", "--access-log", cwd=project) as server:
        number = ask(server, "/bug")[2]
        assert server.stop() == 0
        assert f"reported ValueError('the bug') GET /bug /bug {number}\n" in server.output


@pytest.mark.parametrize("arguments", [(), ("--workers", "2")])
def test_instrumentation_that_can_not_work_is_in_the_report(project: Path, arguments: tuple[str, ...]) -> None:
    write(project, {"instrumentation.py": "import nowhere\n", "app/lower/route.py": "def get(): ...\n"})
    with running("start", "--port", "0", *arguments, cwd=project) as server:
        assert server.process.wait(10) == 1
        server.wait_for("2 problems found")
        assert re.search(r"^instrumentation.py:1: .*nowhere", server.output, re.MULTILINE)
        assert "Traceback" not in server.output
