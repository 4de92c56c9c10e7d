"""FlowControl: the write side of a connection, and every limit of time.

Writes wait for a client that does not read; a client that takes nothing, sends too slowly or never finishes its
head is cut. The worker's clock calls `check` at a tick past `deadline`; nothing here has a timer of its own.
Knows no handler.
"""

from __future__ import annotations

import asyncio
import logging

from waypost.errors import ClientDisconnected, RequestTimeout
from waypost.server.intake import BODY, CHUNKED, DEAF, HELD_BODY
from waypost.server.presence import ENDED, LOST, presence
from waypost.server.reading import MessageReader
from waypost.server.service import Service
from waypost.server.timeouts import NEVER

logger = logging.getLogger("waypost.server")

# Seconds that remain once a client has ended its side: for the requests that it sent ahead, and for a handler that
# takes nothing more of its body.
AHEAD, UNREAD = 0.5, 2.0
LINGER = 2.0  # seconds of reading on after an early last answer, so that a reset does not destroy it


class FlowControl(MessageReader):
    """A connection that can write, wait and end.

    write_paused: the transport holds more than it likes. gone: the client left. cut: why a handler was cancelled,
    "timeout", "silence" or "shutdown". task: of the handler, once it has waited for something. sent_bytes: of the body
    of the current answer. started_sending: the head of a streamed answer is out. given: when the stream that is being
    sent last gave something, in the clock's time; NEVER where that has no limit. _ended: when it was seen of a client
    that we do not read that it sends no more, _taken: bytes of its body that were read by then.
    """

    __slots__ = (
        "_ended", "_file", "_handler_deadline", "_heard", "_lingering", "_moved", "_progress", "_seen", "_taken",
        "_waiter", "_window", "_window_bytes", "cut", "given", "gone", "sent_bytes", "started_sending", "task",
        "transport", "write", "write_paused",
    )  # fmt: skip

    transport: asyncio.Transport

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.gone = self.started_sending = self.write_paused = False
        self.cut = ""
        self.sent_bytes = 0
        self._file = self._lingering = False
        self.task: asyncio.Task[None] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._handler_deadline = self.given = self._ended = NEVER
        self._moved = self._heard = self._window = 0.0
        self._progress = (-1, -1)
        self._seen = self._window_bytes = self._taken = 0

    # -- back-pressure

    def pause_writing(self) -> None:
        self.write_paused = True
        self._watch_writes()

    def resume_writing(self) -> None:
        self.write_paused = False
        self.wake()
        if self.unsent:
            self.unsent = False
            self.flushed()

    def flushed(self) -> None:
        """The client took an answer that had waited."""

    def wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def writable(self) -> None:
        """Wait until the client has taken most of what was written. Raises ClientDisconnected."""
        while self.write_paused and not self.gone:
            self._waiter = self.service.loop.create_future()
            await self._waiter
        if self.gone:
            raise ClientDisconnected("the client left before the response was complete")

    def write_pieces(self, pieces: tuple[bytes, ...]) -> None:
        """Write large pieces without joining them, where the transport can."""
        transport = self.transport
        if isinstance(transport, asyncio.Transport):
            # asyncio's own `writelines` did not pause its protocol until 3.12.8 and 3.13.1 (CVE-2024-12254): a stream
            # would go into memory as fast as it is made. uvloop's transports are not of this class.
            transport.write(b"".join(pieces))
        else:
            transport.writelines(pieces)

    def watch_file(self, on: bool) -> None:
        """A file goes out past the transport: its progress counts instead of the transport's."""
        self._file = on
        self._watch_writes()

    def pause_reading(self, paused: bool) -> None:
        if self.gone or self.transport.is_closing():
            return
        if paused:
            self.transport.pause_reading()
            # From here on nothing tells of a client that leaves: `check` has to look.
            self._ended = NEVER
            self.deadline = min(self.deadline, self.service.clock.now)
        else:
            self.transport.resume_reading()

    # -- ending

    def close(self, linger: bool) -> None:
        """End the connection once what was written is out. linger: the client may still be sending."""
        self.phase = DEAF
        transport = self.transport
        if transport.is_closing():
            return
        self._watch_writes()
        if linger and transport.can_write_eof():
            # Closing with unread input sends a reset, which can overtake the answer on its way to the client.
            self._lingering = True
            self.forget_input()
            transport.write_eof()
            transport.resume_reading()
            self.deadline = self.service.clock.after(LINGER)
        else:
            transport.close()

    def leave(self) -> None:
        """The client has left: nobody waits for what the handler gives."""

    def abort(self) -> None:
        """Cut the connection: what is on its way is lost, and the client sees that the answer is incomplete."""
        self.phase = DEAF
        self.transport.abort()

    # -- time

    def _watch_writes(self) -> None:
        clock = self.service.clock
        self._progress = (-1, -1)
        self._moved = clock.now + clock.tick
        self.deadline = clock.now

    def watch_handler(self) -> None:
        """The handler waits for something: from here on its time, and that of the body, is measured."""
        clock = self.service.clock
        self._handler_deadline = clock.after(self.service.limits.handler_timeout)
        self._heard = self._window = clock.now + clock.tick  # `now` may be a tick old, and no limit strikes early
        self._seen = self._window_bytes = 0
        self.deadline = clock.now  # the first look finds out what there is to watch

    def watch_stream(self) -> None:
        """A stream is being sent: from here on its silence is measured."""
        if self.service.limits.stream_timeout:
            self.given = self.deadline = self.service.clock.now

    def watch_idle(self, seconds: float) -> None:
        self.deadline = self.service.clock.after(seconds)

    def check(self, now: float) -> None:
        """Called by the clock when `deadline` has passed; sets the next one."""
        if self._arrived:
            self.take_arrived()
            if self.deadline > now:
                return
        if self.pending and not self.gone:
            self.refuse(408, "The request body took too long")
        elif self.request is not None and not self.gone:
            self._check_running(now)
        elif self.phase == DEAF or self.gone or self.unsent:
            self._check_ending(now)
        elif self.between_messages or self.phase in (BODY, CHUNKED):
            self.close(linger=False)
        else:
            self.refuse(408, "The request headers took too long")

    def _check_running(self, now: float) -> None:
        again = self._handler_deadline
        if self._held and self._has_left(now):
            self.leave()
            return
        if now >= self._handler_deadline:
            self._handler_deadline = again = NEVER
            # Looked up only here: a handler that gave its stream at once has done so before its time was set.
            if self.task is not None and not self.started_sending:
                self.cut = "timeout"
                self.task.cancel()
        if self.write_paused or self._file:
            if self.stalled(now):
                self.abort()
                return
            again = now
            if self.given != NEVER:
                self.given = now  # it is the client that keeps the stream waiting
        elif self.given != NEVER:
            again = min(again, self._check_silence(now))
        if self.body is not None and self.phase in (BODY, CHUNKED):
            self._check_body(now)
            again = now
        self.deadline = now if self._held else again

    def _has_left(self, now: float) -> bool:
        """Whether a client is gone that we have stopped reading, because of its body or of what it sent ahead.

        One that has ended its side counts as gone, as it does while we read. But what came before is not thrown away
        in a hurry: requests that were sent ahead have a moment to be answered, and an upload goes on that is read.
        """
        transport = self.transport
        socket = transport.get_extra_info("socket")
        if socket is None or transport.is_closing():
            return False
        state = presence(socket.fileno())
        if state != ENDED:
            return state == LOST
        patience, taken = AHEAD, 0
        if self._held & HELD_BODY:
            assert self.body is not None and self.request is not None
            if self.request.keep_running and not self.body.complete:
                return False  # the handler works on in any case, and the rest of its body would be lost
            patience, taken = UNREAD, self.body.received - self.body.waiting
        if self._ended == NEVER or taken != self._taken:
            self._ended, self._taken = now, taken
        return now - self._ended >= patience

    def _check_silence(self, now: float) -> float:
        """Cut a stream that has given nothing for too long. Gives when to look again."""
        clock, limit = self.service.clock, self.service.limits.stream_timeout
        if now - self.given < limit + clock.tick:  # what `given` says may be a tick old
            return self.given + limit + clock.tick
        self.given = NEVER
        if self.task is not None and self.request is not None:
            method, path = self.request.method, self.request.path
            logger.warning("%s %s was cut: its stream gave nothing for %g s", method, path, limit)
            self.cut = "silence"
            self.task.cancel()
        return NEVER

    def _check_body(self, now: float) -> None:
        """A body must go on, and go on fast enough, unless we are the ones who hold it up."""
        assert self.body is not None
        limits = self.service.limits
        received = self.body.received
        if self.held:
            self._heard = self._window = now + self.service.clock.tick  # it may go on until just before the next look
            self._seen = self._window_bytes = received
            return
        if received != self._seen:
            self._seen = received
            self._heard = now
        elif limits.body_timeout and now - self._heard >= limits.body_timeout:
            self.break_body(RequestTimeout("The request body took too long"))
            return
        elapsed = now - self._window
        if limits.body_timeout and elapsed >= limits.body_timeout:
            if received - self._window_bytes < limits.min_body_rate * elapsed:
                self.break_body(RequestTimeout("The request body came too slowly"))
                return
            self._window = now
            self._window_bytes = received

    def _check_ending(self, now: float) -> None:
        if self._lingering:
            self._lingering = False
            self.transport.close()
            self._watch_writes()
        elif self.stalled(now):
            self.abort()
        else:
            self.deadline = now

    def stalled(self, now: float) -> bool:
        """Whether the client has taken nothing for as long as it may."""
        progress = (self.sent_bytes if self._file else 0, self.transport.get_write_buffer_size())
        if progress != self._progress:
            self._progress = progress
            self._moved = now
            return False
        limit = self.service.limits.write_timeout
        return limit > 0 and now - self._moved >= limit
