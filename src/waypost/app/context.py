"""The current request, and what can be asked of it from anywhere below a handler.

One ContextVar holds the RequestScope; the functions here read it. The scope belongs to one request and its task, so
that two requests never see each other's.
Source: Next.js, cookies() and headers() of next/headers.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

import msgspec

from waypost.app.static_request import StrictRequest
from waypost.cache.ambient import find_surroundings_with
from waypost.cache.conditions import interesting_fields
from waypost.cache.fill import current_fill, refuse_dynamic
from waypost.cache.key import path_tags
from waypost.errors import NoRequestError
from waypost.http.ambient import find_request_with
from waypost.http.cookies import CookieStore
from waypost.http.headers import ReadonlyHeaders
from waypost.http.request import Request
from waypost.http.typed import Reading, read_with

if TYPE_CHECKING:
    from waypost.app.after import Afterwork
    from waypost.app.draft import DraftMode
    from waypost.app.entry import RouteEntry
    from waypost.app.services import Services
    from waypost.app.way import Way
    from waypost.cache.caching import Caching
    from waypost.cache.revalidate import Revalidation

ANSWERED = "the response has begun: set cookies before returning it"
ANSWERED_STATIC = "a static handler can't set a cookie: its answer goes to every client"

Param = str | list[str]


class Params(dict[str, Any]):
    """The values of a route's dynamic segments, percent-decoded; may be awaited, as in Next.js.

    `[id]` gives a str, `[...path]` a list of at least one str; `[[...path]]` without segments is absent. To a type
    checker a value is Any: which of the two it is, the folder's name says, and a union would want a cast in every
    handler.
    """

    __slots__ = ()

    def __await__(self) -> Generator[None, None, Params]:
        return self
        yield  # makes this a generator, as __await__ needs


if TYPE_CHECKING:
    # A default needs Python 3.13; type checkers know it from typing_extensions, which need not be installed for them.
    from typing_extensions import TypeVar as TypeVarWithDefault

    ParamsT = TypeVarWithDefault("ParamsT", bound=Mapping[str, object], default=Params)
else:
    ParamsT = TypeVar("ParamsT")


class Context(Generic[ParamsT]):
    """A handler's second argument: `params`, and what wrappers added with `extend`.

    `Context[PostParams]`, a TypedDict, tells type checkers which parameters there are; the start compares it with the
    folders. What a wrapper adds can be declared in a class of its own, `class SignedIn(Context[PostParams])` with
    `user: User`: it is there for type checkers, the handler is given a Context.
    """

    __slots__ = ("__dict__", "params")

    params: ParamsT
    #: Of a route whose wrapped handler takes arguments by name: what makes them and calls it (app/chain.py).
    _bound: ClassVar[Any] = None

    def __init__(self, params: Mapping[str, Param]) -> None:
        self.params = params if params.__class__ is Params else Params(params)  # type: ignore[assignment]  # ParamsT names its keys only

    def extend(self, **values: Any) -> Self:
        """A context with more attributes; this one stays as it is."""
        twin = self.__class__(self.params)  # type: ignore[arg-type]  # what it was made of
        twin.__dict__.update(self.__dict__)
        twin.__dict__.update(values)
        return twin

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the context has no {name!r}: a wrapper adds it with context.extend({name}=...)")

    def __repr__(self) -> str:
        return f"Context(params={dict(self.params)!r}{''.join(f', {k}={v!r}' for k, v in self.__dict__.items())})"


class RequestScope(msgspec.Struct, eq=False):
    """What the framework keeps for one request while it is answered. A Struct, since these are made in half the time.

    path: what is routed, as sent; a rewrite changes it, the request keeps its own. afterwork: takes what is given to
    after(). answered: the response is made, what comes later can't set a cookie any more. way: what middleware and
    rules left behind. wrapped: it is inside of middleware that may change what comes back. services: what the
    application has for all its requests. revalidations: what this one asked for, to be done before its response goes
    out. generated: the Cache-Control that the framework has written on its answer, not the handler.
    """

    request: Request
    path: str
    afterwork: Afterwork | None = None
    services: Services | None = None
    revalidations: list[Revalidation] | None = None
    answered: bool = False
    entry: RouteEntry | None = None
    params: dict[str, Param] = {}  # each scope has a dict of its own, as msgspec has it
    cookies: CookieStore | None = None
    way: Way | None = None
    wrapped: bool = False
    generated: bytes | None = None

    # -- for the cache, see waypost.cache.ambient.Surroundings

    @property
    def caching(self) -> Caching | None:
        """The application's cache, None in a test without an application."""
        return None if self.services is None else self.services.caching

    @property
    def draft_mode(self) -> DraftMode | None:
        """The application's draft mode."""
        return None if self.services is None else self.services.draft

    @property
    def bypasses_cache(self) -> bool:
        """Whether the client is in draft mode."""
        mode = self.draft_mode
        # Nearly no request has the cookie, so its cookies need not be parsed.
        return mode is not None and interesting_fields(self.request._raw)[1] and mode.is_on(self.request)

    @property
    def fetch_cache(self) -> str:
        """The route's option of this name."""
        options = None if self.entry is None else self.entry.options
        return "auto" if options is None else options.fetch_cache

    def path_tags(self) -> tuple[str, ...]:
        """The tags by which revalidate_path reaches what is cached while this request is answered."""
        template = None if self.entry is None else self.entry.template
        return () if template is None else path_tags(template.of(self.params), template.pattern)

    def drop_cookies(self) -> None:
        """Forget what a handler that failed wanted to set; what middleware set before it stays."""
        kept = self.way.cookies if self.way is not None else None
        self.cookies = None if kept is None else kept.copy()


current_scope: ContextVar[RequestScope] = ContextVar("waypost_request")


def scope_of(function: str) -> RequestScope:
    """The scope of the running request. function: the caller's name, for the error.

    Raises NoRequestError outside one, DynamicReadError inside a cached function.
    """
    refuse_dynamic(f"{function}()")
    try:
        return current_scope.get()
    except LookupError:
        raise NoRequestError(
            f"{function}() was called outside a request: call it in a handler or in a function that a handler calls "
            "(in a unit test, inside waypost.testing.request_scope(...))"
        ) from None


def cookies() -> CookieStore:
    """The request's cookies; writes go to its response. May be awaited. Raises NoRequestError outside a request."""
    scope = scope_of("cookies")
    if scope.cookies is None:
        _ = scope.request.cookies  # a static handler may not ask for them, and is told here
        scope.cookies = CookieStore(scope.request)
        if scope.answered:
            scope.cookies.freeze(ANSWERED)
    return scope.cookies


def headers() -> ReadonlyHeaders:
    """The request's headers, read-only. May be awaited. Raises NoRequestError outside a request."""
    return ReadonlyHeaders.from_raw(scope_of("headers").request.headers.raw)


async def connection() -> None:
    """Wait for a real request: a handler that awaits this is never static (Next.js, connection())."""
    request = scope_of("connection").request
    if isinstance(request, StrictRequest):
        request.refuse("connection()")


def _current() -> RequestScope | None:
    return current_scope.get(None)


def _current_request() -> Request | None:
    # What a fill makes is for every client: nothing in it may hang on the one that caused it.
    scope = None if current_fill.get() is not None else current_scope.get(None)
    return None if scope is None else scope.request


def _reading() -> Reading:
    from waypost.validation.by_hand import ReadingByHand  # most programs name the schema in the signature

    return ReadingByHand()


find_surroundings_with(_current)
read_with(_reading)
find_request_with(_current_request)
