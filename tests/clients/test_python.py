"""The Python client of a project, checked by mypy as strictly as it can be, and run."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.cli.running import Running, needs
from tests.clients.project import served
from tests.clients.test_typescript import run, waypost

from waypost.clients.python import write_python
from waypost.clients.python_runtime import _Events, _path

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Running]]:
    folder = tmp_path_factory.mktemp("project")
    with served(folder) as server:
        yield folder, server


@pytest.fixture(scope="module")
def written(project: tuple[Path, Running], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("client")
    for name in ("use.py", "mistakes.py"):
        shutil.copy(HERE / name, folder)
    waypost("client", "--python", "-o", str(folder / "client.py"), cwd=project[0])
    return folder


def check(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-m", *command, cwd=cwd)


@pytest.mark.slow
@needs("mypy")
def test_mypy_finds_nothing_wrong_and_every_mistake(written: Path) -> None:
    done = check("mypy", "--strict", "--config-file=", "client.py", "use.py", "mistakes.py", cwd=written)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_it_runs(written: Path, project: tuple[Path, Running]) -> None:
    done = run(sys.executable, "-W", "error", "use.py", f"http://localhost:{project[1].port}", cwd=written)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


@pytest.mark.slow
def test_the_same_project_gives_the_same_file(project: tuple[Path, Running]) -> None:
    first, second = (waypost("client", "--python", cwd=project[0]) for _ in range(2))
    assert first == second
    assert first.startswith('"""Client of blog 1.2.3, made by `waypost client --python`:')


def test_lines_become_events() -> None:
    lines = [": hello", "event: tick", "id: 7", "data: one", "data:two", "", "data", "", "event: none", "", "data: x"]
    events = _Events()
    found = [event for line in lines if (event := events.feed(line)) is not None]
    assert [(event.event, event.data, event.id) for event in found] == [("tick", "one\ntwo", "7"), ("message", "", "7")]


def test_parts_of_a_path_stay_parts() -> None:
    assert _path(("a b", "c/d", 1, True, "ü?#")) == "/a%20b/c%2Fd/1/true/%C3%BC%3F%23"
    assert _path(()) == "/"
    for part in ("", ".", ".."):
        with pytest.raises(ValueError, match="no part of a path"):
            _path(("a", part))


def described(*paths: str) -> dict[str, Any]:
    """A document with a GET at each path, whose answer has a field of the path's own."""
    found: dict[str, Any] = {}
    for number, path in enumerate(paths):
        schema = {"type": "object", "properties": {f"field{number}": {"type": "string"}}}
        names = re.findall(r"\{(.+?)\}", path)
        found[path] = {
            "parameters": [{"name": name, "in": "path", "required": True} for name in names],
            "get": {"responses": {"200": {"content": {"application/json": {"schema": schema}}}}},
        }
    return {"info": {"title": "x", "version": "1"}, "paths": found}


def test_paths_that_would_be_called_alike_are_classes_of_their_own() -> None:
    paths = ["/user/posts", "/user-posts", "/userPosts", "/p/{id}", "/p/id", "/events", "/sync", "/root", "/async/jobs"]
    text = write_python(described(*paths, "/jobs", "/"))
    names = re.findall(r"^class (\w+)", text, re.MULTILINE)
    assert len(names) == len(set(names))
    made: dict[str, Any] = {"__name__": __name__}
    exec(compile(text, "client.py", "exec"), made)

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={"path": request.url.path})

    client = made["Client"]("http://a", http=httpx2.Client(transport=httpx2.MockTransport(answer)))
    asked = [client.user.posts, client.user_posts, client.userPosts, client.p("7"), client.p.id, client.events]
    found = [node.get()["path"] for node in (*asked, client.async_.jobs, client.jobs, client)]
    assert found == [
        "/user/posts",
        "/user-posts",
        "/userPosts",
        "/p/7",
        "/p/id",
        "/events",
        "/async/jobs",
        "/jobs",
        "/",
    ]
    # Each answer has its own type, too.
    for number, _ in enumerate(paths):
        assert text.count(f"    field{number}: NotRequired[str]") == 1


@pytest.mark.parametrize("name", ["a\u00b2", "\U0001f600", "\ufb01x", "self", 'q"\\', "1", "class"], ids=ascii)
def test_any_name_makes_a_file_that_python_reads(name: str) -> None:
    document = described(f"/{name}/{{{name}}}")
    (item,) = document["paths"].values()
    item["get"]["parameters"] = [{"name": name, "in": "query", "schema": {"enum": [name]}}]
    item["get"]["responses"]["200"]["content"]["application/json"]["schema"]["properties"][name] = {"const": name}
    text = write_python(document)
    compile(text, "client.py", "exec")
    literals = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)]
    assert name in literals
    "".join(value for value in literals if isinstance(value, str)).encode()  # no half of a surrogate pair
