"""Whatever JSON stands in whatever field: 400 or the value, never 500."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.app.project import make_application

from waypost.testing import Client

MODELS = """
from __future__ import annotations
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, TypedDict
from uuid import UUID
import msgspec
from pydantic import AnyUrl, BaseModel, Field, field_validator, model_validator

class Colour(Enum):
    RED = "red"
    BLUE = "blue"
"""
FIELDS = """
    id: int
    title: {short}
    ratio: float = 0.5
    price: Decimal | None = None
    active: bool = True
    tags: list[str] = {list}
    scores: dict[str, int] = {dict}
    colour: Colour = Colour.RED
    kind: Literal["a", "b", 3] = "a"
    uuid: UUID | None = None
    at: datetime | None = None
    day: date | None = None
    hour: time | None = None
    span: timedelta | None = None
    data: bytes | None = None
    either: int | str | list[int] | None = None
    pair: tuple[int, str] | None = None
    words: set[str] = {set}
    parent: {name} | None = None
    children: list[{name}] = {list}
"""
PYDANTIC = FIELDS.format(
    name="Model", short="Annotated[str, Field(min_length=1, max_length=9)]", list="[]", dict="{}", set="set()"
)
STRUCT = FIELDS.format(
    name="Struct", short="Annotated[str, msgspec.Meta(min_length=1, max_length=9)]", list="[]", dict="{}", set="set()"
)
DATA = FIELDS.format(
    name="Data", short="str", list="field(default_factory=list)", dict="field(default_factory=dict)",
    set="field(default_factory=set)",
)  # fmt: skip
ROUTE = (
    MODELS
    + f"""
class Model(BaseModel):{PYDANTIC}
    url: AnyUrl | None = None

    @field_validator("title", mode="before")
    @classmethod
    def lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @model_validator(mode="after")
    def ordered(self) -> Model:
        if self.id < 0:
            raise ValueError("id must not be below 0")
        return self

class Struct(msgspec.Struct):{STRUCT}
@dataclass
class Data:{DATA}
class Typed(TypedDict, total=False):
    id: int
    title: str
    tags: list[str]
    parent: Typed
"""
)
EXAMPLE = {
    "id": 1, "title": "Hello", "ratio": 0.5, "price": "1.50", "active": True, "tags": ["a", "b"], "scores": {"a": 1},
    "colour": "red", "kind": 3, "uuid": "00000000-0000-0000-0000-000000000001", "at": "2026-01-02T03:04:05Z",
    "day": "2026-01-02", "hour": "10:00:00", "span": "PT5S", "data": "YWJj", "either": [1], "pair": [1, "a"],
    "words": ["x"], "parent": {"id": 2, "title": "Up"}, "children": [{"id": 3, "title": "Down", "children": []}],
}  # fmt: skip
KINDS = {"model": "Model", "struct": "Struct", "data": "Data", "typed": "Typed"}
PROJECT = {
    f"app/{name}/route.py": f"{ROUTE}\nasync def POST(body: {kind}) -> {kind}: return body\n"
    for name, kind in KINDS.items()
} | {
    f"app/list/{name}/route.py": f"{ROUTE}\nasync def POST(body: list[{kind}]): return []\n"
    for name, kind in KINDS.items()
}
HEADERS = {"content-type": "application/json"}
OTHERS: list[Any] = [
    None, True, False, 0, 1, -1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**400, 0.5, -0.0, 1e308,
    "", " ", "x", "1", "\x00", "é", "\U0001f600", "x" * 10_000, "9999-99-99", "[]",
    [], [None], [[]], [1, 2, 3], ["a"] * 60, {}, {"": None}, {"a": {}}, {"id": 1}, {"__class__": "x", "__proto__": {}},
]  # fmt: skip


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with Client(make_application(tmp_path_factory.mktemp("json"), PROJECT)) as client:
        yield client


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def with_at(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    copy = value.copy()
    copy[path[0]] = with_at(value[path[0]], path[1:], other)
    return copy


def ask(client: Client, kind: str, value: Any) -> int:
    response = client.post(f"/{kind}", body=json.dumps(value), headers=HEADERS)
    assert response.status in (200, 400), (kind, value, response.text)
    if response.status == 400:
        body = response.json()
        assert body["error"] == "The body is not valid JSON" or body["issues"], body
    return response.status


@pytest.mark.parametrize("kind", KINDS)
def test_every_type_of_json_in_every_place(client: Client, kind: str) -> None:
    assert ask(client, kind, EXAMPLE) == 200
    found = [ask(client, kind, with_at(EXAMPLE, path, other)) for path in places(EXAMPLE) for other in OTHERS]
    assert found.count(400) > len(found) / 8
    assert ask(client, f"list/{kind}", [EXAMPLE]) == 200


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.sampled_from([*EXAMPLE, "x"]), below, max_size=6),
    max_leaves=12,
)


@pytest.mark.parametrize("kind", [*KINDS, "list/model", "list/struct"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON_VALUES)
def test_any_json(client: Client, kind: str, value: Any) -> None:
    ask(client, kind, value)


@pytest.mark.parametrize("kind", ["model", "struct"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=40))
def test_any_bytes(client: Client, kind: str, data: bytes) -> None:
    assert client.post(f"/{kind}", body=data or b" ", headers=HEADERS).status == 400
