"""CORS: which pages of other origins may read this API.

One object does for a handler, for a route file and for a whole application:

    allow = cors(origins=["https://app.example"], credentials=True)

    GET = allow(handler)            # one handler, as a decorator too: @allow
    middleware = [allow]            # in a route file: every verb of it, and its preflight
    middleware = allow              # in middleware.py: every route that its matcher covers

An origin matches exactly or not at all; `Vary: Origin` is always sent; `null` never matches; a path that no route
answers stays 404, preflight or not. Of several policies around a route the innermost decides.
Source: Fetch standard, "CORS protocol"; Private Network Access.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, ParamSpec, TypeAlias, overload

from waypost.app.chain import mark_wrapper
from waypost.app.context import current_scope
from waypost.app.layers import Outer
from waypost.app.result import to_response
from waypost.app.way import way_of
from waypost.app.wrapping import callee
from waypost.errors import StartupError
from waypost.http.headers import Headers, RawHeaders
from waypost.http.origins import OriginNames, Origins
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.http.vary import add_vary
from waypost.routing.regex_cost import check_linear
from waypost.routing.regex_parser import parse_expression
from waypost.routing.regex_tree import PatternError

P = ParamSpec("P")
Next: TypeAlias = Callable[[Request], Awaitable[Response]]

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}\Z")
_MOST_HEADERS = 64
_ALLOW_ORIGIN = b"access-control-allow-origin"
_VARY_ORIGIN = (b"vary", b"Origin")
_PREFLIGHT_VARY = (b"Origin", b"Access-Control-Request-Method", b"Access-Control-Request-Headers")
# About the body of the answer that a preflight's takes the place of.
_BODY_FIELDS = frozenset((b"content-type", b"content-length", b"content-encoding", b"location", b"www-authenticate"))


def cors(
    *,
    origins: OriginNames,
    methods: Iterable[str] | None = None,
    headers: Iterable[str] | None = None,
    credentials: bool = False,
    expose: Iterable[str] = (),
    max_age: int = 600,
    private_network: bool = False,
) -> CORS:
    """Make a CORS policy.

    origins: "https://app.example", "https://*.example.com" (its subdomains, not itself), a compiled pattern that has
    to match the whole origin, several of these, or "*" for any; an empty list for none. methods: None for those the
    route has. headers: the request headers that are allowed, None for those asked for. credentials: cookies and
    Authorization may come along. expose: response headers that the page may read. max_age: seconds a preflight's
    answer is kept. private_network: answer browsers that ask before a public page reaches a private address.
    Raises StartupError for an origin that can't match, a pattern that could be slow, and for "*" with credentials,
    which browsers refuse.
    """
    named = _origins(origins)
    if named.any and credentials:
        raise StartupError(
            'cors(origins="*") can\'t allow credentials: browsers refuse the pair',
            remedy="Name the origins, or leave credentials out.",
        )
    if not isinstance(max_age, int) or max_age < 0:
        raise StartupError(f"cors(max_age={max_age!r}): it is a whole number of seconds, 0 or more")
    return CORS(
        named,
        methods=None if methods is None else _joined("methods", _upper(methods), credentials),
        allow_headers=None if headers is None else _joined("headers", headers, credentials),
        expose=_joined("expose", expose, credentials),
        credentials=credentials,
        max_age=max_age,
        private_network=private_network,
    )


class CORS:
    """A CORS policy; see `cors`. Called with a handler it wraps it; as middleware it gets request and next."""

    __slots__ = ("_allow_headers", "_grants", "_known", "_max_age", "_methods", "_more", "_origins", "_private_network")

    def __init__(
        self,
        origins: Origins,
        *,
        methods: bytes | None,
        allow_headers: bytes | None,
        expose: bytes,
        credentials: bool,
        max_age: int,
        private_network: bool,
    ) -> None:
        self._origins = origins
        self._methods = methods
        self._allow_headers = allow_headers
        self._max_age = b"%d" % max_age
        self._private_network = private_network
        # What follows Access-Control-Allow-Origin: in every grant, and in one that is not a preflight's.
        self._grants: RawHeaders = [(b"access-control-allow-credentials", b"true")] if credentials else []
        self._more: RawHeaders = [
            *self._grants,
            *([(b"access-control-expose-headers", expose)] if expose else []),
        ]
        # Origin → all that its answers get, for the origins that are written out, and for requests without one.
        self._known: dict[bytes | None, RawHeaders] = {
            origin.encode("ascii"): [(_ALLOW_ORIGIN, origin.encode("ascii")), *self._more, _VARY_ORIGIN]
            for origin in origins.exact
            if not origins.any
        }
        self._known[None] = [_VARY_ORIGIN]

    @overload
    def __call__(
        self, request: Callable[P, Any], next: None = None, /
    ) -> Callable[P, Coroutine[Any, Any, Response]]: ...
    @overload
    def __call__(self, request: Request, next: Next, /) -> Awaitable[Response]: ...
    def __call__(self, request: Any, next: Next | None = None, /) -> Any:
        return self._wrapped(request) if next is None else self._around(request, next)

    @property
    def __waypost_ending__(self) -> tuple[Callable[..., Response], Callable[[Request], None]]:
        """As middleware it only changes what comes back, which needs no coroutine of its own."""
        return self._answer, self._keep_for_failure

    async def _around(self, request: Request, next: Next) -> Response:
        try:
            response = await next(request)
        except BaseException:
            self._keep_for_failure(request)
            raise
        return self._answer(request, response)

    def _wrapped(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        if not callable(handler):
            raise StartupError(f"cors() wraps a function, not {type(handler).__name__} {handler!r:.60}")
        code = getattr(inspect.unwrap(handler), "__code__", None)
        where = f"{getattr(handler, '__name__', 'a handler')} in {code.co_filename if code is not None else 'cors()'}"
        call = callee(handler)

        # It passes on whatever it gets, so that it is given what the handler takes, and nothing is read per request.
        @functools.wraps(handler)
        async def wrapper(*arguments: Any, **named: Any) -> Response:
            request = _request_among(arguments)
            try:
                response = to_response(await call(*arguments, **named), where)
            except Response as raised:
                response = to_response(raised.with_traceback(None), where)
            except BaseException:
                self._keep_for_failure(request)
                raise
            # A copy, since the handler may return one object to everyone.
            return self._answer(request, response.copy())

        # A preflight asks with OPTIONS about the verb that is wrapped: the automatic OPTIONS answer finds this.
        wrapper.__waypost_preflight__ = self.preflight  # type: ignore[attr-defined]  # functions may have any
        # In a route the policy goes around what is cached of the handler, which is the same for every origin.
        wrapper.__waypost_outer__ = Outer(wrapper, handler, self.__waypost_ending__)  # type: ignore[attr-defined]  # as above
        mark_wrapper(wrapper)
        return wrapper

    def _answer(self, request: Request, response: Response) -> Response:
        """response: one that belongs to this request alone."""
        if request.method == "OPTIONS" and is_preflight(request):
            return self.preflight(request, response)
        self._open(request, response.headers.raw)
        return response

    # -- the three answers

    def _open(self, request: Request, fields: RawHeaders) -> None:
        """Add what lets the page read an answer that is not a preflight's. fields: the answer's headers."""
        for name, _ in fields:
            # An inner policy has always set Vary, whatever it decided.
            if name in (b"vary", _ALLOW_ORIGIN):
                break
        else:
            known = self._known.get(_origin_of(request))
            if known is not None:
                fields += known
                return
        if not any(name == _ALLOW_ORIGIN for name, _ in fields):
            fields += self._grant(request, self._more)
        add_vary(fields, b"Origin")

    def preflight(self, request: Request, response: Response) -> Response:
        """The answer to a preflight. response: what the route says to OPTIONS; 404 and its own CORS headers stand."""
        if response.status == 404 or response.headers.has("access-control-allow-origin"):
            answer = response.copy()
        else:
            # Whatever stands between here and the route, as a check of credentials that a preflight never carries.
            answer = Response(None, 204)
            fields = answer.headers.raw
            fields += [field for field in response.raw_headers() if field[0] not in _BODY_FIELDS]
            if grant := self._grant(request, self._grants):
                fields += grant
                self._permit(request, fields, response.headers.get("allow"))
        add_vary(answer.headers.raw, *_PREFLIGHT_VARY)
        return answer

    def _keep_for_failure(self, request: Request) -> None:
        """Let the page read the answer to the exception that is on its way, made outside of here."""
        scope = current_scope.get(None)
        if scope is None:
            return
        way = way_of(scope)
        if way.failed is None or not way.failed.has("access-control-allow-origin"):
            fields = Headers()
            fields.raw.extend(self._grant(request, self._more))
            add_vary(fields.raw, b"Origin")
            way.keep_for_failure(fields)

    # -- what they carry

    def _grant(self, request: Request, more: RawHeaders) -> RawHeaders:
        """The headers that let the page of this request read; none when it may not."""
        origin = request.headers.get("origin")
        if origin is None:
            return []
        scope = current_scope.get(None)
        if scope is not None and scope.way is not None and scope.way.origin_refused:
            return []
        if origin not in self._origins:
            if scope is not None:
                way_of(scope).origin_refused = True  # a wider policy further out must not undo it
            return []
        return [(_ALLOW_ORIGIN, b"*" if self._origins.any else origin.encode("latin-1")), *more]

    def _permit(self, request: Request, fields: RawHeaders, allow: str | None) -> None:
        """Add what may be sent. allow: the verbs that the route has, None where something hides them."""
        verb = request.headers.get("access-control-request-method")
        methods = self._methods if self._methods is not None else (allow or "").encode("latin-1") or _tokens(verb)
        if methods:
            fields.append((b"access-control-allow-methods", methods))
        asked = request.headers.get("access-control-request-headers")
        allowed = self._allow_headers if self._allow_headers is not None else _tokens(asked)
        if allowed:
            fields.append((b"access-control-allow-headers", allowed))
        fields.append((b"access-control-max-age", self._max_age))
        if self._private_network and request.headers.get("access-control-request-private-network") == "true":
            fields.append((b"access-control-allow-private-network", b"true"))


def is_preflight(request: Request) -> bool:
    """Whether a browser asks if it may send another request (Fetch standard, "CORS-preflight request")."""
    return (
        request.method == "OPTIONS"
        and request.headers.has("origin")
        and request.headers.has("access-control-request-method")
    )


def _origin_of(request: Request) -> bytes | None:
    """The Origin header as sent; what no origin is where there are several."""
    found: bytes | None = None
    for name, value in request.headers.raw:
        if name == b"origin":
            found = value if found is None else b""
    return found


def _request_among(arguments: tuple[Any, ...]) -> Request:
    """The request that a handler is called for, which need not be among what it takes."""
    for argument in arguments:
        if isinstance(argument, Request):
            return argument
    return current_scope.get().request


def _origins(names: OriginNames) -> Origins:
    try:
        origins = Origins(names)
    except StartupError as error:
        raise StartupError(f"cors(): {error.message}", remedy=error.remedy) from None
    for pattern in origins.patterns:
        try:
            node = parse_expression(pattern.pattern)
        except PatternError:
            continue  # spelled in a way that only Python knows; the length of an origin bounds what it costs
        try:
            check_linear(node)
        except PatternError as error:
            raise StartupError(
                f"cors(): the pattern {pattern.pattern} could be slow: {error.message}", remedy=error.remedy
            ) from None
    return origins


def _upper(methods: Iterable[str]) -> list[str]:
    # Methods are told apart by case, and browsers send these in capitals.
    return [
        item.upper() if isinstance(item, str) else item for item in ([methods] if isinstance(methods, str) else methods)
    ]


def _joined(option: str, names: Iterable[str], credentials: bool) -> bytes:
    items = [names] if isinstance(names, str) else list(names)
    for item in items:
        if not isinstance(item, str) or _TOKEN.match(item) is None:
            raise StartupError(f"cors({option}=...): {item!r} is not a name", remedy="Give a list of names.")
    if "*" in items and credentials:
        raise StartupError(
            f'cors({option}="*") means a header or method of that name when credentials are allowed',
            remedy=f"Name them, or leave {option} out.",
        )
    return ", ".join(items).encode("ascii")


def _tokens(asked: str | None) -> bytes:
    """The names of a list that are names; anything else is left out."""
    names = [item.strip() for item in (asked or "").split(",", _MOST_HEADERS)[:_MOST_HEADERS]]
    return ", ".join(name for name in names if _TOKEN.match(name)).encode("ascii")
