from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.app.project import write_project
from tests.cli.running import running

COUNT = "import itertools\nfrom waypost import *\nfrom waypost.cache import *\nRUNS = itertools.count(1)\n"
STATIC = (
    COUNT + "dynamic = 'force-static'\nasync def GET():\n    return Response.json({'n': next(RUNS), 'from': FROM})\n"
)
FILES = {
    # What runs in the build says so; a run at the server would say otherwise.
    "app/static/route.py": "import sys\nFROM = 'build' if 'build' in sys.argv else 'start'\n" + STATIC,
    "app/timed/route.py": COUNT + "revalidate = 2\nasync def GET():\n    return Response('x' * 1500)\n",
    "app/posts/[id]/route.py": COUNT
    + "dynamic_params = False\ndef generate_static_params():\n    return [{'id': str(n)} for n in range(6)]\n"
    + "async def GET(request, context):\n    return Response.json(context.params)\n",
    "app/cookie/route.py": COUNT
    + "revalidate = 60\nasync def GET():\n    return Response('x', headers={'set-cookie': 'a=1'})\n",
    "app/live/route.py": COUNT + "async def GET():\n    return Response('live')\nasync def POST():\n"
    "    update_tag('t')\n    revalidate_path('/static')\n    return Response('ok')\n",
}


def build(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "waypost.cli", "build"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def get(port: int, path: str, **headers: str) -> tuple[str, str]:
    """Cache-Status and body."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.headers.get("cache-status") or "", response.read().decode()


def test_the_table_says_what_became_of_each_route(tmp_path: Path) -> None:
    done = build(write_project(tmp_path, FILES))
    assert done.returncode == 0, done.stderr
    rows = {
        line.split()[1]: " ".join(line.split())
        for line in done.stdout.splitlines()
        if line[:1] in "○●ƒ" and "/" in line
    }
    assert rows["/static"] == "○ /static GET 22 B"
    assert rows["/timed"] == "○ /timed GET 1.5 kB 2s 1y"
    assert rows["/posts/[id]"].startswith("● /posts/[id] GET")
    assert rows["/live"] == "ƒ /live GET, POST"
    assert "/posts/0" in done.stdout and "and 3 more" in done.stdout
    assert "built 8 answers" in done.stdout
    assert "the answer of /cookie is not kept: Set-Cookie" in done.stderr


def test_start_answers_without_the_handler_until_it_is_revalidated(tmp_path: Path) -> None:
    assert build(write_project(tmp_path, FILES)).returncode == 0
    with running("start", "--port", "0", cwd=tmp_path) as server:
        assert get(server.port, "/static") == ("waypost; hit", '{"n":1,"from":"build"}')
        assert get(server.port, "/posts/5")[0] == "waypost; hit"
        request = urllib.request.Request(f"http://127.0.0.1:{server.port}/live", method="POST")
        urllib.request.urlopen(request, timeout=10).close()
        assert get(server.port, "/static") == ("waypost; fwd=uri-miss; stored", '{"n":1,"from":"start"}')
    # What was revalidated does not come back with the build.
    with running("start", "--port", "0", cwd=tmp_path) as server:
        assert get(server.port, "/static") == ("waypost; hit", '{"n":1,"from":"start"}')


def test_entries_outlive_a_killed_server_of_the_same_build(tmp_path: Path) -> None:
    files = {"app/[id]/route.py": STATIC.replace("FROM", "1")}
    write_project(tmp_path, files)
    with running("start", "--port", "0", cwd=tmp_path) as server:
        first = get(server.port, "/a")[1]
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(10)
    with running("start", "--port", "0", cwd=tmp_path) as server:
        assert get(server.port, "/a") == ("waypost; hit", first)


def test_another_build_sees_none_of_them(tmp_path: Path) -> None:
    assert build(write_project(tmp_path, FILES)).returncode == 0
    with running("start", "--port", "0", cwd=tmp_path) as server:
        get(server.port, "/static")
    (tmp_path / "app/static/route.py").write_text(FILES["app/static/route.py"] + "# another line\n")
    with running("start", "--port", "0", cwd=tmp_path) as server:
        assert get(server.port, "/static") == ("waypost; fwd=uri-miss; stored", '{"n":1,"from":"start"}')
        assert "it was built of other files: run `waypost build` again" in server.output


def test_every_worker_serves_the_build(tmp_path: Path) -> None:
    assert build(write_project(tmp_path, FILES)).returncode == 0
    with running("start", "--port", "0", "--workers", "3", cwd=tmp_path) as server:
        assert {get(server.port, "/static") for _ in range(20)} == {("waypost; hit", '{"n":1,"from":"build"}')}


def test_handlers_that_fail_are_reported_at_once_with_file_and_line(tmp_path: Path) -> None:
    files = {
        "app/raises/route.py": COUNT
        + "dynamic = 'force-static'\nasync def GET():\n    value = {}\n    return value['x']\n",
        "app/below/route.py": "from lib.deep import load\n"
        + COUNT
        + "revalidate = 5\nasync def GET():\n    return load()\n",
        "lib/__init__.py": "",
        "lib/deep.py": "def load():\n    raise ValueError('no data')\n",
        "app/reads/route.py": COUNT + "dynamic = 'error'\nasync def GET(request):\n    return Response(request.url)\n",
        "app/[id]/route.py": COUNT
        + "def generate_static_params():\n    return [{'slug': 'x'}]\nasync def GET():\n    return Response('x')\n",
        "app/p/[id]/route.py": COUNT + "async def generate_static_params():\n    raise LookupError('no rows')\n"
        "async def GET():\n    return Response('x')\n",
    }
    done = build(write_project(tmp_path, files))
    assert done.returncode == 1
    assert "app/raises/route.py:8: the static handler of /raises failed: KeyError: 'x'" in done.stderr
    assert "app/below/route.py:8: the static handler of /below failed: ValueError: no data" in done.stderr
    assert "app/reads/route.py:7: request.url was read in a static handler" in done.stderr
    assert "app/[id]/route.py:5: generate_static_params: the parameter 'id' must be a text" in done.stderr
    assert "app/p/[id]/route.py:6: generate_static_params failed: LookupError: no rows" in done.stderr
    assert "5 problems found" in done.stderr
    assert not (tmp_path / ".waypost" / "build").exists()


def test_a_failed_build_leaves_the_one_before(tmp_path: Path) -> None:
    assert build(write_project(tmp_path, FILES)).returncode == 0
    before = (tmp_path / ".waypost/build/manifest.json").read_text()
    write_project(tmp_path, {"app/bad/route.py": COUNT + "revalidate = 5\nasync def GET():\n    1 / 0\n"})
    assert build(tmp_path).returncode == 1
    assert (tmp_path / ".waypost/build/manifest.json").read_text() == before


def test_the_manifest_is_for_programs(tmp_path: Path) -> None:
    build(write_project(tmp_path, FILES))
    manifest = json.loads((tmp_path / ".waypost/build/manifest.json").read_text())
    rows = {route["pattern"]: route for route in manifest["routes"]}
    assert rows["/timed"]["revalidate"] == 2 and rows["/timed"]["kind"] == "static"
    assert rows["/posts/[id]"]["paths"] == [f"/posts/{n}" for n in range(6)]


def test_nothing_to_build_is_no_mistake(tmp_path: Path) -> None:
    done = build(write_project(tmp_path, {"app/route.py": COUNT + "async def GET():\n    return Response('x')\n"}))
    assert done.returncode == 0 and "built 0 answers" in done.stdout
