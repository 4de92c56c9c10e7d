from __future__ import annotations

import time
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.errors import BodyTooLarge
from waypost.http.blob import File
from waypost.http.form_limits import FormLimits
from waypost.http.urlencoded import encode_urlencoded, parse_urlencoded


def test_every_case_of_the_web_platform_tests(corpus):
    for case in corpus("wpt-url/urlencoded-parser-data.json"):
        assert parse_urlencoded(case["input"].encode()) == [tuple(pair) for pair in case["output"]], case["input"]


@pytest.mark.parametrize(
    ("data", "pairs"),
    [
        (b"", []),
        (b"&&", []),
        (b"a", [("a", "")]),
        (b"=", [("", "")]),
        (b"a;b=1", [("a;b", "1")]),
        (b"a=b=c+d%20e", [("a", "b=c d e")]),
        (b"\xef\xbb\xbfa=1", [("\ufeffa", "1")]),
        (b"a=\xff+%zz%", [("a", "\ufffd %zz%")]),
        (b"a=\xc3%B6&b=%C3\xb6", [("a", "ö"), ("b", "ö")]),
        ("ö=ü".encode(), [("ö", "ü")]),
    ],
)
def test_what_is_read(data, pairs):
    assert parse_urlencoded(data) == pairs


@given(
    st.lists(st.sampled_from([b"a", b"=", b"&", b"+", b"%41", b"%C3", b"%", b"\xb6", b"\xff", b"\xc3"]), max_size=20)
)
def test_the_result_is_that_of_the_standard_library(pieces):
    data = b"".join(pieces)
    # In latin-1 each character is a byte: so the standard library takes bytes apart that are no UTF-8.
    expected = parse_qsl(data.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    assert parse_urlencoded(data) == [
        (name.encode("latin-1").decode("utf-8", "replace"), value.encode("latin-1").decode("utf-8", "replace"))
        for name, value in expected
    ]


@given(st.lists(st.tuples(st.text(), st.text())))
def test_what_was_written_is_read_again(pairs):
    pairs = [
        (name.encode("utf-8", "replace").decode(), value.encode("utf-8", "replace").decode()) for name, value in pairs
    ]
    assert parse_urlencoded(encode_urlencoded(pairs)) == pairs


def test_of_a_file_the_name_is_written():
    assert encode_urlencoded([("a b", "1&2"), ("f", File(["x"], "ö.txt"))]) == b"a+b=1%262&f=%C3%B6.txt"


def test_limits():
    limits = FormLimits(max_fields=2, max_field_size=4)
    assert len(parse_urlencoded(b"a=1&b=2", limits)) == 2
    for data in (b"a=1&b=2&c=3", b"&&", b"a=1234", b"12345=", b"a=%41%41%41%41"):
        with pytest.raises(BodyTooLarge):
            parse_urlencoded(data, limits)
    assert parse_urlencoded(b"a=%41%41%41", limits) == [("a", "AAA")]


@pytest.mark.parametrize(
    "data",
    [b"a=1&" * 300_000, b"a;" * 1_500_000, b"&" * 3_000_000, b"%" * 1_000_000, b"\xe4" * 1_000_000, b"+" * 3_000_000,
     b"=" * 3_000_000],
    ids=["fields", "semicolons", "empty", "percent", "bytes", "plus", "equals"],
)  # fmt: skip
def test_time_is_linear(data):
    start = time.thread_time()
    parse_urlencoded(data)
    assert time.thread_time() - start < 1.5
    start = time.thread_time()
    try:
        parse_urlencoded(data, FormLimits())
    except BodyTooLarge as error:
        assert error.status == 413
    assert time.thread_time() - start < 1.5


def test_too_many_fields_are_refused_before_they_are_taken_apart():
    start = time.thread_time()
    with pytest.raises(BodyTooLarge):
        parse_urlencoded(b"a=1&" * 300_000, FormLimits())
    assert time.thread_time() - start < 0.05
