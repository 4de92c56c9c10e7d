from __future__ import annotations

from collections.abc import Sequence

import pytest

from waypost.app.conditions import ConditionError, Conditions
from waypost.http.request import Request
from waypost.rule import Condition, read_conditions


def check(
    has: Sequence[Condition] = (),
    missing: Sequence[Condition] = (),
    *,
    query: str = "",
    host: str = "a.example",
    **headers: str,
) -> dict[str, str] | None:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request(f"http://{host}/?{query}", headers=fields)
    return Conditions(has, missing).check(request, query)


@pytest.mark.parametrize(
    ("condition", "given", "holds"),
    [
        (Condition("header", "X-A"), {"x_a": "1"}, True),
        (Condition("header", "x-a"), {"X_A": "1"}, True),
        (Condition("header", "x-a"), {"x_a": ""}, False),
        (Condition("header", "x-a"), {}, False),
        (Condition("header", "x-a", "on"), {"x_a": "on"}, True),
        (Condition("header", "x-a", "on"), {"x_a": "one"}, False),
        (Condition("header", "x-a", "on"), {"x_a": "ON"}, False),
        (Condition("header", "x-a", "on|off"), {"x_a": "off"}, True),
        (Condition("header", "x-a", "o.*"), {"x_a": "off"}, True),
        (Condition("header", "x-a", "^on$"), {"x_a": "on"}, True),
        (Condition("cookie", "s"), {"cookie": "s=1"}, True),
        (Condition("cookie", "s"), {"cookie": "s="}, False),
        (Condition("cookie", "S"), {"cookie": "s=1"}, False),
        (Condition("cookie", "s", "a b"), {"cookie": "s=a%20b"}, True),
        (Condition("query", "q"), {"query": "q=1"}, True),
        (Condition("query", "q"), {"query": "q="}, False),
        (Condition("query", "q", "2"), {"query": "q=1&q=2"}, True),
        (Condition("query", "q", "1"), {"query": "q=1&q=2"}, False),
        (Condition("query", "q", "a b"), {"query": "q=a+b"}, True),
        (Condition("host", "", "a.example"), {}, True),
        (Condition("host", "", "a.example"), {"host": "A.Example:8080"}, True),
        (Condition("host", "", "a.example"), {"host": "b.a.example"}, False),
        (Condition("host", "", "(?<sub>[a-z]+)\\.a\\.example"), {"host": "b.a.example"}, True),
    ],
)
def test_one_condition(condition: Condition, given: dict[str, str], holds: bool) -> None:
    assert (check([condition], **given) is not None) is holds  # type: ignore[arg-type]  # the keywords of check
    assert (check([], [condition], **given) is None) is holds  # type: ignore[arg-type]


def test_all_must_hold_and_none_may() -> None:
    a, b = Condition("header", "x-a"), Condition("header", "x-b")
    assert check([a, b], x_a="1") is None
    assert check([a, b], x_a="1", x_b="1") == {}
    assert check([a], [b], x_a="1", x_b="1") is None
    assert check([a], [b], x_a="1") == {}


def test_named_groups_are_captured() -> None:
    conditions = [
        Condition("header", "x-a", "(?<one>[a-z]+)-(?P<two>[0-9]+)?"),
        Condition("host", "", "(?<sub>[a-z])\\..*"),
    ]
    assert check(conditions, x_a="ab-12") == {"one": "ab", "two": "12", "sub": "a"}
    assert check(conditions, x_a="ab-") == {"one": "ab", "sub": "a"}
    assert Conditions(conditions).captures == {"one", "two", "sub"}


def test_the_query_may_be_one_that_a_rewrite_made() -> None:
    request = Request("http://a/?q=own")
    assert Conditions([Condition("query", "q", "new")]).check(request, "q=new") == {}


@pytest.mark.parametrize("value", ["(a+)+", "(", "[", "a**", "(?<n>a)(?<n>b)", "(?<=a)b", "\\1", ".*a.*b.*c!"])
def test_a_value_that_is_wrong_or_could_be_slow_is_refused(value: str) -> None:
    with pytest.raises(ConditionError) as caught:
        Conditions([Condition("header", "x", value)])
    assert 0 <= caught.value.error.column <= len(value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("x", "must be a list"),
        ([5], "must be tables"),
        ([{"type": "header"}], "needs a key"),
        ([{"type": "agent", "key": "x"}], "header, cookie, query or host"),
        ([{"type": "header", "key": 5}], "texts"),
        ([{"type": "header", "key": "x", "value": 5}], "texts"),
        ([{"type": "host"}], "needs a value"),
        ([{"type": "header", "key": "x", "vale": "y"}], "did you mean value"),
    ],
)
def test_a_wrong_shape(value: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_conditions(value, "has")


def test_shapes_that_are_right() -> None:
    assert read_conditions(None, "has") == ()
    assert read_conditions([{"type": "host", "value": "x"}], "has") == (Condition("host", "", "x"),)
