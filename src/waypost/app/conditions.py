"""has and missing: what a request must have, or must not, for a matcher or a configured rule to apply.

Compiled at start-up; a value's regular expression is refused there if any input could make it slow.
Source: Next.js, `has` and `missing` of matchers, headers, redirects and rewrites.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from waypost.http.host import split_host
from waypost.http.query import parse_query
from waypost.http.request import Request
from waypost.routing.regex_cost import check_linear
from waypost.routing.regex_parser import parse_expression
from waypost.routing.regex_tree import PatternError, render
from waypost.rule import Condition

# What a condition looks at: the value of a request with this query, or None.
_Look: TypeAlias = Callable[[Request, str], str | None]
_Check: TypeAlias = tuple[_Look, "re.Pattern[str] | None"]


class Conditions:
    """Compiled conditions. captures: the named groups of `has` values, which destinations may use."""

    __slots__ = ("_has", "_missing", "captures")

    def __init__(self, has: Sequence[Condition] = (), missing: Sequence[Condition] = ()) -> None:
        """Raises ConditionError for a value that is no regular expression, or one that could be slow."""
        self._has = tuple(map(_compile, has))
        self._missing = tuple(map(_compile, missing))
        patterns = [pattern for _, pattern in self._has if pattern is not None]
        self.captures = frozenset(name for pattern in patterns for name in pattern.groupindex)

    def __bool__(self) -> bool:
        return bool(self._has or self._missing)

    def check(self, request: Request, query: str) -> dict[str, str] | None:
        """What the `has` values captured; None when a condition does not hold.

        query: the text after the "?", which after a rewrite is not the request's own.
        """
        found: dict[str, str] = {}
        for look, pattern in self._has:
            value = look(request, query)
            if not value:
                return None
            if pattern is not None:
                match = pattern.fullmatch(value)
                if match is None:
                    return None
                found.update({name: text for name, text in match.groupdict().items() if text is not None})
        for look, pattern in self._missing:
            value = look(request, query)
            if value and (pattern is None or pattern.fullmatch(value) is not None):
                return None
        return found


class ConditionError(ValueError):
    """A mistake in the value of a condition. error: what and where in `text`."""

    def __init__(self, error: PatternError, text: str) -> None:
        super().__init__(error.message)
        self.error = error
        self.text = text


def _compile(condition: Condition) -> _Check:
    return _look(condition), None if condition.value is None else _expression(condition.value)


def _expression(text: str) -> re.Pattern[str]:
    try:
        node = parse_expression(text)
        check_linear(node)
        return re.compile(render(node), re.DOTALL | re.ASCII)
    except PatternError as error:
        raise ConditionError(error, text) from None
    except re.error as error:  # two groups of one name
        raise ConditionError(PatternError(error.msg, error.pos or 0), text) from None


def _look(condition: Condition) -> _Look:
    key = condition.key
    if condition.type == "header":
        return lambda request, query: request.headers.get(key)
    if condition.type == "cookie":
        return lambda request, query: _cookie(request, key)
    if condition.type == "query":
        return lambda request, query: _last(query, key)
    return lambda request, query: split_host(request.host)[0].lower()


def _cookie(request: Request, name: str) -> str | None:
    cookie = request.cookies.get(name)
    return cookie.value if cookie is not None else None


def _last(query: str, name: str) -> str | None:
    """The last of the values, as Next.js tests it."""
    value = None
    for field, text in parse_query(query):
        if field == name:
            value = text
    return value
