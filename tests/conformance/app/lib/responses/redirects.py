"""Redirects, and the control responses that only middleware may return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from waypost import URL, Request, Response


def here(request: Request) -> URL:
    return URL("/x/get-only", request.url)


def next_url(request: Request) -> Response:
    url = request.next_url.clone()
    url.pathname = "/x/get-only"
    url.search_params.set("k", "v w")
    return Response.redirect(url)


KINDS: dict[str, Callable[[Request], Any]] = {
    # The Web's default is 302. Waypost has one class for both and takes Next.js's 307, so it is written out.
    "redirect-default": lambda r: Response.redirect(here(r), 302),
    "redirect-301": lambda r: Response.redirect(here(r), 301),
    "redirect-303": lambda r: Response.redirect(here(r), 303),
    "redirect-relative": lambda r: Response.redirect("/x/get-only"),
    "redirect-badstatus": lambda r: Response.redirect(here(r), 200),
    "nr-redirect": lambda r: Response.redirect(here(r)),
    "nr-redirect-303": lambda r: Response.redirect(here(r), 303),
    "nr-redirect-init": lambda r: Response.redirect(here(r), status=301, headers={"x-r": "1"}),
    "nr-redirect-relative": lambda r: Response.redirect("/x/get-only"),
    "nr-redirect-external": lambda r: Response.redirect("https://example.com/a?b=c#d"),
    "nr-redirect-nexturl": next_url,
    "location-manual": lambda r: Response(None, status=302, headers={"location": "/x/get-only"}),
    "nr-rewrite": lambda r: Response.rewrite(here(r)),
    "nr-next": lambda r: Response.next(),
    "nr-next-headers": lambda r: Response.next(headers={"x-n": "1"}),
}
