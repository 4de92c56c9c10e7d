"""cached(): a function whose results are kept. cache_tag() and cache_life(): what it says about its result.

The key is the function and its arguments. Results go through their stored form on the first call too, so that a hit
can't differ from a miss and no caller shares an object with another. Outside an application, and under `waypost dev`,
the function simply runs.
Source: Next.js, unstable_cache, use cache, cacheTag, cacheLife.
"""

from __future__ import annotations

import contextvars
import functools
import inspect
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, ParamSpec, TypeAlias, TypeVar, cast, get_type_hints, overload

from waypost.cache.ambient import current_caching, surroundings
from waypost.cache.arguments import Signature, identity, material
from waypost.cache.caching import Caching, Made, Served
from waypost.cache.entry import Entry
from waypost.cache.fill import Fill, current_fill
from waypost.cache.key import check_tags, data_key
from waypost.cache.lifetimes import Lifetime, lifetime_of, profile_of
from waypost.cache.revalidate import is_pending
from waypost.cache.threads import read_in_thread
from waypost.cache.values import decode_value, encode_value
from waypost.errors import CacheUsageError

P = ParamSpec("P")
R = TypeVar("R")

Tags: TypeAlias = "Iterable[str] | Callable[..., Iterable[str]]"
_UNREAD: Final = object()


@overload
def cached(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def cached(
    function: Callable[P, R], /, *, tags: Tags = (), revalidate: float | None = None, key: Iterable[Any] | None = None
) -> Callable[P, R]: ...
@overload
def cached(
    *, tags: Tags = (), revalidate: float | None = None, key: Iterable[Any] | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def cached(
    function: Callable[..., Any] | None = None,
    /,
    *,
    tags: Tags = (),
    revalidate: float | None = None,
    key: Iterable[Any] | None = None,
) -> Any:
    """Keep what `function` returns, for each set of arguments: `@cached`, `@cached(tags=[...])` or `cached(f, ...)(x)`.

    function: async, or plain; a plain one is called from plain handlers and other worker threads, and blocks them as it
    would itself. tags: what revalidate_tag() reaches it by; a function of the same arguments may give them.
    revalidate: seconds after which a result is made anew behind the old one; None keeps it until it is revalidated.
    key: more values that the result depends on, beside the arguments; then what the function closes over is not part
    of the key, which otherwise it is.

    Results are JSON's types, dates, tuples, sets, bytes, Decimal, UUID; dataclasses, Structs, pydantic models and enums
    where the return annotation names them. Calls raise CacheUsageError for another result, and for an argument that no
    key can be made of.
    """
    if function is None:
        return lambda wrapped: cached(wrapped, tags=tags, revalidate=revalidate, key=key)
    is_async = _is_async(function)
    recipe = _Recipe(function, tags, revalidate, key)
    if is_async:

        @functools.wraps(function)
        async def call(*args: Any, **kwargs: Any) -> Any:
            return await recipe.call(args, kwargs)

        call.__waypost_identity__ = recipe.identity  # type: ignore[attr-defined]  # for functions that close over it
        return call

    @functools.wraps(function)
    def call_plainly(*args: Any, **kwargs: Any) -> Any:
        return recipe.call_plainly(args, kwargs)

    call_plainly.__waypost_identity__ = recipe.identity  # type: ignore[attr-defined]  # as above
    return call_plainly


def _is_async(function: Callable[..., Any]) -> bool:
    target: Any = function
    while isinstance(target, functools.partial):
        target = target.func
    if inspect.isgeneratorfunction(target) or inspect.isasyncgenfunction(target) or isinstance(target, type):
        raise CacheUsageError(f"cached() takes a function that returns its result, not {target!r}")
    if not callable(target):
        raise CacheUsageError(f"cached() takes a function, not {type(target).__name__}")
    return inspect.iscoroutinefunction(target) or inspect.iscoroutinefunction(getattr(target, "__call__", None))  # noqa: B004


class _Recipe:
    """One cached function: how its key is made, how it is run."""

    __slots__ = ("_extra", "_function", "_identity", "_lifetime", "_returns", "_signature", "_tags", "name")

    def __init__(
        self, function: Callable[..., Any], tags: Tags, revalidate: float | None, key: Iterable[Any] | None
    ) -> None:
        inner: Any = function.func if isinstance(function, functools.partial) else function
        self.name = f"{getattr(inner, '__qualname__', type(inner).__name__)}()"
        if revalidate is not None and revalidate is not False and revalidate == 0:
            raise CacheUsageError(f"{self.name}: revalidate = 0 keeps nothing; leave cached() out")
        self._function = function
        self._tags: Tags = tags if callable(tags) else check_tags(tags, f"cached({self.name})")
        self._lifetime = lifetime_of(revalidate, f"{self.name}: revalidate")
        self._signature = Signature(function, self.name)
        self._returns: Any = _UNREAD
        self._extra = "" if key is None else material(list(key), f"the key of {self.name}")
        # Read at each call where the function closes over variables, which may change.
        closes = key is None and bool(getattr(inner, "__closure__", None))
        self._identity = None if closes else identity(function, self.name, closure=key is None)

    def identity(self) -> str:
        """Which function this is, as text, with what it closes over and with its `key`."""
        return f"{self._identity or identity(self._function, self.name)}|{self._extra}"

    def _key(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        return data_key("call", self.name, f"{self.identity()}|{self._signature.material(args, kwargs)}")

    def _tags_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, ...]:
        if callable(self._tags):
            return check_tags(self._tags(*args, **kwargs), f"cached({self.name})")
        return cast("tuple[str, ...]", self._tags)

    @property
    def returns(self) -> Any:
        """The return annotation, None without a usable one."""
        if self._returns is _UNREAD:
            try:
                self._returns = get_type_hints(self._function).get("return")
            except Exception:  # a name that exists for type checkers only
                self._returns = None
        return self._returns

    async def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        caching = current_caching()
        if caching is None or _in_draft_mode():
            return await self._function(*args, **kwargs)
        key, tags, outer = self._key(args, kwargs), self._tags_for(args, kwargs), current_fill.get()
        if outer is None and caching.store is not None:
            entry = caching.store.peek(key)
            if entry is not None and not is_pending(entry.tags):
                return decode_value(entry.body, self.returns)
        fill = self._fill(caching, tags)

        async def make() -> Made:
            current_fill.set(fill)
            created = time.time()
            return self._made(await self._function(*args, **kwargs), fill, created)

        served = await caching.read(key, make, must_be_fresh=outer is not None)
        if served.made is None and served.entry is not None and is_pending(served.entry.tags):
            served = await caching.bypass(make)
        return self._finish(served, outer, fill)

    def call_plainly(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        caching = current_caching()
        if caching is None or _in_draft_mode():
            return self._function(*args, **kwargs)
        key, tags, outer = self._key(args, kwargs), self._tags_for(args, kwargs), current_fill.get()
        fill = self._fill(caching, tags)

        def make() -> Made:
            current_fill.set(fill)
            created = time.time()
            return self._made(self._function(*args, **kwargs), fill, created)

        served = read_in_thread(caching, key, make, self.name, must_be_fresh=outer is not None)
        if served.made is None and served.entry is not None and is_pending(served.entry.tags):
            served = Served("bypass", made=contextvars.copy_context().run(make))
        return self._finish(served, outer, fill)

    def _fill(self, caching: Caching, tags: tuple[str, ...]) -> Fill:
        around = surroundings()
        outer = current_fill.get()
        path_tags = outer.path_tags if outer is not None else around.path_tags() if around is not None else ()
        fetch_cache = outer.fetch_cache if outer is not None else around.fetch_cache if around is not None else "auto"
        fill = Fill("cached", self.name, caching, path_tags, fetch_cache)
        fill.add_tags((*tags, *path_tags))
        return fill

    def _made(self, value: Any, fill: Fill, created: float) -> Made:
        body = encode_value(value, self.returns, self.name)
        lifetime = fill.own or (self._lifetime if self._lifetime != Lifetime() else fill.lifetime)
        entry = Entry(0, (), body, created, lifetime.revalidate, lifetime.expire, tuple(fill.tags))
        return Made(body, entry, tuple(fill.used))

    def _finish(self, served: Served, outer: Fill | None, fill: Fill) -> Any:
        entry = served.entry or (served.made.entry if served.made is not None else None)
        assert entry is not None  # _made always gives one
        if outer is not None:
            found = served.found
            outer.absorb(entry.tags, Lifetime(entry.revalidate, entry.expire), found)
            if found is None:
                for part in fill.used:
                    outer.absorb((), Lifetime(), part)
        return decode_value(entry.body, self.returns)


def _in_draft_mode() -> bool:
    around = surroundings()
    return around is not None and around.bypasses_cache


def cache_tag(*tags: str) -> None:
    """Tag the result of the cached function, or of the static handler, that is running.

    Raises CacheUsageError outside of one, and for what is no tag (1 to 256 characters, 128 tags).
    """
    _running("cache_tag()").add_tags(check_tags(tags, "cache_tag()"))


def cache_life(profile: str | Mapping[str, Any]) -> None:
    """Say how long the result of the cached function, or of the static handler, that is running is good.

    profile: "seconds", "minutes", "hours", "days", "weeks", "max", "default", or a dict of seconds with `revalidate`
    and `expire`. Of several calls the shortest counts. Raises CacheUsageError outside of one, and for another profile.
    """
    fill = _running("cache_life()")
    lifetime = profile_of(profile, "cache_life()").lifetime
    fill.own = lifetime if fill.own is None else fill.own.shortened(lifetime)


def _running(call: str) -> Fill:
    fill = current_fill.get()
    if fill is not None:
        return fill
    around = surroundings()
    if current_caching() is None and around is None:
        # A unit test calls the function by itself: there is no cache, and nothing that would be told.
        return Fill("cached", call, None)
    raise CacheUsageError(f"{call} belongs inside a cached function or a static handler: nothing is cached here")
