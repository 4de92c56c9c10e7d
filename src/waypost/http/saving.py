"""Bytes to a file: whole or not at all, never over another file unless asked, and off the event loop.

The bytes go into a draft beside the target, which takes the target's name in one step at the end: whoever opens the
target sees all of it, and what breaks off leaves nothing. Knows neither forms nor requests.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any, TypeAlias
from uuid import uuid4

from waypost.errors import BodyTooLarge, UnsupportedMediaType
from waypost.http.sniff import SNIFF_SIZE, checked_accept, is_accepted, sniff
from waypost.setting import SIZE

#: called with the bytes so far, and with all there will be (None when that is not known)
Progress: TypeAlias = "Callable[[int, int | None], Awaitable[None] | None]"

_WRITE_SIZE = 262_144  # bytes for each hop to the worker thread that writes
_STEP = 65_536  # bytes between two reports of progress
_NO_LINKS = frozenset((errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES))


async def save_stream(
    chunks: AsyncIterable[bytes],
    target: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    fsync: bool = False,
    max_size: int | str | None = None,
    accept: Iterable[str] | str | None = None,
    on_progress: Progress | None = None,
    total: int | None = None,
) -> Path:
    """Write a stream, as `request.stream()`, to a file, and return where it is.

    target: a file, or an existing folder, in which the file gets a random name. overwrite: replace a file of that
    name, else it is a FileExistsError. fsync: return only when the bytes would survive a power cut. max_size: bytes,
    or "10mb"; past it BodyTooLarge (413). accept: types by the first bytes, as ("image/png", "image/*"); another one
    is UnsupportedMediaType (415). total: what on_progress is told of the size. Whatever is raised, by the stream too,
    no file is left.
    """
    limit = None if max_size is None else SIZE.read(max_size, False)
    types = checked_accept(accept)
    source: Any = reporting(chunks, on_progress, total) if on_progress is not None else aiter(chunks)
    draft = Draft(target, overwrite=overwrite)
    waiting = bytearray()
    size = 0
    try:
        async for chunk in source:
            size += len(chunk)
            if limit is not None and size > limit:
                raise BodyTooLarge(f"The file is larger than {limit} bytes")
            waiting += chunk
            if types is not None and size >= SNIFF_SIZE:
                _check(waiting, types)
                types = None
            if len(waiting) >= _WRITE_SIZE:
                await asyncio.to_thread(draft.write, waiting)
                waiting = bytearray()
        if types is not None:
            _check(waiting, types)
        return await asyncio.to_thread(draft.finish, waiting, fsync=fsync)
    except BaseException:
        await draft.give_up()
        raise
    finally:
        if hasattr(source, "aclose"):
            await source.aclose()


def _check(head: bytearray, types: tuple[str, ...]) -> None:
    if not is_accepted(sniff(head), types):
        raise UnsupportedMediaType("The file is of a type that is not accepted")


async def reporting(chunks: AsyncIterable[bytes], report: Progress, total: int | None) -> AsyncIterator[bytes]:
    """The chunks as they are, while `report` learns how many bytes have come, at the end in any case."""
    size = told = 0
    source: Any = aiter(chunks)
    try:
        async for chunk in source:
            size += len(chunk)
            if size - told >= _STEP:
                told = size
                await _tell(report, size, total)
            yield chunk
        if size != told or not size:
            await _tell(report, size, total)
    finally:
        if hasattr(source, "aclose"):
            await source.aclose()


async def _tell(report: Progress, size: int, total: int | None) -> None:
    result = report(size, total)
    if result is not None:
        await result


class Draft:
    """The file beside the target that the bytes go to first, made at the first write.

    target: a file, or an existing folder, in which the file gets a random name. write() and finish() raise
    FileExistsError for a file that is there unless `overwrite`, and OSError as open() does. All methods but give_up()
    block: call them in a worker thread.
    """

    __slots__ = ("_done", "_draft", "_file", "_lock", "_overwrite", "_placed", "target")

    def __init__(self, target: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        self.target = Path(target)
        self._overwrite = overwrite
        self._lock = Lock()
        self._file: int | None = None
        self._done = self._placed = False

    def _open(self) -> int:
        if self.target.is_dir():
            self.target = self.target / uuid4().hex
        elif not self._overwrite and os.path.lexists(self.target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(self.target))
        # Beside the target, so that the last step is a rename in one file system. O_EXCL follows no link that someone
        # put there.
        self._draft = self.target.with_name(f".{uuid4().hex}.part")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        return os.open(self._draft, flags, 0o666)

    def write(self, data: bytes | bytearray) -> None:
        """Append. Raises OSError when the disk is full, ValueError after discard()."""
        rest = memoryview(data)
        with self._lock:
            if self._done:
                raise ValueError("the file was given up")
            if self._file is None:
                self._file = self._open()
            while rest:
                rest = rest[os.write(self._file, rest) :]

    def finish(self, data: bytes | bytearray = b"", *, fsync: bool = False) -> Path:
        """Append, and give the file its name. Whatever it raises, the draft is gone."""
        try:
            self.write(data)
            with self._lock:
                if self._done or self._file is None:
                    raise ValueError("the file was given up")
                if fsync:
                    os.fsync(self._file)
                self._close()
                self._place()
                self._placed = True
                if fsync:
                    _sync_folder(self.target.parent)
        except BaseException:
            self.discard()
            raise
        return self.target

    def _place(self) -> None:
        if self._overwrite:
            self._draft.replace(self.target)
            return
        if os.name == "nt":
            self._draft.rename(self.target)  # there it never replaces
            return
        try:
            os.link(self._draft, self.target, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            # A file system without hard links: the name is taken first, which only one can.
            os.close(os.open(self.target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            try:
                self._draft.replace(self.target)
            except BaseException:
                self.target.unlink()
                raise
        else:
            self._draft.unlink()

    def discard(self) -> None:
        """Leave nothing: remove the draft, or the file that whoever asked for it will never hear of.

        Waits for a write that is under way. A file that took another one's place stays.
        """
        with self._lock:
            if not self._done:
                self._close()
            if self._file is None:
                return
            self._draft.unlink(missing_ok=True)
            if self._placed and not self._overwrite:
                self.target.unlink(missing_ok=True)

    async def give_up(self) -> None:
        """discard(), for the event loop: when a task is cancelled, its write goes on in the thread for a while."""
        await asyncio.shield(asyncio.to_thread(self.discard))

    def _close(self) -> None:
        self._done = True
        if self._file is not None:
            os.close(self._file)


def _sync_folder(folder: Path) -> None:
    # The name itself is in the folder: without this a power cut could lose it.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def refuse_claimed(target: str | os.PathLike[str], claimed: str) -> None:
    """Raise ValueError for a path that ends in a name which a client sent and which leads out of its folder."""
    path = Path(target)
    parts = type(path)(claimed).parts
    # `uploads / file.name` is the mistake that this catches; a plain name in a folder of ours stays allowed.
    if (len(parts) > 1 or ".." in parts) and path.parts[-len(parts) :] == parts:
        raise ValueError("the path is made of the client's file name, which leads out of the folder")
