from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.errors import InvalidHeaderError
from waypost.http.headers import Headers, ReadonlyHeaders

NAMES = st.from_regex(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,20}", fullmatch=True)
VALUES = st.text(st.characters(max_codepoint=0xFF, exclude_characters="\x00\r\n")).map(lambda v: v.strip(" \t\r\n"))


def test_names_are_case_insensitive_and_values_joined() -> None:
    headers = Headers({"X-One": "a"})
    headers.append("x-one", "b")
    assert headers.get("X-ONE") == "a, b"
    assert headers.get_all("x-one") == ["a", "b"]
    assert headers["x-One"] == "a, b"
    assert "X-ONE" in headers
    assert headers.get("other") is None
    assert headers.get("other", "x") == "x"
    with pytest.raises(KeyError):
        headers["other"]


def test_set_replaces_all_at_the_place_of_the_first() -> None:
    headers = Headers([("a", "1"), ("b", "2"), ("A", "3")])
    headers.set("a", "9")
    assert headers.raw == [(b"a", b"9"), (b"b", b"2")]
    headers.delete("A")
    assert headers.raw == [(b"b", b"2")]
    del headers["b"]
    with pytest.raises(KeyError):
        del headers["b"]


def test_set_cookie_lines_stay_apart_and_cookie_joins_with_semicolon() -> None:
    headers = Headers([("set-cookie", "a=1"), ("set-cookie", "b=2"), ("cookie", "x=1"), ("cookie", "y=2")])
    assert headers.get_set_cookie() == ["a=1", "b=2"]
    assert headers.entries() == [("cookie", "x=1; y=2"), ("set-cookie", "a=1"), ("set-cookie", "b=2")]
    assert list(headers) == ["cookie", "set-cookie"]
    assert len(headers) == 2


@pytest.mark.parametrize("name", ["", "x a", "x:", "ž", "x\r", "a\n", "(x)"])
def test_illegal_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidHeaderError):
        Headers({name: "v"})


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\x00b", "中", "a=b\r\nset-cookie: c=d"])
def test_illegal_values_are_refused(value: str) -> None:
    headers = Headers()
    for write in (headers.set, headers.append):
        with pytest.raises(InvalidHeaderError):
            write("x-a", value)
    assert headers.raw == []


def test_numbers_are_written_out_and_other_types_refused() -> None:
    headers = Headers({"x-left": 5})  # type: ignore[dict-item]
    assert headers.get("x-left") == "5"
    for value in (True, None, 1.5, b"x"):
        with pytest.raises(InvalidHeaderError):
            headers.set("x", value)  # type: ignore[arg-type]


@given(st.lists(st.tuples(NAMES, VALUES)))
def test_what_is_appended_comes_back_as_bytes_and_text(pairs: list[tuple[str, str]]) -> None:
    headers = Headers(pairs)
    assert headers.raw == [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs]
    for name, _ in pairs:
        assert headers.get_all(name) == [v for n, v in pairs if n.lower() == name.lower()]
    assert Headers.from_raw([(n.encode(), v.encode("latin-1")) for n, v in pairs]) == headers


def test_a_copy_is_independent() -> None:
    first = Headers({"a": "1"})
    second = first.copy()
    second.set("a", "2")
    assert first["a"] == "1"
    first.update({"b": "3"})
    assert "b" not in second


def test_readonly_headers_refuse_writes_and_can_be_awaited() -> None:
    headers = ReadonlyHeaders.from_raw([(b"A", b"1")])

    async def wait() -> ReadonlyHeaders:
        return await headers

    assert asyncio.run(wait()).get("a") == "1"
    for write in (lambda: headers.set("a", "2"), lambda: headers.append("a", "2"), lambda: headers.delete("a")):
        with pytest.raises(TypeError, match="only be read"):
            write()
