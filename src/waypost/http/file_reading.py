"""An open file, read piece by piece: at once what the system has in memory, the rest in worker threads.

A worker thread must get Python's lock back before it can hand over what it read, and a busy event loop gives it away
every 5 ms only. A file that was read before mostly waits in the page cache, and reading it there takes microseconds.
Source: preadv2(2), RWF_NOWAIT.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from typing import Protocol

_CHUNK = 122_880  # bytes: glibc maps and unmaps memory for each piece of 128 KiB and more, page fault by page fault
_NOWAIT = getattr(os, "RWF_NOWAIT", None)  # Linux only
_read_into = getattr(os, "preadv", None)


class OpenFile(Protocol):
    """fd: of the open file; below 0 once it was closed."""

    @property
    def fd(self) -> int: ...


async def read_file(file: OpenFile, start: int, stop: int) -> AsyncGenerator[bytes, None]:
    """The bytes start..stop of an open file; fewer when it shrank meanwhile."""
    loop = asyncio.get_running_loop()
    space = memoryview(bytearray(min(_CHUNK, stop - start)))
    while start < stop:
        size = min(_CHUNK, stop - start)
        chunk = _at_hand(file.fd, space[:size], start)
        if chunk is None:
            chunk = await loop.run_in_executor(None, os.pread, file.fd, size, start)
        if not chunk:
            return  # the sender sees too few bytes and cuts the connection
        start += len(chunk)
        yield chunk


def _at_hand(fd: int, space: memoryview, start: int) -> bytes | None:
    """What can be read without waiting for a disk, at most as much as `space` holds; None when that is nothing."""
    if _NOWAIT is None or _read_into is None:
        return None
    try:
        return bytes(space[: _read_into(fd, [space], start, _NOWAIT)])
    except OSError:  # not in memory, or no such reading on this file system; what else is wrong shows in the thread
        return None
