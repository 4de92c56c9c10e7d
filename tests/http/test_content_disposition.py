from __future__ import annotations

import email.message
import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.http.content_disposition import content_disposition, plain_name
from waypost.http.file_names import is_safe_name
from waypost.http.headers import Headers

NAMES = json.loads((Path(__file__).parents[1] / "data" / "framework-bad-inputs.json").read_text())[
    "content_disposition_names"
]
# RFC 6266 section 4.1 with what we write of it: a quoted fallback without escapes, and an ext-value.
GRAMMAR = re.compile(
    r'(inline|attachment); filename="([ !#-\[\]-~]*)"'
    r"(?:; filename\*=UTF-8''((?:[A-Za-z0-9!#$&+\-.^_`|~]|%[0-9A-F]{2})+))?"
)


def _read(value: str) -> tuple[str, str]:
    """Fallback and name as RFC 6266 and RFC 8187 read them."""
    match = GRAMMAR.fullmatch(value)
    assert match is not None, value
    _, fallback, extended = match.groups()
    return fallback, fallback if extended is None else unquote(extended, errors="strict")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("report.pdf", 'attachment; filename="report.pdf"'),
        ("my report (1).pdf", 'attachment; filename="my report (1).pdf"'),
        ("a'b.pdf", "attachment; filename=\"a'b.pdf\""),
        ('a"b.pdf', 'attachment; filename="a_b.pdf"'),
        ("naïve.pdf", "attachment; filename=\"na_ve.pdf\"; filename*=UTF-8''na%C3%AFve.pdf"),
        ("中文.pdf", "attachment; filename=\"__.pdf\"; filename*=UTF-8''%E4%B8%AD%E6%96%87.pdf"),
        ("100%41.txt", "attachment; filename=\"100_41.txt\"; filename*=UTF-8''100%2541.txt"),
        ("a\r\nSet-Cookie: x=1.pdf", 'attachment; filename="a__Set-Cookie_ x=1.pdf"'),
        ('a"; filename="x.exe', 'attachment; filename="a_; filename=_x.exe"'),
        ("../../etc/passwd", 'attachment; filename="passwd"'),
        ("C:\\temp\\x.txt", 'attachment; filename="x.txt"'),
        ("..", 'attachment; filename="download"'),
        ("", 'attachment; filename="download"'),
        (".htaccess", 'attachment; filename="htaccess"'),
        ("CON", 'attachment; filename="_CON"'),
        ("nul.txt", 'attachment; filename="_nul.txt"'),
        ("invoice\u202efdp.exe", 'attachment; filename="invoice_fdp.exe"'),
        ("\ud800.txt", 'attachment; filename="_.txt"'),
    ],
)  # fmt: skip
def test_names(name: str, expected: str) -> None:
    assert content_disposition(name) == expected
    assert content_disposition(name, inline=True) == expected.replace("attachment", "inline", 1)


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_names_of_the_list(number: int) -> None:
    value = content_disposition(NAMES[number])
    assert Headers({"content-disposition": value}).get("content-disposition") == value
    assert is_safe_name(_read(value)[1])


@given(st.text() | st.from_regex(r"[\"\\\r\n\x00;=%'/*.]{0,8}.{0,4}[.](exe|pdf)", fullmatch=True))
def test_every_name_can_be_read_back_and_is_harmless(name: str) -> None:
    value = content_disposition(name)
    fallback, read = _read(value)
    assert read == plain_name(name)
    assert is_safe_name(read)
    assert fallback.isascii()
    assert plain_name(read) == read
    message = email.message.Message()
    message["Content-Disposition"] = value
    # A reader that knows nothing of filename* gets the fallback, and nothing else.
    assert set(dict(message.get_params(header="content-disposition") or [])) <= {"attachment", "filename"}


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=40))
def test_an_honest_name_stays(name: str) -> None:
    if is_safe_name(name) and not set(name) & set(':*?"<>|'):
        assert _read(content_disposition(name))[1] == name


def test_a_long_name_is_cut_before_its_ending() -> None:
    for name in ("x" * 300 + ".pdf", "é" * 300 + ".pdf", "a." + "b" * 300):
        cut = plain_name(name)
        assert len(cut.encode()) <= 200
        assert name.startswith(cut.removesuffix(".pdf"))
        assert cut.endswith(".pdf") == name.endswith(".pdf")
