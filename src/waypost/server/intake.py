"""Intake: what a connection is reading just now, and the body of the message it is in.

The state that the reader of heads (reading.py) and the connection share: the phase, the request, what waits unparsed,
whether the client is held back. Knows no transport and no handler: the subclass has them.
Source: RFC 9112 sections 6 and 7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from httptools import HttpParserUpgrade, HttpRequestParser

from waypost.http.body import RequestBody
from waypost.http.request import Request
from waypost.server.head import PLAIN, RawHeaders, Refused

if TYPE_CHECKING:
    from waypost.http.site import Connection
    from waypost.server.arrivals import Answers
    from waypost.server.service import Service

# What the next byte from the client is. DEAF: nobody listens any more, the connection ends with the answer.
HEAD, BODY, CHUNKED, WAIT, DEAF = range(5)

DISCARD = 65_536  # bytes of an unread body that are worth keeping the connection for
CHUNK_OVERHEAD = 16_384  # bytes of chunk extensions and trailers in one body, beside 32 a chunk
HELD_BACKLOG, HELD_BODY = 1, 2  # why the client is held back

END = b"\r\n\r\n"


class Intake:
    """The message that a connection is in.

    phase: what the next byte is. request: the one that is being read or answered. body: where its body goes, None
    when it has none or nobody may read it. pending: the request's handler has not started yet. unsent: the answer
    before is written but not taken yet, and the next message waits for that.
    """

    __slots__ = (
        "_answers", "_arrived", "_backlog", "_block", "_block_headers", "_block_place", "_block_rest",
        "_chunks", "_completed", "_consuming", "_discarded", "_headers", "_held", "_host", "_overhead",
        "_parser", "_partial", "_remaining", "_switched", "_tail", "_url", "body", "connection", "deadline",
        "expecting", "pending", "phase", "request", "service", "unsent", "wishes",
    )  # fmt: skip

    connection: Connection

    def __init__(self, service: Service) -> None:
        self.service = service
        self.phase = HEAD
        self.request: Request | None = None
        self.body: RequestBody | None = None
        self.wishes = PLAIN
        self.deadline = 0.0
        self.pending = self.expecting = self.unsent = False
        self._parser: HttpRequestParser | None = None
        self._answers: Answers | None = None
        self._partial: bytearray | None = None
        self._arrived = self._backlog = self._block = self._block_rest = self._url = self._tail = b""
        self._block_headers: RawHeaders = []
        self._block_place = 0
        self._headers: RawHeaders = []
        self._host = b""
        self._held = self._remaining = self._discarded = self._overhead = self._chunks = 0
        self._completed = self._consuming = self._switched = False

    # -- what the connection adds

    def begin(self) -> None:
        """Start the handler of `request`."""

    def refuse(self, status: int, message: str) -> None:
        """Answer a message that no handler gets, or end the one that is being read."""

    def pause_reading(self, paused: bool) -> None:
        """Stop or go on taking bytes from the client."""

    def send_continue(self) -> None:
        """Tell the client to send its body."""

    def deliver(self, answer: bytes) -> None:
        """Write an answer that was collected."""

    def abort(self) -> None:
        """Cut the connection."""

    def stop_parsing(self) -> None:
        # The parser holds methods of this object, which holds the parser: without this line only the garbage
        # collector would free a connection.
        self._parser = None
        self._backlog = b""
        self._partial = None
        self._block = b""

    @property
    def between_messages(self) -> bool:
        """Whether no byte of a next request has come."""
        return self.phase == HEAD and self._partial is None and not self._arrived

    @property
    def drains_soon(self) -> bool:
        """Whether the rest of the message is small enough to be read past, once it is answered."""
        if self.phase == WAIT:
            return True
        # A client that was not told to go on may never send its body: the next bytes could be either.
        return self.phase == BODY and self._remaining <= DISCARD and not self.expecting

    @property
    def held(self) -> bool:
        """Whether we are the ones who keep the client from sending."""
        return self._held != 0 or self.expecting

    def hold(self, why: int, on: bool) -> None:
        before = self._held
        self._held = before | why if on else before & ~why
        if bool(before) != bool(self._held):
            self.pause_reading(on)

    def _hold_body(self, on: bool) -> None:
        self.hold(HELD_BODY, on)

    def _feed(self, piece: bytes) -> None:
        assert self._parser is not None
        try:
            self._parser.feed_data(piece)
        except HttpParserUpgrade:
            self._switched = True

    # -- bodies

    def _read_body(self, data: bytes, at: int, size: int) -> int:
        end = min(size, at + self._remaining)
        self._remaining -= end - at
        self._feed(data if end - at == size else data[at:end])
        if self._remaining == 0:
            self._end_body()
        return end

    def _read_chunks(self, data: bytes, at: int, size: int) -> int:
        """Feed up to the next empty line: a chunked body can end nowhere else."""
        tail = self._tail
        # The empty line may lie across two segments.
        found = (tail + data[at : at + 3]).find(END) if tail else -1
        if found >= 0:
            end = at + found + 4 - len(tail)
        else:
            found = data.find(END, at)
            end = found + 4 if found >= 0 else size
        piece = data if end - at == size else data[at:end]
        self._tail = (tail + piece)[-3:] if len(piece) < 3 else piece[-3:]
        self._overhead += len(piece)  # on_body takes the chunks off again
        self._feed(piece)
        if self._overhead > CHUNK_OVERHEAD + 32 * self._chunks:
            raise Refused("Chunk extensions or trailers too large")
        if self._completed:
            self._tail = b""
            self._headers = []  # trailers
            self._end_body()
        return end

    def _end_body(self) -> None:
        self.expecting = self._completed = False
        body = self.body
        if body is not None:
            body.finish()
        if self.request is None and not self.unsent:
            self.phase = HEAD
            self.deadline = self.service.clock.now + self.service.idle_deadline
        else:
            self.phase = WAIT

    def break_body(self, error: Exception) -> None:
        """The body can't be completed: its reader gets `error`, and the connection ends with the answer."""
        self.phase = DEAF
        if self.body is not None:
            self.body.fail(error)

    # -- the parser's callbacks

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_body(self, chunk: bytes) -> None:
        size = len(chunk)
        self._overhead -= size
        self._chunks += 1
        body = self.body
        if body is not None:
            if self.expecting:  # it did not wait for our word, and needs it no more
                self.expecting = False
                body.on_demand = None
            body.feed(chunk)
            return
        self._discarded += size
        if self._discarded > DISCARD:
            raise Refused("Request body too large", status=413)

    def on_message_complete(self) -> None:
        self._completed = True
