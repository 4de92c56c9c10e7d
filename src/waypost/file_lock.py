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

    def share_use(fd: int) -> None:
        """Nothing: is_last_user() says that nobody is."""

    def is_last_user(fd: int) -> bool:
        return False
else:
    import fcntl

    def try_lock(fd: int) -> None:
        """Raises OSError when another has it."""
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def unlock(fd: int) -> None:
        with contextlib.suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_UN)

    # A record lock: it and the lock above do not see each other.
    def share_use(fd: int) -> None:
        """Say that this process uses the file, until it ends or closes it."""
        with contextlib.suppress(OSError):
            fcntl.lockf(fd, fcntl.LOCK_SH | fcntl.LOCK_NB, 1)

    def is_last_user(fd: int) -> bool:
        """Whether no other process has said so."""
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
        except OSError:
            return False
        return True


def lock(fd: int, patience: float) -> bool:
    """Lock an open file; False when another has held it for `patience` seconds."""
    end = time.monotonic() + patience
    pause = 0.00002
    while True:
        try:
            try_lock(fd)
        except OSError:
            if time.monotonic() > end:
                return False
            time.sleep(pause)
            pause = min(pause * 1.5, 0.002)
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
