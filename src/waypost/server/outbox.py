"""Outbox: the small pieces of a streamed answer, collected while the stream does not wait.

Each write to uvloop's transport is a system call of its own: a hundred events that are there at once would cost a
hundred, several times what joining them does. Nothing is held back: as soon as the stream waits for something, the
event loop gets its turn and what was collected goes out. Knows no framing.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from waypost.server.timeouts import NEVER

if TYPE_CHECKING:
    from waypost.server.protocol import HttpConnection

SMALL = 8_192  # bytes; a larger piece is worth a system call, and not worth a copy
_MOST = 65_536  # bytes collected at most, but for the pieces between two looks
_PATIENCE = 0.005  # seconds: a stream that computes long without waiting still sends as it goes


class Outbox:
    """What one streamed answer has not written yet.

    pieces: to be filled by the sender, which calls `schedule` before the first one and `look` after every few.
    """

    __slots__ = ("_connection", "_counted", "_since", "_size", "pieces")

    def __init__(self, connection: HttpConnection) -> None:
        self._connection = connection
        self._since = 0.0
        self._counted = self._size = 0
        self.pieces: list[bytes] = []

    def schedule(self) -> None:
        """Write what will be collected from here on when the stream waits."""
        self._since = monotonic()
        self._connection.service.loop.call_soon(self.flush)

    def add(self, piece: bytes) -> None:
        """Collect a small piece."""
        if not self.pieces:
            self.schedule()
        self.pieces.append(piece)
        self.look()

    def add_large(self, *pieces: bytes) -> None:
        """Write pieces that are too large to be copied, behind what was collected."""
        self.flush()
        connection = self._connection
        if connection.given != NEVER:
            connection.given = connection.service.clock.now
        if not connection.gone and not connection.transport.is_closing():
            connection.write_pieces(pieces)

    def look(self) -> None:
        """Write when much was collected, or for long."""
        pieces = self.pieces
        self._size += sum(map(len, pieces[self._counted :]))
        self._counted = len(pieces)
        if self._size >= _MOST or monotonic() - self._since > _PATIENCE:
            self.flush()

    def flush(self) -> None:
        """Write what was collected."""
        pieces = self.pieces
        if not pieces:
            return
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self._counted = self._size = 0
        connection = self._connection
        if connection.given != NEVER:
            connection.given = connection.service.clock.now
        if not connection.gone and not connection.transport.is_closing():
            connection.write(data)
