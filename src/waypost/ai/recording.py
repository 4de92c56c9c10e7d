"""An answer that is made to its end whether or not anyone reads it, and can be read by many, from its beginning.

Its frames are held in memory while it is made, for readers in this process, and written to a store for those in
others. It ends by itself, by stop(), or when it is too long. Knows no request and no response.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncGenerator
from typing import Final

from waypost.ai.chunks import DONE, frame
from waypost.ai.stream_store import StreamStore

log = logging.getLogger("waypost.ai")

_PAUSE: Final = 0.05  # seconds between two writings; what comes meanwhile is written at once
_IDLE: Final = 0.25  # seconds between two questions whether to stop, while the model says nothing
_PATIENCE: Final = (
    1.0  # seconds for a store to take up a stream, or its end: one that is down must not hold up the chat
)
_TRIES: Final = 5  # to write the end


class Recording:
    """One answer. frames: whole frames, the end mark included. failed: the frame that tells the page of a failure.

    max_bytes: of all frames; max_seconds: how long it may be made. done: nothing more comes.
    """

    def __init__(
        self,
        chat: str,
        frames: AsyncGenerator[bytes, None],
        store: StreamStore | None,
        *,
        failed: bytes,
        max_bytes: int,
        max_seconds: float,
    ) -> None:
        self.chat = chat
        self.id = secrets.token_urlsafe(16)
        self.done = False
        self._frames = frames
        self._store = store
        self._failed = failed
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._pieces: list[bytes] = []
        self._size = 0
        self._started = self._failing = False
        self._stopped: str | None = None
        self._more, self._over = asyncio.Event(), asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self.task = self.loop.create_task(self._run())

    # -- for readers

    async def follow(self) -> AsyncGenerator[bytes, None]:
        """All frames from the first on, as they come."""
        position = 0
        while True:
            if position < len(self._pieces):
                data = b"".join(self._pieces[position:])
                position = len(self._pieces)
                yield data
            elif self.done:
                return
            else:
                await self._more.wait()

    def stop(self, reason: str = "stopped") -> None:
        """Cancel what makes the answer; the page gets an `abort` with this reason."""
        if self._stopped is None and not self.done:
            self._stopped = reason
            if self._started:  # a task that is cancelled before its first step never takes it
                self.task.cancel()

    async def ended(self) -> None:
        """Return when it is made, its on_finish included, and stored, unless the store takes long."""
        await self._over.wait()
        await asyncio.wait([self.task], timeout=_PATIENCE)

    async def outlast(self) -> None:
        """Return when it is made and stored; whoever cancels this stops it: a server that has waited long enough."""
        try:
            await asyncio.wait([self.task])
        except asyncio.CancelledError:
            self.stop("shutdown")
            await asyncio.wait([self.task], timeout=2.0)
            raise

    # -- making it

    async def _run(self) -> None:
        self._started = True
        keeper: asyncio.Task[None] | None = None
        last = b""
        try:
            if self._stopped is not None:
                raise asyncio.CancelledError
            if await self._begin():
                keeper = self.loop.create_task(self._keep())
            last = await self._make()
        except asyncio.CancelledError:
            if self._stopped is None:
                raise
            last = frame({"type": "abort", "reason": self._stopped}) + DONE
            if keeper is None and self._store is not None and not self._failing:
                keeper = self.loop.create_task(self._keep())  # the store may have taken it up all the same
        except Exception:
            log.exception("an AI stream failed")
            last = self._failed
        finally:
            try:
                await self._close()
            finally:
                if last:
                    self._add(last)
                self.done = True
                self._over.set()
                self._more.set()
        if keeper is not None:
            await keeper

    async def _close(self) -> None:
        """End what makes the frames; a stop() meanwhile changes nothing any more."""
        try:
            await self._frames.aclose()
        except asyncio.CancelledError:
            if self._stopped is None:
                raise
        except Exception:
            log.exception("an AI stream failed at its end")

    async def _make(self) -> bytes:
        """Take all frames; what is to be added to them, if they did not come to their end."""
        try:
            async with asyncio.timeout(self._max_seconds):
                async for data in self._frames:
                    self._add(data)
                    if self._size > self._max_bytes:
                        log.error("an AI stream was longer than max_bytes=%d", self._max_bytes)
                        return self._failed
                    if self._stopped is not None:  # it caught its cancellation and went on
                        raise asyncio.CancelledError
        except TimeoutError:
            log.error("an AI stream took longer than max_seconds=%g", self._max_seconds)
            return self._failed
        return b""

    def _add(self, data: bytes) -> None:
        self._pieces.append(data)
        self._size += len(data)
        self._more.set()
        self._more = asyncio.Event()

    # -- keeping it

    async def _begin(self) -> bool:
        if self._store is None:
            return False
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._store.begin(self.chat, self.id, self._max_seconds)
        except Exception as error:  # whatever a store raises, the chat goes on
            self._failing = True
            log.warning("an answer can't be resumed: the store of streams failed (%s: %s)", type(error).__name__, error)
            return False
        return True

    async def _keep(self) -> None:
        """Write to the store what there is, again and again, up to the end."""
        position = failures = count = 0
        while True:
            done, more = self.done, self._more
            data, count = b"".join(self._pieces[count:]), len(self._pieces)
            while not await self._write(position, data, done):
                failures += 1
                if self.done and failures >= _TRIES:
                    return
                await asyncio.sleep(_IDLE)
            if done:
                return
            failures, position = 0, position + len(data)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), _PAUSE)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(more.wait(), _IDLE)

    async def _write(self, position: int, data: bytes, last: bool) -> bool:
        """False when it failed: the same is to be written again, as some may have read it already."""
        assert self._store is not None  # _begin has used it
        try:
            if last:
                await self._store.end(self.id, position, data)
            elif not await self._store.append(self.id, position, data):
                self.stop()
        except Exception as error:
            if not self._failing:
                log.warning("the store of streams failed (%s: %s)", type(error).__name__, error)
            self._failing = True
            return False
        self._failing = False
        return True
