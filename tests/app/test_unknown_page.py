"""What `waypost dev` answers to a path that no route has: the routes there are, and the mistakes of the project."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.app.project import make_application

from waypost.testing import Client, ClientResponse

ROUTE = "async def GET():\n    return {}\n"
FILES = {
    "app/api/posts/route.py": ROUTE + "async def POST():\n    return {}\n",
    "app/api/users/[id]/route.py": ROUTE,
    "app/api/broken/route.py": "async def GET():\n    return {\n",
}
LOST = {**FILES, "app/api/[...rest]/more/route.py": ROUTE}


def ask(
    tmp_path: Path, files: dict[str, str], path: str, *, page: bool, host: str = "localhost", dev: bool = True
) -> ClientResponse:
    with Client(make_application(tmp_path, files, dev=dev)) as client:
        answer: ClientResponse = client.get(
            path, headers={"host": host, "accept": "text/html" if page else "application/json"}
        )
    assert answer.status == 404
    assert answer.headers.get("cache-control") == "no-store"
    assert (answer.headers.get("vary") or "").startswith("Accept")
    return answer


def test_a_browser_is_shown_the_routes_nearest_first(tmp_path: Path) -> None:
    page = ask(tmp_path, FILES, "/api/post", page=True).text
    assert "Nothing answers /api/post<" in page
    rows = [page.index(pattern) for pattern in ("/api/posts<", "/api/broken<", "/api/users/[id]<")]
    assert rows == sorted(rows)
    assert "<td>GET, POST</td><td>app/api/posts/route.py</td>" in page
    assert "<tr class=wrong><td>/api/broken</td><td>can&#x27;t be used</td>" in page


def test_a_route_that_is_missing_by_mistake_is_explained(tmp_path: Path) -> None:
    page = ask(tmp_path, LOST, "/api/a/more", page=True).text
    assert "nothing can come after the catch-all [...rest]" in page
    assert "app/api/[...rest]/more/route.py" in page
    mistakes = ask(tmp_path, LOST, "/api/a/more", page=False).json()["mistakes"]
    (mistake,) = [one for one in mistakes if one["place"].startswith("app/api/[...rest]/more/route.py")]
    assert "catch-all" in mistake["message"]
    assert mistake["remedy"]


def test_a_project_without_mistakes_answers_as_in_production(tmp_path: Path) -> None:
    files = {"app/api/posts/route.py": ROUTE}
    assert ask(tmp_path, files, "/x", page=False).json() == {"error": "Not found"}


def test_a_project_without_routes_says_so(tmp_path: Path) -> None:
    assert "no routes yet" in ask(tmp_path, {"app/README.txt": ""}, "/", page=True).text


def test_nothing_of_the_path_is_markup(tmp_path: Path) -> None:
    page = ask(tmp_path, FILES, "/<script>alert(1)</script>", page=True).text
    assert "<script>alert" not in page


def test_a_long_list_is_cut(tmp_path: Path) -> None:
    files = {f"app/r{number}/route.py": ROUTE for number in range(60)}
    page = ask(tmp_path, files, "/r7x", page=True).text
    assert page.count("<tr>") == 51
    assert "10 more are listed by <code>waypost routes</code>" in page


@pytest.mark.parametrize("page", [True, False])
def test_another_site_is_told_nothing(tmp_path: Path, page: bool) -> None:
    text = ask(tmp_path, LOST, "/api/a/more", page=page, host="evil.example").text
    assert "posts" not in text
    assert "catch-all" not in text


@pytest.mark.parametrize("page", [True, False])
def test_production_tells_nothing(tmp_path: Path, page: bool) -> None:
    files = {"app/api/posts/route.py": ROUTE}
    assert "posts" not in ask(tmp_path, files, "/api/post", page=page, dev=False).text
