"""The list of bad inputs against a real server: a clear 4xx, never a 5xx by a client, the same worker alive."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.app.project import write_project

INPUTS: dict[str, list[Any]] = json.loads((Path(__file__).parent / "data" / "framework-bad-inputs.json").read_text())
SOUND_HOSTS = ("127.1", "2130706433", "[::ffff:127.0.0.1]", "xn--")

PROJECT = {
    "app/pid/route.py": "import os\nasync def GET(): return {'pid': os.getpid()}\n",
    "app/echo/route.py": """
async def POST(request): return {"got": await request.json()}
async def PUT(request):
    form = await request.form_data()
    return {"fields": [name for name, _ in form.entries()]}
async def GET(request): return {"url": request.url, "ip": request.ip}
""",
    "app/items/[id]/route.py": """
from waypost import BadRequest
def number(text):
    if not (text.isascii() and text.isdigit() and len(text) < 10): raise BadRequest("id must be a number")
    return int(text)
async def GET(request, context):
    return {"id": number(context.params["id"]), "page": number(request.next_url.search_params.get("page") or "1")}
""",
    "app/make/[kind]/route.py": """
from waypost import Response, cookies, redirect
async def POST(request, context):
    kind, value = context.params["kind"], await request.json()
    if kind == "status": return Response(None, value)
    if kind == "header": return Response("x", headers={value[0]: value[1]})
    if kind == "append":
        response = Response("x")
        response.headers.append(value[0], value[1])
        return response
    if kind == "redirect": return Response.redirect(value)
    if kind == "interrupt": redirect(value)
    if kind == "cookie":
        cookies().set("name", value)
        return Response("x")
    field = kind.removeprefix("cookie-")
    cookies().set(value, "v") if field == "name" else cookies().set("name", "v", **{field: value})
    return Response("x")
""",
}


class Running:
    """`waypost start` on a project; one of its routes is /pid."""

    def __init__(self, root: Path, files: dict[str, str]) -> None:
        write_project(root, files)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.log = root / "log.txt"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "waypost.cli", "start", "--port", str(self.port), "--host", "127.0.0.1"],
                cwd=root, stdout=log, stderr=log, env={**os.environ, "NO_COLOR": "1"},
            )  # fmt: skip
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.05)
        try:
            self.pid = self.ask(b"GET /pid HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")[2]
        except ConnectionError:
            # The port is open before the project is loaded: it has a mistake, and the log says which.
            self.process.kill()
            self.process.wait()
            pytest.fail(self.log.read_text())

    def ask(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer; everything until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as client:
            client.sendall(data)
            received = b""
            while more := client.recv(65536):
                received += more
        head, _, body = received.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = [line.split(":", 1) for line in lines[1:]]
        return int(lines[0].split(" ")[1]), {name.lower(): value.strip() for name, value in headers}, body

    def send(self, method: str, target: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
        fields = {"Host": "a", "Connection": "close", "Content-Length": str(len(body)), **headers}
        lines = [f"{method} {target} HTTP/1.1", *(f"{k.replace('_', '-')}: {v}" for k, v in fields.items()), "", ""]
        return self.ask("\r\n".join(lines).encode("utf-8") + body)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("bad-input"), PROJECT)
    yield running
    running.process.terminate()
    assert running.process.wait(15) == 0


@pytest.fixture(autouse=True)
def same_worker(server: Running) -> Iterator[None]:
    yield
    assert server.send("GET", "/pid")[2] == server.pid


def refused(answer: tuple[int, dict[str, str], bytes], *statuses: int) -> None:
    status, headers, body = answer
    assert status in (statuses or (400,)), answer
    assert headers["content-type"] == "application/json"
    assert set(json.loads(body)) == {"error"}


@pytest.mark.parametrize("host", [host for host in INPUTS["hosts"] if host not in SOUND_HOSTS])
def test_malformed_hosts(server: Running, host: str) -> None:
    refused(server.send("GET", "/echo", Host=host))


@pytest.mark.parametrize("host", ["127.1", "2130706433", "[::ffff:127.0.0.1]"])
def test_odd_but_sound_hosts_do_not_change_the_path(server: Running, host: str) -> None:
    status, _, body = server.send("GET", "/echo?a=1", Host=host)
    assert (status, json.loads(body)["url"]) == (200, f"http://{host}/echo?a=1")


@pytest.mark.parametrize(
    "lines", [b"", b"Host: a\r\nHost: a\r\n", b"Host: a\r\nhost: b\r\n", b"X-Forwarded-Host: ok\r\n", b"Host:\r\n"]
)
def test_missing_doubled_and_empty_hosts(server: Running, lines: bytes) -> None:
    refused(server.ask(b"GET /echo HTTP/1.1\r\n" + lines + b"Connection: close\r\n\r\n"))


@pytest.mark.parametrize("value", INPUTS["x_forwarded_for"])
def test_forwarded_headers_of_anyone_are_ignored(server: Running, value: str) -> None:
    status, _, body = server.send(
        "GET", "/echo", X_Forwarded_For=value, X_Forwarded_Host="evil", X_Forwarded_Proto="ftp"
    )
    assert status == 200
    assert json.loads(body) == {"url": "http://a/echo", "ip": "127.0.0.1"}


@pytest.mark.parametrize("value", INPUTS["integers"])
def test_integers(server: Running, value: str) -> None:
    from urllib.parse import quote

    fine = value in ("0", "01")
    for target in (f"/items/{quote(value, safe='')}", f"/items/1?page={quote(value, safe='')}"):
        if target in ("/items/", "/items/1?page="):
            continue
        answer = server.send("GET", target)
        if fine:
            assert answer[0] == 200
        else:
            refused(answer)


@pytest.mark.parametrize("text", INPUTS["json_bodies"])
def test_json_bodies(server: Running, text: str) -> None:
    status, _, body = answer = server.send("POST", "/echo", text.encode("utf-8", "surrogatepass"))
    try:
        expected = json.loads(text, parse_constant=pytest.fail)
        expected_text = json.dumps(expected)
    except (ValueError, pytest.fail.Exception):
        refused(answer)
        return
    if re.search(r"1e400|\\ud800", text):
        refused(answer)
    else:
        assert (status, json.dumps(json.loads(body)["got"])) == (200, expected_text)


@pytest.mark.parametrize("content_type", INPUTS["content_types"])
def test_content_types_of_forms(server: Running, content_type: str) -> None:
    answer = server.send("PUT", "/echo", b"a=1", Content_Type=content_type)
    if content_type.lower().startswith("application/x-www-form-urlencoded"):
        assert (answer[0], json.loads(answer[2])) == (200, {"fields": ["a"]})
    else:
        refused(answer, 400, 415)


@pytest.mark.parametrize(
    "kind", ["cookie", *(f"cookie-{field}" for field in ("name", "path", "domain", "same_site", "priority"))]
)
@pytest.mark.parametrize("value", INPUTS["cookie_field_values"])
def test_cookie_fields_never_reach_the_wire_raw(server: Running, kind: str, value: str) -> None:
    status, headers, body = server.send("POST", f"/make/{kind}", json.dumps(value).encode())
    line = headers.get("set-cookie")
    if status == 500:
        assert line is None
        assert json.loads(body)["error"] == "Internal server error"
        return
    assert status == 200
    assert line is not None
    assert re.fullmatch(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+=[!#-+\--:<-\[\]-~]*(; [A-Za-z\-]+(=[!-:<-~ ]+)?)*", line), line
    if kind == "cookie":
        assert line.count(";") == 1  # the value added no attribute


@pytest.mark.parametrize("status", INPUTS["response_statuses"])
def test_statuses_a_handler_should_not_give(server: Running, status: Any) -> None:
    got, headers, body = server.send("POST", "/make/status", json.dumps(status).encode())
    assert got == 500
    assert set(json.loads(body)) == {"error", "id"}
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize("kind", ["header", "append"])
@pytest.mark.parametrize("pair", INPUTS["response_headers"], ids=lambda pair: str(pair)[:40])
def test_headers_a_handler_should_not_give(server: Running, kind: str, pair: list[Any]) -> None:
    status, headers, body = server.send("POST", f"/make/{kind}", json.dumps(pair).encode())
    name, value = pair
    if status == 500:
        assert set(json.loads(body)) == {"error", "id"}
        return
    assert (status, body) == (200, b"x")
    # Framing is the server's: whatever the handler said, the answer can be read.
    assert headers["content-length"] == "1"
    assert "transfer-encoding" not in headers
    assert headers["connection"] == "close"
    if name == "x-a":
        assert headers["x-a"] == str(value).strip()


@pytest.mark.parametrize("kind", ["redirect", "interrupt"])
@pytest.mark.parametrize("target", [*INPUTS["redirect_targets"], "/\\/evil.example", "////evil.example"])
def test_redirect_targets_stay_on_this_site_or_are_plain_to_see(server: Running, kind: str, target: str) -> None:
    status, headers, body = server.send("POST", f"/make/{kind}", json.dumps(target).encode())
    location = headers.get("location")
    if status == 500:
        assert location is None
        assert set(json.loads(body)) == {"error", "id"}
        return
    assert status == 307
    assert location is not None
    assert re.fullmatch(r"[!-~]+", location)
    if re.match(r"(?i)https?:", target):
        assert location.startswith(("http://", "https://"))
    else:
        assert not re.match(r"[/\\]{2}", location)
        assert "://" not in location
