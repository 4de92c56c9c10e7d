from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.http.mime import MediaType, is_json, media_essence, parse_media_type


@pytest.mark.parametrize(
    ("value", "essence", "parameters"),
    [
        ("application/json", "application/json", {}),
        ("APPLICATION/JSON", "application/json", {}),
        ("application/json; charset=utf-8", "application/json", {"charset": "utf-8"}),
        ("text/html;CHARSET=UTF-16", "text/html", {"charset": "UTF-16"}),
        ("  a/b \t; x=1 ;y=2  ", "a/b", {"x": "1", "y": "2"}),
        ("a/b;", "a/b", {}),
        ("a/b;; ;x=1;", "a/b", {"x": "1"}),
        ('a/b; x="a;b\\"c\\\\d"', "a/b", {"x": 'a;b"c\\d'}),
        ('a/b; x=""', "a/b", {"x": ""}),
        ("application/vnd.api+json", "application/vnd.api+json", {}),
    ],
)
def test_well_formed(value, essence, parameters):
    assert parse_media_type(value) == MediaType(essence, parameters)
    assert media_essence(value) == essence


@pytest.mark.parametrize(
    "value",
    [
        "a/b; boundary=",
        "a/b; boundary=a b",
        "a/b; x=1; X=2",
        "a/b; x",
        "a/b; x = 1",
        "a/b; =1",
        'a/b; x="1',
        'a/b; x="1"2',
        'a/b; x="a\x00b"',
        "a/b; x=é",
        "a/b x=1",
        "a/b, c/d",
    ],
)
def test_malformed_parameters(value):
    assert parse_media_type(value) is None


@pytest.mark.parametrize(
    "value", ["", "a", "a/", "/b", "a/b/c", "application/json\ta", "a /b", "a/ b", "é/b", "a/b\n", "a/b,c", "\x00a/b"]
)
def test_no_media_type(value):
    assert parse_media_type(value) is None
    assert media_essence(value) == ""


def test_no_header():
    assert media_essence(None) == ""


def test_the_essence_is_seen_through_malformed_parameters():
    assert media_essence("multipart/form-data; boundary=") == "multipart/form-data"


@pytest.mark.parametrize("repeated", ["\\\\", '\\"', '"', ";", "; ", " ", "\t", "a", ";a=", ",", ';a="', "="])
@pytest.mark.parametrize("start", ["a/b;", 'a/b; x="', "a/b", "", 'multipart/form-data; !="'])
def test_time_is_linear(start, repeated):
    value = start + repeated * (64 * 1024 // len(repeated))
    begin = time.thread_time()
    parse_media_type(value)
    media_essence(value)
    assert time.thread_time() - begin < 0.1  # at most 6 ms on an idle machine


@given(st.text(st.characters(max_codepoint=255), max_size=60))
def test_what_is_accepted_is_written_and_read_again_alike(value):
    parsed = parse_media_type(value)
    if parsed is not None:
        assert parse_media_type(str(parsed)) == parsed
        assert media_essence(value) == parsed.essence


@given(st.dictionaries(st.sampled_from("abc"), st.text(st.characters(min_codepoint=32, max_codepoint=126))))
def test_any_printable_parameter_can_be_written(parameters):
    assert parse_media_type(str(MediaType("a/b", parameters))) == MediaType("a/b", parameters)


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        (" Application/JSON ;charset=utf-8", True),
        ("application/problem+json", True),
        ("application/vnd.api+json;profile=x", True),
        ("application/json\ta", False),
        ("application/json;charset", False),
        ("application/json, text/plain", False),
        ("application/jsonx", False),
        ("application/json+xml", False),
        ("text/json", False),
        ("text/plain", False),
        ("+json", False),
        ("", False),
        (None, False),
    ],
)
def test_what_says_json(value, answer):
    assert is_json(value) is answer
