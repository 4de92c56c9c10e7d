from __future__ import annotations

import json
import re
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


RULES = {
    "pyproject.toml": """
[[tool.waypost.redirects]]
source = "/old/:path*"
destination = "/files/:path*"
permanent = true
has = [{ type = "header", key = "x-a", value = "1" }]

[[tool.waypost.headers]]
source = "/:path*"
headers = { X-Frame-Options = "DENY" }

[tool.waypost.rewrites]
fallback = [{ source = "/:path*", destination = "/options" }]
""",
    "middleware.py": "config = {'matcher': ['/api/:path*', '/files/:path*']}\nasync def middleware(request): ...\n",
    "app/api/middleware.py": "async def middleware(request): ...\n",
}


def test_what_stands_before_the_routes_is_listed_below_them(project: Path) -> None:
    write(project, RULES)
    lines = [re.split(r" {2,}", line) for line in routes(project).partition("\n\n")[2].splitlines()]
    assert lines == [
        ["Before", "Path", "What"],
        ["headers", "/:path*", "X-Frame-Options"],
        ["redirect", "/old/:path*", "308 → /files/:path* [has header x-a=1]"],
        ["middleware", "/api/:path*", "middleware.py"],
        ["middleware", "/files/:path*", "middleware.py"],
        ["rewrite", "/:path*", "→ /options (fallback)"],
    ]


def test_json_has_them_as_rows_of_other_kinds(project: Path) -> None:
    write(project, RULES)
    rows = json.loads(routes(project, "--json"))
    kinds = [row["kind"] for row in rows]
    assert kinds[-5:] == ["headers", "redirect", "middleware", "middleware", "rewrite"]
    redirect = rows[kinds.index("redirect")]
    assert (redirect["path"], redirect["destination"], redirect["status"]) == ("/old/:path*", "/files/:path*", 308)
    assert redirect["has"] == [{"type": "header", "key": "x-a", "value": "1"}]
    middleware = {row["path"]: row.get("middleware") for row in rows if row["kind"] == "route"}
    assert middleware["/api/posts"] == ["middleware in app/api/middleware.py"]
    assert middleware["/options"] == []


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
