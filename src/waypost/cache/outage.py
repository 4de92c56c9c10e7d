"""Time limits and outages: a store that fails is left alone at once, tried behind, and used again when it answers.

After the first failure nobody waits for the store any more; a probe in the background finds out when it is back.
Knows nothing of what is asked.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from waypost.errors import StoreUnavailable

logger = logging.getLogger("waypost.cache")

T = TypeVar("T")

PROBE_EVERY: Final = 0.25  # seconds
# An outage that begins so soon after the last one of the same kind is the same: one line for it is enough.
SAME_OUTAGE: Final = 30.0
# A loop that was busy has its timers late as well as its answers: one that is later than this gives the answer a
# little more time, in which it can be taken out of the socket it waits in.
LATE: Final = 0.02


async def within(seconds: float, work: Awaitable[T]) -> T:
    """Wait for `work`. Raises TimeoutError after so many seconds in which the loop was running."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as limit:

        def ring(due: float) -> None:
            now = loop.time()
            limit.reschedule(now + (LATE if now - due > LATE else 0.0))

        due = loop.time() + seconds
        timer = loop.call_at(due, ring, due)
        try:
            return await work
        finally:
            timer.cancel()


class Outage:
    """Whether one side of a store works.

    what: for the log, as "reading from the cache file". probe: raises while it does not work.
    """

    def __init__(self, what: str, probe: Callable[[], Awaitable[object]], limit: float) -> None:
        self.down = False
        self.reason = ""
        self._what = what
        self._probe = probe
        self._limit = limit
        self._ended = -SAME_OUTAGE
        self._task: asyncio.Task[None] | None = None

    async def guard(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do it in time. Raises StoreUnavailable when that fails, and at once while the store is down."""
        if self.down:
            raise StoreUnavailable(self.reason)
        try:
            return await within(self._limit, work())
        except TimeoutError:
            self.fail(f"no answer in {self._limit * 1000:g} ms")
            raise StoreUnavailable(self.reason) from None
        except StoreUnavailable as error:
            self.fail(str(error))
            raise

    def fail(self, reason: str) -> None:
        """The outage begins; nothing happens when it has begun already."""
        if self.down:
            return
        self.down, self.reason = True, reason
        said = time.monotonic() - self._ended >= SAME_OUTAGE
        if said:
            logger.error("%s does not work: %s. Handlers run instead until it does.", self._what, reason)
        self._task = asyncio.get_running_loop().create_task(self._wait_for_end(said))

    async def _wait_for_end(self, said: bool) -> None:
        began = time.monotonic()
        while True:
            await asyncio.sleep(PROBE_EVERY)
            try:
                await within(self._limit, self._probe())
            except (StoreUnavailable, TimeoutError):
                continue
            break
        self.down = False
        self._ended = time.monotonic()
        if said:
            logger.info("%s works again after %.1f s.", self._what, self._ended - began)

    async def close(self) -> None:
        """End the probe."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
