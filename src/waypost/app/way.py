"""Way: what middleware and rules leave behind on a request's way to its route, and how headers of several layers join.

A request that meets neither has none.
Source: Next.js, headers of NextResponse.next(): they win over the handler's, Set-Cookie lines and Vary join.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from waypost.errors import InvalidResponseError
from waypost.http.headers import Headers, RawHeaders
from waypost.http.response import Response
from waypost.http.vary import join_vary

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
    settled: the path that rewriting came to. external: another server's URL. query: what rewriting made of it.
    origin_refused: a CORS policy has said no, which one further out must not undo.
    """

    __slots__ = (
        "configured", "cookies", "entered", "external", "failed", "origin_refused", "passed", "query", "settled",
    )  # fmt: skip

    def __init__(self, query: str) -> None:
        self.configured: Headers | None = None
        self.failed: Headers | None = None
        self.cookies: CookieStore | None = None
        self.passed: tuple[Layer, ...] = ()
        self.entered = False
        self.settled: str | None = None
        self.external: str | None = None
        self.origin_refused = False
        self.query = query

    def keep_for_failure(self, fields: Headers) -> None:
        """Put `fields` on the answer to the exception that is on its way; an outer layer's win."""
        self.failed = fields if self.failed is None else overlay(self.failed, fields)


#: The way of every request that the project's middleware saw and left as it was. Never changed.
ENTERED: Final = Way("")
ENTERED.entered = True


def way_of(scope: RequestScope) -> Way:
    """The Way of a request to write to, made when there is none."""
    way = scope.way
    if way is None or way is ENTERED:
        scope.way = Way(scope.request.query_string)
        scope.way.entered = way is ENTERED
        return scope.way
    return way


def check_fields(fields: Headers, where: str) -> None:
    """Raise InvalidResponseError for headers that can't belong on an answer that somebody else makes."""
    for name, _ in fields.raw:
        if name in _FRAMING or name == b"host":
            shown = name.decode("latin-1")
            hint = "; to change what the handler sees, use request_headers=" if name == b"host" else ""
            raise InvalidResponseError(f"{where} sets {shown} on an answer that is not its own{hint}")


def overlay(below: Headers, above: Headers) -> Headers:
    """Both; of one name `above` wins. Vary joins, Set-Cookie lines all stay, those of `above` first."""
    return Headers.over(_joined(below.raw, above.raw))


def put_on(response: Response, fields: Headers) -> Response:
    """A response with `fields` over its own; the one given stays as it is."""
    return response.with_headers(Headers.over(_joined(response.raw_headers(), fields.raw)))


def fill_in(response: Response, fields: Headers) -> Response:
    """A response with `fields` under its own."""
    cookies = [item for item in fields.raw if item[0] == b"set-cookie"]
    others = [item for item in fields.raw if item[0] != b"set-cookie"]
    return response.with_headers(Headers.over([*_joined(others, response.raw_headers()), *cookies]))


def _joined(below: RawHeaders, above: RawHeaders) -> RawHeaders:
    """A new list."""
    names = {name for name, _ in above}
    if b"set-cookie" in names or b"vary" in names:
        return _joined_lists(below, above, names)
    return [item for item in below if item[0] not in names] + above


def _joined_lists(below: RawHeaders, above: RawHeaders, names: set[bytes]) -> RawHeaders:
    kept = [item for item in below if item[0] not in names]
    own = [item for item in above if item[0] not in (b"set-cookie", b"vary")]
    vary = join_vary([value for name, value in (*below, *above) if name == b"vary"])
    # A browser takes the last of several lines for one cookie: the handler's, as it is in Next.js.
    cookies = [item for item in (*above, *below) if item[0] == b"set-cookie"]
    kept = [item for item in kept if item[0] not in (b"set-cookie", b"vary")]
    return [*kept, *own, *([(b"vary", vary)] if vary else []), *cookies]
