"""AbortController and AbortSignal: how one part of a program tells another that its work is no longer wanted.

A signal costs a few slots until somebody listens. All methods belong to the event loop's thread; `aborted` may be
read from any thread. Knows nothing of requests: a server calls `controller.abort(reason)` when a client left.
Source: DOM standard, section 3.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import weakref
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeAlias, TypeVar

import msgspec

from waypost.errors import AbortError

Listener: TypeAlias = Callable[..., Any]
_L = TypeVar("_L", bound=Listener)

_log = logging.getLogger("waypost.signal")
# Tasks made from listeners that are coroutine functions; without this set the loop could drop them halfway.
_running: set[asyncio.Task[Any]] = set()


class AbortEvent(msgspec.Struct, frozen=True):
    """What a listener is given. target: the signal that was aborted."""

    target: AbortSignal
    type: str = "abort"


class AbortSignal:
    """Says once, for good, that something was aborted; made by an AbortController, `any` or `timeout`."""

    __slots__ = ("__weakref__", "_aborted", "_followers", "_listeners", "_pinned", "_reason", "_sources", "_waiters")

    def __init__(self) -> None:
        self._aborted = False
        self._reason: Any = None
        #: callback → is it called with the event
        self._listeners: dict[Listener, bool] | None = None
        self._waiters: list[asyncio.Future[Any]] | None = None
        self._sources: tuple[AbortSignal, ...] = ()
        self._followers: weakref.WeakSet[AbortSignal] | None = None
        self._pinned: set[AbortSignal] | None = None

    # -- what it says

    @property
    def aborted(self) -> bool:
        return self._aborted

    @property
    def reason(self) -> Any:
        """What `abort` was given: an AbortError when nothing was, a TimeoutError of `timeout`; None before."""
        return self._reason

    def throw_if_aborted(self) -> None:
        """Raise the reason if aborted; a reason that is no exception comes wrapped in an AbortError."""
        if self._aborted:
            raise self._reason if isinstance(self._reason, BaseException) else AbortError(self._reason)

    async def wait(self) -> Any:
        """Return the reason as soon as the signal is aborted."""
        if self._aborted:
            return self._reason
        waiter: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self._waiters is None:
            self._waiters = []
        self._waiters.append(waiter)
        self._pin()
        try:
            return await waiter
        finally:
            if self._waiters is not None:
                self._waiters.remove(waiter)
                self._unpin()

    # -- listening

    def add_event_listener(self, type: str, callback: Listener, *, once: bool = False) -> None:
        """Call `callback` when the signal is aborted; type is "abort", others never happen.

        callback is called with an AbortEvent, or with nothing if it takes no argument; it may be a coroutine
        function. The same callback is kept once. As in the Web, one added after the abort is never called. once: no
        difference, since a signal aborts once; taken because the Web's listeners have it.
        """
        if type != "abort" or self._aborted:
            return
        if self._listeners is None:
            self._listeners = {}
        if callback not in self._listeners:
            self._listeners[callback] = _takes_argument(callback)
            self._pin()

    def remove_event_listener(self, type: str, callback: Listener) -> None:
        """Forget a callback; no error when it is not there."""
        if type == "abort" and self._listeners and self._listeners.pop(callback, None) is not None:
            self._unpin()

    def on_abort(self, callback: _L) -> _L:
        """Like add_event_listener("abort", callback), but calls at once when already aborted; also a decorator."""
        if self._aborted:
            _call(callback, AbortEvent(self) if _takes_argument(callback) else None)
        else:
            self.add_event_listener("abort", callback)
        return callback

    # -- making signals

    @classmethod
    def abort(cls, reason: Any = None) -> AbortSignal:
        """A signal that is aborted already."""
        signal = cls()
        signal._fire(reason)
        return signal

    @classmethod
    def timeout(cls, milliseconds: float) -> AbortSignal:
        """A signal that aborts with a TimeoutError after `milliseconds`. Raises RuntimeError without a running loop."""
        signal = cls()
        asyncio.get_running_loop().call_later(
            milliseconds / 1000, signal._fire, TimeoutError(f"aborted after {milliseconds:g} ms")
        )
        return signal

    @classmethod
    def any(cls, signals: Iterable[AbortSignal]) -> AbortSignal:
        """A signal that aborts with the first of `signals`, with its reason.

        The signals hold it weakly while nobody listens to it, so that a long-lived signal does not collect one entry
        for each request.
        """
        sources = tuple(signals)
        combined = cls()
        for source in sources:
            if source._aborted:
                combined._fire(source._reason)
                return combined
        combined._sources = sources
        for source in sources:
            if source._followers is None:
                source._followers = weakref.WeakSet()
            source._followers.add(combined)
        return combined

    def _pin(self) -> None:
        # A combined signal that someone listens to must live as long as its sources (DOM standard, section 3.3).
        for source in self._sources:
            if source._pinned is None:
                source._pinned = set()
            source._pinned.add(self)
            source._pin()

    def _unpin(self) -> None:
        if self._listeners or self._waiters or self._pinned:
            return
        for source in self._sources:
            if source._pinned is not None:
                source._pinned.discard(self)
            source._unpin()

    def _fire(self, reason: Any = None) -> None:
        if self._aborted:
            return
        self._reason = AbortError("the operation was aborted") if reason is None else reason
        self._aborted = True
        listeners, self._listeners = self._listeners, None
        waiters, self._waiters = self._waiters, None
        followers = list(self._followers or ())
        self._followers = self._pinned = None
        self._unpin()
        self._sources = ()
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(self._reason)
        if listeners:
            event = AbortEvent(self)
            for callback, takes_event in listeners.items():
                _call(callback, event if takes_event else None)
        for follower in followers:
            follower._fire(self._reason)

    def __repr__(self) -> str:
        return f"AbortSignal(aborted={self._aborted})"


class AbortController:
    """Holds a signal and aborts it."""

    __slots__ = ("signal",)

    def __init__(self) -> None:
        self.signal = AbortSignal()

    def abort(self, reason: Any = None) -> None:
        """Abort the signal, once. The listeners run before this returns; one that fails does not stop the others."""
        self.signal._fire(reason)


def _takes_argument(callback: Listener) -> bool:
    try:
        inspect.signature(callback).bind(None)
    except TypeError:
        return False
    except ValueError:  # a built-in without a signature
        return True
    return True


def _call(callback: Listener, event: AbortEvent | None) -> None:
    try:
        result = callback() if event is None else callback(event)
        if inspect.iscoroutine(result):
            _start(result)
    except Exception:
        _log.exception("an abort listener failed")


def _start(coroutine: Coroutine[Any, Any, Any]) -> None:
    async def run() -> None:
        try:
            await coroutine
        except Exception:
            _log.exception("an abort listener failed")

    task = asyncio.get_running_loop().create_task(run())
    _running.add(task)
    task.add_done_callback(_running.discard)
