"""Context[PostParams]: the start compares what a handler says with the folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.app.project import make_application

from waypost.app.application import Application
from waypost.app.context import Context, Params
from waypost.errors import StartupErrors

HEAD = """
from __future__ import annotations
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, NewType, NotRequired, TypedDict
from waypost import Context, Params, Request, Response
if TYPE_CHECKING:
    from nowhere import Unknown
PostId = NewType("PostId", str)
class Some(TypedDict, total=False):
    path: list[str]
"""

HANDLER = """
class P(TypedDict):
    {fields}
async def GET(request: Request, context: Context[P]) -> Response:
    return Response.json(dict(context.params))
"""


def application(root: Path, folder: str, text: str) -> Application:
    return make_application(root, {f"app/{folder}/route.py": HEAD + text})


def problem(root: Path, folder: str, text: str) -> str:
    with pytest.raises(StartupErrors) as caught:
        application(root, folder, text)
    (error,) = caught.value.errors
    assert error.file is not None
    assert error.line is not None
    assert error.remedy
    return error.message


@pytest.mark.parametrize(
    ("folder", "fields"),
    [
        ("[id]", "id: str"),
        ("[id]", "id: PostId"),
        ("[id]", "id: Annotated[str, 'a slug']"),
        ("[id]", "id: Any"),
        ("[id]/[other]", "other: str"),
        ("[...path]", "path: list[str]"),
        ("[...path]", "path: Sequence[str]"),
        ("[[...path]]", "path: NotRequired[list[str]]"),
        ("plain", "pass"),
    ],
)
def test_what_fits(folder: str, fields: str, tmp_path: Path) -> None:
    application(tmp_path, folder, HANDLER.format(fields=fields))


@pytest.mark.parametrize(
    ("folder", "fields", "message"),
    [
        ("[id]", "slug: str", "P.slug is no parameter of the path (it has: id)"),
        ("plain", "id: str", "P.id is no parameter of the path (it has: none)"),
        ("[id]", "id: int", "P.id is the text that was sent"),
        ("[id]", "id: list[str]", "P.id is the text that was sent"),
        ("[id]", "id: Literal['a', 'b']", "P.id is the text that was sent"),
        ("[...path]", "path: str", "P.path is the text that was sent"),
        ("[...path]", "path: list[int]", "P.path is the text that was sent"),
        ("[[...path]]", "path: list[str]", "P.path is absent when [[...path]] matches nothing"),
    ],
)
def test_what_does_not(folder: str, fields: str, message: str, tmp_path: Path) -> None:
    assert problem(tmp_path, folder, HANDLER.format(fields=fields)) == f"the context of GET: {message}"


def test_a_type_that_is_no_typed_dict(tmp_path: Path) -> None:
    text = "async def GET(context: Context[int]) -> Response: ...\n"
    assert problem(tmp_path, "[id]", text) == "the context of GET: Context[int] needs a TypedDict"


def test_total_false_may_be_absent(tmp_path: Path) -> None:
    application(tmp_path, "[[...path]]", "async def GET(context: Context[Some]) -> Response: ...\n")


@pytest.mark.parametrize(
    "handler",
    [
        # inside of wrappers that say what they wrap
        "@wraps_it\nasync def GET(request: Request, context: Context[P]) -> Response: ...",
        # a class that also says what a wrapper adds
        "class SignedIn(Context[P]):\n    user: str\nasync def GET(context: SignedIn) -> Response: ...",
        "import functools\nasync def get(x, context: Context[P]): ...\nGET = functools.partial(get, 1)",
        "class Get:\n    async def __call__(self, context: Context[P]) -> Response: ...\nGET = Get()",
        # beside a name that only type checkers know
        "async def GET(request: Unknown, context: Context[P]) -> Response: ...",
    ],
    ids=["wrapped", "subclass", "partial", "object", "beside an unknown name"],
)
def test_where_it_is_found(handler: str, tmp_path: Path) -> None:
    wrapper = """
import functools
def wraps_it(handler):
    @functools.wraps(handler)
    async def wrapper(request, context):
        return await handler(request, context)
    return wrapper
class P(TypedDict):
    slug: str
"""
    with pytest.raises(StartupErrors, match=r"P\.slug is no parameter"):
        application(tmp_path, "[id]", wrapper + handler + "\n")


@pytest.mark.parametrize(
    "annotation", ["Context", "Context[Params]", "Context[Unknown]", "Unknown", "object", "1 / 0", "'Context'"]
)
def test_what_says_nothing_is_passed_over(annotation: str, tmp_path: Path) -> None:
    application(tmp_path, "[id]", f"async def GET(request, context: {annotation}): ...\n")


def test_a_context_costs_nothing_more_for_it() -> None:
    params = Params({"id": "7"})
    context = Context(params)
    assert context.params is params
    assert not hasattr(context, "__orig_class__")
    extended = context.extend(user="Ada")
    assert (extended.user, extended.params is params, type(extended)) == ("Ada", True, Context)
    with pytest.raises(AttributeError, match=r"context\.extend"):
        _ = context.user
