"""Application: a project made ready to answer, and the path of one request through it.

Built once: scan, load, bind, freeze. `handle`, the Handler of servers, is the only `try` around user code.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from waypost.app import telemetry
from waypost.app.after import Afterwork
from waypost.app.build import Built, build
from waypost.app.cache_setup import CacheSetup
from waypost.app.context import ANSWERED, RequestScope, current_scope
from waypost.app.dispatch import Dispatcher, Select, settled
from waypost.app.entry import RouteEntry
from waypost.app.failures import error_response, to_failure, unknown_path
from waypost.app.forward import Forwarder
from waypost.app.hits import Hits
from waypost.app.instrumentation import Instrumentation
from waypost.app.pipeline import Pipeline
from waypost.app.target import Targets
from waypost.cache.revalidate import perform_all
from waypost.config import Config
from waypost.errors import StartupError, StartupErrors, StoreUnavailable
from waypost.http.compression import MIN_SIZE, Compression
from waypost.http.cookies import CookieStore
from waypost.http.forms import FormLimits
from waypost.http.request import Request
from waypost.http.request_id import RequestIds, current_request_id
from waypost.http.response import Response
from waypost.http.site import Site, TrustedProxies

# A cache on the way that kept a cookie beside its page would give one client's session to all.
_PRIVATE = "private, no-cache"

log = logging.getLogger("waypost")


class Application:
    """The project under `config.root`, ready to answer requests.

    own: path, below the base path, and entry of what is answered where the project has nothing.
    Raises StartupErrors with every mistake found; in development a broken file breaks its own route alone.
    """

    def __init__(self, config: Config, own: Sequence[tuple[str, RouteEntry]] = ()) -> None:
        self.config = config
        self.site = Site(
            base_path=config.base_path,
            proxies=TrustedProxies(config.trusted_proxies),
            forms=FormLimits(
                max_fields=config.max_form_fields,
                max_files=config.max_form_files,
                max_field_size=config.max_form_field_size,
                max_part_header_size=config.max_part_header_size,
                max_part_headers=config.max_part_headers,
                spool_size=config.form_spool_size,
            ),
        )
        self._instrumentation, built = _load(config, own)
        self.routes: list[RouteEntry] = built.entries
        self.warnings = built.warnings
        self.errors = built.errors
        self.middleware = built.root
        self.rules = built.rules
        self._forwarder = Forwarder(config.rewrite_timeout)
        self._composed = self._compose(built)
        # What it selects is awaited in handle(): a request is one coroutine less than by its being called.
        self._select: Select = self._composed.select
        self._shown = config.root if config.dev else None
        self._compression = Compression() if config.compress else None
        # An id costs a header on every answer; it is of use where a log can be searched for it.
        self._ids = RequestIds() if config.access_log else None
        self._afterwork = Afterwork(config.max_pending_after)
        #: For servers, to be called with the request: the last byte of its answer went out, or the connection broke.
        self.response_sent: Callable[[Request], None] = self._afterwork.start
        self.cache = CacheSetup(config, self.routes, self._afterwork, self.site, self._instrumentation)
        self._services = self.cache.services

    def _compose(self, built: Built) -> Dispatcher | Pipeline:
        """The dispatcher, with what the project puts before it and between it and its handlers."""
        config = self.config
        unknown = unknown_path
        if config.dev:
            from waypost.app.unknown_page import UnknownPage  # production has no use for it

            unknown = UnknownPage(built.entries, [*built.errors, *built.warnings], config.root)
        self._dispatcher = dispatcher = Dispatcher(built.table, unknown)
        pipeline = Pipeline(
            dispatcher,
            built.table,
            built.rules,
            built.root.layers,
            built.root.matcher,
            targets=Targets(config.base_path, config.rewrite_origins, built.table.redirect),
            forwarder=self._forwarder,
            body_limit=config.max_body_size,
            variable=built.variable,
        )
        for entry, layers in built.layers:
            if layers:
                pipeline.cover(entry, layers)
        return pipeline if pipeline.needed else dispatcher

    @property
    def has_sockets(self) -> bool:
        """Whether any route has a WEBSOCKET."""
        return any(entry.sockets for entry in self.routes)

    def instant(self) -> Callable[[Request], Response | None] | None:
        """For servers, after startup: what answers a request without a task of its own; None where nothing does."""
        store = self.cache.caching.store
        # Whatever else an answer has to pass would be passed by.
        if store is None or self._select != self._dispatcher.select or self._ids is not None:
            return None
        self._services.hits = Hits(store, self._dispatcher.static_routes())
        return self._services.hits

    async def startup(self) -> None:
        """Get ready in the worker that will serve, before its first request."""
        await self._instrumentation.register()
        await self.cache.start()
        if self.config.telemetry and telemetry.is_set_up():
            respond = telemetry.traced(self._composed)
            self._select = lambda request, scope: respond(request)

    async def shutdown(self, grace: float | None = None) -> None:
        """Finish what is pending: after(), error reports, register(). grace: seconds, the configured time when None."""
        seconds = self.config.shutdown_grace if grace is None else grace
        end = time.monotonic() + seconds
        instrumentation = self._instrumentation
        for finish in (
            self._afterwork.drain,
            self.cache.close,
            instrumentation.drain,
            instrumentation.close,
            self._forwarder.close,
        ):
            try:
                await finish(max(0.0, end - time.monotonic()))
            except Exception:  # a store that can't be closed must not keep register() from its end
                log.exception("%s failed at shutdown", finish.__qualname__)

    async def handle(self, request: Request) -> Response:
        """Answer one request. Every exception becomes a Response here; only the cancelling of its own task passes."""
        scope = RequestScope(request, request.path, self._afterwork, self._services)
        current_scope.set(scope)
        if self._ids is not None:
            request.id = self._ids.of(request)
            current_request_id.set(request.id)
        try:
            value = self._select(request, scope)
            response = value if isinstance(value, Response) else settled(await value, request, scope)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) and _is_cancelled():
                raise
            response = to_failure(error, request, scope, self._instrumentation, self._shown)
        if scope.revalidations is not None:
            response = await self._revalidated(response, request, scope)
        scope.answered = True
        if self._compression is not None:
            payload = response._payload
            # What is too small is told here: most answers are.
            if not isinstance(payload, bytes) or len(payload) >= MIN_SIZE:
                answer = self._compression.apply(request, response)
                response = answer if isinstance(answer, Response) else await answer
        if self._ids is not None and request.id is not None:
            response = response.copy()
            response.headers.set("x-request-id", request.id)
        if scope.cookies is not None:
            response = _with_cookies(response, scope.cookies)
        if scope.generated is not None:
            response = _unshared(response, scope.generated)
        return response

    async def _revalidated(self, response: Response, request: Request, scope: RequestScope) -> Response:
        """Do what the request asked of the cache before its answer goes out: who sees the answer sees the effect."""
        try:
            await perform_all(scope)
        except StoreUnavailable as error:
            # A success would be a lie: what is cached may still be the old.
            log.error("%s %s: the cache could not be revalidated: %s", request.method, request.path, error)
            return error_response(503, "The cache could not be revalidated", {"retry-after": "1"})
        return response


def _is_cancelled() -> bool:
    """Whether the running task is being cancelled; a CancelledError may also be that of a task it has awaited."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _load(config: Config, own: Sequence[tuple[str, RouteEntry]]) -> tuple[Instrumentation, Built]:
    """instrumentation.py, then the rest: what it sets up is there when route files are imported."""
    try:
        instrumentation = Instrumentation(config)
    except StartupError as error:
        try:
            build(config)
        except StartupErrors as others:
            raise StartupErrors([error, *others.errors]) from error
        raise
    return instrumentation, build(config, instrumentation.validation_error, own)


def _with_cookies(response: Response, store: CookieStore) -> Response:
    """Add what cookies() collected to a response; a cookie that the response itself sets wins (Next.js)."""
    # A stream that sets a cookie after this would lose it in silence: now it gets an error.
    store.freeze(ANSWERED)
    lines = store.lines()
    if not lines:
        return response
    own = {line.partition("=")[0] for line in response.headers.get_set_cookie()}
    merged = response.copy()  # the user may return the same object to the next client
    for line in lines:
        if line.partition("=")[0] not in own:
            merged.headers.append("set-cookie", line)
    return merged


def _unshared(response: Response, generated: bytes) -> Response:
    """What sets a cookie, without the Cache-Control that shared caches keep it by. generated: the framework's word."""
    fields = response.raw_headers()
    if (b"cache-control", generated) not in fields or not any(name == b"set-cookie" for name, _ in fields):
        return response
    answer = response.copy()
    answer.headers.set("cache-control", _PRIVATE)
    return answer
