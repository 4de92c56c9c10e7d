"""Requests that cost other servers their memory, their time, their log or their secrets; of no effect here.

The names of advisories stand in tests/advisories.toml.
"""

from __future__ import annotations

import gzip
import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.app.project import make_application
from tests.app.wire import exchange, serve

from waypost.testing import Client

INPUTS = json.loads((Path(__file__).parents[1] / "data" / "framework-bad-inputs.json").read_text())
KEYS = ["__proto__", "constructor", "prototype", "__class__", "__init__", "__dict__", "__reduce__", "then", "toString"]

FILES = {
    "app/echo/route.py": """
from waypost import cookies
async def POST(request): return {"got": await request.json()}
async def PUT(request): return {"fields": [list(pair) for pair in (await request.form_data()).entries()]}
async def GET(request):
    return {"query": [list(pair) for pair in request.next_url.search_params.entries()], "cookies": len(cookies())}
""",
    "app/still/route.py": """
from waypost import Response
revalidate = 60
async def GET(): return Response.json({"same": "for everybody"})
""",
    "app/shared/route.py": """
from waypost import Response
from waypost.cors import cors
async def body(): return Response("x" * 2000)
GET = cors(origins=["https://a.example"])(body)
""",
    "public/file.txt": "a file" * 1000,
    "public/folder/inside.txt": "inside",
    "public/packed.js": "plain",
    "public_secret/secret.txt": "secret",
    "secret.txt": "secret",
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    root = tmp_path_factory.mktemp("hostile")
    application = make_application(root, FILES)
    (root / "public" / "packed.js.gz").symlink_to(root / "secret.txt")
    with Client(application) as open_client:
        yield open_client


PIECES = [",", ";", "=", '"', '"\\', ", ", "; ", "a,", "a;q=0.1,", "bytes=0-0,", "0-1,", "W/", "*/*,", "[::", "\\", " "]
FIELDS = [
    "accept", "accept-encoding", "accept-language", "content-type", "cache-control", "range", "if-range", "cookie",
    "if-none-match", "if-match", "if-modified-since", "authorization", "vary", "origin", "forwarded",
    "x-forwarded-for", "x-forwarded-host", "access-control-request-headers", "user-agent", "traceparent",
    "content-disposition", "connection", "te", "expect", "upgrade",
]  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_no_long_header_value_takes_long(client: Client, name: str) -> None:
    """60 KB of what separates or quotes: 25 ms for each answer on average, of this process's own time."""
    targets = [("GET", "/file.txt"), ("GET", "/still"), ("GET", "/echo"), ("GET", "/shared"), ("PUT", "/echo")]
    client.get("/still")
    began = time.process_time()
    for piece in PIECES:
        value = (piece * (60_000 // len(piece))).strip() or "x"
        for method, path in targets:
            answer = client.request(method, path, headers={name: value}, body=b"a=1" if method == "PUT" else None)
            assert answer.status < 500, (path, piece)
    assert (time.process_time() - began) / (len(PIECES) * len(targets)) < 0.025


MANY_RANGES = [
    "bytes=" + ",".join(["0-0"] * 10_000),
    "bytes=" + ",".join(f"{start}-{start + 5}" for start in range(10_000)),
    "bytes=" + ",".join(f"-{count}" for count in range(1, 10_000)),
    "bytes=" + ",".join(["0-"] * 10_000),
    "bytes=\u0661-\u0662",
]


@pytest.mark.parametrize("value", [*INPUTS["ranges"], *MANY_RANGES], ids=lambda value: value[:30])
def test_ranges(client: Client, value: str) -> None:
    whole = client.get("/file.txt").content
    began = time.process_time()
    answer = client.get("/file.txt", headers={"range": value.encode().decode("latin-1")})
    assert time.process_time() - began < 0.1
    assert answer.status in (200, 206, 416)
    assert answer.status != 200 or answer.content == whole
    assert len(answer.content) < 2 * len(whole) + 100 * 200  # no more than what was asked for, and its boundaries


def test_bad_cookies_write_no_log(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert client.get("/echo", headers={"cookie": "; ".join(["=", "a b", "\x80"] * 1000)}).status == 200
    assert len(caplog.records) <= 1


@pytest.mark.parametrize(
    "name",
    ["accept", "rsc", "next-router-prefetch", "next-router-segment-prefetch", "next-url", "next-action",
     "x-nextjs-data", "x-forwarded-host", "x-forwarded-proto", "x-http-method-override", "range", "purpose"],
)  # fmt: skip
def test_no_header_makes_another_variant_of_a_cached_answer(client: Client, name: str) -> None:
    plain = client.get("/still")
    for value in ("1", "text/x-component", "text/html", "evil.example", "bytes=0-1"):
        answer = client.get("/still", headers={name: value})
        assert (answer.status, answer.content) == (200, plain.content)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["etag"] == plain.headers["etag"]


def test_names_with_a_meaning_elsewhere_are_plain_data(client: Client) -> None:
    data = {key: {"x": key} for key in KEYS}
    assert client.post("/echo", json=data).json() == {"got": data}
    pairs = [[key, "1"] for key in KEYS]
    encoded = "&".join(f"{key}=1" for key in KEYS)
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert client.put("/echo", body=encoded.encode(), headers=form).json() == {"fields": pairs}
    assert client.get(f"/echo?{encoded}").json()["query"] == pairs


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "zstd", "gzip, gzip", "x-gzip"])
def test_nothing_is_inflated(client: Client, coding: str) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    began = time.process_time()
    for method, kind in (("POST", "application/json"), ("PUT", "application/x-www-form-urlencoded")):
        answer = client.request(method, "/echo", body=bomb, headers={"content-encoding": coding, "content-type": kind})
        assert answer.status < 500
        assert len(answer.content) < 1_000_000
    assert time.process_time() - began < 0.5


def test_a_folder_of_public_has_no_index(client: Client) -> None:
    assert client.get("/folder/inside.txt").text == "inside"
    for path in ("/folder", "/folder/", "/folder/."):
        assert client.get(path, headers={"accept": "text/html"}).status in (404, 308), path


def test_a_compressed_sibling_is_not_looked_for(client: Client) -> None:
    answer = client.get("/packed.js", headers={"accept-encoding": "gzip"})
    assert (answer.text, client.get("/packed.js.gz").status) == ("plain", 404)


WINDOWS = [
    "CON",
    "NUL.txt",
    "file.txt/COM1",
    "aux",
    "\\\\server\\share\\x",
    "C:\\secret.txt",
    "file.txt::$DATA",
    "file.txt.",
]


@pytest.mark.parametrize("encoded", [False, True], ids=["as it is", "encoded"])
def test_public_gives_its_own_files_only(client: Client, encoded: bool) -> None:
    missing = client.get("/nothing-here").content
    names = [*INPUTS["traversal_names"], *WINDOWS, "_secret/secret.txt", "../public_secret/secret.txt", "../secret.txt"]
    for name in names:
        path = f"/folder/{quote(name, safe='') if encoded else quote(name, safe='/%.;:$')}"
        answer = client.get(path)
        for _ in range(3):
            if answer.status == 308:
                answer = client.get(answer.headers["location"])
        assert answer.status in (400, 404, 308) or answer.text.startswith(("a file", "inside")), (name, answer.status)
        assert b"secret" not in answer.content
        if answer.status == 404:
            assert answer.content == missing, "a missing file and a forbidden one look alike"


ODD_UPGRADES = ["\x80\xff", ",", ",,,,", "\xff" * 5000, "a" * 5000, "", "chat, \x01", "\u00fc"]


def test_an_odd_upgrade_harms_nothing(tmp_path: Path) -> None:
    with serve(make_application(tmp_path, FILES)) as port:
        for protocol in ODD_UPGRADES:
            head = (
                "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n"
                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                f"Sec-WebSocket-Protocol: {protocol}\r\n\r\n"
            )
            answer = exchange(port, head.encode("latin-1"), seconds=2)
            assert answer[9:10] in (b"2", b"4"), (protocol[:20], answer[:40])
            after = exchange(port, b"GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert after.startswith(b"HTTP/1.1 200")


def test_trailers_are_bounded(tmp_path: Path) -> None:
    head = b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n"
    with serve(make_application(tmp_path, FILES)) as port:
        began = time.process_time()
        try:
            answer = exchange(port, head + b"X-T: y\r\n" * 200_000 + b"\r\n", seconds=5)
        except ConnectionError:  # it hung up in the middle of them
            answer = b""
        assert answer[9:12] in (b"", b"400", b"431"), answer[:60]
        assert time.process_time() - began < 2
        after = exchange(port, b"GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert after.startswith(b"HTTP/1.1 200")
