"""One interface over two libraries: which reads what, what comes out, what is said of what does not fit."""

from __future__ import annotations

import dataclasses
import enum
import json
import time as clock
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from typing import Annotated, Any, Generic, Literal, NewType, NotRequired, Required, TypedDict, TypeVar
from uuid import UUID

import annotated_types
import msgspec
import pydantic
import pytest
from pydantic import AliasChoices, AnyUrl, BaseModel, BeforeValidator, ConfigDict, Field, RootModel, field_validator
from pydantic_core import PydanticCustomError

from waypost import File, InvalidJSON, ValidationFailed
from waypost.errors import Issue
from waypost.validation import SchemaError, schema_of
from waypost.validation.annotations import show

SECRET = "s3cr3t-passw0rd"
Item = TypeVar("Item")
Slug = NewType("Slug", str)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Struct(msgspec.Struct):
    a: int
    b: str = "x"


class Renamed(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    first_name: str


class Cat(msgspec.Struct, tag=True):
    lives: int


class Dog(msgspec.Struct, tag=True):
    tricks: list[str]


class Page(msgspec.Struct, Generic[Item]):
    items: list[Item]


class Tree(msgspec.Struct):
    value: int
    below: list[Tree] = []


class Model(BaseModel):
    a: int
    b: str = "x"


class Node(BaseModel):
    value: int
    below: list[Node] = []


@dataclasses.dataclass
class Data:
    a: int
    b: str = "x"


@dataclasses.dataclass
class Other:
    z: int


class Typed(TypedDict):
    a: Required[int]
    b: NotRequired[str]


@dataclasses.dataclass
class Mixed:
    model: Model


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (int, "msgspec"),
        (Struct, "msgspec"),
        (Data, "msgspec"),
        (Typed, "msgspec"),
        (list[Data], "msgspec"),
        (Annotated[int, msgspec.Meta(gt=1)], "msgspec"),
        (Page[Struct], "msgspec"),
        (Tree, "msgspec"),
        (Cat | Dog, "msgspec"),
        (Model, "pydantic"),
        (Node, "pydantic"),
        (list[Model] | None, "pydantic"),
        (dict[str, Model], "pydantic"),
        (Mixed, "pydantic"),
        (Annotated[int, Field(gt=1)], "pydantic"),
        (Annotated[int, annotated_types.Gt(1)], "pydantic"),
        (AnyUrl, "pydantic"),
        (IPv4Address, "pydantic"),
        (Data | Other, "pydantic"),
    ],
    ids=show,
)
def test_which_library_reads_it(annotation: Any, kind: str) -> None:
    assert schema_of(annotation).kind == kind


class Odd:
    pass


@pytest.mark.parametrize("annotation", [Odd, list[Odd], dict[str, Odd], "int |", Annotated[Odd, Field(gt=1)]], ids=show)
def test_what_is_no_type_of_data_is_refused(annotation: Any) -> None:
    with pytest.raises(SchemaError) as found:
        schema_of(annotation)
    assert "can't be a schema" in found.value.message


@pytest.mark.parametrize("kind", [Struct, Model, Data, Typed], ids=show)
def test_in_and_out(kind: Any) -> None:
    schema = schema_of(kind)
    value = schema.from_json(b'{"a": 1, "b": "y", "c": 3}')
    assert json.loads(schema.encode(value)) == {"a": 1, "b": "y"}
    assert json.loads(schema.encode({"a": 1, "b": "y", "c": 3})) == {"a": 1, "b": "y"}
    assert schema.from_python({"a": "1", "b": "2"}, strings=True) == schema.from_python({"a": 1, "b": "2"})
    assert schema.fields is not None
    assert [(field.name, field.required) for field in schema.fields.values()] == [("a", True), ("b", False)]
    schema.check(value)
    with pytest.raises(ValidationFailed):
        schema.encode({"a": "x"})


SCALARS: list[tuple[Any, str, Any]] = [
    (int, "-12", -12),
    (float, "1e3", 1000.0),
    (float, "12", 12.0),
    (bool, "true", True),
    (bool, "0", False),
    (bool, "on", True),
    (str, " x ", " x "),
    (Slug, "x", "x"),
    (Decimal, "1.50", Decimal("1.50")),
    (UUID, "0" * 32, UUID(int=0)),
    (date, "2026-11-26", date(2026, 11, 26)),
    (time, "10:00:00", time(10)),
    (timedelta, "PT5S", timedelta(seconds=5)),
    (Colour, "red", Colour.RED),
    (Literal[1, "a"], "1", 1),
    (Literal[1, "a"], "a", "a"),
    (Literal[True], "true", True),
    (int | None, "", None),
    (int | None, "5", 5),
    (str | None, "", ""),
    (int | float, "1.5", 1.5),
    (int | str, "5", "5"),
]


@pytest.mark.parametrize(("annotation", "text", "value"), SCALARS, ids=lambda item: show(item)[:30])
@pytest.mark.parametrize("library", ["msgspec", "pydantic"])
def test_text_of_a_url(annotation: Any, text: str, value: Any, library: str) -> None:
    if library == "pydantic":
        annotation = Annotated[annotation, Field(description="so that pydantic reads it")]
    schema = schema_of(annotation)
    assert schema.kind == library
    found = schema.from_python(text, strings=True)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("annotation", [Level, Level | None, Literal[1, 2]], ids=show)
@pytest.mark.parametrize("text", ["3", "01", "1.0", "x"])
def test_text_that_is_none_of_the_values_of_an_enum_of_numbers(annotation: Any, text: str) -> None:
    assert schema_of(annotation).from_python("2", strings=True) == 2
    with pytest.raises(ValidationFailed) as failure:
        schema_of(annotation).from_python(text, strings=True)
    assert failure.value.issues == [Issue((), "Expected one of 1, 2", "enum")]
    with pytest.raises(ValidationFailed) as failure:
        schema_of(list[annotation]).from_python(["1", text], strings=True)
    assert failure.value.issues == [Issue((1,), "Expected one of 1, 2", "enum")]


@pytest.mark.parametrize("annotation", [int, float, bool, Decimal, int | None, int | float], ids=show)
@pytest.mark.parametrize("library", ["msgspec", "pydantic"])
@pytest.mark.parametrize(
    "text",
    [" 1", "1 ", "+1", "1_0", "\u0661", "\uff11", "0x1", "nan", "inf", "yes", "1.", ".5", "1e", "--1", "1\n", "1\x00"],
)
def test_text_that_is_no_number(annotation: Any, library: str, text: str) -> None:
    if library == "pydantic":
        annotation = Annotated[annotation, Field(description="so that pydantic reads it")]
    with pytest.raises(ValidationFailed):
        schema_of(annotation).from_python(text, strings=True)


@pytest.mark.parametrize("annotation", [float, float | None, int | float], ids=show)
@pytest.mark.parametrize("library", ["msgspec", "pydantic"])
@pytest.mark.parametrize("text", ["1e999", "-1e999", "9" * 400 + ".0"], ids=["plus", "minus", "long"])
def test_text_out_of_the_range_of_a_float(annotation: Any, library: str, text: str) -> None:
    if library == "pydantic":
        annotation = Annotated[annotation, Field(description="so that pydantic reads it")]
    with pytest.raises(ValidationFailed):
        schema_of(annotation).from_python(text, strings=True)


@pytest.mark.parametrize("library", ["msgspec", "pydantic"])
def test_a_tuple_reads_each_of_its_places(library: str) -> None:
    class OfStruct(msgspec.Struct):
        pair: tuple[int, int] = (0, 0)
        mixed: tuple[bool, str, float] | None = None

    class OfModel(BaseModel):
        pair: tuple[int, int] = (0, 0)
        mixed: tuple[bool, str, float] | None = None

    schema = schema_of(OfStruct if library == "msgspec" else OfModel)
    pairs = [("pair", "1"), ("mixed", "true"), ("pair", "2"), ("mixed", "7"), ("mixed", "1.5")]
    found = schema.from_pairs(pairs)
    assert (found.pair, found.mixed) == ((1, 2), (True, "7", 1.5))
    found = schema.from_python({"pair": ["1", "2"], "mixed": ["true", "7", "1.5"]}, strings=True)
    assert (found.pair, found.mixed) == ((1, 2), (True, "7", 1.5))
    for wrong in (["1"], ["1", "2", "3"], ["1", "+2"], ["1", "x"]):
        with pytest.raises(ValidationFailed):
            schema.from_pairs([("pair", text) for text in wrong])
    assert schema_of(tuple[int, str]).from_python(["1", "2"], strings=True) == (1, "2")


@pytest.mark.parametrize("library", ["msgspec", "pydantic"])
def test_a_dict_reads_every_name(library: str) -> None:
    def schema(annotation: Any) -> Any:
        return schema_of(annotation if library == "msgspec" else Annotated[annotation, Field(description="pydantic")])

    pairs = [("a", "1"), ("b", "2"), ("a", "3")]
    assert schema(dict[str, int]).from_pairs(pairs) == {"a": 1, "b": 2}
    assert schema(dict[str, str]).from_pairs(pairs) == {"a": "1", "b": "2"}
    assert schema(dict[str, list[int]]).from_pairs(pairs) == {"a": [1, 3], "b": [2]}
    assert schema(dict[str, tuple[int, str]]).from_pairs([("a", "1"), ("a", "2")]) == {"a": (1, "2")}
    assert schema(dict[Literal["a", "b"], float]).from_pairs(pairs) == {"a": 1.0, "b": 2.0}
    with pytest.raises(ValidationFailed) as failure:
        schema(dict[str, int]).from_pairs([("a", "1"), ("b", " 2")])
    assert [issue.path for issue in failure.value.issues] == [("b",)]


def test_what_text_can_stand_for() -> None:
    class Parsed(BaseModel):
        inner: pydantic.Json[Model]
        other: Annotated[Model, BeforeValidator(json.loads)]
        root: RootModel[int] = RootModel(1)
        choice: Model | str = ""
        files: list[File] = []
        no: list[list[int]] = []

        @field_validator("also", mode="before", check_fields=False)
        @classmethod
        def _read(cls, value: Any) -> Any:
            return value

        also: Model | None = None

    assert schema_of(Parsed).beyond_text() == ["no"]
    assert schema_of(Node).beyond_text() == ["below"]
    assert schema_of(Tree).beyond_text() == ["below"]
    for kind in (Struct, Model, Data, Typed):
        assert schema_of(kind).beyond_text() == []
    for annotation in (int, Colour, Model | str, datetime | None, Annotated[int, Field(gt=1)]):
        assert schema_of(annotation).takes_text(many=False)
    for annotation in (Model, Struct, dict[str, int], list[int]):
        assert not schema_of(annotation).takes_text(many=False)
    assert schema_of(list[int]).takes_text(many=True)
    assert not schema_of(list[Struct]).takes_text(many=True)


@pytest.mark.parametrize("kind", [list, set, tuple, frozenset, Sequence], ids=show)
def test_several_values(kind: Any) -> None:
    annotation = tuple[int, ...] if kind is tuple else kind[int]
    schema = schema_of(annotation)
    assert schema.many
    assert set(schema.from_python(["1", "2"], strings=True)) == {1, 2}
    assert set(schema.from_python("1", strings=True)) == {1}


@pytest.mark.parametrize(
    ("annotation", "value", "found"),
    [
        (Struct, {}, [(("a",), "missing")]),
        (Renamed, {"firstName": 1, "x": 2}, [(("firstName",), "type")]),
        (Renamed, {"firstName": "a", "x": 2}, [(("x",), "unknown")]),
        (list[Struct], [{"a": 1}, {"a": "x"}, {}], [((1, "a"), "type"), ((2, "a"), "missing")]),
        (dict[str, int], {"k": "x", "l": 1, "m": None}, [(("k",), "type"), (("m",), "type")]),
        (int | dict[str, int], {"k": "x"}, [((), "type")]),  # msgspec does not say at which key
        (int | dict[str, list[int]], {"k": [1, "x"]}, [((), "type")]),
        (Cat | Dog, {"type": "Cow"}, [(("type",), "enum")]),
        (Cat | Dog, {"type": "Cat", "lives": "x"}, [(("lives",), "type")]),
        (Page[Struct], {"items": [{"a": 1}, 2]}, [(("items", 1), "type")]),
        (Tree, {"value": 1, "below": [{"value": "x"}, {"below": 1}]}, [
            (("below", 0, "value"), "type"), (("below", 1, "value"), "missing"), (("below", 1, "below"), "type"),
        ]),
        (Colour, "green", [((), "enum")]),
        (Annotated[str, msgspec.Meta(min_length=3)], "x", [((), "length")]),
        (Annotated[str, msgspec.Meta(pattern="^a")], "x", [((), "pattern")]),
        (Annotated[int, msgspec.Meta(ge=3)], 1, [((), "range")]),
        (Annotated[list[int], msgspec.Meta(max_length=1)], [1, 2], [((), "length")]),
        (UUID, "x", [((), "format")]),
        (datetime, "x", [((), "format")]),
        (Struct | None, {"a": "x"}, [(("a",), "type")]),
        (int | str, [], [((), "type")]),
    ],
    ids=lambda item: show(item)[:24],
)  # fmt: skip
def test_all_that_msgspec_would_stop_at(annotation: Any, value: Any, found: list[Any]) -> None:
    schema = schema_of(annotation)
    with pytest.raises(ValidationFailed) as failure:
        schema.from_json(json.dumps(value).encode())
    assert [(issue.path, issue.code) for issue in failure.value.issues] == found
    assert all(issue.message and "`" not in issue.message for issue in failure.value.issues)


def test_a_check_of_the_developers_own() -> None:
    class Range(msgspec.Struct):
        low: int
        high: int

        def __post_init__(self) -> None:
            if self.low > self.high:
                raise ValueError("low must not be above high")

    class Even(BaseModel):
        n: int

        @field_validator("n")
        @classmethod
        def even(cls, value: int) -> int:
            if value % 2:
                raise ValueError("must be even")
            return value

    for kind, value, path, message in (
        (Range, {"low": 2, "high": 1}, (), "low must not be above high"),
        (Even, {"n": 1}, ("n",), "Value error, must be even"),
    ):
        with pytest.raises(ValidationFailed) as failure:
            schema_of(kind).from_json(json.dumps(value).encode())
        assert [(issue.path, issue.message) for issue in failure.value.issues] == [(path, message)]


class Wide(BaseModel):
    uuid: UUID | None = None
    url: AnyUrl | None = None
    when: datetime | None = None
    day: date | None = None
    number: int | None = None
    precise: Decimal | None = None
    several: int | list[int] | None = None
    encoded: pydantic.Base64Bytes | None = None
    colour: Colour | None = None
    literal: Literal["a", "b"] | None = None
    pattern: Annotated[str, Field(pattern="^a$")] | None = None
    address: IPv4Address | None = None
    span: timedelta | None = None
    model: Model | None = None
    tagged: Annotated[TaggedA | TaggedB, Field(discriminator="kind")] | None = None
    json_text: pydantic.Json[dict[str, int]] | None = None
    color: bytes | None = None
    numbers: dict[int, int] | None = None
    complex_one: complex | None = None


class TaggedA(BaseModel):
    kind: Literal["a"]


class TaggedB(BaseModel):
    kind: Literal["b"]


class WideStruct(msgspec.Struct):
    uuid: UUID | None = None
    when: datetime | None = None
    day: date | None = None
    at: time | None = None
    number: int | None = None
    precise: Decimal | None = None
    several: int | list[int] | None = None
    encoded: bytes | None = None
    colour: Colour | None = None
    literal: Literal["a", "b"] | None = None
    pattern: Annotated[str, msgspec.Meta(pattern="^a$")] | None = None
    span: timedelta | None = None
    struct: Struct | None = None
    tagged: Cat | Dog | None = None
    numbers: dict[int, int] | None = None


VALUES = (
    SECRET,
    [SECRET],
    {SECRET: 1},
    {"a": SECRET, "b": [SECRET]},
    {"kind": SECRET},
    {"type": SECRET},
    f"http://{SECRET} x",
    f'{{"{SECRET}": "{SECRET}"}}',
    f"2026-{SECRET}",
)


@pytest.mark.parametrize("kind", [Wide, WideStruct], ids=show)
@pytest.mark.parametrize("strings", [False, True])
def test_no_message_repeats_what_was_sent(kind: Any, strings: bool) -> None:
    schema = schema_of(kind)
    assert schema.fields is not None
    refused = 0
    for name in schema.fields:
        for value in VALUES:
            try:
                if strings:
                    schema.from_python({name: value}, strings=True)
                else:
                    schema.from_json(json.dumps({name: value}).encode())
            except ValidationFailed as failure:
                refused += 1
                assert failure.issues
                # A path may hold a name that the client chose: it says where, and nothing else does.
                assert all(SECRET not in issue.message + issue.code for issue in failure.issues), failure.issues
                assert all(issue.path[0] == name for issue in failure.issues if issue.path)
    assert refused > 60


def test_an_email_address_is_not_repeated() -> None:
    def refuse(value: str) -> str:
        # What pydantic's EmailStr raises.
        raise PydanticCustomError(
            "value_error", "value is not a valid email address: {reason}", {"reason": f"it has a space: {value!r}"}
        )

    class Login(BaseModel):
        email: Annotated[str, BeforeValidator(refuse)]

    with pytest.raises(ValidationFailed) as failure:
        schema_of(Login).from_json(json.dumps({"email": SECRET}).encode())
    assert [issue.message for issue in failure.value.issues] == ["Value is not a valid email address"]


@pytest.mark.parametrize("kind", [Struct, Model, Data, Typed, Tree, Node], ids=show)
@pytest.mark.parametrize(
    "data", [b"{", b"", b"\xff", b"[" * 50_000, b'{"a":NaN}', b'{"a":Infinity}', b'{"a":"\\ud800"}'], ids=repr
)
def test_what_is_no_json(kind: Any, data: bytes) -> None:
    with pytest.raises(InvalidJSON) as found:
        schema_of(kind).from_json(data)
    assert found.value.message == "The body is not valid JSON"


@pytest.mark.parametrize("kind", [Tree, Node], ids=show)
@pytest.mark.parametrize("depth", [100, 300, 800, 5000])
def test_depth_is_the_clients_mistake_if_it_is_one(kind: Any, depth: int) -> None:
    data = b'{"value":1,"below":[' * depth + b"]}" * depth
    try:
        schema_of(kind).from_json(data)
    except (InvalidJSON, ValidationFailed):
        assert depth > 100


@pytest.mark.parametrize("depth", [120, 300])
def test_nesting_deeper_than_pydantic_reads_is_no_valid_json(depth: int) -> None:
    with pytest.raises(InvalidJSON) as failure:
        schema_of(Node).from_json(b'{"value":1,"below":[' * depth + b"]}" * depth)
    assert failure.value.message == "The body is not valid JSON"


def test_a_field_that_holds_json_of_its_own_is_named_when_that_is_none() -> None:
    class Holder(BaseModel):
        inner: pydantic.Json[dict[str, int]]

    with pytest.raises(ValidationFailed) as failure:
        schema_of(Holder).from_json(b'{"inner": "{"}')
    assert [(issue.path, issue.code) for issue in failure.value.issues] == [(("inner",), "json_invalid")]


def test_names_on_the_wire() -> None:
    class Aliased(BaseModel):
        model_config = ConfigDict(populate_by_name=True)
        first: int = Field(alias="first-one")
        second: int = Field(validation_alias=AliasChoices("two", "zwei"))

    schema = schema_of(Aliased)
    assert schema.fields is not None
    assert {item.name: item.others for item in schema.fields.values()} == {
        "first-one": ("first",),
        "two": ("zwei", "second"),
    }
    for names in (("first-one", "two"), ("first", "zwei")):
        found = schema.from_pairs([(names[0], "1"), (names[1], "2")])
        assert (found.first, found.second) == (1, 2)
    assert schema_of(Renamed).from_pairs([("firstName", "Ada")]) == Renamed("Ada")


def test_strict_models_still_read_text() -> None:
    class Strict(BaseModel):
        model_config = ConfigDict(strict=True)
        day: date
        n: int

    assert schema_of(Strict).from_pairs([("day", "2026-11-26"), ("n", "5")]) == Strict(day=date(2026, 11, 26), n=5)
    with pytest.raises(ValidationFailed):
        schema_of(Strict).from_json(b'{"day": "2026-11-26", "n": "5"}')


def test_a_strict_field_of_a_model_that_is_not_strict_reads_text() -> None:
    class Query(BaseModel):
        day: Annotated[date, Field(strict=True)]

    assert schema_of(Query).from_pairs([("day", "2026-11-26")]).day == date(2026, 11, 26)
    with pytest.raises(ValidationFailed):
        schema_of(Query).from_python({"day": "2026-11-26"})


def test_strict_models_take_files_of_a_form_where_they_want_them() -> None:
    class Strict(BaseModel):
        model_config = ConfigDict(strict=True)
        file: File
        day: date
        title: str = ""
        more: list[File] = []

    schema, file = schema_of(Strict), File([b"x"], "a.txt")
    found = schema.from_pairs([("file", file), ("day", "2026-11-26"), ("more", file), ("more", file), ("title", "x")])
    assert found == Strict(file=file, day=date(2026, 11, 26), more=[file, file], title="x")
    with pytest.raises(ValidationFailed) as failure:
        schema.from_pairs([("file", "text"), ("day", file), ("title", file), ("more", "text")])
    assert [(issue.path, issue.message) for issue in failure.value.issues] == [
        (("file",), "Input should be an instance of File"),
        (("day",), "Input should be a valid date"),
        (("title",), "Input should be a valid string"),
        (("more", 0), "Input should be an instance of File"),
    ]


def test_a_root_model() -> None:
    schema = schema_of(RootModel[list[int]])
    assert schema.encode(schema.from_json(b"[1, 2]")) == b"[1,2]"


@pytest.mark.parametrize("kind", [Struct, Model, Data, Typed], ids=show)
def test_json_schema(kind: Any) -> None:
    schema, definitions = schema_of(kind).json_schema()
    if "$ref" in schema:
        schema = definitions[schema["$ref"].removeprefix("#/components/schemas/")]
    assert schema["type"] == "object"
    assert schema["required"] == ["a"]
    assert set(schema["properties"]) == {"a", "b"}


@pytest.mark.parametrize("kind", [Tree, Node], ids=show)
def test_json_schema_refers_where_it_is_told(kind: Any) -> None:
    _, definitions = schema_of(kind).json_schema("serialization", "#/x/{name}")
    (definition,) = definitions.values()
    assert definition["properties"]["below"]["items"] == {"$ref": f"#/x/{kind.__name__}"}


def test_a_file_is_binary_in_json_schema() -> None:
    class Upload(BaseModel):
        file: File

    class Send(msgspec.Struct):
        file: File

    for kind in (Upload, Send):
        schema, definitions = schema_of(kind).json_schema()
        properties = (next(iter(definitions.values())) if definitions else schema)["properties"]
        assert properties["file"]["format"] == "binary"


@pytest.mark.parametrize("kind", [Tree, Node], ids=show)
def test_a_body_of_very_many_mistakes_is_told_in_time(kind: Any) -> None:
    began = clock.process_time()
    for body in (b'{"value":1,"below":[' + b"1," * 200_000 + b"1]}", b'{"value":"x"}', b'{"below":[' * 60 + b"]}" * 60):
        with pytest.raises(ValidationFailed) as failure:
            schema_of(kind).from_json(body)
        assert 1 <= len(failure.value.issues) <= 50
    assert clock.process_time() - began < 5
