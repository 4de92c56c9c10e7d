from __future__ import annotations

import contextlib
import dataclasses
import datetime
import decimal
import enum
import json
import time
import types
import uuid
from collections import OrderedDict, UserDict, deque
from pathlib import PurePosixPath

import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.errors import InvalidJSON, InvalidResponseError
from waypost.http.json import encode_json, parse_json


def _suite(corpora, kind):
    return sorted((corpora / "json-suite" / "test_parsing").glob(f"{kind}_*.json"))


def test_every_text_that_must_be_accepted(corpora):
    files = _suite(corpora, "y")
    assert len(files) == 95
    for file in files:
        data = file.read_bytes()
        assert parse_json(data) == json.loads(data), file.name


def test_every_text_that_must_be_refused(corpora):
    files = _suite(corpora, "n")
    assert len(files) == 188
    for file in files:
        with pytest.raises(InvalidJSON):
            parse_json(file.read_bytes())


def test_texts_that_may_go_either_way_raise_nothing_else(corpora):
    files = _suite(corpora, "i")
    assert len(files) == 35
    for file in files:
        try:
            parse_json(file.read_bytes())
        except InvalidJSON as error:
            assert error.status == 400


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a":1,"a":2}', {"a": 2}),
        (b"null", None),
        (b'"x"', "x"),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b'\xef\xbb\xbf"\xff"', "\ufffd"),
        (b'"\xff"', "\ufffd"),
        (b'"\xed\xa0\x80"', "\ufffd\ufffd\ufffd"),
        (b'{"\xe4":"\xc3"}', {"\ufffd": "\ufffd"}),
        (b'"\\u0000"', "\x00"),
        (b'{"__proto__":{"x":1},"__class__":1}', {"__proto__": {"x": 1}, "__class__": 1}),
        (b"12345678901234567890", 12345678901234567890),
        ('{"a":"ö"}', {"a": "ö"}),
        ("\ufeff1", 1),
        (bytearray(b"[1]"), [1]),
        (memoryview(b"[1]"), [1]),
    ],
)
def test_what_is_accepted(data, value):
    assert parse_json(data) == value


@pytest.mark.parametrize(
    "data",
    [b"", b" ", b"\xef\xbb\xbf", b"{oops", b"[1,]", b"NaN", b"-Infinity", b'{"a":NaN}', b"1e400", b'"\\ud800"',
     b"'a'", "\ud800", '"\ud800"', b"\xff", b"1 2", b"\xff\xfe1\x00"],
)  # fmt: skip
def test_what_is_refused(data):
    with pytest.raises(InvalidJSON) as caught:
        parse_json(data)
    assert caught.value.message == "The body is not valid JSON"


def test_the_message_does_not_echo_and_the_cause_is_kept():
    with pytest.raises(InvalidJSON) as caught:
        parse_json(b'{"password": "hunter2" oops}')
    assert "hunter2" not in str(caught.value)
    assert isinstance(caught.value.__cause__, msgspec.DecodeError)


@pytest.mark.parametrize(
    "data",
    [
        b"9" * 1_000_000,
        b"-" + b"9" * 1_000_000,
        b"1" + b"0" * 1_000_000 + b".5",
        b"1e999999999",
        b"[" * 1_000_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"\xef\xbb\xbf" + b"[" * 1_000_000,
    ],
    ids=["digits", "negative", "fraction", "exponent", "open", "nested", "objects", "bom"],
)
def test_hostile_texts_are_refused_fast(data):
    start = time.thread_time()
    with pytest.raises(InvalidJSON):
        parse_json(data)
    assert time.thread_time() - start < 0.25  # 2 ms on an idle machine


def test_many_keys_and_bad_bytes_take_linear_time():
    start = time.thread_time()
    assert len(parse_json(b"{" + b",".join(b'"%d":1' % n for n in range(300_000)) + b"}")) == 300_000
    assert parse_json(b'"' + b"\xff" * 1_000_000 + b'"') == "\ufffd" * 1_000_000
    assert time.thread_time() - start < 2


@given(st.binary(max_size=40))
def test_no_bytes_raise_anything_but_invalid_json(data):
    with contextlib.suppress(InvalidJSON):
        parse_json(data)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)  # fmt: skip


@given(values)
def test_a_value_survives_the_way_out_and_back(value):
    assert parse_json(encode_json(value)) == value


class Colour(enum.Enum):
    RED = "red"


class Text(str):
    __slots__ = ()


class Count(int):
    pass


@dataclasses.dataclass
class Point:
    x: int
    label: Text


class Struct(msgspec.Struct):
    a: int


class Model(pydantic.BaseModel):
    when: datetime.date
    ratio: float
    alias: int = pydantic.Field(1, serialization_alias="other")


class ByName(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(serialize_by_alias=False)
    alias: int = pydantic.Field(1, serialization_alias="other")


@pydantic.dataclasses.dataclass
class Aliased:
    alias: int = pydantic.Field(1, serialization_alias="other")


class Numbers(pydantic.RootModel[list[int]]):
    pass


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, "ö", None, True, 1.5]}, '{"a":[1,"ö",null,true,1.5]}'),
        ([float("nan"), float("inf"), -float("inf")], "[null,null,null]"),
        (Point(1, Text("p")), '{"x":1,"label":"p"}'),
        (Struct(1), '{"a":1}'),
        ([Model(when=datetime.date(2026, 1, 2), ratio=float("nan"))], '[{"when":"2026-01-02","ratio":null,"other":1}]'),
        (Model(when=datetime.date(2026, 1, 2), ratio=0.5), '{"when":"2026-01-02","ratio":0.5,"other":1}'),
        ([ByName(alias=1)], '[{"alias":1}]'),
        (ByName(alias=1), '{"alias":1}'),
        (Aliased(1), '{"other":1}'),
        (Numbers([1]), "[1]"),
        (datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC), '"2026-01-02T03:04:05Z"'),
        (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (decimal.Decimal("1.20"), '"1.20"'),
        (Colour.RED, '"red"'),
        ({Colour.RED: Count(3)}, '{"red":3}'),
        (types.MappingProxyType({"a": 1}), '{"a":1}'),
        (UserDict(a=1), '{"a":1}'),
        ({None: 1, True: 2, False: 3, 4: 5, "a": {None: 6}}, '{"null":1,"true":2,"false":3,"4":5,"a":{"null":6}}'),
        (OrderedDict(a=1), '{"a":1}'),
        ((1, (2,)), "[1,[2]]"),
        ({1}, "[1]"),
        (frozenset([1]), "[1]"),
        (deque([1]), "[1]"),
        (range(3), "[0,1,2]"),
        ({"a": 1}.keys(), '["a"]'),
        (PurePosixPath("a/b"), '"a/b"'),
        (2**70, "1180591620717411303424"),
        ("</script>\u2028", '"</script>\u2028"'),
    ],
)
def test_what_can_be_sent(value, text):
    assert encode_json(value).decode() == text


def _cycle():
    items: list[object] = []
    items.append(items)
    return items


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (object(), "builtins.object"),
        ({"a": [Colour]}, "enum.EnumType"),
        ((n for n in [1]), "generator"),
        ({"f": len}, "builtin_function_or_method"),
        (1j, "complex"),
        ({"a": {(1,): 2}}, "key of type builtins.tuple"),
        (types.MappingProxyType({b"a".join: 2}), "builtin_function_or_method"),
        (_cycle(), "contains itself"),
        ("\ud800", "surrogate"),
        ([10**5000], "digits"),
    ],
)
def test_what_cannot_be_sent(value, hint):
    with pytest.raises(InvalidResponseError, match=hint):
        encode_json(value)
