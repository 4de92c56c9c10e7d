from __future__ import annotations

import time

import pytest

from waypost.errors import InvalidForm
from waypost.http.form_disposition import parse_form_disposition


@pytest.mark.parametrize(
    ("value", "name", "filename"),
    [
        ('form-data; name="a"', "a", None),
        ('form-data; name="a"; filename="x.txt"', "a", "x.txt"),
        ('FORM-DATA;NAME=a;FileName=""', "a", ""),
        ("form-data; name=a; filename=x.txt", "a", "x.txt"),
        ('form-data; filename="x"; name=""', "", "x"),
        ('form-data; name="%22%0D%0A%41"', '"\r\n%41', None),
        ('form-data; name="a"; filename="../../etc/passwd"', "a", "../../etc/passwd"),
        ('form-data; name="a"; filename="C:\\dir\\x.txt"', "a", "C:\\dir\\x.txt"),
        ('form-data; name="a"; filename="ends\\"', "a", "ends\\"),
        ('form-data; name="a"; filename="a\\"b.txt"', "a", 'a"b.txt'),
        ('form-data; name="a"; filename="a\\"; filename=\\"b"', "a", 'a"; filename="b'),
        ('form-data; name="a;b=c"; filename="d;e"', "a;b=c", "d;e"),
        ('form-data; name="a"; filename="x"; filename*=UTF-8\'\'na%C3%AFve.txt', "a", "naïve.txt"),
        ("form-data; name=\"a\"; filename*=utf-8'en'%ff", "a", "\ufffd"),
        ('form-data; name="\u00c3\u00b6"; filename="\u00e6\u0097\u00a5"', "ö", "日"),
        ('form-data; name="\u00ff"', "\ufffd", None),
        ('form-data; name="a"; filename="a\x00b"', "a", "a\x00b"),
        ('form-data; name="a"; other=1; third="x"', "a", None),
    ],
)
def test_what_is_read(value, name, filename):
    assert parse_form_disposition(value) == (name, filename)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "form-data",
        'attachment; name="a"',
        'form-dataX; name="a"',
        'form-data; filename="x"',
        'form-data; name="a',
        'form-data; name="a" filename="x"',
        'form-data; name="a"; name="b"',
        'form-data; name="a"; filename="x"; Filename="y"',
        'form-data; name="a"; junk; filename="x"',
        'form-data; name = "a"',
        "form-data; name=",
        "form-data; name=\"a\"; filename*=latin-1''x",
        'form-data; name="a"; filename*=x',
        'form-data; name="a";',
    ],
)
def test_what_is_refused(value):
    with pytest.raises(InvalidForm):
        parse_form_disposition(value)


@pytest.mark.parametrize("repeated", ['"', "\\", '\\"', ";", ';a="', ';a=\\"', "; ", "%22", ';a="\\";', "a"])
def test_time_is_linear(repeated):
    value = 'form-data; name="' + repeated * (64 * 1024 // len(repeated))
    start = time.thread_time()
    with pytest.raises(InvalidForm):
        parse_form_disposition(value)
    assert time.thread_time() - start < 0.2
