"""Values that a module may bind to a verb; the reports with their lines stand in the sample exports."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from waypost.routing.exports import VERBS, read_handlers, read_page
from waypost.routing.source import Source


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], tuple[list[str], list[str]]]:
    """Run a module's text and give the verbs and the messages."""

    def run(text: str) -> tuple[list[str], list[str]]:
        file = tmp_path / "route.py"
        file.write_text(text)
        names: dict[str, object] = {"functools": functools}
        exec(compile(text, str(file), "exec"), names)
        handlers, errors = read_handlers(names, Source(file))
        return list(handlers), [error.message for error in errors]

    return run


def test_verbs_come_in_a_fixed_order(read: Any) -> None:
    text = "".join(f"def {verb}(request): ...\n" for verb in reversed(VERBS))

    assert read(text) == (list(VERBS), [])


@pytest.mark.parametrize(
    "text",
    [
        "GET = lambda request: None",
        "GET = functools.partial(print)",
        "GET = print",
        "class E:\n    def __call__(self, r): ...\nGET = E()",
        "class E:\n    def get(self, r): ...\nGET = E().get",
        "class E:\n    @staticmethod\n    def get(r): ...\nGET = E.get",
    ],
)
def test_anything_callable_is_a_handler(read: Any, text: str) -> None:
    assert read(text) == (["GET"], [])


@pytest.mark.parametrize("value", ["42", "'x'", "None", "{}", "[print]", "object()"])
def test_what_is_not_callable(read: Any, value: str) -> None:
    handlers, messages = read(f"GET = {value}")

    assert handlers == []
    assert len(messages) == 1
    assert messages[0].endswith("not a function")


def test_a_partial_of_a_generator_is_a_generator(read: Any) -> None:
    text = "def stream(request, n):\n    yield n\nGET = functools.partial(functools.partial(stream, n=1))"

    assert read(text) == ([], ["GET is a generator: it yields, and never returns a response"])


def test_a_usable_verb_stays_beside_a_wrong_one(read: Any) -> None:
    assert read("def GET(request): ...\nPOST = 1") == (["GET"], ["POST is an int, not a function"])


@pytest.mark.parametrize(
    "text",
    [
        "class Post: ...",  # a model
        "class get: ...",
        "options = {'a': 1}",
        "head = 'x'",
        "from shutil import which as get",
        "def get_post(): ...",
        "def _get(): ...",
        "def handler(): ...",
        "def default(): ...",
        "PAGE_SIZE = 1",
        "def LOAD(): ...",
        "from functools import partial as patch",
    ],
)
def test_ordinary_names_beside_a_verb_are_nobodys_business(read: Any, text: str) -> None:
    assert read(f"def GET(request): ...\n{text}") == (["GET"], [])


@pytest.mark.parametrize("name", ["get", "Get", "gEt"])
def test_a_lower_case_function_beside_its_verb_is_a_private_matter(read: Any, name: str) -> None:
    assert read(f"def GET(request): ...\ndef {name}(key): ...") == (["GET"], [])


@pytest.mark.parametrize("name", ["handler", "default", "main", "endpoint", "index"])
def test_default_like_functions(read: Any, name: str) -> None:
    handlers, messages = read(f"async def {name}(request): ...")

    assert handlers == []
    assert messages == [f"{name} answers nothing, and no verb is exported"]


def test_an_imported_default_is_not_blamed(read: Any) -> None:
    assert read("from asyncio import run as main") == ([], ["this file answers nothing: it exports no handler"])


def test_page(tmp_path: Path) -> None:
    def page() -> str:
        return ""

    assert read_page({"page": page}, Source(tmp_path / "page.py")) == ({"GET": page}, [])
    handlers, errors = read_page({"page": 5, "GET": page}, Source(tmp_path / "page.py"))
    assert handlers == {}
    assert [error.message for error in errors] == ["page is an int, not a function"]
