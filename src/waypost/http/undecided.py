"""What is left open of an answer inside of wrapping middleware: whether the client has it already, or wants a part.

304 and 206 speak of the answer that goes out, and only the outermost layer knows which that is. So what is inside of
it gives the whole, and leaves on the request how to decide. Knows neither routes nor middleware.
Source: RFC 9110 sections 13 and 14.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from waypost.http.headers import Headers
from waypost.http.request import Request
from waypost.http.response import Response

Decide: TypeAlias = Callable[[Request, Response], Response]

# They are true of one body only.
_ABOUT_THE_BODY: Final = frozenset((b"etag", b"last-modified", b"accept-ranges", b"content-length"))
# What describes the body that a 304 does not have.
_DESCRIBING: Final = _ABOUT_THE_BODY - {b"etag", b"last-modified"} | {
    b"content-type", b"content-encoding", b"content-language", b"content-disposition", b"content-range",
    b"x-content-type-options",
}  # fmt: skip


class Undecided:
    """whole: the answer as the endpoint gave it. decide: makes a 304, 206 … of one with the same body, or leaves it."""

    __slots__ = ("_about", "_decide", "_payload")

    def __init__(self, whole: Response, decide: Decide) -> None:
        self._payload = whole._payload
        self._about = [field for field in whole.raw_headers() if field[0] in _ABOUT_THE_BODY]
        self._decide = decide

    def answer(self, request: Request, response: Response) -> Response:
        """The answer to send. response: what the outermost layer gave; it stays as it is."""
        if self is NOTHING:
            return response
        payload = response._payload
        if payload is self._payload or (isinstance(payload, bytes) and payload == self._payload):
            return self._decide(request, response)
        # With the headers of the old body a client would keep the new one under the tag of the old.
        kept = [field for field in response.raw_headers() if field not in self._about]
        return response.with_headers(Headers.over(kept))


#: Stands on a request inside of wrapping middleware until an endpoint has left something to decide.
NOTHING: Final = Undecided(Response(None), lambda _, response: response)


def not_modified(response: Response) -> Response:
    """A 304 in place of `response`, with what middleware has put on it."""
    kept = [field for field in response.raw_headers() if field[0] not in _DESCRIBING]
    return Response(None, 304).with_headers(Headers.over(kept))
