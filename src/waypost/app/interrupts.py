"""The ways to end a handler early: redirect(), not_found() and their kin.

They raise Interrupt, which is no Exception: a `try/except Exception` around a handler's body lets it through.
Source: Next.js, redirect, permanentRedirect, notFound, forbidden, unauthorized.
"""

from __future__ import annotations

from typing import NoReturn

from waypost.errors import Interrupt
from waypost.http.location import render_location
from waypost.http.url import URL


def redirect(url: str | URL) -> NoReturn:
    """Answer 307 to `url`; cookies set with cookies() are kept.

    Raises InvalidHeaderError for a target that is neither a path nor an http(s) URL.
    """
    raise Interrupt(307, render_location(url))


def permanent_redirect(url: str | URL) -> NoReturn:
    """Answer 308 to `url`."""
    raise Interrupt(308, render_location(url))


def not_found() -> NoReturn:
    """Answer 404."""
    raise Interrupt(404)


def forbidden() -> NoReturn:
    """Answer 403."""
    raise Interrupt(403)


def unauthorized() -> NoReturn:
    """Answer 401."""
    raise Interrupt(401)
