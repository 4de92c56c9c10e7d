"""A small file mapped into every worker of a machine: which tags were revalidated, without asking the store.

A table of generations, indexed by a hash of the tag. A memory hit compares one number, the epoch, with the one it
knows; when that has moved, it compares the slots of its own tags. Two tags may share a slot: then the store is asked
once too often, never too seldom.

The order that makes it right: who revalidates raises the slots before the store has committed, and a reader takes the
generation it `checked` from the store's own snapshot, never from here. So between the two every reader is unsure and
asks; a crash between them leaves readers that ask, not readers that believe.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import stat
import sys
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from waypost.file_lock import is_last_user, lock, share_use, unlock

MAGIC: Final = 0x5750_5041_4745_0001  # the last byte is the version of this layout
# Words of the header: a number that is another after each change, the generation below which nothing is sure, the
# highest generation seen.
MARK, EPOCH, FLOOR, LATEST = range(4)
HEADER: Final = 8
SLOTS: Final = 8192
SIZE: Final = (HEADER + SLOTS) * 8
UNSURE: Final = 2**64 - 1  # as a floor: nobody is sure of anything
_LOCK_PATIENCE: Final = 0.25  # seconds


def slot_of(tag: str) -> int:
    """The word of a tag; the same in every process, which `hash()` is not."""
    return HEADER + zlib.crc32(tag.encode("utf-8", "surrogatepass")) % SLOTS


def slots_of(tags: Iterable[str]) -> tuple[int, ...]:
    return tuple(map(slot_of, tags))


class SharedPage:
    """The page of one folder; `words` is read directly by whoever needs a hit to be quick.

    path: of the file; None for a page of this process alone. temporary: the last one to close it removes the file.
    Every method may be called from any thread.
    """

    def __init__(self, path: Path | None = None, *, temporary: bool = False) -> None:
        self.path = path
        self._temporary = temporary
        self._fd = -1
        self._identity: tuple[int, int] | None = None
        self._lock = threading.RLock()
        self._order = threading.Lock()
        self.words = _new_words()

    # -- opening

    def open(self) -> None:
        """Map the file, made anew if there is none or it is none of ours. Raises OSError."""
        with self._lock:
            if self.path is None or self.current():
                return
            self._abandon()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            for _ in range(10):
                with contextlib.suppress(FileNotFoundError):  # another worker replaced it meanwhile
                    if self._map(self.path):
                        return
                    self._abandon()
                _make_file(self.path)
            raise OSError(f"{self.path} can't be mapped")

    def _map(self, path: Path) -> bool:
        fd = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0))
        try:
            status = os.fstat(fd)
            if path.parent.stat().st_mode & stat.S_ISVTX and status.st_uid != os.geteuid():
                raise OSError(f"{path} belongs to another user")  # anybody can put a file into this folder
            # A byte beyond the end of the file would end the process: the size comes before the mapping.
            if status.st_size != SIZE:
                os.close(fd)
                path.unlink(missing_ok=True)
                return False
            words = memoryview(mmap.mmap(fd, SIZE, access=mmap.ACCESS_READ)).cast("Q")
        except BaseException:
            with contextlib.suppress(OSError):
                os.close(fd)
            raise
        if words[MARK] != MAGIC:
            os.close(fd)
            path.unlink(missing_ok=True)
            return False
        if self._temporary:
            share_use(fd)
        self._fd, self._identity, self.words = fd, (status.st_dev, status.st_ino), words
        return self.current()  # else the last user of the file removed it meanwhile

    def current(self) -> bool:
        """Whether the file at the path is still the one that is mapped, at its full size."""
        if self.path is None:
            return True
        try:
            status = self.path.stat()
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._identity and status.st_size == SIZE

    def _abandon(self) -> None:
        """Leave the old file: who still maps it learns that it says nothing any more."""
        if self._fd < 0:
            return
        with contextlib.suppress(OSError):
            if os.fstat(self._fd).st_size == SIZE:
                self._put(FLOOR, UNSURE)
                self._put(EPOCH, _new_epoch())
            os.close(self._fd)
        self._fd, self._identity = -1, None
        self.words = _new_words()

    def make_private(self) -> None:
        """Go on without a file, for this process alone; nothing is sure before begin()."""
        with self._lock:
            self._abandon()
            self.path = None
            self.words = _new_words()

    def close(self) -> None:
        """Stop mapping it; what is asked afterwards is unsure."""
        with self._lock:
            if self._fd >= 0:
                if self._temporary and self.path is not None and is_last_user(self._fd) and self.current():
                    self.path.unlink(missing_ok=True)
                os.close(self._fd)
            self._fd, self._identity = -1, None
            self.words = _new_words()

    # -- reading

    def untouched(self, slots: Sequence[int], checked: int) -> bool:
        """Whether no tag of these slots was revalidated after the generation `checked`."""
        self._barrier()  # the caller has read the epoch: the slots must not have been read before it
        words = self.words
        if checked < words[FLOOR]:
            return False
        return all(words[slot] <= checked for slot in slots)

    @property
    def latest(self) -> int:
        """The highest generation that it has seen; 0 while that is being written."""
        words = self.words
        latest = words[LATEST]
        return latest if latest == words[LATEST] else 0

    # -- writing

    def raise_slots(self, slots: Sequence[int], generation: int) -> None:
        """Make every reader of these slots ask that has not checked `generation`. Raises OSError."""
        with self._writing() as words:
            for slot in slots:
                if words[slot] < generation:
                    self._put(slot, UNSURE)
                    self._put(slot, generation)
            self._moved(generation)

    def raise_floor(self, generation: int) -> None:
        """Make every reader ask that has not checked `generation`. Raises OSError."""
        with self._writing() as words:
            if words[FLOOR] == UNSURE or words[FLOOR] < generation:
                self._put(FLOOR, UNSURE)
                self._put(FLOOR, generation)
            self._moved(generation)

    def touch(self) -> None:
        """Make every reader compare again. Raises OSError."""
        with self._writing():
            self._moved(0)

    def begin(self, generation: int) -> None:
        """Give a page that was just made its floor: what the store's clock shows. Raises OSError."""
        if self.words[FLOOR] == UNSURE:
            self.raise_floor(generation)

    def _moved(self, generation: int) -> None:
        if self.words[LATEST] < generation:
            self._put(LATEST, generation)
        self._barrier()
        # Not the generation: of two changes the later may have the lower one, and must be seen all the same. Not a
        # counter: of a number that is read while it is written each half may be old or new.
        self._put(EPOCH, _new_epoch())

    def _put(self, index: int, value: int) -> None:
        """Change a word. A reader may see any mix of the old and the new bytes for a moment.

        So a slot goes through UNSURE: every mix with that is higher than both, and makes readers ask.
        """
        if self._fd < 0:
            self.words[index] = value
            return
        # Not through the mapping. A store into it can wait for the disk with the interpreter's lock held, and ends
        # the process when the disk is full or the file was cut; a write waits alone, and raises OSError.
        data = value.to_bytes(8, sys.byteorder)
        if sys.platform == "win32":
            os.lseek(self._fd, index * 8, os.SEEK_SET)
            os.write(self._fd, data)
        else:
            os.pwrite(self._fd, data, index * 8)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[memoryview[int]]:
        with self._lock:
            held = True
            if self.path is not None:
                if not self.current():
                    self.open()
                held = lock(self._fd, _LOCK_PATIENCE)
            try:
                yield self.words
                if not held:
                    # Held for microseconds by whoever runs. Who was stopped with it may go on and lower what was
                    # raised here, so that nobody may be sure until the page begins again.
                    self._put(FLOOR, UNSURE)
                    self._put(EPOCH, _new_epoch())
            finally:
                if self.path is not None:
                    unlock(self._fd)

    def _barrier(self) -> None:
        """Order what comes before against what comes after: a lock is the only fence that Python has."""
        # Twice, as a single acquire and release may be passed from both sides.
        with self._order:
            pass
        with self._order:
            pass


def _new_epoch() -> int:
    return int.from_bytes(os.urandom(8), "big")


def _new_words() -> memoryview[int]:
    words = memoryview(mmap.mmap(-1, SIZE)).cast("Q")
    words[MARK] = MAGIC
    # Another number for every page, so that no record takes the epoch of one page for that of the next.
    words[EPOCH] = _new_epoch()
    words[FLOOR] = UNSURE
    return words


def _make_file(path: Path) -> None:
    """Put a complete page at the path, unless another process has done it."""
    made = path.with_name(f"{path.name}.{os.urandom(8).hex()}")
    fd = os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        try:
            os.write(fd, bytes(_new_words().cast("B")))
        finally:
            os.close(fd)
        try:
            os.link(made, path)
        except FileExistsError:
            return
        except OSError:  # a file system without hard links
            if not path.exists():
                made.replace(path)
    finally:
        made.unlink(missing_ok=True)
