"""HttpConnection: one TCP connection between its transport and the handler.

Here is the order of things: when a handler starts, what happens when it is done or its client leaves, when the
connection goes on. Reading is reading.py's, writing and time flow.py's. Knows no routes and no application.
Source: RFC 9112 section 9.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from time import perf_counter
from typing import Any

from httptools import HttpRequestParser

from waypost.errors import BadRequest, ClientDisconnected
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.server.answering import answer
from waypost.server.flow import FlowControl
from waypost.server.head import PLAIN
from waypost.server.intake import DEAF, HEAD, WAIT
from waypost.server.service import Service, Successor
from waypost.server.timeouts import NEVER
from waypost.server.writer import CONTINUE, refusal, render

logger = logging.getLogger("waypost.server")

DISCARD_TIME = 5.0  # seconds for the rest of a body that nobody reads

_SMALL = 16_384  # bytes of an answer that may wait for others: far below what makes a transport pause
_EAGER = sys.version_info >= (3, 12)


class HttpConnection(FlowControl, asyncio.Protocol):
    """A server's side of one connection.

    closing: the connection ends with the answer that was just sent. running: its handler was entered. taken: who has
    the transport now, after an Upgrade. accepted: when, in the clock's time. lost: the transport is closed, with all
    that was written sent or given up.
    """

    __slots__ = ("_started", "_untold", "accepted", "closing", "lost", "running", "taken")

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.closing = self.lost = self.running = False
        self.taken: Successor | None = None
        self._untold: Request | None = None  # its answer was given; on_sent does not know yet
        self._started = 0.0

    # -- the transport's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        service = self.service
        self.transport = transport  # type: ignore[assignment]  # create_server makes transports that read and write
        self.write = self.transport.write
        if not hasattr(self, "connection"):  # else the PROXY header has told who is there
            self.connection = service.describe(transport)
        self._parser = HttpRequestParser(self)
        self.accepted = service.clock.now
        self.watch_idle(service.limits.header_timeout)
        service.connections.add(self)

    def eof_received(self) -> bool | None:
        self.take_arrived()
        # A half-closed client can't be told from one that left, and no handler works for nobody: as in Node, the end
        # of the client's side is the end. What was already written is still delivered, to one that reads.
        self._client_left()
        return None

    def leave(self) -> None:
        self._client_left()
        # What was written is still delivered, as after eof_received. Where nothing is left of it the end need not
        # wait for a client that is gone, as that of TLS would.
        transport = self.transport
        (transport.close if transport.get_write_buffer_size() else transport.abort)()

    def connection_lost(self, exc: Exception | None) -> None:
        self.take_arrived()
        if self.pending:  # its handler had not started
            self.pending = False
            self.request = None
        self.lost = True
        self._client_left()
        self.stop_parsing()
        self._tell()
        if self.request is None:
            self._settle()

    def _client_left(self) -> None:
        if self.gone:
            return
        self.gone = True
        self.phase = DEAF  # once it has taken what was written nothing goes on, and its time is not that of an idle one
        self._watch_writes()
        self.wake()
        request = self.request
        if request is None:
            return
        broken = self.body is not None and not self.body.complete
        request.abort(ClientDisconnected("the client closed the connection"))
        # A handler that must finish (a payment …) says so on its request; a stream has nobody left to go to.
        # One that has not begun yet sees `gone` and does not begin: a task cancelled before its first step never ends
        # properly, and its connection would be counted for ever.
        task = self.task
        if task is not None and self.running and (self.started_sending or not request.keep_running):
            if broken:
                # One turn later, so that a reader of the body is told what happened before it is cancelled.
                self.service.loop.call_soon(task.cancel)
            else:
                task.cancel()

    def _settle(self) -> None:
        service = self.service
        service.connections.discard(self)
        if service.on_settled is not None:
            service.on_settled()

    # -- from request to answer

    def begin(self) -> None:
        self.pending = False
        request = self.request
        assert request is not None
        service = self.service
        service.requests += 1
        if service.active >= service.most_active:
            self._refuse_excess(request)
            return
        if service.access is not None:
            self._started = perf_counter()  # the time of the loop stands still within a step
        if service.instant is not None and self.wishes is PLAIN and self.phase == WAIT and not service.draining:
            response = service.instant(request)
            if response is not None:
                self._answer_at_once(request, response)
                return
        # Not a copy of the current context: the next request of a connection begins in the one before.
        context = service.context.copy()
        if sys.version_info >= (3, 12):
            # A handler that never waits ends within this line: no turn of the event loop, no second look at the task.
            task = asyncio.Task(
                answer(self, request), loop=service.loop, context=context, name=request.path, eager_start=True
            )
        else:
            task = asyncio.Task(answer(self, request), loop=service.loop, context=context, name=request.path)
        if self.request is request:
            self.task = task
            self.running = _EAGER
            service.active += 1
            self.watch_handler()

    def _answer_at_once(self, request: Request, response: Response) -> None:
        """Send what was ready: no task, and no turn of the event loop."""
        payload = response._payload or b""
        assert isinstance(payload, bytes)  # nothing else is ready at once
        self.give(render(response, payload, self.service.clock, request.method, False, False))
        if self.write_paused:
            self.sent_bytes = len(payload) if request.method != "HEAD" else 0
            self.answered(request, response._status)
        else:
            self.answered_plainly(request, response._status, payload)

    def give(self, answer: bytes) -> None:
        """Write a whole answer, at once or together with those of other connections. Its connection has to go on."""
        if self._answers is not None and not self.write_paused and len(answer) <= _SMALL:
            self._answers.append((self, answer))
        else:
            self.write(answer)

    def deliver(self, answer: bytes) -> None:
        if not self.gone:
            self.write(answer)
            if self.write_paused:  # what comes next waits, as behind any answer that was not taken
                self.phase = WAIT
                self.unsent = True

    def send_continue(self) -> None:
        if self.expecting and not self.gone:
            self.expecting = False
            self.write(CONTINUE)

    def refuse(self, status: int, message: str) -> None:
        if self.request is not None and not self.pending:
            # The handler runs already: it learns of it where it reads, and its answer is the last.
            self.break_body(BadRequest(message, status=status))
            return
        self.pending = False
        self.request = self.body = None
        self._send_refusal(refusal(status, message, self.service.clock), status)
        self.close(linger=True)

    def refuse_running(self, status: int, message: str) -> None:
        """The answer to a request whose handler gave none; the connection closes with it. `answered` counts it."""
        request = self.request
        assert request is not None  # its handler runs
        self.closing = True
        data = refusal(status, message, self.service.clock, method=request.method, request_id=request.id)
        if not self.gone and not self.transport.is_closing():
            self.write(data)
            self.sent_bytes = len(data.partition(b"\r\n\r\n")[2])

    def _refuse_excess(self, request: Request) -> None:
        """503 without running the handler. The connection stays: new handshakes would cost more than the answer."""
        close = not self.wishes.keep_alive or self.service.draining or not self.drains_soon
        self.request = self.body = None
        clock = self.service.clock
        data = refusal(503, "Too many requests at once", clock, method=request.method, retry_after=1, close=close)
        self._send_refusal(data, 503)
        if close:
            self.close(linger=True)
        elif self.write_paused:
            self.unsent = True  # there is no end to what a client can ask for that does not read
        else:
            self._go_on()

    def _send_refusal(self, data: bytes, status: int) -> None:
        self.service.answers[status // 100] += 1
        if not self.gone and not self.transport.is_closing():
            self.write(data)

    # -- after the answer

    def answered_plainly(self, request: Request, status: int, payload: Any) -> None:
        """`answered` for what nearly always happens: a buffered answer that was taken, on a kept connection."""
        service = self.service
        self.request = None
        if self.task is not None:
            self._end_task()
        if self.body is not None:
            self.body = None
        service.answers[status // 100] += 1
        if service.access is not None:
            size = len(payload) if payload and request.method != "HEAD" else 0
            service.access(request, status, size, perf_counter() - self._started, False)
        if service.on_sent is not None:
            try:
                service.on_sent(request)
            except Exception:
                logger.exception("the callback after a response failed")
        self.deadline = service.clock.now + service.idle_deadline
        self.phase = HEAD
        if self._held:
            self.next_message()

    def _end_task(self) -> None:
        self.task = None
        self.running = False
        self.service.active -= 1

    def answered(self, request: Request, status: int, *, cut: bool = False) -> None:
        """The answer was written, or can't be. status: 0 when nothing was sent. cut: it was begun and is not whole."""
        service = self.service
        if status:
            service.answers[status // 100] += 1
        if service.access is not None:
            service.access(request, status, self.sent_bytes, perf_counter() - self._started, cut)
        closing = self.closing
        self.request = self.body = None
        if self.task is not None:
            self._end_task()
        self._untold = request
        if self.taken is not None:
            # The end of TLS waits for the client; when the server stops, nobody is left to wait.
            (self.transport.abort if self.cut else self.transport.close)()
            self._tell()
            self._settle()
            return
        if self.gone:
            # Until what was written is taken the connection is watched and counted, or it would stay for ever.
            if self.lost or not self.write_paused:
                self._tell()
            if self.lost:
                self._settle()
            return
        self.closing = self.started_sending = False
        self.given = NEVER
        self.sent_bytes = 0
        self.cut = ""
        if closing:
            self.close(linger=self.phase != WAIT)
        if self.write_paused:
            self.unsent = True
        else:
            self.flushed()

    def flushed(self) -> None:
        self._tell()
        if self.phase != DEAF:
            self._go_on()

    def _tell(self) -> None:
        request, self._untold = self._untold, None
        on_sent = self.service.on_sent
        if request is None or on_sent is None:
            return
        try:
            on_sent(request)
        except Exception:
            logger.exception("the callback after a response failed")

    def _go_on(self) -> None:
        service = self.service
        if self.phase == WAIT:
            self.deadline = service.clock.now + service.idle_deadline
        else:
            self.watch_idle(DISCARD_TIME)
        self.next_message()

    def take_over(self, protocol: Successor) -> None:
        """Give the transport, and what the client sent ahead, to another protocol (after an Upgrade)."""
        early = self.forget_input()
        self.stop_parsing()
        self.taken = protocol
        self._handler_deadline = self.deadline = NEVER
        transport = self.transport
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        # Before the early bytes, not behind them: whoever has enough of those pauses, and this would undo it for good.
        transport.resume_reading()
        if early:
            protocol.data_received(early)

    def check(self, now: float) -> None:
        if self.taken is not None:
            self.taken.check(now)
        else:
            super().check(now)

    # -- stopping

    def end_idle(self) -> None:
        """Close if nothing is being read or answered."""
        if self.request is None and not self.unsent and (self.phase == HEAD and self.between_messages):
            self.close(linger=False)

    def ask_to_end(self) -> None:
        """Tell a handler, a stream or a conversation that the server stops."""
        if self.request is not None:
            self.request.abort("shutdown")
        if self.taken is not None:
            self.taken.end(1001, "The server is stopping")

    def end_running(self) -> None:
        """Cancel the handler or the stream: the grace is over."""
        if self.task is not None and self.running:
            self.cut = "shutdown"
            self.task.cancel()
        elif not self.gone:
            self.abort()
