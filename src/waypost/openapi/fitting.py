"""Whether all values of one JSON Schema are values of another, and if not, where and why.

It reads what schemas of Python types say: types, fields, values, limits, alternatives. What it does not know it takes
to fit: a check that cries wolf is switched off.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_TYPES: Final = ("null", "boolean", "object", "array", "number", "string", "integer")
# Keyword → whether a larger number lets fewer values through.
_LIMITS: Final = {
    "minimum": True, "exclusiveMinimum": True, "minLength": True, "minItems": True, "minProperties": True,
    "maximum": False, "exclusiveMaximum": False, "maxLength": False, "maxItems": False, "maxProperties": False,
}  # fmt: skip
# Scalars that are other text than a string's: a string is held against the limits of a string.
_SCALARS: Final = frozenset(("null", "boolean", "number", "integer"))
_NARROWING: Final = frozenset(("enum", "const", "maxLength", "pattern", "format"))
_DEEPEST: Final = 40


@dataclass(frozen=True, slots=True)
class Misfit:
    """One reason. place: as `items.title`, empty for the whole value. kind: see `misfits`."""

    place: str
    kind: str
    given: str = ""
    wanted: str = ""


class Schemas:
    """The schemas of one document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def resolve(self, value: Any) -> Any:
        """`value`, or what its `$ref` points to."""
        steps = 0
        while isinstance(value, Mapping) and "$ref" in value and steps < _DEEPEST:
            found: Any = self._document
            for part in str(value["$ref"]).removeprefix("#/").split("/"):
                found = found.get(part.replace("~1", "/").replace("~0", "~"), {})
            value, steps = found, steps + 1
        return value


def misfits(given: Any, given_in: Schemas, wanted: Any, wanted_in: Schemas, *, text: bool = False) -> Iterator[Misfit]:
    """Why values of `given` are not all values of `wanted`.

    kinds: "absent", a required field that given has not; "optional", one that it may leave out; "gone", an optional
    field that given has not; "type", "value" and "choice", what given may be and wanted not; "limit", a number that
    wanted draws closer; "closed", a field that wanted has no place for; "open", the same for fields that neither names.

    text: the scalars are sent as text, as in a URL or a form, so that a number is a string too.
    """
    yield from _Fitting(given_in, wanted_in, text).compare(given, wanted, "", 0)


class _Fitting:
    def __init__(self, given: Schemas, wanted: Schemas, text: bool) -> None:
        self._given, self._wanted, self._text = given, wanted, text
        self._seen: set[tuple[str, str]] = set()

    def compare(self, given: Any, wanted: Any, place: str, depth: int) -> Iterator[Misfit]:
        pair = (json.dumps(given, sort_keys=True, default=str), json.dumps(wanted, sort_keys=True, default=str))
        # Two schemas that speak of themselves would be compared for ever.
        if ("$ref" in pair[0] and (place or depth) and pair in self._seen) or depth > _DEEPEST:
            return
        self._seen.add(pair)
        given, wanted = self._given.resolve(given), self._wanted.resolve(wanted)
        if wanted is True or wanted == {} or given is False or not isinstance(wanted, Mapping):
            return
        if not isinstance(given, Mapping):
            given = {}
        givens, wanteds = _alternatives(given), _alternatives(wanted)
        if len(givens) == 1 and len(wanteds) == 1:
            yield from self._single(given, wanted, place, depth)
            return
        for one in givens:
            reasons = [list(self.compare(one, other, place, depth + 1)) for other in wanteds]
            if all(reasons):
                nearest = min(reasons, key=len)
                same = [found for found in reasons if not any(r.kind == "type" and r.place == place for r in found)]
                yield from (
                    same[0]
                    if len(same) == 1
                    else (
                        nearest
                        if len(wanteds) == 1
                        else [Misfit(place, "choice", _named(self._given.resolve(one), one))]
                    )
                )

    def _single(self, given: Mapping[str, Any], wanted: Mapping[str, Any], place: str, depth: int) -> Iterator[Misfit]:
        if "allOf" in wanted:
            for part in wanted["allOf"]:
                yield from self.compare(given, part, place, depth + 1)
        if "allOf" in given and len(given["allOf"]) == 1:
            yield from self.compare(given["allOf"][0], wanted, place, depth + 1)
            return
        if self._text:
            if _takes_text(given, wanted):
                return
            if _types(wanted) == ("array",) and "array" not in _types(given) and wanted.get("minItems", 0) <= 1:
                # One value where several may come.
                yield from self.compare(given, wanted.get("items", True), place, depth + 1)
                return
        types = _missing_types(given, wanted)
        if types:
            yield Misfit(place, "type", " or ".join(types), " or ".join(_types(wanted)))
            return
        yield from _values(given, wanted, place)
        yield from _limits(given, wanted, place)
        if "object" in _types(given) and "object" in _types(wanted):
            yield from self._fields(given, wanted, place, depth)
        if "items" in wanted and "array" in _types(given):
            items = given.get("items", True)
            yield from self.compare(items, wanted["items"], f"{place}[]", depth + 1)

    def _fields(self, given: Mapping[str, Any], wanted: Mapping[str, Any], place: str, depth: int) -> Iterator[Misfit]:
        ours: Mapping[str, Any] = given.get("properties", {})
        theirs: Mapping[str, Any] = wanted.get("properties", {})
        required = set(given.get("required", ()))
        for name, schema in theirs.items():
            inner = f"{place}.{name}" if place else name
            must = name in wanted.get("required", ())
            if name not in ours:
                yield Misfit(inner, "absent" if must else "gone")
                continue
            if must and name not in required:
                yield Misfit(inner, "optional")
            yield from self.compare(ours[name], schema, inner, depth + 1)
        yield from self._others(given, wanted, place, depth)

    def _others(self, given: Mapping[str, Any], wanted: Mapping[str, Any], place: str, depth: int) -> Iterator[Misfit]:
        """The fields that are not named."""
        ours = given.get("additionalProperties", True)
        theirs = wanted.get("additionalProperties", True)
        if theirs is False:
            refused = [name for name in given.get("properties", {}) if name not in wanted.get("properties", {})]
            for name in refused:
                yield Misfit(f"{place}.{name}" if place else name, "closed")
            if ours is not False and not refused:
                yield Misfit(place, "open")
        # A model that does not speak of further fields has none to hold against a type for them.
        elif isinstance(theirs, Mapping) and (isinstance(ours, Mapping) or not given.get("properties")):
            yield from self.compare(ours, theirs, f"{place}.*" if place else "*", depth + 1)


def _alternatives(schema: Mapping[str, Any]) -> list[Any]:
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return list(schema[word])
    kind = schema.get("type")
    if isinstance(kind, list) and len(kind) > 1 and "enum" not in schema:
        return [{**schema, "type": one} for one in kind]
    return [schema]


def _types(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The types that a schema allows; all of them where it does not say."""
    kind = schema.get("type")
    if isinstance(kind, str):
        return (kind,)
    if isinstance(kind, list):
        return tuple(kind)
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if values is not None:
        return tuple(dict.fromkeys(map(_type_of, values)))
    return ("object",) if "properties" in schema else _TYPES


def _type_of(value: Any) -> str:
    kinds: dict[type, str] = {
        bool: "boolean",
        int: "integer",
        float: "number",
        str: "string",
        list: "array",
        dict: "object",
    }
    return kinds.get(type(value), "null")


def _missing_types(given: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    allowed = set(_types(wanted))
    if "number" in allowed:
        allowed.add("integer")
    if _types(given) == _TYPES:
        return [] if allowed >= set(_TYPES) else ["anything"]
    return [kind for kind in _types(given) if kind not in allowed]


def _takes_text(given: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether `wanted` takes any text, and what `given` allows is sent as one."""
    if "string" not in _types(wanted) or _NARROWING & set(wanted):
        return False
    # The text for null is empty; that of every other scalar is not.
    least = 0 if "null" in _types(given) else 1
    return set(_types(given)) <= _SCALARS and wanted.get("minLength", 0) <= least


def _values(given: Mapping[str, Any], wanted: Mapping[str, Any], place: str) -> Iterator[Misfit]:
    theirs = wanted.get("enum", [wanted["const"]] if "const" in wanted else None)
    if theirs is None:
        return
    ours = given.get("enum", [given["const"]] if "const" in given else None)
    if ours is None:
        yield Misfit(place, "value", "other values", ", ".join(map(json.dumps, theirs)))
        return
    for value in ours:
        if value not in theirs:
            yield Misfit(place, "value", json.dumps(value, ensure_ascii=False))


def _limits(given: Mapping[str, Any], wanted: Mapping[str, Any], place: str) -> Iterator[Misfit]:
    for word, lower in _LIMITS.items():
        limit, own = wanted.get(word), given.get(word)
        if limit is None or (own is not None and (own >= limit if lower else own <= limit)):
            continue
        if word == "minLength" and limit == 0:
            continue
        yield Misfit(place, "limit", str(own), f"{word} is {limit}" + (f", was {own}" if own is not None else ""))
    for word in ("pattern", "format"):
        if word in wanted and wanted[word] != given.get(word):
            before = f", was {given[word]}" if word in given else ""
            yield Misfit(place, "limit", str(given.get(word)), f"{word} is {wanted[word]}{before}")


def _named(schema: Any, reference: Any) -> str:
    if isinstance(reference, Mapping) and "$ref" in reference:
        return str(reference["$ref"]).rpartition("/")[2]
    return " or ".join(_types(schema)) if isinstance(schema, Mapping) else "anything"
