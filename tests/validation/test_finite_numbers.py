"""Infinity and not-a-number pass or break the checks that are made for numbers: they are refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypedDict, TypeVar

import msgspec
import pydantic
import pytest
import typing_extensions
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel, field_validator

from waypost import InvalidJSON, ValidationFailed
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


Item = TypeVar("Item")


class Inner(BaseModel):
    v: float = 0
    below: list[Inner] = []


class Loose(BaseModel):
    model_config = ConfigDict(allow_inf_nan=True)
    v: float


class Validated(BaseModel):
    v: Annotated[float, AfterValidator(lambda value: value)]

    @field_validator("v", mode="before")
    @classmethod
    def _before(cls, value: Any) -> Any:
        return value


class Around(BaseModel):
    inner: Inner | None = None
    loose: Loose | None = None


class Page(BaseModel, Generic[Item]):
    items: list[Item]


class A(BaseModel):
    kind: Literal["a"]
    v: float


class B(BaseModel):
    kind: Literal["b"]
    v: int


class FloatTyped(typing_extensions.TypedDict):
    v: Annotated[float, Field(gt=0)]


@pydantic.dataclasses.dataclass
class PydanticData:
    v: float


class Optional(BaseModel):
    v: float | None = None
    w: Annotated[float, Field(gt=0)] | str = 1
    x: tuple[float, int] = (0, 0)
    y: dict[str, float] = {}


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


FLOATS: list[tuple[Any, str]] = [
    (Inner, '{"v": X}'),
    (Inner, '{"below": [{"v": 1}, {"v": X}]}'),
    (Around, '{"inner": {"v": X}}'),
    (list[Around], '[{"inner": {"below": [{"v": X}]}}]'),
    (Validated, '{"v": X}'),
    (Page[float], '{"items": [1, X]}'),
    (Page[Inner], '{"items": [{"v": X}]}'),
    (Annotated[A | B, Field(discriminator="kind")], '{"kind": "a", "v": X}'),
    (Annotated[FloatTyped, Field(description="so that pydantic reads it")], '{"v": X}'),
    (PydanticData, '{"v": X}'),
    (RootModel[dict[str, float]], '{"v": X}'),
    (Optional, '{"v": X}'),
    (Optional, '{"x": [X, 1]}'),
    (Optional, '{"y": {"a": X}}'),
    (Annotated[float, Field(lt=5)], "X"),
]


@pytest.mark.parametrize(("annotation", "text"), FLOATS, ids=lambda item: show(item)[:40])
def test_a_float_that_pydantic_reads_is_a_finite_number(annotation: Any, text: str) -> None:
    schema = schema_of(annotation)
    assert schema.kind == "pydantic"
    schema.from_json(text.replace("X", "1.5").encode())
    for sent in ('"nan"', '"inf"', '"-Infinity"', '"1e999"', f'"{"9" * 400}"'):
        with pytest.raises(ValidationFailed):
            schema.from_json(text.replace("X", sent).encode())
    for sent in ("NaN", "Infinity", "1e999", "-1e999", "9" * 400 + ".0"):
        with pytest.raises(InvalidJSON):
            schema.from_json(text.replace("X", sent).encode())
    with pytest.raises(ValidationFailed):
        schema.from_json(text.replace("X", "9" * 400).encode())


@pytest.mark.parametrize("text", ["nan", "inf", "1e999", "Infinity"])
def test_a_float_of_a_query_is_a_finite_number_in_every_place(text: str) -> None:
    for annotation in (Inner, Optional):
        for name in {"v", "x"} & schema_of(annotation).fields.keys():  # type: ignore[union-attr]
            with pytest.raises(ValidationFailed):
                schema_of(annotation).from_pairs([(name, text), (name, "1")])


def test_the_author_of_a_model_may_allow_infinity() -> None:
    class Field1(BaseModel):
        v: Annotated[float | None, Field(allow_inf_nan=True)] = None

    infinite = float("inf")
    assert schema_of(Loose).from_json(b'{"v": "inf"}').v == infinite
    assert schema_of(Field1).from_json(b'{"v": "inf"}').v == infinite
    around = schema_of(Around)
    assert around.from_json(b'{"loose": {"v": "inf"}}').loose.v == infinite
    with pytest.raises(ValidationFailed):
        around.from_json(b'{"loose": {"v": "inf"}, "inner": {"v": "inf"}}')


def test_a_default_that_looks_like_a_part_of_a_schema_stays_what_it_is() -> None:
    class Odd(BaseModel):
        v: float = 0
        w: dict[str, Any] = {"type": "float", "schema": {"type": "float"}}

    assert schema_of(Odd).from_json(b"{}").w == {"type": "float", "schema": {"type": "float"}}


def test_the_class_of_a_model_is_not_changed() -> None:
    schema_of(Inner)
    assert Inner.model_validate_json('{"v": "inf"}').v == float("inf")


@pytest.mark.parametrize("kind", [datetime, timedelta, int, Decimal], ids=show)
def test_other_scalars_take_no_infinity_either(kind: Any) -> None:
    schema = schema_of(Annotated[kind, Field(description="so that pydantic reads it")])
    for sent in ("1e999", '"inf"', '"NaN"', "NaN"):
        with pytest.raises((ValidationFailed, InvalidJSON)):
            schema.from_json(sent.encode())
