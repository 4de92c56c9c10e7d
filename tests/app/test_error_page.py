"""What `waypost dev` shows of an error: causes, places, source lines; to a browser and to everyone else."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from tests.app.project import make_application

from waypost.testing import Client, ClientResponse

FILES = {
    "lib/__init__.py": "",
    "lib/db.py": 'def load(number):\n    posts = {1: "first"}\n    return {"ž": "é", "title": posts[number]}\n',
    "app/cause/route.py": """
from lib.db import load

async def GET():
    try:
        return load(7)
    except KeyError as error:
        raise RuntimeError("post 7 can't be loaded") from error
""",
    "app/context/route.py": """
async def GET():
    try:
        return 1 // 0
    except ZeroDivisionError:
        return [][0]
""",
    "app/hidden/route.py": """
async def GET():
    try:
        return 1 // 0
    except ZeroDivisionError:
        raise ValueError("no context") from None
""",
    "app/group/route.py": """
import asyncio

async def fail(text):
    error = ValueError(text)
    error.add_note("a note")
    raise error

async def GET():
    async with asyncio.TaskGroup() as group:
        group.create_task(fail("one"))
        group.create_task(fail("two"))
""",
    "app/library/route.py": """
import json

async def GET():
    return json.loads("{")
""",
    "app/script/route.py": "async def GET():\n    raise ValueError('<script>alert(1)</script>')\n",
    "app/loop/route.py": """
async def GET():
    a, b = ValueError('a'), ValueError('b')
    a.__cause__, b.__cause__ = b, a
    raise a
""",
    "app/syntax/route.py": "async def GET():\n    return {\n",
    "app/deep/route.py": """
async def GET():
    def raised(number):
        try:
            raise ValueError(number)
        except ValueError as error:
            if number == 30:
                raise
            return raised_from(number, error)
    def raised_from(number, error):
        try:
            raise KeyError(number) from error
        except KeyError:
            return raised(number + 1)
    raised(0)
""",
}


def ask(tmp_path: Path, path: str, *, page: bool = False) -> Any:
    with Client(make_application(tmp_path, FILES, dev=True)) as client:
        answer: ClientResponse = client.get(
            path, headers={"host": "localhost", "accept": "text/html" if page else "application/json"}
        )
    assert answer.status == 500
    return answer.text if page else answer.json()


def test_a_cause_is_told_with_its_place(tmp_path: Path) -> None:
    error = ask(tmp_path, "/cause")
    assert (error["type"], error["message"]) == ("RuntimeError", "post 7 can't be loaded")
    assert error["traceback"] == ["app/cause/route.py:8 in GET"]
    (cause,) = error["related"]
    assert (cause["relation"], cause["type"], cause["message"]) == ("caused by", "KeyError", "7")
    assert cause["traceback"] == ["app/cause/route.py:6 in GET", "lib/db.py:3 in load"]


def test_what_was_being_handled_is_told_unless_it_was_hidden(tmp_path: Path) -> None:
    error = ask(tmp_path, "/context")
    assert error["type"] == "IndexError"
    assert [part["relation"] for part in error["related"]] == ["raised while handling"]
    assert "related" not in ask(tmp_path, "/hidden")


def test_the_errors_of_a_group_and_their_notes(tmp_path: Path) -> None:
    parts = ask(tmp_path, "/group")["related"]
    assert [part["message"] for part in parts] == ["one\na note", "two\na note"]
    assert {part["relation"] for part in parts} == {"one of its errors"}


def test_errors_that_cause_each_other_end(tmp_path: Path) -> None:
    assert [part["message"] for part in ask(tmp_path, "/loop")["related"]] == ["b"]
    assert len(ask(tmp_path, "/deep")["related"]) == 9


def test_a_page_marks_what_was_running(tmp_path: Path) -> None:
    page = ask(tmp_path, "/cause", page=True)
    assert "<mark>posts[number]</mark>" in page  # behind letters of two bytes
    assert page.index("app/cause/route.py<b>:8</b>") < page.index("caused by") < page.index("lib/db.py<b>:3</b>")
    assert "application.py" not in page, "calls of the framework are in nobody's way"


def test_calls_of_libraries_are_folded(tmp_path: Path) -> None:
    page = ask(tmp_path, "/library", page=True)
    assert re.search(r"<details class=libraries><summary>\d+ calls in libraries</summary>", page)
    assert "<details open><summary>app/library/route.py" in page


def test_nothing_of_an_error_is_markup(tmp_path: Path) -> None:
    page = ask(tmp_path, "/script", page=True)
    assert "<script>alert" not in page
    assert page.count(html.escape("<script>alert(1)</script>")) >= 2


def test_a_mistake_of_a_file_is_told_once(tmp_path: Path) -> None:
    page = ask(tmp_path, "/syntax", page=True)
    assert page.count("<section") == 1
    assert "<pre class=rest>" in page


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    assert "lib/db.py" in str(ask(tmp_path, "/cause"))
    changed = FILES["lib/db.py"].replace("posts[number]", "posts[number + 1]")
    with Client(make_application(tmp_path, {**FILES, "lib/db.py": changed}, dev=True)) as client:
        page = client.get("/cause", headers={"host": "localhost", "accept": "text/html"}).text
    assert "<mark>posts[number + 1]</mark>" in page
