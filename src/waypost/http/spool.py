"""Bytes on disk that have no name: where an upload goes that is too large for memory.

The file is unlinked as soon as it is open (O_TMPFILE where the system has it), so that nothing is left behind, not
even by `kill -9`. All methods block: call them in a worker thread. Knows neither blobs nor forms.
"""

from __future__ import annotations

import threading

import msgspec


class Spool:
    """An anonymous temporary file, below TMPDIR. Closed by close(), at the latest when nobody refers to it."""

    __slots__ = ("_file", "_lock", "size")

    def __init__(self) -> None:
        import tempfile  # 2 ms at start-up that only an upload needs

        # Unbuffered: what write() was given is on disk when it returns, and reads need no flush.
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # closed by close()
        self._lock = threading.Lock()
        self.size = 0

    def write(self, data: bytes | bytearray) -> None:
        """Append. Raises OSError when the disk is full."""
        rest = memoryview(data)
        with self._lock:
            self._file.seek(self.size)
            while rest:
                written = self._file.write(rest)
                self.size += written
                rest = rest[written:]

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`, fewer at the end. Raises ValueError once closed."""
        with self._lock:
            self._file.seek(offset)
            parts: list[bytes] = []
            while length > 0 and (part := self._file.read(length)):
                parts.append(part)
                length -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        """Give the disk space back; waits for a read or write that is under way. May be called more than once."""
        with self._lock:
            self._file.close()

    def __del__(self) -> None:
        # Without this the interpreter would warn of an unclosed file. __init__ may have failed before _file was set.
        file = getattr(self, "_file", None)
        if file is not None:
            file.close()


class DiskSpan(msgspec.Struct, frozen=True):
    """`length` bytes of a spool from `start` on."""

    spool: Spool
    start: int
    length: int

    def __len__(self) -> int:
        return self.length

    def cut(self, start: int, end: int) -> DiskSpan:
        """The bytes start..end of this span, counted from its own start."""
        return DiskSpan(self.spool, self.start + start, end - start)

    def read(self) -> bytes:
        """All of it. Raises ValueError once the spool is closed."""
        return self.spool.read(self.start, self.length)
