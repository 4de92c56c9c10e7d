"""Control: what Response.next() and Response.rewrite() carry beside their headers.

It lives on the object and never in a header, so that nothing a client or another server sends can be taken for it.
Source: Next.js, NextResponse.next and NextResponse.rewrite.
"""

from __future__ import annotations

from waypost.http.headers import Headers, HeadersInit
from waypost.http.url import URL


class Control:
    """How a request goes on.

    target: the path or URL that answers instead, None for the one that was asked for. request_headers: those that
    what follows sees instead of the client's, None to leave them.
    """

    __slots__ = ("request_headers", "target")

    def __init__(self, target: str | URL | None = None, request_headers: HeadersInit = None) -> None:
        self.target = target
        self.request_headers = None if request_headers is None else Headers(request_headers)


#: To go on with the request as it is.
GO_ON = Control()
