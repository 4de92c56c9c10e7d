"""Infinity and not-a-number pass or break the checks that are made for numbers: they are refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, TypedDict

import msgspec
import pytest

from waypost import ValidationFailed
from waypost.validation import schema_of
from waypost.validation.annotations import show


@dataclass
class Pay:
    amount: Decimal
    count: int = 0


class Order(msgspec.Struct, rename="camel"):
    unit_price: Decimal
    rest: list[Pay] = []


class Typed(TypedDict):
    amount: Decimal


class Named(NamedTuple):
    amount: Decimal


PLACES: list[tuple[Any, Any, list[tuple[Any, ...]]]] = [
    (Decimal, "X", [()]),
    (Decimal | None, "X", [()]),
    (Pay, {"amount": "X"}, [("amount",)]),
    (Pay, {"amount": "X", "count": "no"}, [("amount",), ("count",)]),
    (Typed, {"amount": "X"}, [("amount",)]),
    (Order, {"unitPrice": "1", "rest": [{"amount": "1"}, {"amount": "X"}]}, [("rest", 1, "amount")]),
    (Order, {"unitPrice": "X", "rest": [{"amount": "X"}]}, [("unitPrice",), ("rest", 0, "amount")]),
    (Order | None, {"unitPrice": "X"}, [("unitPrice",)]),
    (list[Decimal], ["1", "X", "2", "X"], [(1,), (3,)]),
    (dict[str, Decimal], {"a": "1", "b": "X"}, [("b",)]),
    (tuple[Decimal, int], ["X", 1], [(0,)]),
    (Named, ["X"], [(0,)]),
    (int | list[Decimal], ["1", "X"], [(1,)]),
    (dict[Decimal, int], {"X": 1}, [()]),
    (list[set[Decimal]], [["1"], ["X"]], [(1, 0)]),
]


@pytest.mark.parametrize(("annotation", "value", "places"), PLACES, ids=lambda item: show(item)[:30])
@pytest.mark.parametrize("text", ["NaN", "-nan", "sNaN", "Infinity", "-inf"])
def test_a_decimal_is_a_finite_number(annotation: Any, value: Any, places: list[Any], text: str) -> None:
    schema = schema_of(annotation)
    assert schema.kind == "msgspec"
    sent = json.loads(json.dumps(value).replace('"X"', json.dumps(text)))
    for read in (lambda: schema.from_json(json.dumps(sent).encode()), lambda: schema.from_python(sent)):
        with pytest.raises(ValidationFailed) as failure:
            read()
        assert [issue.path for issue in failure.value.issues] == places
        assert all(text not in issue.message for issue in failure.value.issues)
    fine = json.loads(json.dumps(value).replace('"X"', '"1.50"').replace('"no"', "3"))
    schema.from_json(json.dumps(fine).encode())


def test_a_decimal_in_a_form_or_a_query_is_a_finite_number() -> None:
    with pytest.raises(ValidationFailed) as failure:
        schema_of(Pay).from_pairs([("amount", "NaN")])
    assert [issue.path for issue in failure.value.issues] == [("amount",)]
