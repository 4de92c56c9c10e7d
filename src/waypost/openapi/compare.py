"""Two OpenAPI documents → what the newer one breaks for those who rely on the older.

What clients send must still be taken, what they are sent must still be what it was: a request's schema may only
widen, a response's only narrow. New paths, new optional parameters and new fields of answers break nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from waypost.openapi.fitting import Schemas, misfits

VERBS: Final = ("get", "head", "post", "put", "patch", "delete", "options")
_FORMS: Final = ("multipart/form-data", "application/x-www-form-urlencoded")
_PLACES: Final = {"path": "segment", "query": "query parameter", "header": "header", "cookie": "cookie"}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a client of the older document may stumble over. path, verb: as the older document has them.

    verb: upper case; empty where the whole path is meant.
    """

    path: str
    verb: str
    message: str

    def __str__(self) -> str:
        return f"{self.verb} {self.path}: {self.message}".strip()


def breaking_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """What `new` breaks, in the order of the paths of `old`."""
    return list(_Comparison(old, new).changes())


class _Comparison:
    def __init__(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self._old, self._new = old, new
        self._old_schemas, self._new_schemas = Schemas(old), Schemas(new)

    def changes(self) -> Iterator[Change]:
        new_paths = {_anonymous(path): item for path, item in self._new.get("paths", {}).items()}
        for path, item in self._old.get("paths", {}).items():
            found = new_paths.get(_anonymous(path))
            if found is None:
                yield Change(path, "", "the path is gone")
                continue
            for verb in VERBS:
                if verb not in item:
                    continue
                if verb not in found:
                    yield Change(path, verb.upper(), "the method is gone")
                    continue
                for message in self._operation(item, found, verb):
                    yield Change(path, verb.upper(), message)

    def _operation(self, old: Mapping[str, Any], new: Mapping[str, Any], verb: str) -> Iterator[str]:
        before, after = old[verb], new[verb]
        yield from self._parameters(
            self._listed(old, verb, self._old_schemas), self._listed(new, verb, self._new_schemas)
        )
        yield from self._body(
            self._old_schemas.resolve(before.get("requestBody", {})),
            self._new_schemas.resolve(after.get("requestBody", {})),
        )
        yield from self._responses(before.get("responses", {}), after.get("responses", {}))
        if not _guarded(before, self._old) and _guarded(after, self._new):
            yield "it asks for authentication now"

    @staticmethod
    def _listed(item: Mapping[str, Any], verb: str, schemas: Schemas) -> list[Mapping[str, Any]]:
        return [schemas.resolve(given) for given in (*item.get("parameters", ()), *item[verb].get("parameters", ()))]

    def _parameters(self, old: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        before, after = _keyed(old), _keyed(new)
        for key, parameter in before.items():
            name = f"the {_PLACES[key[0]]} {parameter['name']}"
            found = after.get(key)
            if found is None:
                yield f"{name} is gone"
                continue
            if found.get("required") and not parameter.get("required"):
                yield f"{name} is required now"
            schemas = parameter.get("schema", True), found.get("schema", True)
            for place, what in self._request(*schemas, text=True):
                yield f"{name}{place and f', {place},'} {what}"
        for key, parameter in after.items():
            if key not in before and parameter.get("required"):
                yield f"the {_PLACES[key[0]]} {parameter['name']} is new and required"

    def _body(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
        before: Mapping[str, Any] = old.get("content", {})
        after: Mapping[str, Any] = new.get("content", {})
        if new.get("required") and not old.get("required"):
            yield "the body is required now"
        for kind, media in before.items():
            found = after.get(kind, after.get("*/*"))
            if found is None:
                if after:
                    yield f"the body is no longer taken as {kind}"
                continue
            schemas = media.get("schema", True), found.get("schema", True)
            for place, what in self._request(*schemas, text=kind in _FORMS):
                yield f"the body{place and f', {place},'} {what}"

    def _responses(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
        for status, given in old.items():
            before = self._old_schemas.resolve(given).get("content", {})
            if status not in new:
                if status < "4":
                    yield f"the answer {status} is gone"
                continue
            after = self._new_schemas.resolve(new[status]).get("content", {})
            for kind, media in before.items():
                if kind not in after:
                    yield f"the answer {status} is no longer {kind}"
                    continue
                for place, what in self._response(media.get("schema", True), after[kind].get("schema", True)):
                    yield f"the answer {status}{place and f', {place},'} {what}"

    def _request(self, old: Any, new: Any, *, text: bool) -> Iterator[tuple[str, str]]:
        """What was taken and is not any more: (place, words). text: numbers and the like are sent as text."""
        for misfit in misfits(old, self._old_schemas, new, self._new_schemas, text=text):
            if misfit.kind in _REQUEST:
                yield misfit.place, _REQUEST[misfit.kind].format(given=misfit.given, wanted=misfit.wanted)

    def _response(self, old: Any, new: Any) -> Iterator[tuple[str, str]]:
        """What was never sent and may be now."""
        for misfit in misfits(new, self._new_schemas, old, self._old_schemas):
            if misfit.kind in _RESPONSE:
                yield misfit.place, _RESPONSE[misfit.kind].format(given=misfit.given, wanted=misfit.wanted)


_REQUEST: Final = {
    "absent": "is new and required",
    "optional": "is required now",
    "type": "no longer takes {given}",
    "value": "no longer takes {given}",
    "choice": "no longer takes {given}",
    "limit": "is narrower: {wanted}",
    "closed": "is refused now",
    "open": "no longer takes fields that it does not name",
}
_RESPONSE: Final = {
    "absent": "is gone",
    "gone": "is gone",
    "optional": "may be missing now",
    "type": "may be {given} now",
    "value": "may be {given} now",
    "choice": "may be {given} now",
}


def _anonymous(path: str) -> str:
    """A path whose parameters have no names: to a client they are positions."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def _keyed(parameters: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """By place and name; segments by position, headers in lower case."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for number, parameter in enumerate(parameters):
        place, name = parameter["in"], parameter["name"]
        found[place, str(number) if place == "path" else name.lower() if place == "header" else name] = parameter
    return found


def _guarded(operation: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    """Whether nobody gets in without a credential."""
    choices = operation.get("security", document.get("security", []))
    return bool(choices) and {} not in choices
