"""What a handler's author is told of the mistakes that people make who come from JavaScript, Flask or FastAPI."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from tests.app.project import make_application

from waypost import Request
from waypost.testing import Client

LOAD = "async def load():\n    return {}\n"
MISTAKES = {
    "forgotten await": (LOAD + "async def GET():\n    return load()\n", "returned a coroutine: `await` is missing"),
    "forgotten await in data": (
        "from waypost import Response\n" + LOAD + "async def GET():\n    return Response.json({'a': load()})\n",
        "JSON can't hold a coroutine: `await` is missing",
    ),
    "a generator": (
        "async def words():\n    yield 'a'\nasync def GET():\n    return words()\n",
        "returned a generator: return Response(generator)",
    ),
    "a status beside the data": (
        "async def GET():\n    return {'a': 1}, 201\n",
        "returned a tuple with a status: write Response.json(data, status=201)",
    ),
    "options as in JavaScript": (
        "from waypost import Response\nasync def GET():\n    return Response.json({}, {'status': 201})\n",
        "write status=201",
    ),
    "a name as in JavaScript": (
        "async def GET(request):\n    return {'a': request.nextUrl.pathname}\n",
        "a Request has no attribute 'nextUrl': it is called next_url",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_the_message_says_what_to_write(tmp_path: Path, name: str) -> None:
    source, words = MISTAKES[name]
    with (
        warnings.catch_warnings(),
        Client(make_application(tmp_path, {"app/route.py": source}, dev=True)) as client,
    ):
        warnings.simplefilter("error")  # a coroutine that nobody awaited would be told of a second time
        answer = client.get("/", headers={"host": "localhost"})
    assert answer.status == 500
    assert words in answer.json()["message"]


def test_a_tuple_of_data_is_data(tmp_path: Path) -> None:
    with Client(make_application(tmp_path, {"app/route.py": "async def GET():\n    return 1, 2, 3\n"})) as client:
        assert client.get("/").json() == [1, 2, 3]


def test_a_name_that_no_request_has_in_any_spelling() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'fooBar'$"):
        _ = Request("http://localhost/").fooBar  # type: ignore[attr-defined]
