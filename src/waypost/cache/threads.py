"""A read of the cache from a worker thread: the event loop asks the store, the thread itself does the work.

If the work went to another thread, as many callers as there are threads could all wait for one that is not there.
Refreshes behind stale copies, for which nobody waits, have a few threads of their own.
"""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, NamedTuple, TypeAlias

from waypost.cache.caching import Caching, Made, Served
from waypost.errors import CacheUsageError

PlainMake: TypeAlias = Callable[[], Made]

_REFRESHERS: Final = 4
_pool: ThreadPoolExecutor | None = None
_pool_lock: Final = threading.Lock()


class _Order(NamedTuple):
    """A run for the waiting thread, in the context of its fill."""

    context: contextvars.Context
    done: Future[Made]


def read_in_thread(caching: Caching, key: str, make: PlainMake, name: str, *, must_be_fresh: bool) -> Served:
    """Caching.read for a plain function, called in a worker thread; blocks it. name: the function's, for the error.

    Raises CacheUsageError on the thread of an event loop, which must not be blocked.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        raise CacheUsageError(
            f"{name} is a plain function that is cached, and would block the event loop while the cache is asked: "
            f"make it `async def`, or call it as `await asyncio.to_thread({name.removesuffix('()')}, ...)`"
        )
    loop = caching.loop
    if loop is None or not loop.is_running():
        return Served("bypass", made=contextvars.copy_context().run(make))
    orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()

    async def order() -> Made:
        done: Future[Made] = Future()
        orders.put(_Order(contextvars.copy_context(), done))
        return await asyncio.wrap_future(done)

    async def behind() -> Made:
        done: Future[Made] = Future()
        _refreshers().submit(_perform, _Order(contextvars.copy_context(), done), make)
        return await asyncio.wrap_future(done)

    read = caching.read(key, order, must_be_fresh=must_be_fresh, behind=behind)
    answer = asyncio.run_coroutine_threadsafe(read, loop)
    answer.add_done_callback(lambda _: orders.put(None))
    while (item := orders.get()) is not None:
        _perform(item, make)
    return answer.result()


def _perform(order: _Order, make: PlainMake) -> None:
    # From here on the order can't be withdrawn: a fill that gives up at its time limit would leave a future that takes
    # no result, and the caller would learn of that in place of the limit.
    if not order.done.set_running_or_notify_cancel():
        return
    try:
        made = order.context.run(make)
    except BaseException as error:
        order.done.set_exception(error)
    else:
        order.done.set_result(made)


def _refreshers() -> ThreadPoolExecutor:
    global _pool  # noqa: PLW0603  # threads belong to the process
    with _pool_lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(_REFRESHERS, "waypost-refresh")
        return _pool
