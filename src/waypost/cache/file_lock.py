"""A lock on a file, between processes. It ends with the process, however that ends."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

if os.name == "nt":
    import msvcrt

    def try_lock(fd: int) -> None:
        """Raises OSError when another has it."""
        os.lseek(fd, 0, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]  # Windows only

    def unlock(fd: int) -> None:
        with contextlib.suppress(OSError):
            os.lseek(fd, 0, os.SEEK_SET)
            msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined,unused-ignore]  # Windows only
else:
    import fcntl

    def try_lock(fd: int) -> None:
        """Raises OSError when another has it."""
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def unlock(fd: int) -> None:
        with contextlib.suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_UN)


def lock(fd: int, patience: float) -> bool:
    """Lock an open file; False when another has held it for `patience` seconds."""
    end = time.monotonic() + patience
    while True:
        try:
            try_lock(fd)
        except OSError:
            if time.monotonic() > end:
                return False
            time.sleep(0.0005)
        else:
            return True


@contextlib.contextmanager
def hold(path: Path, patience: float) -> Iterator[bool]:
    """Lock the file at `path`, which is made if need be; gives whether that worked. Raises OSError."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        yield lock(fd, patience)
    finally:
        unlock(fd)
        os.close(fd)
