from __future__ import annotations

import pytest

from waypost.openapi.paths import DocumentedPath, documented_paths
from waypost.routing.pattern import parse_segment


def paths(folder: str, **options: bool) -> list[DocumentedPath]:
    return documented_paths([parse_segment(part) for part in folder.split("/") if part], **options)


@pytest.mark.parametrize(
    ("folder", "path"),
    [
        ("", "/"),
        ("api/posts", "/api/posts"),
        ("api/posts/[id]", "/api/posts/{id}"),
        ("files/[...path]", "/files/{path}"),
        ("a b/ü", "/a%20b/%C3%BC"),
        ("%7Bid%7D", "/%7Bid%7D"),
        ("[user-id]/x", "/{user-id}/x"),
    ],
)
def test_a_folder_is_a_path(folder: str, path: str) -> None:
    (found,) = paths(folder)
    assert found.path == path


def test_an_optional_catch_all_is_two_paths() -> None:
    without, having = paths("shop/[[...slug]]")
    assert (without.path, without.params, without.several) == ("/shop", (), None)
    assert (having.path, having.params, having.several) == ("/shop/{slug}", ("slug",), "slug")
    assert [path.path for path in paths("[[...slug]]")] == ["/", "/{slug}"]


def test_paths_end_with_a_slash_where_the_application_has_them_so() -> None:
    found = [paths(folder, trailing_slash=True)[0].path for folder in ("", "about", "posts/[id]", "feed.xml")]
    assert found == ["/", "/about/", "/posts/{id}/", "/feed.xml"]


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("", "getRoot"),
        ("api/posts", "getApiPosts"),
        ("api/posts/[id]", "getApiPostsById"),
        ("api/v1/blog-posts/[post_id]/comments", "getApiV1BlogPostsByPostIdComments"),
        ("files/[...path]", "getFilesByPath"),
        ("%40me", "getMe"),
    ],
)
def test_an_operation_has_a_readable_id(folder: str, name: str) -> None:
    assert paths(folder)[0].operation_id("GET") == name


@pytest.mark.parametrize(
    ("folder", "tag"),
    [("", None), ("api", "api"), ("api/posts/[id]", "posts"), ("api/v2/users", "users"), ("[id]", None), ("v1", "v1")],
)
def test_the_tag_is_the_first_folder_that_says_something(folder: str, tag: str | None) -> None:
    assert paths(folder)[0].tag == tag
