"""RateLimiter: the limit as handlers use it, over a store that may be down.

    limiter = RateLimiter(limit=10, window="1m")

    result = await limiter.limit("user-7")     # by hand
    POST = limiter(handler)                    # one handler, as a decorator too: @limiter
    middleware = [limiter]                     # a route file; or `middleware = limiter` in middleware.py

Source: RFC 6585 section 4; draft-ietf-httpapi-ratelimit-headers (RateLimit, RateLimit-Policy); @upstash/ratelimit for
the shape of the result.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import math
import os
import sys
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Literal, ParamSpec, TypeAlias, overload

from waypost.app.chain import mark_wrapper
from waypost.app.context import scope_of
from waypost.app.operation import Additions
from waypost.app.result import to_response
from waypost.app.wrapping import callee
from waypost.errors import StartupError
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.ratelimit.keys import client_key, stored_key
from waypost.ratelimit.rule import SECOND, Algorithm, Decision, Rule
from waypost.ratelimit.store import Store, open_store

P = ParamSpec("P")
Key: TypeAlias = "Callable[[Request], str | Awaitable[str | None] | None]"
Next: TypeAlias = Callable[[Request], Awaitable[Response]]

URL_VARIABLE: Final = "WAYPOST_RATELIMIT_URL"
_MOST_BLOCKED: Final = 10_000
_LOG_EVERY: Final = 10.0  # seconds between two lines about a store that is down

_ADDITIONS: Final = Additions(responses={429: "Too many requests", 503: "The limit's store is down"})

log = logging.getLogger("waypost.ratelimit")


@dataclass(frozen=True, slots=True)
class Result:
    """What the limit says to a hit.

    success: whether it may pass. remaining: how many more would pass now. reset: Unix time in seconds, rounded up, at
    which all is as if nobody had asked; reset_after: the same from now. retry_after: whole seconds after which the
    same hit passes, if no other comes first; 0 when it passed. degraded: the store did not answer, and on_error
    decided.
    """

    success: bool
    limit: int
    remaining: int
    reset: int
    reset_after: int
    retry_after: int
    degraded: bool = False


@dataclass(slots=True)
class Counts:
    """How a limiter has answered in this process. blocked: those of `limited` that needed no store."""

    allowed: int = 0
    limited: int = 0
    blocked: int = 0
    errors: int = 0


class RateLimiter:
    """A limit of `limit` hits in `window` for each key.

    window: seconds, or "500ms", "10s", "1m", "2h", "1d". algorithm: see waypost.ratelimit.rule.
    store: a store or its URL; WAYPOST_RATELIMIT_URL unless given, and without that this process's memory.
    key: whom a request counts for, where the limiter is a wrapper or middleware; a key of None is not limited.
    name: what keys in a shared store begin with; the module that makes the limiter, unless given. Limiters of one name
    and one rule share their counts.
    on_error: what happens when the store fails or takes longer than `timeout` seconds: "allow" or "deny" (503).
    Raises StartupError for settings that can't be.
    """

    def __init__(
        self,
        *,
        limit: int,
        window: str | float,
        algorithm: Algorithm = "sliding-window",
        store: Store | str | None = None,
        key: Key = client_key,
        name: str | None = None,
        on_error: Literal["allow", "deny"] = "allow",
        timeout: float = 0.1,
    ) -> None:
        self.rule = Rule.of(algorithm, limit, window)
        if on_error not in ("allow", "deny"):
            raise StartupError(f"on_error={on_error!r} is not known", remedy='Use "allow" or "deny".')
        if store is None:
            store = os.environ.get(URL_VARIABLE, "")
        self.store: Store = open_store(store) if isinstance(store, str) else store
        caller = sys._getframe(1).f_globals.get("__name__", "")
        self.name = f"{caller if name is None else name}:{algorithm}:{limit}:{self.rule.window_us // 1000}"
        self.key = key
        self.on_error = on_error
        self.timeout = timeout
        self.counts = Counts()
        self._blocked: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._logged = -math.inf
        seconds = math.ceil(self.rule.window_us / SECOND)
        self._policy = f'"default";q={limit};w={seconds}'.encode("ascii")

    async def limit(self, key: str, cost: int = 1) -> Result:
        """Count a hit for `key`. cost: how many hits it is worth, at most the limit. Raises ValueError for another."""
        if cost.__class__ is not int or not 1 <= cost <= self.rule.limit:
            raise ValueError(f"cost must be from 1 to {self.rule.limit}, not {cost!r}")
        key = stored_key(self.name, key)
        if self.store.local:
            return self._result(await self.store.hit(key, self.rule, cost))
        if (wait := self._still_blocked(key, cost)) > 0:
            self.counts.blocked += 1
            return self._result(Decision(False, 0, wait, wait))
        try:
            async with asyncio.timeout(self.timeout):
                decision = await self.store.hit(key, self.rule, cost)
        except Exception as error:  # whatever a store raises, a limit must not break what it guards
            return self._degraded(error)
        if not decision.allowed:
            self._block(key, cost, decision.retry_us)
        return self._result(decision)

    async def reset(self, key: str) -> None:
        """Forget the hits of `key`. Another process that has refused it goes on until it said it would."""
        key = stored_key(self.name, key)
        self._blocked.pop(key, None)
        await self.store.forget(key)

    async def close(self) -> None:
        """Close the store."""
        await self.store.close()

    def _result(self, decision: Decision) -> Result:
        if decision.allowed:
            self.counts.allowed += 1
        else:
            self.counts.limited += 1
        reset = math.ceil(time.time() + decision.reset_us / SECOND)
        reset_after, retry_after = -(-decision.reset_us // SECOND), -(-decision.retry_us // SECOND)
        return Result(decision.allowed, self.rule.limit, decision.remaining, reset, reset_after, retry_after)

    def _degraded(self, error: Exception) -> Result:
        self.counts.errors += 1
        now = time.monotonic()
        if now - self._logged >= _LOG_EVERY:
            self._logged = now
            log.warning("the store of the rate limit %s failed (%s: %s)", self.name, type(error).__name__, error)
        allowed = self.on_error == "allow"
        return Result(allowed, self.rule.limit, 0, math.ceil(time.time() + 1), 1, 0 if allowed else 1, degraded=True)

    # -- keys that are known to be refused, so that a flood does not reach the store

    def _block(self, key: str, cost: int, retry_us: int) -> None:
        self._blocked[key] = (time.monotonic() + retry_us / SECOND, cost)
        self._blocked.move_to_end(key)
        if len(self._blocked) > _MOST_BLOCKED:
            self._blocked.popitem(last=False)

    def _still_blocked(self, key: str, cost: int) -> int:
        """Microseconds; a smaller hit than the one that was refused may still fit."""
        entry = self._blocked.get(key)
        if entry is None or cost < entry[1]:
            return 0
        wait = math.ceil((entry[0] - time.monotonic()) * SECOND)
        if wait <= 0:
            del self._blocked[key]
        return wait

    # -- around a handler, and as middleware

    @overload
    def __call__(self, request: Request, next: Next, /) -> Awaitable[Response]: ...
    @overload
    def __call__(
        self, request: Callable[P, Any], next: None = None, /
    ) -> Callable[P, Coroutine[Any, Any, Response]]: ...
    def __call__(self, request: Any, next: Next | None = None, /) -> Any:
        return self._wrapped(request) if next is None else self._around(request, next)

    @property
    def __waypost_additions__(self) -> Additions:
        """What stands in the description of an operation behind this."""
        return _ADDITIONS

    async def _around(self, request: Request, next: Next) -> Response:
        result = await self.check(request)
        if result is None:
            return await next(request)
        if not result.success:
            return self.refusal(result)
        return self.marked(await next(request), result)

    def _wrapped(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        if not callable(handler):
            raise StartupError(f"a rate limit wraps a function, not {type(handler).__name__} {handler!r:.60}")
        call = callee(handler)
        where = getattr(handler, "__name__", "a handler with a rate limit")

        # It passes on whatever it gets, so that it is given what the handler takes.
        @functools.wraps(handler)
        async def wrapper(*arguments: Any, **named: Any) -> Response:
            result = await self.check(scope_of("a handler with a rate limit").request)
            if result is None:
                return to_response(await call(*arguments, **named), where)
            if not result.success:
                return self.refusal(result)
            return self.marked(to_response(await call(*arguments, **named), where), result)

        mark_wrapper(wrapper, _ADDITIONS)
        return wrapper

    async def check(self, request: Request) -> Result | None:
        """Count a request for its key; None when it has none."""
        key = self.key(request)
        if inspect.isawaitable(key):
            key = await key
        return None if key is None else await self.limit(key)

    def refusal(self, result: Result) -> Response:
        """429 with how long to wait; 503 where the store was down and on_error is "deny"."""
        status, message = (503, "Service unavailable") if result.degraded else (429, "Too many requests")
        response = Response.json({"error": message}, status, {"Retry-After": str(result.retry_after)})
        return response if result.degraded else self.marked(response, result)

    def marked(self, response: Response, result: Result) -> Response:
        """A copy of `response` with the limit's headers. X-RateLimit-Reset is Unix time, RateLimit's t a span."""
        answer = response.copy()  # the handler may return one object to everyone
        if result.degraded:
            return answer
        headers = answer.headers
        headers.set("x-ratelimit-limit", str(result.limit))
        headers.set("x-ratelimit-remaining", str(result.remaining))
        headers.set("x-ratelimit-reset", str(result.reset))
        headers.set("ratelimit-policy", self._policy.decode("ascii"))
        left = result.retry_after or result.reset_after
        headers.set("ratelimit", f'"default";r={result.remaining};t={left}')
        return answer
