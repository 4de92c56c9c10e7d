"""Where configured redirects and rewrites lead: a path of this application or a URL, with the source's parameters.

Source: Next.js, `destination`; RFC 3986.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from waypost.errors import InvalidPath, InvalidURLError
from waypost.http.percent import decode_component, encode_component, encode_form
from waypost.http.query import parse_query
from waypost.http.url import URL
from waypost.routing.canonical import decode_path
from waypost.routing.matcher import Captures
from waypost.routing.template import Template

_ORIGIN: Final = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_SEPARATORS: Final = re.compile(r"[/\\]")


class Destination:
    """A compiled destination.

    text: begins with one slash, or with http:// or https://. names: the parameters of the source and its conditions.
    base_path: stands before a path of this application. origin: another server's, or "".
    Raises ValueError, with words about the text, for one that leads nowhere or has a parameter that nobody fills.
    """

    __slots__ = ("_fragment", "_names", "_path", "_query", "origin", "text", "uses_parameters")

    def __init__(self, text: str, names: Collection[str], base_path: str = "") -> None:
        found = _ORIGIN.match(text)
        self.text = text
        self.origin = _origin(found[0]) if found is not None else ""
        rest = text[found.end() :] if found is not None else text
        if found is None and (not rest.startswith("/") or rest[1:2] in ("/", "\\")):
            raise ValueError("begins with one slash, or with http:// or https://")
        rest, _, fragment = rest.partition("#")
        path, _, query = rest.partition("?")
        before = "" if found is not None else base_path
        self._path = Template((before + path if path != "/" or not before else before) or "/", names)
        self._query = Template(query, names)
        self._fragment = Template(f"#{fragment}" if fragment else "", names)
        unknown = [*self._path.unknown, *self._query.unknown, *self._fragment.unknown]
        if unknown:
            raise ValueError(f"uses :{unknown[0]}, which the source has not")
        self.uses_parameters = bool(self._path.used | self._query.used | self._fragment.used)
        self._names = frozenset(name for name, _ in parse_query(query))

    def fill(self, path_values: Captures, captured: Mapping[str, str], query: str) -> tuple[str, str, str]:
        """Path, query and fragment (with its #).

        path_values: as they stand in the path, escapes and all. captured: plain text of the conditions' groups.
        query: the request's; it goes along, and a field that the destination sets wins and comes after.
        """
        values = {**path_values, **{name: encode_component(text) for name, text in captured.items()}}
        path = self._path.fill(values, _in_path) or "/"
        own = self._query.fill(values, _in_query)
        kept = [
            field
            for field in (query.split("&") if query else ())
            if not self._names or parse_query(field)[:1] == [] or parse_query(field)[0][0] not in self._names
        ]
        return path, "&".join([*kept, own] if own else kept), self._fragment.fill(values, _in_path)


def _origin(text: str) -> str:
    try:
        return URL(text).origin
    except InvalidURLError:
        raise ValueError("has no valid host: no parameter can stand there") from None


def _in_path(value: str) -> str:
    # Both would end the path; a request line may hold a bare "#".
    return value.replace("?", "%3F").replace("#", "%23")


def _in_query(value: str) -> str:
    # `&` and `=` mean nothing in a path and would be new fields here.
    decoded = decode_component(value)
    return encode_form(value if decoded is None else decoded)


def append_values(query: str, values: Captures) -> str:
    """The query with the parameters of a rewrite whose destination uses none of them (Next.js)."""
    fields = [
        f"{name}={_in_query(item)}"
        for name, value in values.items()
        if not name.isdigit()
        for item in ([value] if isinstance(value, str) else value)
    ]
    return "&".join([query, *fields] if query else fields)


def check_external_path(path: str) -> None:
    """Raise InvalidPath for a path that another server might read as one outside of the folder it seems to be in.

    `..%2fadmin` is one segment here, and two behind a server that decodes before it splits.
    """
    for segment in decode_path(path):
        if any(part in (".", "..") for part in _SEPARATORS.split(segment)):
            raise InvalidPath("the path has dot segments")
