"""Pages: what the function of a `page.py` gives, as HTML. A `page.html` is served as the files of public/ are.

A text is HTML here, and only here: a route's handler that returns a str has forgotten something. Renders nothing.
Source: Next.js, "Pages"; RFC 9110 section 13.1.2, RFC 9111 section 5.2.2.
"""

from __future__ import annotations

from typing import Any, Final

from waypost.app.context import RequestScope
from waypost.app.entry import Endpoint
from waypost.cache.answers import conditional, conditional_later
from waypost.cache.conditions import interesting_fields
from waypost.cache.policy import entity_tag
from waypost.http.request import Request
from waypost.http.response import Response

_HEADERS: Final = {"content-type": "text/html; charset=utf-8", "x-content-type-options": "nosniff"}
# Most pages are made for somebody: what is shared on the way must not keep them.
_OWN: Final = {**_HEADERS, "cache-control": "private, no-cache"}


def page_endpoint(endpoint: Endpoint, *, static: bool) -> Endpoint:
    """The endpoint of a page's function. static: its answer is stored, and the cache sets the headers for that.

    A str, or an object with `__html__` (markupsafe's, htpy's), is sent as HTML; anything else as from a handler.
    """

    async def answer(request: Request, scope: RequestScope) -> Any:
        value = await endpoint(request, scope)
        if not isinstance(value, str):
            make = getattr(value, "__html__", None)
            if make is None:
                return value
            value = make()
        if static:
            return Response(value, headers=_HEADERS)
        response = Response(value, headers=_OWN)
        body = response.payload
        assert isinstance(body, bytes)  # it was made of a str
        etag = entity_tag(response.raw_headers(), body)
        response.headers.set("etag", etag.decode())
        if scope.wrapped:
            return conditional_later(response, request)
        return conditional(response, etag, interesting_fields(request._raw)[0])

    return answer
