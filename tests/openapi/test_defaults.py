"""A default in a description is a value that a client may send."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta
from pydantic import BaseModel, Field

from waypost.validation import schema_of


class Part(BaseModel):
    size: int = 3


class Changes(BaseModel):
    title: Annotated[str, Field(min_length=1)] = ""
    rating: Annotated[int, Field(ge=1)] = 5
    part: Part = Part()
    note: str | None = None
    day: date = date(2026, 1, 2)
    price: Decimal = Decimal("1.5")
    made: list[str] = Field(default_factory=list)


class SPart(msgspec.Struct):
    size: int = 3


class SChanges(msgspec.Struct):
    title: Annotated[str, Meta(min_length=1)] = ""
    rating: Annotated[int, Meta(ge=1)] = 5
    part: SPart = msgspec.field(default_factory=SPart)
    note: str | None = None
    day: date = date(2026, 1, 2)
    price: Decimal = Decimal("1.5")
    made: list[str] = []


@pytest.mark.parametrize("kind", [Changes, SChanges])
def test_one_that_its_own_type_refuses_is_left_out(kind: type) -> None:
    schema, definitions = schema_of(kind).json_schema()
    found: dict[str, Any] = schema if "properties" in schema else definitions[kind.__name__]
    properties = found["properties"]
    assert "default" not in properties["title"] and properties["title"]["minLength"] == 1
    assert {name: item["default"] for name, item in properties.items() if "default" in item and name != "made"} == {
        "rating": 5,
        "note": None,
        "day": "2026-01-02",
        "price": "1.5",
        **({"part": {"size": 3}} if kind is Changes else {}),
    }
    assert "title" not in found.get("required", [])
