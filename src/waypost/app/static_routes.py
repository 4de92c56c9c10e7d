"""Static handlers: which GET of the project is cached, what it is given, and how it is answered.

Decided once at start-up; a route that is not static is not touched. GET is static by `dynamic = "force-static"` or
"error", by `revalidate`, or by `generate_static_params`; other verbs of the same file are not. In development it runs
for every request, with the same view of the request as in production.
Source: Next.js, "Route Handlers" (Caching), generateStaticParams, dynamicParams.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final

from waypost.app.context import ANSWERED_STATIC, RequestScope, current_scope
from waypost.app.failures import NO_STORE, to_answer, unknown_path
from waypost.app.result import to_response
from waypost.app.static_params import StaticParams
from waypost.app.static_path import PathTemplate
from waypost.app.static_request import empty_request, strict_request
from waypost.cache.answers import BYPASS, COLLAPSED, NOT_STORED, STORED, answer_of, conditional, conditional_later
from waypost.cache.caching import Made, Make, Served
from waypost.cache.conditions import interesting_fields
from waypost.cache.entry import NEVER, Entry
from waypost.cache.fill import Fill, current_fill
from waypost.cache.key import MAX_DEPTH, path_tags, route_key
from waypost.cache.lifetimes import Lifetime
from waypost.cache.policy import complete, why_not_stored
from waypost.errors import StartupError
from waypost.http.compression import MIN_SIZE, is_compressible
from waypost.http.cookies import CookieStore
from waypost.http.payload import BodyStream, encode_chunk
from waypost.http.request import Request
from waypost.http.request_id import RequestIds
from waypost.http.response import Response
from waypost.http.vary import add_vary

if TYPE_CHECKING:
    from waypost.app.entry import Endpoint, RouteEntry
    from waypost.app.operation import Operation
    from waypost.app.services import Services
    from waypost.config import Config
    from waypost.http.site import Site
    from waypost.routing.load import LoadedRoute

_ids: Final = RequestIds()

_REMEDY: Final = (
    'write dynamic = "force-dynamic" to run the handler for every request, or "force-static" to see nothing there'
)


def is_static(loaded: LoadedRoute) -> bool:
    """Whether the GET of a route file is cached."""
    options = loaded.options
    if "GET" not in loaded.handlers or options.edge or options.dynamic == "force-dynamic":
        return False
    if options.dynamic in ("force-static", "error"):
        return True
    # `0 == False`, and they mean the opposite: 0 is never cached, False for good.
    if options.revalidate is not None:
        return options.revalidate is False or options.revalidate > 0
    return loaded.generate_static_params is not None and bool(loaded.file.params)


class StaticRoute:
    """The endpoint of a static GET, and of the HEAD that goes with it.

    pattern: "/posts/[id]". forced: `force-static`, under which the hidden parts of a request are empty. key: of a route
    without parameters, else None. lifetime: what the options say; what the answer is made of may shorten it. params:
    None without generate_static_params.
    """

    def __init__(self, loaded: LoadedRoute, config: Config, run: Endpoint) -> None:
        options = loaded.options
        self.file = loaded.file.file
        self.pattern = loaded.file.pattern
        self.forced = options.dynamic == "force-static"
        revalidate = NEVER if options.revalidate in (None, False) else float(options.revalidate or 0)
        self.lifetime = Lifetime(revalidate, NEVER if revalidate == NEVER else config.expire_time)
        self.path = PathTemplate(loaded.file.segments, config.base_path, trailing_slash=config.trailing_slash)
        generate = loaded.generate_static_params
        self.params = None if generate is None else StaticParams(generate, self.path, self.file)
        self.open = options.dynamic_params
        self.entry: RouteEntry | None = None
        self.services: Services | None = None
        self._fetch_cache = options.fetch_cache
        self._run = run
        self._compress = config.compress
        self._largest = max(config.cache_max_memory // 4, 1_048_576)
        self.key = route_key(self.path.fixed) if self.path.fixed is not None else None

    def must_cover(self, operation: Operation) -> None:
        """Refuse a handler that takes by name what its cache's key leaves out: its every request would be an error.

        Raises StartupError. Under force-static such arguments are as of a request without them.
        """
        hidden = [parameter for parameter in operation.parameters if parameter.place != "path"]
        if hidden and not self.forced:
            places = {"query": "query", "header": "headers", "cookie": "cookies"}
            raise StartupError(
                f"GET takes {hidden[0].name!r} from the {places[hidden[0].place]}, which a cached handler can't see",
                file=self.file,
                line=operation.line,
                remedy=f"{_REMEDY[0].upper()}{_REMEDY[1:]}.",
            )

    def _stands_alone(self) -> bool:
        """Whether nothing is in front of it: what is answered at once passes by middleware, a guard above all."""
        first: object = self.entry.endpoints["GET"] if self.entry is not None else None
        return first is self

    # -- a request

    async def __call__(self, request: Request, scope: RequestScope) -> Response:
        """Answer from the cache, or run the handler and keep what it gives."""
        services = self.services
        assert services is not None  # attached before the first request
        caching = services.caching
        store = caching.store or await caching.open()
        none_match, drafting = interesting_fields(request._raw)
        key = self.key or route_key(self.path.of(scope.params))
        entry = store.peek(key) if store is not None else None
        if drafting and scope.bypasses_cache:
            return await self._draft(request, scope)
        if entry is not None:
            if self.key is None and services.hits is not None and self._stands_alone():
                services.hits.remember(request.path, key)
            answer = answer_of(entry)
            scope.generated = answer.generated
            response = answer.at(time.time())
            if scope.wrapped:
                return conditional_later(response, request)
            return conditional(response, answer.etag, none_match)
        path = self.path.of(scope.params)
        if not self.open and self.params is not None and path not in await self.params.paths():
            return unknown_path(request)
        make = self._maker(path, scope.params)
        if store is None or path.count("/") > MAX_DEPTH:
            return (await caching.bypass(make)).made.value  # type: ignore[union-attr,no-any-return]  # a bypass has it
        if request.method == "HEAD":
            # What HEAD causes is not stored, so that no odd HEAD can ever become everybody's GET.
            served = await caching.look(key, self._behind(make, path)) or await caching.bypass(make)
        else:
            served = await caching.read(key, make, behind=self._behind(make, path))
        response, etag = self._answer(served, scope, head=request.method == "HEAD")
        if scope.wrapped:
            return conditional_later(response, request)
        return conditional(response, etag, none_match)

    def _answer(self, served: Served, scope: RequestScope, *, head: bool) -> tuple[Response, bytes | None]:
        """The answer, and the tag by which a client may have it already."""
        entry = served.entry
        if entry is None:
            assert served.made is not None  # every Served has one of the two
            response = served.made.value
            response.headers.set("cache-status", (NOT_STORED if served.how == "miss" or head else BYPASS).decode())
            return response, None
        answer = answer_of(entry)
        scope.generated = answer.generated
        if served.how == "hit":
            response = answer.at(time.time())
        elif served.how == "stale":
            response = answer.stale()
        elif served.how == "collapsed":
            response = answer.otherwise(COLLAPSED)
        else:
            response = answer.otherwise(STORED if served.stored else NOT_STORED)
        return response, answer.etag

    async def _draft(self, request: Request, scope: RequestScope) -> Response:
        """The handler's own answer, for an editor who looks at what is not published yet."""
        response = to_response(await self._run(request, scope), self.where).copy()
        response.headers.set("cache-control", NO_STORE)
        response.headers.set("cache-status", BYPASS.decode())
        return response

    # -- a fill

    @property
    def where(self) -> str:
        """The handler, for messages."""
        return f"GET in {self.file}"

    def _maker(self, path: str, params: dict[str, Any]) -> Make:
        async def make() -> Made:
            return await self.make(path, params)

        return make

    def _behind(self, make: Make, path: str) -> Make:
        """`make` for a refresh, whose failure no client sees."""

        async def refresh() -> Made:
            try:
                return await make()
            except Exception as error:
                services = self.services
                assert services is not None  # attached before the first request
                request = empty_request(self.path.visible(path), services.site)
                services.instrumentation.report(error, request, self.pattern, _ids.new())
                raise

        return refresh

    async def make(self, path: str, params: dict[str, Any]) -> Made:
        """Run the handler for a path, in the task of the fill; its value is the Response for whoever caused it.

        Raises what the handler raises, unless that means an answer, as redirect() and not_found() do.
        """
        services = self.services
        assert services is not None  # attached before the first request
        tags = path_tags(path, self.path.pattern)
        fill = Fill("static", self.where, services.caching, tags, self._fetch_cache)
        request = self._request(self.path.visible(path), services.site)
        scope = RequestScope(request, request.path, services.afterwork, services)
        scope.entry = self.entry
        scope.params = params
        if self.forced:
            scope.cookies = CookieStore(request, False, ANSWERED_STATIC)
        current_scope.set(scope)
        current_fill.set(fill)
        created = time.time()
        try:
            response = to_response(await self._run(request, scope), self.where)
        except BaseException as error:
            answer = to_answer(error, scope)
            if answer is None:
                raise
            response = answer
        finally:
            services.afterwork.start(request)
        return await self._made(response, fill, created, tags)

    def _request(self, path: str, site: Site) -> Request:
        return empty_request(path, site) if self.forced else strict_request(path, site, _REMEDY)

    async def _made(self, response: Response, fill: Fill, created: float, tags: tuple[str, ...]) -> Made:
        response = response.copy()
        reason = why_not_stored(response.status, response.raw_headers())
        if reason is None and isinstance(response.payload, BodyStream):
            reason = await self._collect(response)
        if reason is not None:
            return Made(response, None, tuple(fill.used), reason)
        body = response.payload
        assert isinstance(body, bytes)  # _collect has made it so
        if self._compress and len(body) >= MIN_SIZE and is_compressible(response):
            add_vary(response.headers.raw, b"Accept-Encoding")
        lifetime = self.lifetime.shortened(fill.lifetime)
        if fill.own is not None:
            lifetime = lifetime.shortened(fill.own)
        entry = Entry(
            response.status,
            complete(response.raw_headers(), body, lifetime),
            body,
            created,
            lifetime.revalidate,
            lifetime.expire,
            (*tags, *(tag for tag in fill.tags if tag not in tags)),
        )
        return Made(answer_of(entry).otherwise(NOT_STORED), entry, tuple(fill.used))

    async def _collect(self, response: Response) -> str | None:
        """Read a streamed body into the response; a reason when it is too long to be kept, and goes on as a stream."""
        payload = response.payload
        assert isinstance(payload, BodyStream)
        source = payload.take()
        chunks: list[bytes] = []
        size = 0
        try:
            async for chunk in source:
                data = encode_chunk(chunk)
                chunks.append(data)
                size += len(data)
                if size > self._largest:
                    response._payload = _Rest(chunks, source, payload)
                    return f"a body of more than {self._largest} bytes"
        except BaseException:
            await payload.aclose()
            raise
        await payload.aclose()
        response._payload = b"".join(chunks)
        return None


class _Rest(BodyStream):
    """A stream of which the beginning was read."""

    __slots__ = ("_inner",)

    def __init__(self, begun: list[bytes], source: AsyncIterator[Any], inner: BodyStream) -> None:
        async def chunks() -> AsyncIterator[Any]:
            for chunk in begun:
                yield chunk
            async for chunk in source:
                yield chunk

        super().__init__(chunks(), length=inner.length)
        self._inner = inner

    async def aclose(self, reason: BaseException | None = None) -> None:
        await self._inner.aclose(reason)
        await super().aclose(reason)
