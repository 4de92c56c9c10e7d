import pytest
from waypost.testing import Client

POST = {"title": "First", "content": "Hello"}


def test_a_post_is_written_read_changed_and_removed(client: Client) -> None:
    created = client.post("/api/posts", json=POST)
    assert (created.status, created.json()) == (201, {"id": 1, **POST})
    path = created.headers["location"]
    assert client.get("/api/posts").json() == {"data": [created.json()]}
    assert client.put(path, json={**POST, "title": "Changed"}).json()["title"] == "Changed"
    assert client.get(path).json() == {"id": 1, "title": "Changed", "content": "Hello"}
    assert client.delete(path).status == 204
    assert client.get(path).status == 404


@pytest.mark.parametrize("data", [{}, [], {"title": "", "content": ""}, {"title": 1, "content": ""}])
def test_what_is_no_post_is_refused(client: Client, data: object) -> None:
    assert client.post("/api/posts", json=data).status == 400


def test_a_post_that_does_not_exist(client: Client) -> None:
    assert client.get("/api/posts/2").status == 404


@pytest.mark.parametrize("name", ["abc", "-1", "1.5", "9" * 30])
def test_what_is_no_id_is_refused(client: Client, name: str) -> None:
    assert client.get(f"/api/posts/{name}").status == 400
