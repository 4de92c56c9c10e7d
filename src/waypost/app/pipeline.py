"""Pipeline: the way of a request before its route: configured headers, redirects, middleware, rewrites.

The order is Next.js'. A path that no rule and no matcher speaks of goes straight to the dispatcher, at the cost of
one look-up. The path that a matcher sees is the path that is routed; where a rewrite leads to a path that the
project's middleware covers, it runs then, once per request.
Source: Next.js, Proxy, "Execution order".
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from typing import Any

from waypost.app.context import RequestScope, current_scope
from waypost.app.dispatch import Dispatcher, settled, slash_redirect, without_endpoint
from waypost.app.entry import RouteEntry
from waypost.app.forward import Forwarder
from waypost.app.layers import Fold, Layer
from waypost.app.matching import Matcher
from waypost.app.rules import CompiledRewrite, Rules
from waypost.app.target import Targets
from waypost.app.way import ENTERED, Way, fill_in, put_on
from waypost.http.headers import Headers
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.routing.matcher import PathSet
from waypost.routing.table import RouteTable

_REDIRECTS = frozenset((301, 302, 303, 307, 308))


class Pipeline:
    """Everything between a server and the dispatcher. Called with a request, as a Handler.

    matcher: what the project's middleware covers, None for everything; layers: the middleware itself, may be empty.
    """

    __slots__ = (
        "_alone", "_chain", "_dispatcher", "_fold", "_forwarder", "_headers_of", "_known", "_limit", "_matcher",
        "_rules", "_speaks", "_table", "_variable",
    )  # fmt: skip

    def __init__(
        self,
        dispatcher: Dispatcher,
        table: RouteTable[RouteEntry],
        rules: Rules,
        layers: Sequence[Layer],
        matcher: Matcher | None,
        *,
        targets: Targets,
        forwarder: Forwarder,
        body_limit: int | None,
        variable: frozenset[int],
    ) -> None:
        """variable: the ids of entries whose path has parameters. body_limit: bytes, where no route says more."""
        self._dispatcher = dispatcher
        self._table = table
        self._rules = rules
        self._matcher = matcher
        self._forwarder = forwarder
        self._limit = body_limit
        self._variable = variable
        self._fold = Fold(targets.aim, self.go_on)
        self._chain = Fold(targets.aim, None, self._finish).around(self.go_on, layers) if layers else None
        everything = self._chain is not None and matcher is None
        patterns = [*rules.patterns, *(matcher.patterns if matcher is not None and layers else ())]
        #: Whether any rule or matcher may speak of a path; None when one speaks of every path.
        self._speaks = None if everything else PathSet(patterns).matches
        self._known = {path: self._speaks is None or self._speaks(path) for path in table.static}
        # With nothing but middleware, the path alone tells whether it runs.
        self._alone = bool(layers) and not rules.patterns and (matcher is None or not matcher.conditional)
        self._headers_of = self._fixed_headers(table.static)

    @property
    def needed(self) -> bool:
        """Whether it does anything that the dispatcher does not."""
        return self._chain is not None or bool(self._rules.patterns)

    def cover(self, entry: RouteEntry, layers: Sequence[Layer]) -> None:
        """Put the middleware of folders and of its own file before the endpoints of a route."""
        for verb, endpoint in entry.endpoints.items():
            entry.endpoints[verb] = self._fold.around(endpoint, layers)

        async def otherwise(request: Request, scope: RequestScope) -> Response:
            return without_endpoint(entry, request.method)

        entry.otherwise = self._fold.around(otherwise, layers)
        entry.middleware = tuple(layer.where for layer in layers)

    def _fixed_headers(self, paths: Iterable[str]) -> dict[str, Headers | None]:
        """The configured headers of static paths, where they depend on the path alone."""
        if not self._rules.headers or any(rule.always is None for rule in self._rules.headers):
            return {}
        request = Request("http://localhost/")
        return {path: self._rules.fields(request, path) for path in paths}

    async def __call__(self, request: Request) -> Response:
        scope = current_scope.get()
        value = self.select(request, scope)
        return settled(value if isinstance(value, Response) else await value, request, scope)

    def select(self, request: Request, scope: RequestScope) -> Response | Awaitable[Any]:
        """As Dispatcher.select: the answer, or what has to be awaited for it."""
        path = request.path
        known = self._known.get(path)
        if known is None:
            known = self._speaks is None or self._speaks(path)
            if known and self._alone and self._table.redirect(path) is not None:
                known = False  # the dispatcher redirects
        if not known:
            return self._dispatcher.select(request, scope)
        return self._enter(request, scope) if self._alone else self._run(request, scope)

    def _enter(self, request: Request, scope: RequestScope) -> Awaitable[Any]:
        """Run the project's middleware, and what follows behind it."""
        assert self._chain is not None
        if scope.way is None:
            scope.way = ENTERED
        else:
            scope.way.entered = True
        body = request._body
        if body is not None and body.limit is None:
            body.limit_when_read = self._body_limit(scope.path)
        return self._chain(request, scope)

    async def _run(self, request: Request, scope: RequestScope) -> Any:
        way = scope.way = Way(request.query_string)
        path = scope.path
        canonical = None if path in self._known else self._table.redirect(path)
        if self._rules.headers:
            way.configured = self._configured(request, canonical or path)
        if canonical is not None:
            return _complete(slash_redirect(canonical, request.query_string), way)
        redirect = self._rules.redirect(request, path) if self._rules.redirects else None
        if redirect is not None:
            return _complete(redirect, way)
        if self._chain is not None and (self._matcher is None or self._matcher.covers(request, path)):
            return await self._enter(request, scope)
        return await self.go_on(request, scope)

    def _configured(self, request: Request, path: str) -> Headers | None:
        if path in self._headers_of:
            return self._headers_of[path]
        return self._rules.fields(request, path)

    def _finish(self, response: Response, request: Request, scope: RequestScope) -> Response:
        """The last word on an answer of the project's middleware."""
        if response._status in _REDIRECTS and scope.entry is None and (scope.way is None or not scope.way.external):
            response = _local_redirect(response, request)
        return response if scope.way is None else _complete(response, scope.way)

    def _body_limit(self, path: str) -> int | None:
        """What a middleware may read: as much as the route that will probably answer."""
        found = self._table.match(path)
        own = found[0].max_body_size if found is not None else None
        return self._limit if own is None else own

    # -- after the middleware

    def go_on(self, request: Request, scope: RequestScope) -> Awaitable[Any]:
        """Rewrites, then the route. Also where the middleware of a folder goes when it rewrites."""
        way = scope.way
        if way is None or way is ENTERED:
            return self._arrive(request, scope)
        if way.configured is None:
            return self._route(request, scope, way)
        fields, way.configured = way.configured, None
        return self._carry(request, scope, way, fields)

    async def _carry(self, request: Request, scope: RequestScope, way: Way, fields: Headers) -> Response:
        try:
            return put_on(settled(await self._route(request, scope, way), request, scope), fields)
        except BaseException:
            way.keep_for_failure(fields)
            raise

    def _route(self, request: Request, scope: RequestScope, way: Way) -> Awaitable[Any]:
        if self._rules.rewrites and way.external is None and scope.path != way.settled:
            self._rewrite(request, scope, way)
            way.settled = scope.path
        if way.external is not None:
            return self._forwarder.send(request, way.external)
        if self._chain is not None and not way.entered and self._covers(request, scope.path):
            return self._enter(request, scope)
        return self._arrive(request, scope)

    def _arrive(self, request: Request, scope: RequestScope) -> Awaitable[Any]:
        value = self._dispatcher.select(request, scope)
        return _ready(value) if isinstance(value, Response) else value

    def _covers(self, request: Request, path: str) -> bool:
        return path != request.path and (self._matcher is None or self._matcher.covers(request, path))

    def _rewrite(self, request: Request, scope: RequestScope, way: Way) -> None:
        """Apply the configured rewrites: before everything, after static routes and files, after all routes."""
        rules = self._rules
        for rule in rules.before_files:
            if self._apply(rule, request, scope, way) and way.external is not None:
                return
        found = self._table.match(scope.path) if rules.after_files or rules.fallback else None
        if found is not None and id(found[0]) not in self._variable:
            return
        if self._first_that_leads(rules.after_files, request, scope, way):
            return
        if rules.fallback and self._table.match(scope.path) is None:
            self._first_that_leads(rules.fallback, request, scope, way)

    def _first_that_leads(
        self, rules: Sequence[CompiledRewrite], request: Request, scope: RequestScope, way: Way
    ) -> bool:
        """Apply one rule after the other, until the path is one that something answers."""
        return any(
            self._apply(rule, request, scope, way)
            and (way.external is not None or self._table.match(scope.path) is not None)
            for rule in rules
        )

    def _apply(self, rule: CompiledRewrite, request: Request, scope: RequestScope, way: Way) -> bool:
        target = rule.target(request, scope.path, way.query)
        if target is None:
            return False
        origin, path, way.query = target
        if origin:
            way.external = f"{origin}{path}{f'?{way.query}' if way.query else ''}"
        else:
            scope.path = self._table.redirect(path) or path
        return True


async def _ready(response: Response) -> Response:
    return response


def _complete(response: Response, way: Way) -> Response:
    """An answer that no route made, with the configured headers that it has not itself."""
    if way.configured is None:
        return response
    fields, way.configured = way.configured, None
    return fill_in(response, fields)


def _local_redirect(response: Response, request: Request) -> Response:
    """A redirect of the middleware within this site, made relative: right behind every proxy (Next.js)."""
    location = response.headers.get("location") or ""
    origin = f"{request.scheme}://{request.host}/"
    if not location.lower().startswith(origin.lower()) or location[len(origin) : len(origin) + 1] in ("/", "\\"):
        return response
    answer = response.copy()
    answer.headers.set("location", location[len(origin) - 1 :])
    return answer
