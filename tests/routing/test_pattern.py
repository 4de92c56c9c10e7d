from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.errors import StartupError
from waypost.routing.canonical import canonical_path, decode_path
from waypost.routing.pattern import Segment, check_segments, encode_segment, parse_segment, render_pattern


@pytest.mark.parametrize(
    ("folder", "kind", "name"),
    [
        ("posts", "static", "posts"),
        ("[id]", "param", "id"),
        ("[post-id]", "param", "post-id"),
        ("[_2fa]", "param", "_2fa"),
        ("[straße]", "param", "straße"),
        ("[ﬁle]", "param", "file"),
        ("[class]", "param", "class"),
        ("[...slug]", "catch-all", "slug"),
        ("[[...slug]]", "optional-catch-all", "slug"),
        ("(group)", "group", "group"),
        ("(v1.2)", "group", "v1.2"),
        ("(a b)", "group", "a b"),
        ("_lib", "private", "lib"),
        ("_", "private", ""),
        ("__pycache__", "private", "_pycache__"),
        ("%5Flib", "static", "_lib"),
        ("%5f", "static", "_"),
        ("%5Bid%5D", "static", "[id]"),
        ("%28x%29", "static", "(x)"),
        ("%40me", "static", "@me"),
        ("100%25", "static", "100%"),
        ("%E6%97%A5本", "static", "日本"),
        ("日本", "static", "日本"),
        ("cafe\u0301", "static", "café"),
        ("cafe%CC%81", "static", "café"),
        ("sp ace", "static", "sp ace"),
        ("feed.xml", "static", "feed.xml"),
        (".well-known", "static", ".well-known"),
        ("...", "static", "..."),
        ("a(b)", "static", "a(b)"),
        ("index", "static", "index"),
        ("a_b", "static", "a_b"),
        ("$", "static", "$"),
    ],
)
def test_parse(folder: str, kind: str, name: str) -> None:
    segment = parse_segment(folder)

    assert (segment.kind, segment.name, segment.folder) == (kind, name, folder)


@pytest.mark.parametrize(
    "folder", ["", "a\nb", "a\x00b", "\udcff", "%0A", "%00", "a%5Cb", "a%2fb", "%2E", "%", "%4", "%zz"]
)
def test_names_that_no_url_can_hold(folder: str) -> None:
    with pytest.raises(StartupError) as caught:
        parse_segment(folder)

    assert caught.value.remedy
    assert caught.value.message.isprintable()


def test_remedy_of_a_foreign_parameter_is_the_same_parameter_of_ours() -> None:
    with pytest.raises(StartupError) as caught:
        parse_segment("{user_id:int}")

    assert "Write [user_id];" in caught.value.remedy


@pytest.mark.parametrize(
    ("folders", "pattern"),
    [
        ([], "/"),
        (["api", "[id]"], "/api/[id]"),
        (["%5Funder"], "/_under"),
        (["%5Bid%5D"], "/%5Bid%5D"),  # not /[id], which would be a parameter
        (["%28x%29"], "/%28x%29"),
        (["sp ace", "[[...rest]]"], "/sp ace/[[...rest]]"),
    ],
)
def test_render_pattern(folders: list[str], pattern: str) -> None:
    assert render_pattern(parse_segment(folder) for folder in folders) == pattern


def test_patterns_of_different_routes_differ() -> None:
    folders = ["[id]", "%5Bid%5D", "[...id]", "%5B...id%5D", "x", "%5Fx", "%28x%29"]

    assert len({render_pattern([parse_segment(folder)]) for folder in folders}) == len(folders)


def test_check_segments_accepts_one_catch_all_at_the_end() -> None:
    assert check_segments([parse_segment(folder) for folder in ("[a]", "x", "[...b]")]) is None


def test_check_segments_compares_parameter_names_only() -> None:
    assert check_segments([parse_segment(folder) for folder in ("id", "[id]", "id")]) is None
    assert check_segments([parse_segment(folder) for folder in ("[id]", "[...id]")]) is not None


@given(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1))
def test_encoded_name_means_the_name(name: str) -> None:
    path = "/" + encode_segment(name)

    assert decode_path(path) == ["", name]
    if name not in (".", ".."):
        assert canonical_path(path) is None


def test_static_segment_text() -> None:
    assert Segment("static", "a", "a").text == "a"
