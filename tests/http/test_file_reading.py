from __future__ import annotations

import asyncio
import errno
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from waypost.http import file_reading
from waypost.http.file_reading import read_file

SIZE = 500_000
BYTES = random.Random(5).randbytes(SIZE)


class File:
    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_RDONLY)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[File]:
    path = tmp_path / "file.bin"
    path.write_bytes(BYTES)
    opened = File(path)
    yield opened
    os.close(opened.fd)


def read(file: File, start: int = 0, stop: int = SIZE) -> list[bytes]:
    async def main() -> list[bytes]:
        return [chunk async for chunk in read_file(file, start, stop)]

    return asyncio.run(main())


def refuse(fd: int, buffers: object, offset: int, flags: int) -> int:
    raise OSError(errno.EOPNOTSUPP, "not on this file system")


def some(fd: int, buffers: list[memoryview], offset: int, flags: int) -> int:
    """A part of it is in memory, and of the rest nothing."""
    if offset >= 200_000:
        raise BlockingIOError
    return os.preadv(fd, [buffers[0][: min(len(buffers[0]), 1000)]], offset)


@pytest.mark.parametrize("how", ["cached", "no flag", "refused", "partly"])
@pytest.mark.parametrize(("start", "stop"), [(0, SIZE), (1, 2), (123_456, 345_678), (SIZE - 1, SIZE), (7, 7)])
def test_the_bytes_however_they_are_read(
    how: str, start: int, stop: int, file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "no flag":
        monkeypatch.setattr(file_reading, "_NOWAIT", None)
    elif how != "cached":
        reading = refuse if how == "refused" else some
        monkeypatch.setattr(file_reading, "_NOWAIT", 0)
        monkeypatch.setattr(file_reading, "_read_into", reading)
    chunks = read(file, start, stop)
    assert b"".join(chunks) == BYTES[start:stop]
    assert all(chunks)


def test_a_file_that_shrinks_gives_less(file: File, tmp_path: Path) -> None:
    os.truncate(tmp_path / "file.bin", 1000)
    assert b"".join(read(file)) == BYTES[:1000]


def test_a_file_that_was_closed_is_an_error(file: File) -> None:
    closed = File.__new__(File)
    closed.fd = -1
    with pytest.raises(OSError, match="Bad file descriptor"):
        read(closed)
