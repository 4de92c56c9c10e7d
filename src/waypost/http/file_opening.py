"""Opening files to be sent: the caller's own path, or a client's name below a folder.

A client's name is walked segment by segment from the folder's descriptor, and no link is followed on the way: nothing
that happens to the folder meanwhile can lead out of it. Outside, missing, hidden and not a regular file are one and
the same error; what is wrong with the machine (no permission, a broken disk) stays an error of its own.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass

from waypost.errors import NoSuchFile
from waypost.http.file_names import safe_segments

_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a FIFO without a writer would block
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOCTTY", 0)
)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_FOLDER = getattr(os, "O_DIRECTORY", 0)
_BY_DESCRIPTOR = os.open in os.supports_dir_fd and _NO_LINK != 0
# ELOOP and EMLINK: a link where none may be. ENXIO: a socket. EINVAL: a name this file system can't have.
_ABSENT = frozenset(
    (
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.ELOOP,
        errno.EMLINK,
        errno.ENAMETOOLONG,
        errno.ENXIO,
        errno.EINVAL,
    )
)


@dataclass(frozen=True, slots=True)
class OpenFile:
    """An open regular file; whoever gets it closes `fd`. modified: ns since 1970."""

    fd: int
    size: int
    modified: int


def open_own(path: str | os.PathLike[str]) -> OpenFile:
    """Open a file of the program's own. Raises NoSuchFile when there is none, OSError for everything else.

    Raises ValueError for a path with `..`: such a path was nearly always put together with what a client sent.
    """
    text = os.fspath(path)
    if ".." in text.replace("\\", "/").split("/"):
        raise ValueError(
            "a path to send must not hold '..': resolve() it if it is your own, "
            "and give a name that comes from a client as Response.file(folder, name)"
        )
    try:
        return _regular(os.open(text, _FLAGS))
    except OSError as error:
        raise _absent_or(error) from error


def open_within(root: str | os.PathLike[str], name: str | Sequence[str]) -> OpenFile:
    """Open the file that a client names below the folder `root`; name: one segment, or a list of them.

    Raises NoSuchFile for whatever is not a regular file right there, OSError when the folder or the disk is at fault:
    a folder that does not exist is a mistake of the program.
    """
    segments = safe_segments(name)
    if segments is None:
        raise NoSuchFile
    if not _BY_DESCRIPTOR:
        return _open_by_path(os.fspath(root), segments)
    folder = os.open(root, os.O_RDONLY | _FOLDER | getattr(os, "O_CLOEXEC", 0))
    try:
        for segment in segments[:-1]:
            inner = os.open(segment, _FLAGS | _FOLDER | _NO_LINK, dir_fd=folder)
            os.close(folder)
            folder = inner
        return _regular(os.open(segments[-1], _FLAGS | _NO_LINK, dir_fd=folder))
    except OSError as error:
        raise _absent_or(error) from error
    finally:
        os.close(folder)


def _open_by_path(root: str, segments: list[str]) -> OpenFile:
    """The same where a system can't open below a descriptor: a link on the way shows in the path that is real."""
    folder = os.path.realpath(root, strict=True)
    path = os.path.join(folder, *segments)  # noqa: PTH118  # text, as realpath gives it
    try:
        if os.path.normcase(os.path.realpath(path, strict=True)) != os.path.normcase(path):
            raise NoSuchFile
        return _regular(os.open(path, _FLAGS))
    except OSError as error:
        raise _absent_or(error) from error


def _regular(fd: int) -> OpenFile:
    info = os.fstat(fd)
    if not stat.S_ISREG(info.st_mode):
        os.close(fd)
        raise NoSuchFile
    return OpenFile(fd, info.st_size, info.st_mtime_ns)


def _absent_or(error: OSError) -> Exception:
    return NoSuchFile() if error.errno in _ABSENT else error
