from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any, NamedTuple, TypedDict
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.cache.values import decode_value, encode_value
from waypost.errors import CacheUsageError


def again(value: Any, returns: Any = None) -> Any:
    return decode_value(encode_value(value, returns, "f()"), returns)


ATOMS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary() | st.dates()
    | st.datetimes() | st.datetimes(timezones=st.just(UTC)) | st.times() | st.timedeltas() | st.uuids()
    | st.decimals(allow_nan=False)
)  # fmt: skip
KEYS = st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.dates() | st.uuids()
VALUES = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(), inner)
        | st.dictionaries(KEYS, inner)
        | st.frozensets(KEYS)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_what_comes_out_equals_what_went_in(value: Any) -> None:
    result = again(value)
    assert result == value and type(result) is type(value)
    assert repr(result) == repr(value) or "frozenset" in repr(value)  # the types inside, and the order of dicts


@pytest.mark.parametrize(
    "value",
    [
        2**63, -(2**64), 10**400, 1.0, -0.0, math.inf, {"$": "datetime", "v": "x"}, {"$": 1}, {1: "a", "1": "b"},
        (1, [2, (3,)]), {frozenset([1]), (1, 2)}, bytearray(b"\x00\xff"), "\x00\u2028😀", "", [], {}, (), set(), b"",
        datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Prague"), fold=1),
        datetime(1, 1, 1), datetime.max, time(23, 59, 59, 999999, tzinfo=UTC), timedelta(-1, 5, 7),
        Decimal("1.10"), Decimal("-Infinity"), UUID(int=0),
    ],
)  # fmt: skip
def test_the_corners(value: Any) -> None:
    result = again(value)
    assert result == value and type(result) is type(value) and repr(result) == repr(value)


def test_time_zones_survive() -> None:
    prague = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Prague"))
    assert again(prague).tzinfo is prague.tzinfo
    offset = datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    assert again(offset) == offset and again(offset).utcoffset() == offset.utcoffset()
    assert math.isnan(again(math.nan))


def test_a_value_is_a_copy_each_time() -> None:
    data = encode_value({"a": [1]}, None, "f()")
    first, second = decode_value(data, None), decode_value(data, None)
    first["a"].append(2)
    assert second == {"a": [1]}


class Color(Enum):
    RED = "red"


class Level(IntEnum):
    LOW = 1


class Point(NamedTuple):
    x: int
    y: str


@dataclass
class Author:
    name: str
    born: date | None = None


@dataclass(frozen=True)
class Post:
    id: int
    at: datetime
    author: Author
    tags: list[str] = field(default_factory=list)


class Page(msgspec.Struct):
    posts: list[Post]
    next: int | None = None


class Tag(pydantic.BaseModel):
    name: str
    used: Decimal = Decimal(0)
    children: list[Tag] = []


class Row(TypedDict):
    id: int
    at: datetime


POST = Post(1, datetime(2026, 1, 2, tzinfo=UTC), Author("A", date(1990, 1, 1)), ["x"])


@pytest.mark.parametrize(
    ("value", "returns"),
    [
        (POST, Post),
        ([POST], list[Post]),
        ((POST, 1), tuple[Post, int]),
        (None, Post | None),
        (POST, Post | None),
        (Page([POST]), Page),
        ({"p": Page([])}, dict[str, Page]),
        (Tag(name="a", used=Decimal("1.5"), children=[Tag(name="b")]), Tag),
        ([Tag(name="a")], list[Tag]),
        (Color.RED, Color),
        ([Level.LOW], list[Level]),
        (Point(1, "b"), Point),
        ([{"id": 1, "at": datetime(2026, 1, 1)}], list[Row]),
    ],
)
def test_classes_are_made_again_by_the_return_annotation(value: Any, returns: Any) -> None:
    result = again(value, returns)
    assert result == value and type(result) is type(value)


@pytest.mark.parametrize("value", [POST, [Page([])], {"a": Tag(name="a")}, Color.RED, Point(1, "b"), Level.LOW])
def test_without_an_annotation_a_class_is_refused(value: Any) -> None:
    with pytest.raises(CacheUsageError, match=r"f\(\).*annotate"):
        encode_value(value, None, "f()")


def test_an_annotation_that_gives_another_value_is_refused() -> None:
    with pytest.raises(CacheUsageError, match="does not fit"):
        encode_value([POST], list[Tag], "f()")
    with pytest.raises(CacheUsageError, match="another value"):
        encode_value([Author("a")], list[dict[str, Any]], "f()")


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (object(), "the result is of type object"),
        ({"a": [1, lambda: 1]}, r"the result\['a'\]\[1\] is of type function"),
        ([{1: iter([])}], r"the result\[0\]\[1\] is of type list_iterator"),
        (open, "builtin_function"),
        (1j, "complex"),
        (Author, "the result is of type type"),
        ("\ud800", "surrogate"),
        (range(3), "range"),
    ],
)
def test_what_cant_be_stored_is_named_with_its_place(value: Any, place: str) -> None:
    with pytest.raises(CacheUsageError, match=place):
        encode_value(value, None, "f()")


def test_a_value_that_holds_itself_is_refused() -> None:
    ring: list[Any] = []
    ring.append(ring)
    with pytest.raises(CacheUsageError, match="holds itself"):
        encode_value(ring, None, "f()")


def test_stored_bytes_name_no_class() -> None:
    assert b"Post" not in encode_value(POST, Post, "f()")
    with pytest.raises((ValueError, KeyError)):
        decode_value(b'm{"$":"os.system","v":"true"}', None)
