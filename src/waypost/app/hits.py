"""Hits: the shortest way to a cached answer: path → key → entry in memory → prepared response.

It is only for requests on whose way nothing else stands: no middleware, no rules, no tracing, no ids. Everything that
is not surely fresh and ready in memory goes the ordinary way, which comes to the same answer.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from waypost.app.static_routes import StaticRoute
from waypost.cache.answers import Answer, conditional
from waypost.cache.conditions import interesting_fields
from waypost.cache.store import Store
from waypost.http.request import Request
from waypost.http.response import Response

# Paths with parameters whose keys are remembered; clients choose them, so their number is bounded.
REMEMBERED: Final = 10_000
LONGEST: Final = 256  # characters

_time: Final = time.time


class Hits:
    """Answers at once what it can; None for the rest.

    routes: path as sent → route without parameters, for all that may be answered so. heads: whether HEAD is GET's.
    """

    __slots__ = ("_get", "_head", "_peek", "_remembered")

    def __init__(self, store: Store, routes: Iterable[tuple[str, StaticRoute, bool]]) -> None:
        self._peek = store.peek
        self._get: dict[str, str] = {}
        self._head: dict[str, str] = {}
        for path, route, heads in routes:
            key = route.key
            if key is not None:
                self._get[path] = key
                if heads:
                    self._head[path] = key
        self._remembered = 0

    def remember(self, path: str, key: str) -> None:
        """Answer this path at once from now on, when it is in memory."""
        if self._remembered < REMEMBERED and len(path) <= LONGEST and path not in self._get:
            self._remembered += 1
            self._get[path] = key

    def __call__(self, request: Request) -> Response | None:
        keys = self._get if request.method == "GET" else self._head if request.method == "HEAD" else None
        key = None if keys is None else keys.get(request.path)
        if key is None:
            return None
        entry = self._peek(key)
        if entry is None:
            return None
        answer = entry.prepared
        if not isinstance(answer, Answer) or not answer.small:
            return None
        none_match, drafting = interesting_fields(request._raw)
        if drafting:
            return None
        response = answer.response if answer.constant else answer.at(_time())
        return response if none_match is None else conditional(response, answer.etag, none_match)
