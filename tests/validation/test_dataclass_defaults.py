"""A field that a client left out has its default when the object is sent on, as it has where it is looked at."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, NamedTuple, TypedDict

import msgspec
import pytest

from waypost import Response, ValidationFailed
from waypost.errors import InvalidResponseError
from waypost.http.json import encode_json
from waypost.validation import schema_of
from waypost.validation.annotations import show


@dataclasses.dataclass
class Pay:
    amount: int
    note: str = "none"


@dataclasses.dataclass(frozen=True)
class Frozen:
    amount: int
    note: str = "none"


@dataclasses.dataclass(slots=True)
class Slots:
    amount: int
    note: str = "none"


@dataclasses.dataclass
class SlotsBelow(Pay):
    __slots__ = ("more",)
    kind: str = "x"


@dataclasses.dataclass
class Checked:
    amount: int
    note: str = "none"

    def __post_init__(self) -> None:
        self.note = "set"


@dataclasses.dataclass
class Tree:
    below: list[Tree] = dataclasses.field(default_factory=list)
    note: str = "none"


class Holder(msgspec.Struct):
    pay: Pay | str


class Typed(TypedDict, total=False):
    pay: Pay


class Named(NamedTuple):
    pay: Pay


PAY = {"amount": 1}
FULL = {"amount": 1, "note": "none"}
CASES: list[tuple[Any, Any, Any]] = [
    (Pay, PAY, FULL),
    (Frozen, PAY, FULL),
    (Slots, PAY, FULL),
    (SlotsBelow, PAY, FULL | {"kind": "x"}),
    (Checked, PAY, {"amount": 1, "note": "set"}),
    (list[Pay], [PAY, FULL, PAY], [FULL, FULL, FULL]),
    (list[Pay] | None, None, None),
    (dict[str, Pay], {"a": PAY}, {"a": FULL}),
    (tuple[Pay, int], [PAY, 1], [FULL, 1]),
    (tuple[Pay, ...], [PAY], [FULL]),
    (Holder, {"pay": PAY}, {"pay": FULL}),
    (Holder, {"pay": "x"}, {"pay": "x"}),
    (Typed, {"pay": PAY}, {"pay": FULL}),
    (Typed, {}, {}),
    (Named, [PAY], [FULL]),
    (Tree, {"below": [{"below": [{}]}]}, {
        "note": "none", "below": [{"note": "none", "below": [{"note": "none", "below": []}]}],
    }),
]  # fmt: skip


@pytest.mark.parametrize(("annotation", "sent", "full"), CASES, ids=lambda item: show(item)[:30])
def test_what_was_read_is_sent_with_its_defaults(annotation: Any, sent: Any, full: Any) -> None:
    schema = schema_of(annotation)
    assert schema.kind == "msgspec"
    for value in (schema.from_json(json.dumps(sent).encode()), schema.from_python(sent)):
        assert json.loads(encode_json(value)) == full
        assert json.loads(schema.encode(value)) == full
    assert json.loads(schema.encode(sent)) == full


def test_an_object_that_was_read_has_its_defaults_itself() -> None:
    body = schema_of(Pay).from_json(b'{"amount": 1}')
    assert vars(body) == FULL
    assert Response.json(body)._payload == b'{"amount":1,"note":"none"}'
    assert vars(schema_of(Pay).from_pairs([("amount", "1")])) == FULL
    # As when BOM or bad bytes have to be put right first.
    assert vars(schema_of(Pay).from_json(b'\xef\xbb\xbf{"amount": 1}')) == FULL


def test_a_long_chain_of_objects_is_no_mistake_of_the_client() -> None:
    data = b'{"below":[' * 300 + b"]}" * 300
    assert schema_of(Tree).from_json(data).note == "none"


def test_an_object_that_holds_itself_is_refused_and_not_looked_through_for_ever() -> None:
    tree = Tree()
    tree.below = [tree, tree]
    with pytest.raises(InvalidResponseError):
        schema_of(Tree).encode(tree)


def test_what_does_not_fit_is_told_as_ever() -> None:
    with pytest.raises(ValidationFailed) as failure:
        schema_of(list[Pay]).from_json(b'[{"amount": 1}, {"amount": "x"}]')
    assert [issue.path for issue in failure.value.issues] == [(1, "amount")]
