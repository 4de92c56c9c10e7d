"""docs/guide.md names every file of examples/guide, in the order of the guide's chapters."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "examples" / "guide"
PAGE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and "../examples/guide/" in line]

#: The guide's chapters that have a code block, as it orders them.
CHAPTERS = [
    "File Structure and Routing", "List and Create Posts", "Read, Update, and Delete a Single Post",
    "Query Parameters", "JSON Body", "FormData (File Uploads)", "Headers and Cookies", "Per-Route CORS",
    "Global CORS via Middleware", "Static vs. Dynamic Behavior", "Time-Based Revalidation", "On-Demand Revalidation",
    "Basic Streaming with ReadableStream", "AI/LLM Streaming", "AI/LLM Streaming, the page", "File Downloads",
    "Webhook Handling", "Inline Auth Check", "Reusable Higher-Order Handler", "In-Memory Rate Limiter",
    "Production Rate Limiting with Upstash Redis", "Validate Request Bodies at Runtime", "Handle Errors Gracefully",
    "Use the Edge Runtime When It Fits", "Keep Handlers Small",
]  # fmt: skip


def route_name(file: Path) -> str:
    return file.parent.relative_to(PROJECT / "app").as_posix()


def linked(text: str) -> set[Path]:
    return {(ROOT / "docs" / target).resolve() for target in re.findall(r"\]\(<?(\.\./examples/guide/[^)>]+)", text)}


def test_every_chapter_has_its_row() -> None:
    assert [name for row in ROWS if (name := row.split(" | ")[0].removeprefix("| ")) != "–"] == CHAPTERS


def test_every_file_is_in_the_table() -> None:
    files = {
        file for file in PROJECT.rglob("*.py")
        if file.name not in ("__init__.py", "main.py") and "tests" not in file.relative_to(PROJECT).parts
    }  # fmt: skip
    assert files - linked(PAGE) == set()


@pytest.mark.parametrize("file", sorted(PROJECT.glob("app/**/route.py")), ids=route_name)
def test_every_route_says_which_chapter_it_is(file: Path) -> None:
    opening = file.read_text(encoding="utf-8").split("\n", 1)[0]
    row = next(row for row in ROWS if file in linked(row))
    chapter = row.split(" | ")[0].removeprefix("| ")
    assert opening.startswith('"""Not in the guide' if chapter == "–" else '"""Guide: '), opening


@pytest.mark.parametrize("file", sorted(PROJECT.glob("app/**/route.py")), ids=route_name)
def test_every_route_has_its_test(file: Path) -> None:
    path = "/" + "/".join(file.relative_to(PROJECT / "app").parts[:-1])
    tests = "".join(test.read_text(encoding="utf-8") for test in PROJECT.glob("tests/test_*.py"))
    assert path.split("[")[0] in tests
