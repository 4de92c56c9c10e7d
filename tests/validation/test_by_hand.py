"""`request.json(Model)`, `request.query(Model)`, `request.form_data(Model)`."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import pytest
from pydantic import BaseModel, Field

from waypost import BodyTooLarge, File, FormData, InvalidJSON, Request, UnsupportedMediaType, ValidationFailed
from waypost.http.forms import encode_multipart


class Model(BaseModel):
    title: Annotated[str, Field(min_length=1)]
    page: int = 1
    tag: list[str] = []


class Struct(msgspec.Struct):
    title: Annotated[str, msgspec.Meta(min_length=1)]
    page: int = 1
    tag: list[str] = []


@dataclass
class Upload:
    file: File
    title: str = ""


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def post(body: str | bytes, content_type: str = "application/json") -> Request:
    return Request("http://x/", method="POST", headers={"content-type": content_type}, body=body)


@pytest.mark.parametrize("kind", [Model, Struct])
def test_json(kind: Any) -> None:
    assert run(post('{"title": "x", "page": 2}').json(kind)) == kind(title="x", page=2)
    assert run(post('{"title": "x"}', "application/json; charset=utf-8").json(kind)) == kind(title="x")
    with pytest.raises(ValidationFailed) as failure:
        run(post('{"title": "", "page": "x"}').json(kind))
    assert [issue.path for issue in failure.value.issues] == [("title",), ("page",)]
    with pytest.raises(InvalidJSON):
        run(post("{").json(kind))
    with pytest.raises(UnsupportedMediaType):
        run(post('{"title": "x"}', "text/plain").json(kind))
    with pytest.raises(ValidationFailed):
        run(Request("http://x/", method="POST").json(kind))


def test_json_without_a_schema_takes_whatever_is_json() -> None:
    assert run(post('{"title": 5}', "text/plain").json()) == {"title": 5}


def test_json_of_other_annotations() -> None:
    assert run(post("[1, 2]").json(list[int])) == [1, 2]
    assert run(post('{"a": [1]}').json(dict[str, list[int]])) == {"a": [1]}
    with pytest.raises(TypeError, match="no type of data"):
        run(post("{}").json(Request))


@pytest.mark.parametrize("kind", [Model, Struct])
def test_query(kind: Any) -> None:
    assert Request("http://x/?title=a%20b&page=2&tag=a&tag=b").query(kind) == kind(title="a b", page=2, tag=["a", "b"])
    request = Request("http://x/?title=a")
    request.next_url.search_params.set("page", 7)
    assert request.query(kind) == kind(title="a", page=7), "what middleware changed counts"
    with pytest.raises(ValidationFailed) as failure:
        Request("http://x/?page=+1").query(kind)
    assert sorted(issue.path for issue in failure.value.issues) == [("page",), ("title",)]
    with pytest.raises(TypeError, match="has no fields"):
        Request("http://x/").query(int)


def test_form_data() -> None:
    content_type, body = encode_multipart(FormData([("title", "x"), ("file", File([b"abc"], "a.txt"))]))
    found = run(post(body, content_type).form_data(Upload))
    assert (found.title, found.file.name, found.file.size) == ("x", "a.txt", 3)
    with pytest.raises(BodyTooLarge):
        run(post(body, content_type).form_data(Upload, max_file_size=2))
    with pytest.raises(ValidationFailed) as failure:
        run(post("title=x&file=text", "application/x-www-form-urlencoded").form_data(Upload))
    assert [issue.path for issue in failure.value.issues] == [("file",)]
    with pytest.raises(UnsupportedMediaType):
        run(post("{}").form_data(Upload))
    with pytest.raises(TypeError, match="has no fields"):
        run(post(body, content_type).form_data(list[str]))
