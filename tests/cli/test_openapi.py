from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.running import write

ROUTE = """\
from __future__ import annotations
import msgspec

class Post(msgspec.Struct):
    id: int
    title: str

class Query(msgspec.Struct):
    page: int = 1

async def GET(query: Query) -> list[Post]:
    return []

async def POST(body: Post) -> Post:
    return body
"""


def waypost(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "waypost.cli", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, {"app/posts/route.py": ROUTE, "pyproject.toml": '[project]\nname = "blog"\nversion = "1"\n'})
    return tmp_path


def test_the_document_is_printed_and_nothing_else(project: Path) -> None:
    done = waypost("openapi", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(json.loads(done.stdout)["paths"]) == ["/posts"]
    assert done.stdout.endswith("}\n")


def test_a_file_is_written_once(project: Path) -> None:
    first = waypost("openapi", "-o", "docs/openapi.json", cwd=project)
    assert (first.stdout, first.stderr) == ("", "docs/openapi.json: written\n")
    written = (project / "docs/openapi.json").read_text()
    assert written == waypost("openapi", cwd=project).stdout
    again = waypost("openapi", "--output", "docs/openapi.json", cwd=project)
    assert again.stderr == "docs/openapi.json: nothing new\n"


def test_a_project_that_can_not_start_has_no_document(project: Path) -> None:
    write(project, {"app/broken/route.py": "def get(): ...\n"})
    done = waypost("openapi", cwd=project)
    assert (done.returncode, done.stdout) == (1, "")
    assert "app/broken/route.py:1" in done.stderr


def test_a_file_that_can_not_be_written_is_told(project: Path) -> None:
    (project / "full").write_text("")
    done = waypost("openapi", "-o", "full/openapi.json", cwd=project)
    assert done.returncode == 1
    assert "full/openapi.json can't be written" in done.stderr


def test_check_says_that_the_document_is_up_to_date(project: Path) -> None:
    waypost("openapi", "-o", "openapi.json", cwd=project)
    done = waypost("check", "--no-types", cwd=project)
    assert (done.returncode, done.stdout) == (0, "routes: 1 route, no problems\nopenapi.json: up to date\n")


def test_check_lets_additions_pass(project: Path) -> None:
    waypost("openapi", "-o", "openapi.json", cwd=project)
    write(project, {"app/users/route.py": "async def GET(): ...\n"})
    done = waypost("check", "--no-types", cwd=project)
    assert done.returncode == 0
    assert "openapi.json: nothing breaks, but it is not up to date: waypost openapi -o openapi.json" in done.stdout


def test_check_names_what_breaks_with_its_file_and_line(project: Path) -> None:
    write(project, {"app/users/route.py": "async def GET(): ...\n"})
    waypost("openapi", "-o", "openapi.json", cwd=project)
    (project / "app/users/route.py").unlink()
    changed = ROUTE.replace("page: int = 1", "page: int").replace("    title: str\n", "    title: int\n")
    write(project, {"app/posts/route.py": changed})
    done = waypost("check", "--no-types", cwd=project)
    assert done.returncode == 1
    assert "app/posts/route.py:11: breaks clients: GET /posts: the query parameter page is required now" in done.stderr
    assert "app/posts/route.py:14: breaks clients: POST /posts: the body, title, no longer takes string" in done.stderr
    assert "openapi.json: breaks clients: /users: the path is gone" in done.stderr
    assert "waypost openapi -o openapi.json" in done.stderr


def test_the_setting_names_another_file(project: Path) -> None:
    write(project, {"pyproject.toml": '[tool.waypost]\nopenapi-file = "api/v1.json"\n'})
    waypost("openapi", "-o", "api/v1.json", cwd=project)
    assert "api/v1.json: up to date" in waypost("check", "--no-types", cwd=project).stdout


@pytest.mark.parametrize("text", ["{", "[]", '{"paths": []}'])
def test_a_file_that_is_no_document_is_told(project: Path, text: str) -> None:
    write(project, {"openapi.json": text})
    done = waypost("check", "--no-types", cwd=project)
    assert done.returncode == 1
    assert "openapi.json: this file" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_client_needs_a_language_and_a_document(project: Path) -> None:
    done = waypost("client", cwd=project)
    assert done.returncode == 2
    assert "--ts or --python" in done.stderr
    for text in ("{", "[]", "{}"):
        write(project, {"other.json": text})
        done = waypost("client", "--ts", "--from", "other.json", cwd=project)
        assert done.returncode == 1
        assert "other.json" in done.stderr
        assert "Traceback" not in done.stderr
