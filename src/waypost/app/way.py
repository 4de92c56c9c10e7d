"""Way: what middleware and rules leave behind on a request's way to its route, and how headers of several layers join.

A request that meets neither has none.
Source: Next.js, headers of NextResponse.next(): they win over the handler's, Set-Cookie lines and Vary join.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from waypost.errors import InvalidResponseError
from waypost.http.headers import Headers, RawHeaders
from waypost.http.response import Response

if TYPE_CHECKING:
    from waypost.app.context import RequestScope
    from waypost.app.layers import Layer
    from waypost.http.cookies import CookieStore

# These describe one message and not its meaning: on another answer they would break its framing.
_FRAMING = frozenset(
    (b"content-length", b"transfer-encoding", b"connection", b"keep-alive", b"te", b"trailer", b"upgrade")
)


class Way:
    """One request's way.

    configured: headers of the settings that the answer still has to get. failed: headers of middleware that is being
    left by an exception; the error's answer gets them. cookies: what cookies() had collected when the last middleware
    went on. passed: layers that must not run again after a rewrite. entered: the project's middleware has run.
    arrived: the request went on to routing. settled: the path that rewriting came to. external: another server's URL.
    """

    __slots__ = (
        "arrived", "configured", "cookies", "entered", "external", "failed", "passed", "query", "settled",
    )  # fmt: skip

    def __init__(self, query: str) -> None:
        self.configured: Headers | None = None
        self.failed: Headers | None = None
        self.cookies: CookieStore | None = None
        self.passed: tuple[Layer, ...] = ()
        self.entered = False
        self.arrived = False
        self.settled: str | None = None
        self.external: str | None = None
        self.query = query

    def keep_for_failure(self, fields: Headers) -> None:
        """Put `fields` on the answer to the exception that is on its way; an outer layer's win."""
        self.failed = fields if self.failed is None else overlay(self.failed, fields)


def way_of(scope: RequestScope) -> Way:
    """The Way of a request, made when there is none."""
    if scope.way is None:
        scope.way = Way(scope.request.query_string)
    return scope.way


def check_fields(fields: Headers, where: str) -> None:
    """Raise InvalidResponseError for headers that can't belong on an answer that somebody else makes."""
    for name, _ in fields.raw:
        if name in _FRAMING or name == b"host":
            shown = name.decode("latin-1")
            hint = "; to change what the handler sees, use request_headers=" if name == b"host" else ""
            raise InvalidResponseError(f"{where} sets {shown} on an answer that is not its own{hint}")


def overlay(below: Headers, above: Headers) -> Headers:
    """Both; of one name `above` wins. Vary joins, Set-Cookie lines all stay, those of `above` first."""
    joined = Headers()
    joined.raw.extend(_joined(below.raw, above.raw))
    return joined


def put_on(response: Response, fields: Headers) -> Response:
    """A response with `fields` over its own; the one given stays as it is."""
    answer = response.copy()
    raw = answer.headers.raw
    raw[:] = _joined(raw, fields.raw)
    return answer


def fill_in(response: Response, fields: Headers) -> Response:
    """A response with `fields` under its own."""
    answer = response.copy()
    raw = answer.headers.raw
    cookies = [item for item in fields.raw if item[0] == b"set-cookie"]
    others = [item for item in fields.raw if item[0] != b"set-cookie"]
    raw[:] = _joined(others, raw)
    raw.extend(cookies)
    return answer


def _joined(below: RawHeaders, above: RawHeaders) -> RawHeaders:
    names = {name for name, _ in above}
    names.discard(b"set-cookie")
    if b"vary" in names:
        vary = _vary([value for name, value in (*below, *above) if name == b"vary"])
        above = [item for item in above if item[0] != b"vary"]
        above.append((b"vary", vary))
    first = [item for item in above if item[0] == b"set-cookie"]
    if not first:
        return [item for item in below if item[0] not in names] + above
    # A browser takes the last of several lines for one cookie: the handler's, as it is in Next.js.
    kept = [item for item in below if item[0] not in names and item[0] != b"set-cookie"]
    later = [item for item in below if item[0] == b"set-cookie"]
    return [*kept, *(item for item in above if item[0] != b"set-cookie"), *first, *later]


def _vary(values: list[bytes]) -> bytes:
    names: dict[bytes, bytes] = {}
    for value in values:
        for name in map(bytes.strip, value.split(b",")):
            if name:
                names.setdefault(name.lower(), name)
    return b"*" if b"*" in names else b", ".join(names.values())
