"""Request ids: one short text that stands in the answer, the access log and every log line of a request."""

from __future__ import annotations

import itertools
import os
import re
from contextvars import ContextVar

from waypost.http.request import Request

_PLAIN = re.compile(r"[A-Za-z0-9._\-]{1,128}\Z")

current_request_id: ContextVar[str | None] = ContextVar("waypost_request_id", default=None)


def request_id() -> str | None:
    """The id of the running request, for log lines and for requests to other services.

    None outside a request, and where there are no ids: they come with `access_log`.
    """
    return current_request_id.get()


class RequestIds:
    """Makes the ids of one worker: a random part once, then a counter, so that an id costs no system call."""

    __slots__ = ("_counter", "_prefix")

    def __init__(self) -> None:
        self._prefix = os.urandom(4).hex()
        self._counter = itertools.count(1)

    def new(self) -> str:
        return f"{self._prefix}-{next(self._counter):x}"

    def of(self, request: Request) -> str:
        """The id that a trusted proxy sent in X-Request-Id, or a new one. Anyone else's is not believed."""
        if request._connection.trusted:
            sent = request.headers.get("x-request-id")
            if sent is not None and _PLAIN.match(sent):
                return sent
        return self.new()
