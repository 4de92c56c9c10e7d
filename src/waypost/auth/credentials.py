"""What a request shows to say who sends it: `Authorization: Bearer …`, or the session cookie.

A request that shows two different things, or one of them malformed, shows nothing: which one counted would be the
sender's choice. Never read from the URL, which ends in logs.
Source: RFC 6750 section 2.1; RFC 9110 section 11.4.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from waypost.app.context import cookies
from waypost.http.request import Request

_BEARER: Final = re.compile(r"bearer ([A-Za-z0-9\-._~+/]{1,8192}=*)", re.IGNORECASE)


class Credential(NamedTuple):
    """text: as shown. ambient: the browser sends it by itself, so that other sites can cause it to be sent."""

    text: str
    ambient: bool


def read_credential(request: Request, cookie_name: str) -> Credential | None:
    """The credential of a request; None when there is none, or not exactly one."""
    headers = request.headers.get_all("authorization")
    if headers:
        match = _BEARER.fullmatch(headers[0]) if len(headers) == 1 else None
        return Credential(match[1], ambient=False) if match is not None else None
    # cookies() also has what login() has just set.
    found = cookies().get_all(cookie_name)
    return Credential(found[0].value, ambient=True) if len(found) == 1 and found[0].value else None
