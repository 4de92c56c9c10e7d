"""WebSockets on a connection of this server: frames ↔ messages, limits of size and time, the closing handshake.

`upgrade` answers a request that asks for one; when a handler accepts, a SocketLink takes the connection over from the
HTTP side, which goes on counting it. Frames are the business of `websockets`; it does no I/O here. Knows no routes.
Source: RFC 6455.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from websockets.extensions import Extension
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, Protocol, Side

from waypost.errors import HTTPError, WebSocketDisconnect
from waypost.http.link import Inbox, Talk, answer_handshake
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.http.websocket import shortened
from waypost.server.deflate import negotiate
from waypost.server.flow import LINGER
from waypost.server.handshake import Handshake
from waypost.server.service import Successor
from waypost.server.timeouts import NEVER

if TYPE_CHECKING:
    from waypost.server.protocol import HttpConnection

_SLICE: Final = 16_384  # bytes parsed between two looks at how many frames they were
_DEFLATED: Final = 1_024  # the same where they may grow a thousandfold
_FRAMES_AT_ONCE: Final = 256  # then other connections get their turn

_quiet = logging.getLogger("waypost.server.frames")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False  # what a client sends is no news


async def upgrade(connection: HttpConnection, request: Request) -> Response | None:
    """Answer a request for a WebSocket: what the handler refuses with, or None after a conversation."""
    link = SocketLink(connection, request, Handshake(request._raw))
    return await answer_handshake(connection.service.handler, request, link)


class SocketLink(Successor):
    """A Link (http/link.py), and the Successor of an HttpConnection."""

    __slots__ = (
        "_backlog", "_close_by", "_connection", "_frames", "_handshake", "_heard", "_held", "_lost", "_over", "_parts",
        "_pinged", "_request", "_slice", "_talked", "_text", "_writers", "inbox", "protocol", "protocols", "talk",
    )  # fmt: skip

    _frames: Protocol
    _lost: asyncio.Future[None]

    def __init__(self, connection: HttpConnection, request: Request, handshake: Handshake) -> None:
        self._connection = connection
        self._request = request
        self._handshake = handshake
        self.protocols = handshake.protocols
        self.protocol = ""
        self.talk: Talk | None = None
        limits = connection.service.limits
        self.inbox = Inbox(limits.websocket_max_queue, limits.websocket_max_size)
        self._parts: bytearray | None = None
        self._text = self._held = self._over = False
        self._backlog = b""
        self._writers: list[asyncio.Future[None]] = []
        self._heard = self._talked = self._pinged = self._close_by = 0.0

    # -- the handshake

    @property
    def refusal(self) -> HTTPError | None:
        return self._handshake.refusal

    @property
    def extensions(self) -> str:
        return ", ".join(extension.name for extension in self._frames.extensions)

    @property
    def gone(self) -> bool:
        return self._connection.gone

    async def open(self, response: Response) -> None:
        """Send the 101 and take the connection over."""
        connection = self._connection
        service = connection.service
        agreed = ""
        extensions: list[Extension] = []
        if service.limits.websocket_compression and self._handshake.extensions:
            agreed, extensions = negotiate(self._handshake.extensions)
        limit = service.limits.websocket_max_size or None
        self._frames = Protocol(Side.SERVER, state=OPEN, max_size=limit, logger=_quiet)
        self._frames.extensions = extensions
        self._slice = _DEFLATED if extensions else _SLICE
        self._lost = service.loop.create_future()
        self.inbox.on_room = self._go_on_soon
        connection.write(self._handshake.acceptance(response, service.clock, self.protocol, agreed))
        connection.take_over(self)

    # -- the transport's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        now = self._connection.service.clock.now
        self._heard = self._talked = now
        self._connection.deadline = now

    def connection_lost(self, exc: Exception | None) -> None:
        self._connection.gone = True
        self._backlog = b""
        self._end(1006, "")
        if not self._lost.done():
            self._lost.set_result(None)

    def eof_received(self) -> bool | None:
        return None  # the transport closes, and connection_lost comes

    def pause_writing(self) -> None:
        self._connection.pause_writing()
        self._hold()  # who does not read our pongs need not send pings

    def resume_writing(self) -> None:
        self._connection.resume_writing()
        self._wake_writers()
        self._hold()

    def data_received(self, data: bytes) -> None:
        if self._over:  # what comes behind the end is dropped
            return
        self._heard = self._connection.service.clock.now
        self._pinged = 0.0
        if self._backlog:
            self._backlog += data
            return
        self._parse(data)

    # -- frames in

    def _parse(self, data: bytes) -> None:
        frames, size = self._frames, self._slice
        seen = 0
        for start in range(0, len(data), size):
            # A read may be fifty thousand frames, or hundreds of messages that are small only on their way here.
            if self._waits or seen > _FRAMES_AT_ONCE:
                self._backlog = data[start:]
                self._hold()
                if not self._waits:
                    self._go_on_soon()  # others get their turn
                break
            frames.receive_data(data[start : start + size])
            events = frames.events_received()
            seen += len(events)
            for frame in events:
                assert isinstance(frame, Frame)  # the handshake was not its matter
                self._take(frame)
            if frames.state is not OPEN and not self._await_close():
                break
        self._flush()

    @property
    def _waits(self) -> bool:
        """Whether the handler has to take something first."""
        return self.inbox.full and self.inbox.outcome is None

    def _go_on_soon(self) -> None:
        self._connection.service.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        if self._waits:
            return
        data, self._backlog = self._backlog, b""
        if data and not self._over:
            self._parse(data)
        if not self._backlog:
            self._hold()

    def _await_close(self) -> bool:
        """Whether we closed first, so that the client's answer is still to come."""
        return self.inbox.outcome is not None and self._frames.close_rcvd is None and not self._frames.eof_sent

    def _take(self, frame: Frame) -> None:
        opcode = frame.opcode
        if opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            if frame.fin:
                self._deliver(frame.data, opcode is Opcode.TEXT)
            else:
                self._parts = bytearray(frame.data)
                self._text = opcode is Opcode.TEXT
        elif opcode is Opcode.CONT:
            assert self._parts is not None  # websockets has seen to it
            self._parts += frame.data
            if frame.fin:
                parts, self._parts = self._parts, None
                self._deliver(parts, self._text)

    def _deliver(self, data: bytes | bytearray | memoryview, text: bool) -> None:
        if self.inbox.outcome is not None:  # we are closing: nobody reads it
            return
        try:
            message = str(data, "utf-8") if text else bytes(data)
        except UnicodeDecodeError:
            self._fail(1007, "Invalid UTF-8")
            return
        self._talked = self._heard
        self.inbox.put(message)
        self._hold()

    def _hold(self) -> None:
        """Take no more from a client that does not read, or while what it sent waits for the handler or the parser."""
        connection = self._connection
        # At the end nobody waits for the handler any more, but what waits for the parser still grows with every read.
        held = bool(self._backlog) or (self.inbox.outcome is None and (self.inbox.full or connection.write_paused))
        if held != self._held:
            self._held = held
            connection.pause_reading(held)

    # -- frames out

    def _flush(self) -> None:
        """Write what the protocol has to say, and hang up where it says so."""
        pieces = self._frames.data_to_send()
        if not pieces:
            return
        connection = self._connection
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if data and not connection.transport.is_closing():
            connection.write(data)
            connection.sent_bytes += len(data)
        if not pieces[-1]:
            self._hang_up()

    def _fail(self, code: int, reason: str) -> None:
        self._frames.fail(code, shortened(reason))
        self._flush()

    def _hang_up(self) -> None:
        """The closing handshake is over, or there will be none."""
        if self._over:
            return
        self._over = True
        self._backlog = b""
        frames, connection = self._frames, self._connection
        last = frames.close_rcvd or frames.close_sent
        if last is None:
            self._end(1006, "")
        else:
            self._end(int(last.code), last.reason)
        transport = connection.transport
        if transport.is_closing():
            return
        clock = connection.service.clock
        if frames.close_rcvd is None:
            # The client may still be sending: a reset would overtake the close frame on its way.
            if transport.can_write_eof():
                transport.write_eof()
            connection.pause_reading(False)
            self._close_by = clock.after(LINGER)
        else:
            transport.close()
        connection.deadline = clock.now

    def _conclude(self, code: int, reason: str) -> None:
        self.inbox.end(code, reason)
        self._wake_writers()

    def _wake_writers(self) -> None:
        writers, self._writers = self._writers, []
        for writer in writers:
            if not writer.done():
                writer.set_result(None)

    def _end(self, code: int, reason: str) -> None:
        """The connection is over for the handler, which may still receive what came before."""
        self._conclude(code, reason)
        assert self.inbox.outcome is not None
        self._request.abort(WebSocketDisconnect(*self.inbox.outcome))
        if self.talk is not None:
            self.talk.left()

    # -- the handler's side

    @property
    def closing(self) -> bool:
        return not self._over and not self._lost.done()

    @property
    def buffered_amount(self) -> int:
        return self._connection.transport.get_write_buffer_size()

    async def send(self, data: str | bytes) -> None:
        connection = self._connection
        while self.inbox.outcome is None and connection.write_paused:
            writer = connection.service.loop.create_future()
            self._writers.append(writer)
            await writer
        if self.inbox.outcome is not None:
            raise WebSocketDisconnect(*self.inbox.outcome)
        if isinstance(data, str):
            self._frames.send_text(data.encode())
        else:
            self._frames.send_binary(data)
        self._talked = connection.service.clock.now
        self._flush()

    async def close(self, code: int, reason: str) -> None:
        self._begin_close(code, reason)

    async def closed(self) -> None:
        if not self._lost.done():
            await asyncio.shield(self._lost)

    def _begin_close(self, code: int, reason: str) -> None:
        if self.inbox.outcome is not None:
            return
        self._conclude(code, reason)
        self._frames.send_close(code, reason)
        self._flush()
        self._go_on_soon()  # its answer may be in what waited for the handler
        clock = self._connection.service.clock
        self._close_by = clock.after(self._connection.service.limits.websocket_close_timeout)
        self._connection.deadline = clock.now

    # -- for the server

    def end(self, code: int, reason: str) -> None:
        """Close from outside: the server stops, or the code of the handler was replaced."""
        if self.inbox.outcome is None:
            self._begin_close(code, reason)
            self._end(code, reason)

    def check(self, now: float) -> None:
        """As HttpConnection.check: what has gone on for too long ends."""
        connection = self._connection
        if self._lost.done():
            connection.deadline = NEVER
        elif self._close_by and now >= self._close_by:
            if self._over:  # it lingered
                self._close_by = 0.0
                connection.transport.close()
                connection.deadline = now
            else:
                connection.transport.abort()
        elif (connection.write_paused or self._over) and connection.stalled(now):
            connection.transport.abort()
        elif self.inbox.outcome is None:
            connection.deadline = self._check_silence(now)
        else:
            connection.deadline = now

    def _check_silence(self, now: float) -> float:
        """Ping, or close, a client of which nothing was heard. Gives when to look again."""
        limits = self._connection.service.limits
        tick = self._connection.service.clock.tick
        due = now if self._connection.write_paused else NEVER
        idle = limits.websocket_idle_timeout
        if idle:
            if now - self._talked >= idle + tick:
                self._begin_close(1001, "Idle")
                return now
            due = min(due, self._talked + idle + tick)
        interval = limits.websocket_ping_interval
        if not interval:
            return due
        if self._connection.write_paused:
            return min(due, now + interval)  # it is stalled already
        if self.inbox.full:
            # We are the ones who do not listen, for a pong neither; but to send shows whether anyone is there.
            if now - self._heard >= interval:
                self._frames.send_ping(b"")
                self._flush()
            return min(due, now + interval)
        if self._pinged:
            if limits.websocket_ping_timeout and now - self._pinged >= limits.websocket_ping_timeout:
                self._fail(1011, "No answer to a ping")
                return now
            return min(due, self._pinged + (limits.websocket_ping_timeout or interval))
        if now - self._heard >= interval:
            self._pinged = now
            self._frames.send_ping(b"")
            self._flush()
            return min(due, now + (limits.websocket_ping_timeout or interval))
        return min(due, self._heard + interval)
