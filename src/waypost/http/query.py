"""URLSearchParams: the fields of a query string, in the order they were sent.

Own parser, because the parser behind `URL` can't give back a field with invalid UTF-8, and `urllib`'s is 5 to 10 times
slower. Knows no URL: a `URL` looks at `changed` and takes the new text over itself, so that neither of the two keeps
the other alive and no reference cycle is left to the garbage collector after each request.
Source: URL standard, URLSearchParams and application/x-www-form-urlencoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias, overload

from waypost.http.percent import decode_form, encode_form, scalar_text

Scalar: TypeAlias = str | int | float
SearchParamsMapping: TypeAlias = "Mapping[str, Scalar | list[Scalar] | tuple[Scalar, ...]]"
SearchParamsInit: TypeAlias = "str | URLSearchParams | SearchParamsMapping | Iterable[tuple[str, Scalar]] | None"


def parse_query(query: str) -> list[tuple[str, str]]:
    """The (name, value) pairs of a query without its `?`; a field without `=` has the value "". Never raises.

    Linear in the length; only `&` separates (35 of 35 cases of the Web platform tests).
    """
    parts = [field.partition("=") for field in query.split("&") if field]
    if "%" in query or "+" in query or not query.isascii():
        return [(decode_form(name), decode_form(value)) for name, _, value in parts]
    return [(name, value) for name, _, value in parts]


def serialize_query(pairs: Iterable[tuple[str, str]]) -> str:
    """The pairs as application/x-www-form-urlencoded text, without a `?`."""
    return "&".join([f"{encode_form(name)}={encode_form(value)}" for name, value in pairs])


def _text(value: object) -> str:
    if isinstance(value, str):
        return scalar_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise TypeError(f"a query field must be a str or a number, not {type(value).__name__}")


class URLSearchParams:
    """A multimap of query fields; the order of all fields is kept.

    init: query text (one leading `?` is dropped), pairs, a mapping (a list as value gives one field per item), or
    another URLSearchParams. Numbers are written as text, bools as `true` and `false`; other values are a TypeError.

    As a Python mapping it has each name once: `in`, `[]` (first value; KeyError when absent), iteration, `keys()`,
    `len()`. The Web's `values()`, `entries()` (also `items()`) and `size` count every field.
    """

    __slots__ = ("_pairs", "_raw", "changed")

    _pairs: list[tuple[str, str]]

    def __init__(self, init: SearchParamsInit = None) -> None:
        self._raw: str | None = None
        #: True once a method changed the fields; reset by the URL that took them over.
        self.changed = False
        if init is None:
            self._pairs = []
        elif isinstance(init, str):
            self._raw = init.removeprefix("?")
        elif isinstance(init, URLSearchParams):
            self._pairs = init._fields().copy()
        else:
            self._pairs = list(_init_pairs(init))

    @classmethod
    def of_query(cls, query: str) -> URLSearchParams:
        """The fields of a URL's query, given without its `?`."""
        self = cls.__new__(cls)
        self._raw = query
        self.changed = False
        return self

    def _fields(self) -> list[tuple[str, str]]:
        # The text is only parsed when somebody asks for a field.
        raw = self._raw
        if raw is not None:
            self._pairs = parse_query(raw)
            self._raw = None
        return self._pairs

    def reset(self, query: str) -> None:
        """Take over the fields of `query` (text without `?`); for the URL that these fields belong to."""
        self._raw = query
        self.changed = False

    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: str) -> str: ...
    @overload
    def get(self, name: str, default: None) -> str | None: ...
    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value of `name`; default when there is none."""
        for field, value in self._pairs if self._raw is None else self._fields():
            if field == name:
                return value
        return default

    def get_all(self, name: str) -> list[str]:
        """All values of `name` in order."""
        return [value for field, value in self._fields() if field == name]

    def has(self, name: str, value: str | None = None) -> bool:
        """Whether there is a field `name`, with `value` when that is given."""
        return any(field == name and (value is None or value == found) for field, found in self._fields())

    def set(self, name: str, value: Scalar) -> None:
        """Give `name` one value: at the place of its first field, else at the end."""
        name, value = _text(name), _text(value)
        kept: list[tuple[str, str]] = []
        placed = False
        for pair in self._fields():
            if pair[0] != name:
                kept.append(pair)
            elif not placed:
                kept.append((name, value))
                placed = True
        if not placed:
            kept.append((name, value))
        self._pairs = kept
        self.changed = True

    def append(self, name: str, value: Scalar) -> None:
        """Add a field at the end and keep those of the same name."""
        self._fields().append((_text(name), _text(value)))
        self.changed = True

    def delete(self, name: str, value: str | None = None) -> None:
        """Remove the fields `name`, with `value` given only those that have it. No error when there is none."""
        self._pairs = [
            (field, found) for field, found in self._fields() if field != name or (value is not None and value != found)
        ]
        self.changed = True

    def sort(self) -> None:
        """Sort by name, in UTF-16 code units as the standard has it; fields of one name keep their order."""
        self._fields().sort(key=lambda pair: pair[0].encode("utf-16-be", "surrogatepass"))
        self.changed = True

    @property
    def size(self) -> int:
        """How many fields there are, repeated names counted each time."""
        return len(self._fields())

    def keys(self) -> list[str]:
        """Each name once, in the order of its first field."""
        return list(dict.fromkeys(name for name, _ in self._fields()))

    def values(self) -> list[str]:
        """The values of all fields in order."""
        return [value for _, value in self._fields()]

    def entries(self) -> list[tuple[str, str]]:
        """All fields as (name, value) in the order they were sent."""
        return self._fields().copy()

    items = entries

    def to_string(self) -> str:
        """The fields as form text without `?`: encoded anew, `+` for a space."""
        return serialize_query(self._fields())

    __str__ = to_string

    def copy(self) -> URLSearchParams:
        return URLSearchParams(self)

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __setitem__(self, name: str, value: Scalar) -> None:
        self.set(name, value)

    def __delitem__(self, name: str) -> None:
        if not self.has(name):
            raise KeyError(name)
        self.delete(name)

    def __contains__(self, name: object) -> bool:
        return any(field == name for field, _ in self._fields())

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len({name for name, _ in self._fields()})

    def __bool__(self) -> bool:
        return bool(self._fields())

    def __eq__(self, other: object) -> bool:
        return self._fields() == other._fields() if isinstance(other, URLSearchParams) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equal by content and mutable, so it can't be a key

    def __repr__(self) -> str:
        return f"URLSearchParams({self.to_string()!r})"


def _init_pairs(init: object) -> Iterator[tuple[str, str]]:
    if isinstance(init, Mapping):
        for name, value in init.items():
            for item in value if isinstance(value, list | tuple) else (value,):
                yield _text(name), _text(item)
        return
    if not isinstance(init, Iterable):
        raise TypeError(f"URLSearchParams takes text, pairs or a mapping, not {type(init).__name__}")
    for pair in init:
        if isinstance(pair, str) or len(pair) != 2:
            raise TypeError("each item of URLSearchParams must be a (name, value) pair")
        yield _text(pair[0]), _text(pair[1])
