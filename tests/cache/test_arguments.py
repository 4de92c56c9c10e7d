from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import pydantic
import pytest

from waypost import URL, Request, URLSearchParams
from waypost.cache.arguments import Signature, identity, material
from waypost.errors import CacheUsageError


@dataclass
class Query:
    text: str
    page: int = 1


@dataclass
class Filter:
    text: str
    page: int = 1


class Kind(Enum):
    A = 1
    B = 1.0


class Model(pydantic.BaseModel):
    a: int


class Plain:
    pass


DIFFERENT = [
    None, True, False, 0, 1, -1, 1.0, "1", b"1", "", b"", [], (), {}, set(), [1], (1,), {1}, frozenset([2]), ["1"],
    [1, [2]], [1, 2], [[1], 2], [12], {"a": 1}, {"a": "1"}, {1: "a"}, {"a": 1, "b": 2}, "a", "i1;", "s1:1",
    date(2026, 1, 1), datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC), Decimal("1"), Decimal("1.0"),
    Query("a"), Query("a", 2), Filter("a"), Kind.A, Model(a=1), Model(a=2), URL("http://a/"), URLSearchParams("a=1"),
    ("a", "b"), ("ab",), ("a", "", "b"), len, Plain, Query,
]  # fmt: skip


def test_different_values_have_different_texts() -> None:
    texts = [material(value, "x") for value in DIFFERENT]
    assert len(set(texts)) == len(DIFFERENT)


def test_order_counts_where_it_means_something() -> None:
    assert material({"a": 1, "b": 2}, "x") == material({"b": 2, "a": 1}, "x")
    assert material({"x", "y", "z"}, "x") == material({"z", "x", "y"}, "x")
    assert material(["a", "b"], "x") != material(["b", "a"], "x")


@pytest.mark.parametrize("value", [Plain(), [Plain()], {"a": Plain()}, {"k": {"l": Plain()}}, iter([]), sys.stdout])
def test_what_has_no_value_is_refused_by_name(value: Any) -> None:
    with pytest.raises(CacheUsageError, match=r"the argument a of f\(\)"):
        material(value, "the argument a of f()")


def test_a_request_is_no_argument() -> None:
    with pytest.raises(CacheUsageError, match="Request"):
        material(Request("http://a/"), "the argument request of f()")


def test_depth_has_a_limit() -> None:
    ring: list[Any] = []
    ring.append(ring)
    with pytest.raises(CacheUsageError, match="nested too deeply"):
        material(ring, "x")


def test_arguments_are_the_same_however_they_are_passed() -> None:
    def f(a: int, b: int = 2, *, c: int = 3) -> None: ...

    signature = Signature(f, "f()")
    same = {
        signature.material((1,), {}),
        signature.material((1, 2), {}),
        signature.material((), {"a": 1}),
        signature.material((1,), {"c": 3, "b": 2}),
    }
    assert len(same) == 1
    assert signature.material((1, 3), {}) not in same

    def g(*args: int, **options: int) -> None: ...

    loose = Signature(g, "g()")
    assert loose.material((1, 2), {"x": 1}) != loose.material((1,), {"x": 2})
    assert loose.material((), {"x": 1, "y": 2}) == loose.material((), {"y": 2, "x": 1})


def test_wrong_arguments_are_the_calls_own_error() -> None:
    def f(a: int) -> None: ...

    with pytest.raises(TypeError, match="missing"):
        Signature(f, "f()").material((), {})


def closing(value: Any) -> Callable[[], Any]:
    def inner() -> Any:
        return value

    return inner


def test_a_function_is_told_by_its_place_and_by_what_it_closes_over() -> None:
    assert identity(closing(1), "f()") == identity(closing(1), "f()")
    assert identity(closing(1), "f()") != identity(closing(2), "f()")
    assert identity(closing(1), "f()", closure=False) == identity(closing(2), "f()", closure=False)
    one, other = lambda: 1, lambda: 2
    assert identity(one, "f()") != identity(other, "f()")
    assert identity(functools.partial(closing, 1), "f()") != identity(functools.partial(closing, 2), "f()")
    assert identity(closing(closing(1)), "f()") != identity(closing(closing(2)), "f()")


def test_what_it_closes_over_must_be_a_value() -> None:
    with pytest.raises(CacheUsageError, match=r"f\(\) closes over value, of type Plain.*key="):
        identity(closing(Plain()), "f()")
    with pytest.raises(CacheUsageError, match="closes over"):
        identity(closing(closing(Plain())), "f()")
    identity(closing(Plain()), "f()", closure=False)


def test_functions_that_call_each_other_have_an_identity() -> None:
    def outer() -> Any:
        def a() -> Any:
            return b

        def b() -> Any:
            return a

        return a

    assert identity(outer(), "f()") == identity(outer(), "f()")


def test_an_unbound_cell_is_passed_over() -> None:
    def outer() -> Any:
        def a() -> Any:
            return later

        text = identity(a, "a()")
        later = 1
        return text, later

    assert outer()[0]


PROGRAM = """
from waypost.cache.arguments import identity, material
def f(x):
    return x in {"alpha", "beta", "gamma"}, (lambda: {"d", "e"})
print(identity(f, "f()"), material({"s": {"x", "y", "z"}, "d": {"b": 1, "a": 2}}, "x"))
"""


def test_every_process_finds_the_same_text() -> None:
    texts = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(texts) == 1
