from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.running import write

from waypost.cli.routes import options_text
from waypost.routing.options import SegmentOptions

PROJECT = {
    "app/api/posts/route.py": "def GET(): ...\ndef POST(): ...\n",
    "app/api/posts/[id]/route.py": "dynamic = 'force-static'\nrevalidate = 60\nmax_body_size = '1kb'\ndef GET(): ...\n",
    "app/files/[...path]/route.py": "preferred_region = ['fra1', 'iad1']\ndef DELETE(): ...\n",
    "app/(group)/options/route.py": "def OPTIONS(): ...\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, PROJECT)
    return tmp_path


def routes(project: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "waypost.cli", "routes", *arguments]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_table(project: Path) -> None:
    rows = [line.split("  ") for line in routes(project).splitlines()]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    assert cells[0] == ["Path", "Methods", "File", "Options"]
    assert sorted(cells[1:]) == sorted(
        [
            ["/api/posts", "GET, POST", "app/api/posts/route.py"],
            [
                "/api/posts/[id]",
                "GET",
                "app/api/posts/[id]/route.py",
                "dynamic=force-static, revalidate=60, max_body_size=1024",
            ],
            ["/files/[...path]", "DELETE", "app/files/[...path]/route.py", "preferred_region=fra1 iad1"],
            ["/options", "OPTIONS", "app/(group)/options/route.py"],
        ]
    )


def test_a_long_row_is_not_cut_in_a_pipe(project: Path) -> None:
    name = "x" * 120
    write(project, {f"app/{name}/route.py": "def GET(): ...\n"})
    assert any(f"/{name} " in line and f"app/{name}/route.py" in line for line in routes(project).splitlines())


def test_json_is_for_programs(project: Path) -> None:
    found = {route["path"]: route for route in json.loads(routes(project, "--json"))}
    post = found["/api/posts/[id]"]
    assert post["methods"] == ["GET", "HEAD", "OPTIONS"]
    assert post["file"] == "app/api/posts/[id]/route.py"
    assert post["kind"] == "route"
    assert post["error"] is None
    assert post["options"]["revalidate"] == 60
    assert found["/api/posts"]["options"]["revalidate"] is None
    assert found["/files/[...path]"]["options"]["preferred_region"] == ["fra1", "iad1"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (SegmentOptions(), ""),
        (SegmentOptions(revalidate=0), "revalidate=0"),
        (SegmentOptions(revalidate=False), "revalidate=false"),
        (SegmentOptions(dynamic_params=False), "dynamic_params=false"),
        (None, ""),
    ],
)
def test_only_options_that_are_set_are_shown(options: SegmentOptions | None, text: str) -> None:
    assert options_text(options) == text
