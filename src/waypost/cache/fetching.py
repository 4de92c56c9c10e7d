"""fetch(): the Web's, with Next.js's caching: an HTTP request whose answer may be kept for all requests.

Without `cache="force-cache"` or `revalidate` nothing is kept. The key is everything that is sent. Only answers of 200
to 299 are stored. httpx2 does the work and is imported at the first call.
Source: Fetch standard, fetch(); Next.js, "fetch".
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Final, Literal, TypeAlias

from waypost.cache.ambient import current_caching, surroundings
from waypost.cache.arguments import material
from waypost.cache.caching import Caching, Made
from waypost.cache.entry import Entry
from waypost.cache.fetch_client import Sent, request_upstream
from waypost.cache.fill import Fill, current_fill
from waypost.cache.key import check_tags, data_key
from waypost.cache.lifetimes import Lifetime, lifetime_of
from waypost.cache.revalidate import is_pending
from waypost.errors import CacheUsageError
from waypost.http.form_data import FormData
from waypost.http.headers import Headers, HeadersInit
from waypost.http.outgoing import encode_body
from waypost.http.response import Response
from waypost.http.signal import AbortSignal
from waypost.http.url import URL, URLSearchParams

CacheMode: TypeAlias = Literal["force-cache", "no-store"]
FetchBody: TypeAlias = "str | bytes | URLSearchParams | FormData | None"

_ALWAYS: Final = frozenset(("force-cache",))
_NEVER: Final = frozenset(("force-no-store",))
_BY_DEFAULT: Final = frozenset(("default-cache", "only-cache", "force-cache"))


async def fetch(
    url: str | URL,
    *,
    method: str = "GET",
    headers: HeadersInit = None,
    body: FetchBody = None,
    json: Any = None,
    cache: CacheMode | None = None,
    revalidate: float | None = None,
    tags: Iterable[str] = (),
    redirect: Literal["follow", "manual", "error"] = "follow",
    timeout: float = 30.0,
    signal: AbortSignal | None = None,
) -> Response:
    """Ask another server. Whatever its status, an answer is an answer: look at `response.ok`.

    url: absolute, http or https. body: text, bytes, URLSearchParams or FormData; json: a value, sent as
    application/json. cache: "force-cache" keeps the answer, "no-store" never. revalidate: seconds after which a kept
    answer is fetched anew behind the old one; it means force-cache, 0 means no-store, False keeps it until it is
    revalidated. tags: what revalidate_tag() reaches it by. timeout: seconds without progress.

    Raises FetchError when there is no answer, CacheUsageError for options that contradict each other, and the signal's
    reason when it is aborted. A route's `fetch_cache` changes what is kept by default.
    """
    sent = _to_send(url, method, headers, body, json)
    tags = check_tags(tags, "fetch()")
    keeps, lifetime = _mode(cache, revalidate)
    if signal is not None:
        signal.throw_if_aborted()
    caching = current_caching()
    around = surroundings()
    if not keeps or caching is None or (around is not None and around.bypasses_cache):
        return await request_upstream(sent, redirect=redirect, timeout=timeout, signal=signal)
    return await _fetch_cached(caching, sent, redirect, timeout, lifetime, tags)


async def _fetch_cached(
    caching: Caching, sent: Sent, redirect: str, timeout: float, lifetime: Lifetime, tags: tuple[str, ...]
) -> Response:
    key = data_key("fetch", f"{sent.method} {sent.url.partition('?')[0]}", _material(sent, redirect))
    outer, around = current_fill.get(), surroundings()
    if outer is None and caching.store is not None:
        entry = caching.store.peek(key)
        if entry is not None and not is_pending(entry.tags):
            return _response(entry)
    path_tags = outer.path_tags if outer is not None else around.path_tags() if around is not None else ()
    tags = (*tags, *path_tags)

    async def make() -> Made:
        current_fill.set(Fill("cached", f"fetch({sent.url[:100]})", caching))
        created = time.time()
        response = await request_upstream(sent, redirect=redirect, timeout=timeout, signal=None, whole=True)
        if not response.ok:
            return Made(response, None, reason=f"status {response.status}")
        fields = tuple(item for item in response.headers.raw if item[0] != b"set-cookie")
        data = await response.bytes()
        entry = Entry(response.status, fields, data, created, lifetime.revalidate, lifetime.expire, tags)
        return Made(response, entry)

    served = await caching.read(key, make, must_be_fresh=outer is not None)
    if served.made is None and served.entry is not None and is_pending(served.entry.tags):
        served = await caching.bypass(make)
    if outer is not None:
        outer.absorb(tags, lifetime, served.found)
    if served.made is not None:
        response: Response = served.made.value
        return response
    assert served.entry is not None  # every Served has one of the two
    return _response(served.entry)


def _mode(cache: object, revalidate: object) -> tuple[bool, Lifetime]:
    """Whether the answer is kept, and for how long."""
    if cache not in (None, "force-cache", "no-store"):
        raise CacheUsageError(f'fetch(): cache is "force-cache" or "no-store", not {cache!r}')
    never = cache == "no-store" or (revalidate is not None and revalidate is not False and revalidate == 0)
    if cache == "no-store" and revalidate is not None and revalidate != 0:
        raise CacheUsageError(f'fetch(): cache="no-store" and revalidate={revalidate!r} contradict each other')
    if cache == "force-cache" and never:
        raise CacheUsageError('fetch(): cache="force-cache" and revalidate=0 contradict each other')
    lifetime = lifetime_of(None if never else revalidate, "fetch(): revalidate")
    asked = never or cache is not None or revalidate is not None
    rule = _route_rule()
    if rule == "only-cache" and never:
        raise CacheUsageError('fetch(): this route has fetch_cache = "only-cache" and the call says not to cache')
    if rule == "only-no-store" and asked and not never:
        raise CacheUsageError('fetch(): this route has fetch_cache = "only-no-store" and the call says to cache')
    if rule in _ALWAYS:
        return True, lifetime
    if rule in _NEVER or never:
        return False, lifetime
    return asked or rule in _BY_DEFAULT, lifetime


def _route_rule() -> str:
    outer = current_fill.get()
    if outer is not None:
        return outer.fetch_cache
    around = surroundings()
    return "auto" if around is None else around.fetch_cache


def _to_send(url: str | URL, method: str, headers: HeadersInit, body: FetchBody, json: Any) -> Sent:
    target = (url if isinstance(url, URL) else URL(url)).href.partition("#")[0]
    if not target.startswith(("http:", "https:")):
        raise CacheUsageError(f"fetch(): the URL must be http or https, not {target.partition(':')[0]}:")
    fields = Headers(headers)
    if body is not None and json is not None:
        raise CacheUsageError("fetch(): body and json can't both be sent")
    kind, data = encode_body(json, body)
    if data is not None and method.upper() in ("GET", "HEAD"):
        raise CacheUsageError(f"fetch(): a {method.upper()} request has no body")
    if kind is not None and not fields.has("content-type"):
        fields.set("content-type", kind)
    return Sent(method.upper(), target, fields.raw, data)


def _material(sent: Sent, redirect: str) -> str:
    return material((sent.method, sent.url, sorted(sent.headers), sent.body, redirect), "fetch()")


def _response(entry: Entry) -> Response:
    response = Response(entry.body, entry.status) if entry.body else Response(None, entry.status)
    response.headers.raw.extend(entry.headers)
    return response
