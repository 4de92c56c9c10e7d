"""What the API answers to everything else: 400 and its kin, never 500, and never a change in the database."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from waypost.testing import Client, ClientResponse

from lib.schema import MAX_ID, TITLE_LENGTH
from lib.validation import MAX_CONTENT_LENGTH, MAX_LIMIT, MAX_PAGE

NOT_INTEGERS = [
    "0", "-1", "-0", "+1", "1.0", "1e3", "0x10", "1_000", "１", "١", "²", "", "null", "true", "NaN", "abc",
    "10abc", " 1", "1 ", "1;2", "1,2", "[1]", "9" * 19, "9" * 5000, str(2**31), str(2**63), str(-(2**63) - 1),
]  # fmt: skip

NOT_POSTS: list[str | bytes] = [
    "", " ", "{", "{oops", "[1,]", "NaN", "Infinity", "'a'", b"\xff", "[" * 100_000, "1" * 100_000,
    '{"title": "\\ud800", "content": "x"}',
    '{"title": "a\\u0000b", "content": "x"}',
    '{"title": 1e400, "content": "x"}',
]  # fmt: skip

# One of every JSON type, with the edges of each.
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)

thorough = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def assert_refused(response: ClientResponse, status: int = 400) -> None:
    assert response.status == status, response.text
    assert isinstance(response.json()["error"], str)


def quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


@pytest.mark.parametrize("name", ["page", "limit"])
def test_numbers_of_the_query_that_are_none(name: str, client: Client) -> None:
    for text in NOT_INTEGERS:
        assert_refused(client.get(f"/api/posts?{name}={quoted(text)}"))


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_ids_that_are_none(method: str, client: Client) -> None:
    for text in filter(None, NOT_INTEGERS):
        body = {"title": "x"} if method == "PUT" else None
        assert_refused(client.request(method, f"/api/posts/{quoted(text)}", json=body))
    assert len(client.get("/api/posts").json()["data"]) == 3


def test_the_ends_of_the_ranges(client: Client) -> None:
    assert client.get(f"/api/posts?limit={MAX_LIMIT}&page={MAX_PAGE}").status == 200
    assert_refused(client.get(f"/api/posts?limit={MAX_LIMIT + 1}"))
    assert_refused(client.get(f"/api/posts?page={MAX_PAGE + 1}"))
    for method in ("GET", "PUT", "DELETE"):
        body = {"title": "x"} if method == "PUT" else None
        assert_refused(client.request(method, f"/api/posts/{MAX_ID}", json=body), 404)
        assert_refused(client.request(method, f"/api/posts/{MAX_ID + 1}", json=body))


def acceptable(value: Any, length: int) -> bool:
    return isinstance(value, str) and value.strip() != "" and "\0" not in value and len(value) <= length


@thorough
@given(title=JSON_VALUES, content=JSON_VALUES)
def test_every_type_in_every_field_of_a_new_post(client: Client, title: Any, content: Any) -> None:
    good = acceptable(title, TITLE_LENGTH) and acceptable(content, MAX_CONTENT_LENGTH)
    response = client.post("/api/posts", json={"title": title, "content": content})
    if good:
        assert response.status == 201
        assert (response.json()["title"], response.json()["content"]) == (title, content)
    else:
        assert_refused(response)
        assert response.json()["issues"][0]["path"] in (["title"], ["content"])


@thorough
@given(field=st.sampled_from(["title", "content"]), value=JSON_VALUES)
def test_every_type_in_every_field_of_a_change(client: Client, field: str, value: Any) -> None:
    response = client.put("/api/posts/1", json={field: value})
    if acceptable(value, TITLE_LENGTH if field == "title" else MAX_CONTENT_LENGTH):
        assert response.status == 200
    else:
        assert_refused(response)


@thorough
@given(
    field=st.sampled_from(["id", "slug", "createdAt", "updatedAt", "created_at", "__class__", ""]) | st.text(),
    value=JSON_VALUES,
)
def test_only_declared_fields_are_taken(client: Client, field: str, value: Any) -> None:
    before = client.get("/api/posts/1").json()
    if field not in ("title", "content"):
        assert_refused(client.put("/api/posts/1", json={field: value}))
        assert_refused(client.post("/api/posts", json={"title": "x", "content": "x", field: value}))
        assert client.get("/api/posts/1").json() == before


@thorough
@given(body=JSON_VALUES)
def test_every_type_as_the_body(client: Client, body: Any) -> None:
    data = json.dumps(body)
    headers = {"Content-Type": "application/json"}
    assert_refused(client.post("/api/posts", body=data, headers=headers))
    if body != {}:
        assert_refused(client.put("/api/posts/1", body=data, headers=headers))


@pytest.mark.parametrize(("method", "path"), [("POST", "/api/posts"), ("PUT", "/api/posts/1")])
def test_bodies_that_are_no_post(method: str, path: str, client: Client) -> None:
    for body in NOT_POSTS:
        assert_refused(client.request(method, path, body=body, headers={"Content-Type": "application/json"}))
    assert len(client.get("/api/posts").json()["data"]) == 3


def test_lengths(client: Client) -> None:
    def post(title: int, content: int) -> ClientResponse:
        return client.post("/api/posts", json={"title": "t" * title, "content": "c" * content})

    assert post(TITLE_LENGTH, MAX_CONTENT_LENGTH).status == 201
    assert_refused(post(TITLE_LENGTH + 1, 1))
    assert_refused(post(1, MAX_CONTENT_LENGTH + 1))
    assert_refused(post(1, 2**20), 413)


def test_every_issue_is_told_at_once_and_no_value_is_repeated(client: Client) -> None:
    response = client.post("/api/posts", json={"title": 5, "hobby": "secret"})
    assert_refused(response)
    issues = response.json()["issues"]
    assert sorted((issue["path"], issue["code"]) for issue in issues) == [
        (["content"], "missing"),
        (["hobby"], "extra_forbidden"),
        (["title"], "string_type"),
    ]
    assert all(set(issue) == {"path", "message", "code"} for issue in issues)
    assert "secret" not in response.text


def test_the_number_of_issues_is_bounded(client: Client) -> None:
    response = client.post("/api/posts", json={f"field {number}": number for number in range(1000)})
    assert len(response.json()["issues"]) == 50


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "text/json", ""]
)
def test_other_content_types(content_type: str, client: Client) -> None:
    body = '{"title": "x", "content": "x"}'
    assert_refused(client.post("/api/posts", body=body, headers={"Content-Type": content_type}), 415)


@pytest.mark.parametrize("content_type", ["application/json", "APPLICATION/JSON", "application/json; charset=utf-8"])
def test_json_in_all_spellings(content_type: str, client: Client) -> None:
    body = '{"title": "x", "content": "x"}'
    assert client.post("/api/posts", body=body, headers={"Content-Type": content_type}).status == 201


def test_other_methods(client: Client) -> None:
    response = client.delete("/api/posts")
    assert_refused(response, 405)
    assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert client.post("/api/posts/1", json={}).headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PUT"
