"""Unions of pydantic whose time doubles with each level of a value."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, JsonValue

from waypost.errors import ValidationFailed
from waypost.validation import SchemaError, schema_of
from waypost.validation.annotations import show


class A(BaseModel):
    kind: Literal["a"]
    child: A | B | None = None


class B(BaseModel):
    kind: Literal["b"]
    children: list[A | B] = []


class Tagged(BaseModel):
    kind: Literal["tagged"]
    child: Annotated[Tagged | Other, Field(discriminator="kind")] | None = None


class Other(BaseModel):
    kind: Literal["other"]
    child: Annotated[Tagged | Other, Field(discriminator="kind")] | None = None


class Leaf(BaseModel):
    leaf: int


class Branch(BaseModel):
    below: list[Branch | Leaf] | dict[str, Branch | Leaf] | int


@pytest.mark.parametrize("kind", [A, B, A | B, list[B], dict[str, A]], ids=show)
def test_what_would_double_is_refused_at_the_start(kind: Any) -> None:
    with pytest.raises(SchemaError, match="the members A and B of a union may each hold the same union again") as found:
        schema_of(kind)
    assert "discriminator" in found.value.remedy


def test_a_union_is_found_behind_any_name_of_a_field() -> None:
    class First(BaseModel):
        default: Second | None = None
        metadata: First | Second | None = None

    class Second(BaseModel):
        metadata: First | Second | None = None
        serialization: First | None = None

    First.model_rebuild(_types_namespace={"First": First, "Second": Second})
    with pytest.raises(SchemaError, match="may each hold the same union again"):
        schema_of(First)


@pytest.mark.parametrize("kind", [Tagged, Branch, JsonValue, Leaf | Branch], ids=show)
def test_what_does_not_is_a_schema(kind: Any) -> None:
    assert schema_of(kind)


@pytest.mark.parametrize(
    ("kind", "bad", "level"),
    [
        (Tagged | Leaf, {"kind": "tagged", "child": 5}, lambda below: {"kind": "tagged", "child": below}),
        (Branch, {"below": ["x"]}, lambda below: {"below": [below]}),
    ],
    ids=["discriminator", "branch"],
)
def test_depth_costs_no_more_than_its_levels(kind: Any, bad: Any, level: Callable[[Any], Any]) -> None:
    schema = schema_of(kind)
    value = functools.reduce(lambda below, _: level(below), range(60), bad)
    began = time.process_time()
    with pytest.raises(ValidationFailed):
        schema.from_json(json.dumps(value).encode())
    assert time.process_time() - began < 2
