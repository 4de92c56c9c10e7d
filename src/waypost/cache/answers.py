"""An entry as the Response that goes out: Cache-Status, 304, and one prepared object for many hits.

What a hit costs is here: it makes nothing but, once a second, the number in Cache-Status. The Response of an entry is
shared by all who get it; who wants to change one makes a copy, as for every Response that it did not make.
Source: RFC 9211 (Cache-Status), RFC 9110 section 13.1.2, RFC 9111 section 4.3.4.
"""

from __future__ import annotations

import time
from typing import Final

from waypost.cache.conditions import NOT_MODIFIED_FIELDS, interesting_fields, none_match
from waypost.cache.entry import NEVER, Entry
from waypost.cache.lifetimes import Lifetime
from waypost.cache.policy import cache_control
from waypost.http.compression import MIN_SIZE
from waypost.http.headers import Headers
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.http.stored_response import StoredResponse
from waypost.http.undecided import Undecided, not_modified

_HIT: Final = b"waypost; hit"
STORED: Final = b"waypost; fwd=uri-miss; stored"
NOT_STORED: Final = b"waypost; fwd=uri-miss"
COLLAPSED: Final = b"waypost; fwd=uri-miss; collapsed"
BYPASS: Final = b"waypost; fwd=bypass"

_time: Final = time.time


class Answer:
    """The rendered hit of one entry, kept in Entry.prepared.

    constant: `response` never changes; else it is for the second of `second`. small: it is never compressed. etag:
    None without one. generated: its Cache-Control, None where the handler set one of its own.
    """

    __slots__ = ("_body", "_codings", "_ends", "_entry", "constant", "etag", "generated", "response", "second", "small")

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._body = entry.body
        self._codings: dict[str, bytes] = {}
        life = min(entry.revalidate, entry.expire)
        self._ends = entry.created + life
        self.etag = next((value for name, value in entry.headers if name == b"etag"), None)
        control = cache_control(Lifetime(entry.revalidate, entry.expire))
        self.generated = control if (b"cache-control", control) in entry.headers else None
        self.constant = life == NEVER
        self.small = len(entry.body) < MIN_SIZE
        self.second = -1
        self.response = self._make(_HIT if self.constant else self._status(self._now()))

    def _now(self) -> int:
        self.second = int(_time())
        return self.second

    def _status(self, second: int) -> bytes:
        return b"%b; ttl=%d" % (_HIT, int(self._ends - second))

    def _make(self, cache_status: bytes) -> Response:
        return _respond(self._entry, cache_status, self._codings)

    def at(self, now: float) -> Response:
        """The response of a fresh hit. now: Unix seconds."""
        if not self.constant and int(now) != self.second:
            self.response = self._make(self._status(self._now()))
        return self.response

    def stale(self) -> Response:
        """The response of a stale hit: the time that is left is negative, by tag if not by age."""
        left = min(int(self._ends - _time()) if not self.constant else -1, -1)
        return self._make(b"%b; ttl=%d" % (_HIT, left))

    def otherwise(self, cache_status: bytes) -> Response:
        """The response with another Cache-Status, for who caused or awaited the fill."""
        return self._make(cache_status)


def answer_of(entry: Entry) -> Answer:
    """The entry's Answer, made at its first use."""
    answer = entry.prepared
    if isinstance(answer, Answer):
        return answer
    entry.prepared = made = Answer(entry)
    return made


def conditional(response: Response, etag: bytes | None, if_none_match: bytes | None) -> Response:
    """A 304 in place of `response` when the client has it already."""
    if if_none_match is None or etag is None or not response.ok or not none_match(if_none_match, etag):
        return response
    kept = [item for item in response.raw_headers() if item[0] in NOT_MODIFIED_FIELDS or item[0] == b"cache-status"]
    return Response(None, 304).with_headers(Headers.from_raw(kept))


def conditional_later(response: Response, request: Request) -> Response:
    """`response` as it is, and `conditional` for what wrapping middleware makes of it."""
    request.undecided = Undecided(response, _decide)
    return response


def _decide(request: Request, response: Response) -> Response:
    if_none_match = interesting_fields(request._raw)[0]
    etag = next((value for name, value in response.raw_headers() if name == b"etag"), None)
    if if_none_match is None or etag is None or not response.ok or not none_match(if_none_match, etag):
        return response
    return not_modified(response)


def _respond(entry: Entry, cache_status: bytes, codings: dict[str, bytes]) -> Response:
    headers = Headers.from_raw([*entry.headers, (b"cache-status", cache_status)])
    if len(entry.body) >= MIN_SIZE:
        return StoredResponse(entry.body, entry.status, codings).with_headers(headers)
    return Response(entry.body or None, entry.status).with_headers(headers)
