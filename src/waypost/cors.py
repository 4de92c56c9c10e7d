"""CORS: which pages of other origins may read this API.

One object does for a handler, for a route file and for a whole application:

    allow = cors(origins=["https://app.example"], credentials=True)

    GET = allow(handler)            # one handler, as a decorator too: @allow
    middleware = [allow]            # in a route file: every verb of it, and its preflight
    middleware = allow              # in middleware.py: every route that its matcher covers

An origin matches exactly or not at all; `Vary: Origin` is always sent; `null` never matches; a path that no route
answers stays 404, preflight or not.
Source: Fetch standard, "CORS protocol"; Private Network Access.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeAlias, overload

from waypost.app.result import to_response
from waypost.errors import StartupError
from waypost.http.headers import RawHeaders, encode_value
from waypost.http.request import Request
from waypost.http.response import Response

Origins: TypeAlias = "str | re.Pattern[str] | Iterable[str | re.Pattern[str]]"
Next: TypeAlias = Callable[[Request], Awaitable[Response]]

_ORIGIN = re.compile(r"[a-z][a-z0-9+.\-]*://(\*\.)?(\[[0-9a-f:.]+\]|[a-z0-9\-._]+)(:[0-9]{1,5})?\Z")
_SUBDOMAIN = re.compile(r"[a-z0-9\-]+(\.[a-z0-9\-]+)*\Z")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}\Z")
_DEFAULT_PORTS = (("http://", ":80"), ("https://", ":443"))
_MOST_HEADERS = 64


def cors(
    *,
    origins: Origins,
    methods: Iterable[str] | None = None,
    headers: Iterable[str] | None = None,
    credentials: bool = False,
    expose: Iterable[str] = (),
    max_age: int = 600,
    private_network: bool = False,
) -> CORS:
    """Make a CORS policy.

    origins: "https://app.example", "https://*.example.com" (its subdomains, not itself), a compiled pattern that has
    to match the whole origin, several of these, or "*" for any. methods: None for those the route has. headers: the
    request headers that are allowed, None for those asked for. credentials: cookies and Authorization may come along.
    expose: response headers that the page may read. max_age: seconds a preflight's answer is kept.
    Raises StartupError for an origin that can't match, and for "*" with credentials, which browsers refuse.
    """
    return CORS(_Origins(origins, credentials), methods, headers, credentials, expose, max_age, private_network)


class CORS:
    """A CORS policy; see `cors`. Called with a handler it wraps it; as middleware it gets request and next."""

    __slots__ = ("_allow_headers", "_credentials", "_expose", "_max_age", "_methods", "_origins", "_private_network")

    def __init__(
        self,
        origins: _Origins,
        methods: Iterable[str] | None,
        headers: Iterable[str] | None,
        credentials: bool,
        expose: Iterable[str],
        max_age: int,
        private_network: bool,
    ) -> None:
        self._origins = origins
        self._methods = None if methods is None else _joined("methods", methods)
        self._allow_headers = None if headers is None else _joined("headers", headers)
        self._expose = _joined("expose", expose)
        self._credentials = credentials
        self._max_age = b"%d" % max_age
        self._private_network = private_network

    @overload
    def __call__(self, request: Callable[..., Any], next: None = None, /) -> Callable[..., Any]: ...
    @overload
    def __call__(self, request: Request, next: Next, /) -> Awaitable[Response]: ...
    def __call__(self, request: Any, next: Next | None = None, /) -> Any:
        return self._wrapped(request) if next is None else self._answer(request, next)

    async def _answer(self, request: Request, next: Next) -> Response:
        response = await next(request)
        if is_preflight(request):
            return self.preflight(request, response)
        return self._actual(request, response)

    def _wrapped(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        where = getattr(handler, "__name__", "the handler inside cors()")

        @functools.wraps(handler)
        async def wrapper(request: Request, context: Any) -> Response:
            arguments = (request, context)[: _positional(handler)]
            value = handler(*arguments)
            response = to_response(await value if inspect.isawaitable(value) else value, where)
            return self.preflight(request, response) if is_preflight(request) else self._actual(request, response)

        # A preflight asks with OPTIONS about the verb that is wrapped: the automatic OPTIONS answer finds this.
        wrapper.__waypost_preflight__ = self.preflight  # type: ignore[attr-defined]
        # What the wrapper takes is not what the handler takes.
        wrapper.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("request", "context")]
        )
        return wrapper

    def _actual(self, request: Request, response: Response) -> Response:
        """The answer to a request that is not a preflight, with what lets the page read it."""
        origin = self._origins.allowed(request.headers.get("origin"))
        answer = response.copy()  # the handler may return one object to everyone
        fields = answer.headers.raw
        if origin is not None and not answer.headers.has("access-control-allow-origin"):
            self._grant(fields, origin)
            if self._expose:
                fields.append((b"access-control-expose-headers", self._expose))
        _vary(answer, "Origin")
        return answer

    def preflight(self, request: Request, response: Response) -> Response:
        """The answer to a preflight. response: what the route says to OPTIONS; 404 and its own CORS headers stand."""
        headers = response.headers
        if response.status == 404 or headers.has("access-control-allow-origin"):
            answer = response.copy()
        else:
            answer = Response(None, 204)
            if (allow := headers.get("allow")) is not None:
                answer.headers.set("allow", allow)
            origin = self._origins.allowed(request.headers.get("origin"))
            if origin is not None:
                self._permit(request, answer.headers.raw, origin, (allow or "").encode("latin-1"))
        _vary(answer, "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
        return answer

    def _permit(self, request: Request, fields: RawHeaders, origin: bytes, allow: bytes) -> None:
        self._grant(fields, origin)
        methods = self._methods if self._methods is not None else allow
        if methods:
            fields.append((b"access-control-allow-methods", methods))
        asked = request.headers.get("access-control-request-headers")
        allowed = self._allow_headers if self._allow_headers is not None else _tokens(asked)
        if allowed:
            fields.append((b"access-control-allow-headers", allowed))
        fields.append((b"access-control-max-age", self._max_age))
        if self._private_network and request.headers.get("access-control-request-private-network") == "true":
            fields.append((b"access-control-allow-private-network", b"true"))

    def _grant(self, fields: RawHeaders, origin: bytes) -> None:
        fields.append((b"access-control-allow-origin", origin))
        if self._credentials:
            fields.append((b"access-control-allow-credentials", b"true"))


class _Origins:
    """Answers whether an Origin header is allowed, and what to send back."""

    __slots__ = ("_any", "_exact", "_patterns", "_suffixes")

    def __init__(self, origins: Origins, credentials: bool) -> None:
        items = [origins] if isinstance(origins, str | re.Pattern) else list(origins)
        self._any = "*" in items
        self._exact: dict[str, bytes] = {}
        self._suffixes: list[tuple[str, str]] = []
        self._patterns: list[re.Pattern[str]] = []
        if self._any and credentials:
            raise StartupError(
                'cors(origins="*") can\'t allow credentials: browsers refuse the pair',
                remedy="Name the origins, or leave credentials out.",
            )
        for item in items:
            if isinstance(item, re.Pattern):
                self._patterns.append(item)
            elif item != "*":
                self._add(item)

    def _add(self, item: object) -> None:
        if not isinstance(item, str) or _ORIGIN.match(item.lower()) is None:
            raise StartupError(
                f"cors(): {item!r} is not an origin",
                remedy="An origin is a scheme, a host and perhaps a port, without a path: https://app.example.",
            )
        origin = item.lower()
        for scheme, port in _DEFAULT_PORTS:
            if origin.startswith(scheme):
                origin = origin.removesuffix(port)  # browsers leave the default port out
        scheme, _, host = origin.partition("://")
        if host.startswith("*."):
            self._suffixes.append((f"{scheme}://", host[1:]))
        else:
            self._exact[origin] = origin.encode("ascii")

    def allowed(self, origin: str | None) -> bytes | None:
        """The value of Access-Control-Allow-Origin; None when this origin may not read."""
        if not origin or origin == "null":
            return None
        if self._any:
            return b"*"
        exact = self._exact.get(origin)
        if exact is not None:
            return exact
        for scheme, suffix in self._suffixes:
            inner = origin[len(scheme) : -len(suffix)]
            if origin.startswith(scheme) and origin.endswith(suffix) and _SUBDOMAIN.match(inner):
                return origin.encode("latin-1")
        if any(pattern.fullmatch(origin) for pattern in self._patterns):
            return encode_value("origin", origin)
        return None


def is_preflight(request: Request) -> bool:
    """Whether a browser asks if it may send another request (Fetch standard, "CORS-preflight request")."""
    return (
        request.method == "OPTIONS"
        and request.headers.has("origin")
        and request.headers.has("access-control-request-method")
    )


def _positional(handler: Callable[..., Any]) -> int:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(handler).parameters.values()
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return 2
    return min(2, sum(parameter.kind in kinds for parameter in parameters))


def _vary(response: Response, names: str) -> None:
    known = response.headers.get("vary")
    if known is None:
        response.headers.raw.append((b"vary", names.encode("ascii")))
        return
    have = {item.strip().lower() for item in known.split(",")}
    missing = [name for name in names.split(", ") if name.lower() not in have]
    if missing and "*" not in have:
        response.headers.set("vary", ", ".join([known, *missing]))


def _joined(option: str, names: Iterable[str]) -> bytes:
    items = [names] if isinstance(names, str) else list(names)
    for item in items:
        if not isinstance(item, str) or _TOKEN.match(item) is None:
            raise StartupError(f"cors({option}=...): {item!r} is not a name", remedy="Give a list of names.")
    return ", ".join(items).encode("ascii")


def _tokens(asked: str | None) -> bytes:
    """The header names of a preflight that are names; anything else is left out."""
    names = [item.strip() for item in (asked or "").split(",", _MOST_HEADERS)[:_MOST_HEADERS]]
    return ", ".join(name for name in names if _TOKEN.match(name)).encode("ascii")
