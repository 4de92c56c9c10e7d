"""Names, ranges and uploads that are meant to do harm, against a real server: nothing outside is read or written."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from urllib.parse import quote, quote_from_bytes

import pytest
from tests.http.traversal import NAMES, SECRET, make_root
from tests.test_bad_input import INPUTS, Running

PROJECT = {
    "app/pid/route.py": "import os\nasync def GET(): return {'pid': os.getpid()}\n",
    "app/one/[name]/route.py": """
from lib.places import ROOT
from waypost import Response
async def GET(request, context): return Response.file(ROOT, context.params["name"])
""",
    "app/deep/[...path]/route.py": """
from lib.places import ROOT
from waypost import Response
def GET(request, context): return Response.file(ROOT, context.params["path"])
""",
    "app/query/route.py": """
from lib.places import ROOT
from waypost import Response
async def GET(request): return Response.file(ROOT, request.next_url.search_params.get("name"))
""",
    "app/named/route.py": """
from waypost import Response
async def POST(request): return Response.download(b"x", await request.json())
""",
    "app/upload/route.py": """
from lib.places import UPLOADS
from waypost import Response, save_stream
async def POST(request):
    form = await request.form_data(max_files=3, max_file_size="100kb", accept=["text/plain"])
    file = form.file("file")
    try:
        saved = await file.save(UPLOADS / file.name)
    except (ValueError, OSError):
        saved = await file.save(UPLOADS)
    return Response.json({"claimed": file.name, "saved": saved.name})
async def PUT(request):
    return {"saved": [(await part.save(UPLOADS)).name async for part in request.parts()]}
async def PATCH(request):
    return {"saved": (await save_stream(request.stream(), UPLOADS, max_size=1000)).name}
""",
    "lib/places.py": """
from pathlib import Path
ROOT = Path(__file__).parents[1] / "files" / "root"
UPLOADS = Path(__file__).parents[1] / "uploads"
""",
}
Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    root = tmp_path_factory.mktemp("bad-files")
    (root / "files").mkdir()
    make_root(root / "files")
    (root / "uploads").mkdir()
    running = Running(root, PROJECT)
    yield running
    assert running.send("GET", "/pid")[2] == running.pid
    running.process.terminate()
    assert running.process.wait(15) == 0
    assert "Traceback" not in running.log.read_text()


@pytest.fixture(scope="module")
def missing(server: Running) -> Answer:
    answer = _without_date(server.send("GET", "/query?name=nothing"))
    assert (answer[0], answer[2]) == (404, b'{"error":"File not found"}')
    return answer


def _without_date(answer: Answer) -> Answer:
    status, headers, body = answer
    return status, {name: value for name, value in headers.items() if name != "date"}, body


def test_what_is_there_is_sent(server: Running) -> None:
    for target, expected in (
        ("/one/a.txt", b"public"),
        ("/deep/sub/b.txt", b"below"),
        ("/query?name=a.txt", b"public"),
    ):
        status, headers, body = server.send("GET", target)
        assert (status, body) == (200, expected)
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-disposition"].startswith("attachment; ")


def test_outside_and_missing_are_the_same_bytes(server: Running, missing: Answer) -> None:
    for name in NAMES:
        encoded = quote_from_bytes(name.encode("utf-8", "surrogatepass"), safe="")
        if len(encoded) < 8000:  # a longer target is refused before anyone sees it
            assert _without_date(server.send("GET", f"/query?name={encoded}")) == missing, name


@pytest.mark.parametrize("route", ["one", "deep"])
def test_no_path_leads_outside(server: Running, missing: Answer, route: str) -> None:
    for name in NAMES:
        encoded = quote_from_bytes(name.encode("utf-8", "surrogatepass"), safe="")
        raw = "".join(
            character if 0x21 <= ord(character) < 0x7F else quote(character, errors="replace") for character in name
        )
        for target in (encoded, quote(name, safe="/", errors="replace"), raw):
            answer = server.send("GET", f"/{route}/{target}")
            assert SECRET.encode() not in answer[2], target
            if answer[0] == 200:
                # Segment by segment, or cut at a `?` or `#`, some are honest names.
                assert answer[2] in (b"public", b"below"), target
                assert answer[2] == b"public" or route == "deep", target
            else:
                assert answer[0] in (308, 400, 404, 414), (target, answer)
                if answer[2] == missing[2]:
                    assert _without_date(answer) == missing, target


@pytest.mark.parametrize("number", range(len(INPUTS["content_disposition_names"])))
def test_names_to_save_under(server: Running, number: int) -> None:
    name = INPUTS["content_disposition_names"][number]
    answer = server.send("POST", "/named", json.dumps(name).encode())
    if name == "\ud800":
        assert answer[0] == 400  # such JSON is refused
        return
    status, headers, body = answer
    assert (status, body) == (200, b"x")
    line = headers["content-disposition"]
    assert re.fullmatch(
        r"attachment; filename=\"[ !#-\[\]-~]+\"(; filename\*=UTF-8''[!#$&+\-.^_`|~0-9A-Za-z%]+)?", line
    )
    assert not re.search(r'[/\\]|"\.|\.\."', line)


@pytest.mark.parametrize("number", range(len(INPUTS["ranges"])))
def test_ranges(server: Running, number: int) -> None:
    value = INPUTS["ranges"][number]
    began = time.perf_counter()
    status, headers, body = server.send("GET", "/one/a.txt", Range=value)
    assert time.perf_counter() - began < 1
    if not value.isascii():
        assert status in (200, 400)
        return
    assert status in (200, 206, 416)
    if status == 200:
        assert body == b"public"
    if status == 206 and headers["content-type"].startswith("text/"):
        start, stop, size = map(int, re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", headers["content-range"]).groups())  # type: ignore[union-attr]
        assert (body, size) == (b"public"[start : stop + 1], 6)


def _form(filename: bytes, content: bytes = b"plain", end: bytes = b"\r\n--b--\r\n") -> bytes:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + filename + b'"\r\n\r\n'
    return head + content + end


UPLOAD_NAMES = [
    b"../../x", b"../../../../../../tmp/x", b"/etc/x", b"C:\\x", b"..\\..\\x", b".", b"..", b"CON", b"x" * 300,
    b"~root/x",
    b"\xff\xfe", b"a/b", b"./x", b"../uploads/x", b"x/../../y", b"%2e%2e%2fx", b"..%2fx", b".htaccess", b"a\tb",
    *(name.encode("utf-8", "replace").replace(b'"', b"%22") for name in INPUTS["content_disposition_names"]),
]  # fmt: skip


def _tree(server: Running) -> set[str]:
    root = server.log.parent
    return {str(path.relative_to(root)) for path in root.rglob("*") if "uploads" not in path.parts}


def test_uploads_are_saved_where_we_say(server: Running) -> None:
    before = _tree(server)
    uploads = server.log.parent / "uploads"
    for number, filename in enumerate(UPLOAD_NAMES):
        status, _, body = server.send(
            "POST", "/upload", _form(filename, b"%d" % number), Content_Type="multipart/form-data; boundary=b"
        )
        if status == 400:  # a line break or NUL in a header of a part
            assert set(json.loads(body)) == {"error"}
            continue
        assert status == 200, (filename, body)
        saved = uploads / json.loads(body)["saved"]
        assert saved.parent == uploads
        assert saved.read_bytes() == b"%d" % number
    assert _tree(server) == before
    assert all(path.is_file() and not path.name.endswith(".part") for path in uploads.iterdir())


@pytest.mark.parametrize(
    ("method", "body", "expected"),
    [
        ("POST", _form(b"x", b"x" * 102_401), 413),
        ("POST", b"".join(_form(b"x", end=b"\r\n") for _ in range(4)) + b"--b--\r\n", 413),
        ("POST", _form(b"x.txt", b"\x89PNG\r\n\x1a\n"), 415),
        ("POST", _form(b"x.txt", b"<script>"), 415),
        ("POST", _form(b"x", end=b""), 400),
        ("POST", _form(b"x", end=b"\r\n--b"), 400),
        ("POST", _form(b""[:0], b""), 400),
        ("POST", b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\ntext\r\n--b--\r\n', 400),
        ("PUT", _form(b"x", end=b""), 400),
        ("PUT", _form(b"x") + b"", 200),
        ("PATCH", b"x" * 1001, 413),
        ("PATCH", b"x" * 1000, 200),
    ],
    ids=range(12),
)
def test_uploads_that_are_refused(server: Running, method: str, body: bytes, expected: int) -> None:
    uploads = server.log.parent / "uploads"
    before = set(uploads.iterdir())
    status, _, answer = server.send(method, "/upload", body, Content_Type="multipart/form-data; boundary=b")
    assert status == expected, answer
    left = set(uploads.iterdir()) - before
    assert len(left) == (1 if expected == 200 else 0)
    if expected != 200:
        assert set(json.loads(answer)) == {"error"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("chunked", [False, True], ids=["counted", "chunked"])
def test_uploads_that_break_off_leave_no_file(server: Running, method: str, chunked: bool) -> None:
    uploads = server.log.parent / "uploads"
    before = set(uploads.iterdir())
    body = _form(b"x", b"x" * 900)
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    head = f"{method} /upload HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\n{framing}\r\n\r\n"
    sent = b"%x\r\n%b" % (len(body), body[:500]) if chunked else body[:500]
    for half in (False, True):
        with socket.create_connection(("127.0.0.1", server.port), 10) as client:
            client.sendall(head.encode() + sent)
            if half:
                client.shutdown(socket.SHUT_WR)
                assert b"saved" not in client.recv(65536)
    deadline = time.monotonic() + 5
    while (left := set(uploads.iterdir()) - before) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert left == set()
