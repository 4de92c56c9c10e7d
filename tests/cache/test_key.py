from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.cache.key import check_tags, data_key, encode_part, path_tags, route_key, tags_of_path
from waypost.errors import CacheUsageError

# Pairs that other caches have mixed up: case, Unicode look-alikes, escapes, order, lengths.
NEARLY_EQUAL = [
    ("/a", "/A"),
    ("/k-", "/k45"),
    ("/\u212a", "/K"),
    ("/e\u0301", "/\u00e9"),
    ("/a%2Fb", "/a/b"),
    ("/a//b", "/a/b"),
    ("/" + "a" * 300, "/" + "a" * 301),
    ("/" + "x" * 200, "#" + "x" * 200),
]


@pytest.mark.parametrize(("one", "other"), NEARLY_EQUAL)
def test_paths_that_differ_in_a_byte_have_two_keys(one: str, other: str) -> None:
    assert route_key(one) != route_key(other)


@given(st.text(), st.text())
def test_a_key_stands_for_one_path(one: str, other: str) -> None:
    assert (route_key(one) == route_key(other)) == (one == other)


@given(st.lists(st.text(min_size=1), min_size=1), st.lists(st.text(min_size=1), min_size=1))
def test_encoded_parts_never_run_together(one: list[str], other: list[str]) -> None:
    joined = ["/".join(map(encode_part, parts)) for parts in (one, other)]
    assert (joined[0] == joined[1]) == (one == other)


def test_names_and_material_of_data_keys_do_not_run_together() -> None:
    keys = {
        data_key("call", "f", "ab"),
        data_key("call", "fa", "b"),
        data_key("fetch", "f", "ab"),
        data_key("call", "", "fab"),
    }
    assert len(keys) == 4
    assert len(data_key("call", "x" * 5000, "y" * 5000)) < 300


def reached(path: str, pattern: str, target: str, kind: str | None = None) -> bool:
    return bool(set(tags_of_path(target, kind)) & set(path_tags(path, pattern)))


def test_revalidate_path_reaches_the_path_and_no_other() -> None:
    assert reached("/posts/7", "/posts/[id]", "/posts/7")
    assert reached("/posts/7", "/posts/[id]", "/posts/7/")
    assert reached("/posts/7", "/posts/[id]", "/posts/7", "page")
    assert not reached("/posts/7", "/posts/[id]", "/posts")
    assert not reached("/posts/7", "/posts/[id]", "/posts/77")
    assert not reached("/posts/7", "/posts/[id]", "/Posts/7")
    assert reached("/", "/", "/")
    assert not reached("/a", "/a", "/")


def test_a_pattern_reaches_all_of_its_answers() -> None:
    assert reached("/posts/7", "/posts/[id]", "/posts/[id]", "page")
    assert reached("/posts/7", "/posts/[id]", "/posts/[id]", "layout")
    assert reached("/docs/a/b", "/docs/[...path]", "/docs/[...path]", "page")
    assert not reached("/posts/7", "/posts/[id]", "/posts/[slug]", "page")
    assert not reached("/posts/7/edit", "/posts/[id]/edit", "/posts/[id]", "page")


def test_a_layout_reaches_everything_at_and_below_it() -> None:
    for target in ("/", "/posts", "/posts/7", "/posts/[id]", "/posts/7/edit", "/posts/[id]/edit"):
        assert reached("/posts/7/edit", "/posts/[id]/edit", target, "layout"), target
    for target in ("/post", "/posts/8", "/postsx", "/posts/7/edit/more"):
        assert not reached("/posts/7/edit", "/posts/[id]/edit", target, "layout"), target


def test_a_path_may_be_written_with_escapes_or_without() -> None:
    path = "/" + "/".join(map(encode_part, ["sp ace", "日本", "50%"]))
    for target in ("/sp ace/日本/50%25", path, "/sp%20ace/日本/50%"):
        assert reached(path, path, target), target


def test_a_value_in_brackets_is_no_parameter() -> None:
    path = "/posts/" + encode_part("[id]")
    assert not reached(path, "/posts/[slug]", "/posts/[id]", "page")


@pytest.mark.parametrize(
    ("path", "kind"),
    [("posts", None), ("", None), (None, None), (7, None), ("/posts/[id]", None), ("/a", "route"), ("/a", "PAGE"),
     ("/a?x=1", None), ("/a#b", None), ("/" + "a" * 1024, None)],
)  # fmt: skip
def test_a_path_that_would_do_nothing_is_an_error(path: Any, kind: Any) -> None:
    with pytest.raises(CacheUsageError, match="revalidate_path"):
        tags_of_path(path, kind)


def test_tags_are_checked() -> None:
    assert check_tags(["a", "b", "a"], "f()") == ("a", "b")
    assert check_tags(["x" * 256], "f()") and check_tags([str(n) for n in range(128)], "f()")
    bad: list[Any] = ["posts", 7, None, [7], [""], ["x" * 257], ["a\x1fpath:/"], ["a\n"], map(str, range(129)), [b"a"]]
    for wrong in bad:
        with pytest.raises(CacheUsageError, match=r"^f\(\)"):
            check_tags(wrong, "f()")


@given(st.text(min_size=1, max_size=256))
def test_no_tag_of_a_user_is_a_path(tag: str) -> None:
    try:
        check_tags([tag], "f()")
    except CacheUsageError:
        return
    assert tag not in path_tags("/" + encode_part(tag), "/[x]")
