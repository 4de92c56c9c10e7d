"""Outbox: the small pieces of a streamed answer, collected while the stream does not wait.

Each write to uvloop's transport is a system call of its own: a hundred events that are there at once would cost a
hundred, several times what joining them does. Nothing is held back: as soon as the stream waits for something, the
event loop gets its turn and what was collected goes out, in HTTP's chunked coding as one chunk.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from waypost.http.payload import PATIENCE, TOGETHER
from waypost.server.timeouts import NEVER

if TYPE_CHECKING:
    from waypost.server.protocol import HttpConnection

SMALL = 8_192  # bytes; a larger piece is worth a system call, and not worth a copy


class Outbox:
    """What one streamed answer has not written yet.

    head: goes out with the first piece, or when the stream waits. chunked: whether pieces are sent in HTTP's chunked
    coding. pieces: to be filled by the sender, which calls `schedule` before the first one and `look` after every few.
    """

    __slots__ = ("_chunked", "_connection", "_counted", "_head", "_scheduled", "_since", "_size", "pieces")

    def __init__(self, connection: HttpConnection, head: bytes, chunked: bool) -> None:
        self._connection = connection
        self._head = head
        self._chunked = chunked
        self._counted = self._size = 0
        self._scheduled = False
        self.pieces: list[bytes] = []
        self.schedule()

    def schedule(self) -> None:
        """Write what will be collected from here on when the stream waits."""
        self._since = monotonic()
        if not self._scheduled:
            self._scheduled = True
            self._connection.service.loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        self.flush()

    def add_large(self, piece: bytes) -> None:
        """Write a piece that is too large to be copied, behind what was collected."""
        self.flush()
        framed = (b"%x\r\n" % len(piece), piece, b"\r\n") if self._chunked else (piece,)
        if self._writable(len(piece)):
            self._connection.write_pieces(framed)

    def look(self) -> bool:
        """Write when much was collected, or for long. Gives whether it did."""
        self._count()
        if self._size < TOGETHER and monotonic() - self._since <= PATIENCE:
            return False
        self.flush()
        return True

    def flush(self, end: bytes = b"") -> None:
        """Write what was collected, and `end` behind it."""
        pieces = self.pieces
        if not pieces and not self._head and not end:
            return
        self._count()
        size, head = self._size, self._head
        if size and self._chunked:
            data = b"".join((head, b"%x\r\n" % size, *pieces, b"\r\n", end))
        else:
            data = b"".join((head, *pieces, end))
        pieces.clear()
        self._head = b""
        self._counted = self._size = 0
        if self._writable(size):
            self._connection.write(data)

    def finish(self) -> None:
        """Write what was collected: the stream has given all."""
        self.flush(b"0\r\n\r\n" if self._chunked else b"")

    def _count(self) -> None:
        pieces = self.pieces
        self._size += sum(map(len, pieces[self._counted :]))
        self._counted = len(pieces)

    def _writable(self, size: int) -> bool:
        """Whether the connection still takes something; `size` bytes of the body will have been sent then."""
        connection = self._connection
        if connection.given != NEVER:
            connection.given = connection.service.clock.now
        if connection.gone or connection.transport.is_closing():
            return False
        connection.sent_bytes += size
        return True
