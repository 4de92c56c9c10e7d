"""Listening sockets: TCP, Unix, handed over by systemd, or by number from a supervisor.

A socket is bound once and inherited by all workers, so that a worker that dies takes no waiting connection with it.
Knows no event loop.
Source: sd_listen_fds(3); socket(7), tcp(7).
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

from waypost.errors import StartupError

_SYSTEMD_FIRST = 3
_ATTACH_FILTER = 26  # SO_ATTACH_FILTER of Linux; the socket module has no name for it


def listen_tcp(host: str, port: int, backlog: int) -> socket.socket:
    """Bind and listen. host: address or name; "" or "::" takes IPv6 and IPv4. Raises StartupError."""
    try:
        # As bytes: for a str Python loads its tables of international names first.
        name = host.encode("ascii") if host.isascii() else host
        found = socket.getaddrinfo(name or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise StartupError(f"the host {host!r} is unknown: {error.strerror}", remedy="Set another host.") from error
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        if sys.platform != "win32":  # there it would let a second server take the port over
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if host in ("", "::") else 1)
        listener.bind(address)
        listener.listen(backlog)
    except OSError as error:
        listener.close()
        raise _unavailable(f"port {port}", error, "Stop the other program, or set another port.") from error
    listener.setblocking(False)
    return listener


class UnixListener(socket.socket):
    """A listening Unix socket that we made: closing it takes its file away, unless that is another's by now.

    What others made (systemd) or what was inherited is a plain socket, whose file is none of our business.
    """

    _file: tuple[Path, int, int] | None = None  # path, device and inode

    def made(self, path: Path) -> None:
        found = path.stat()
        self._file = (path.absolute(), found.st_dev, found.st_ino)

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            path, *identity = file
            with contextlib.suppress(OSError):
                found = path.stat()  # before the end: as long as the socket lives its inode is no one else's
                if [found.st_dev, found.st_ino] == identity:
                    path.unlink()
        super().close()


def listen_unix(path: Path, backlog: int) -> UnixListener:
    """Bind and listen on a Unix socket; a dead one in its place is removed. Raises StartupError."""
    listener = UnixListener(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
            _remove_dead(path)
        listener.bind(str(path))
        listener.made(path)
        listener.listen(backlog)
    except OSError as error:
        listener.close()
        raise _unavailable(str(path), error, "Set another path for the socket.") from error
    listener.setblocking(False)
    return listener


def _remove_dead(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        else:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _unavailable(what: str, error: OSError, remedy: str) -> StartupError:
    reasons = {errno.EADDRINUSE: "is in use", errno.EACCES: "needs more rights", errno.EADDRNOTAVAIL: "is not ours"}
    return StartupError(f"{what} {reasons.get(error.errno or 0, f'can not be bound: {error.strerror}')}", remedy=remedy)


def systemd_sockets() -> list[socket.socket]:
    """The sockets systemd passed to this process (socket activation); empty without."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    count = int(os.environ.get("LISTEN_FDS", "0"))
    # Children must not think that the sockets are for them.
    for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        os.environ.pop(name, None)
    return adopt(range(_SYSTEMD_FIRST, _SYSTEMD_FIRST + count))


def adopt(numbers: Iterable[int]) -> list[socket.socket]:
    """Sockets for inherited file descriptors."""
    adopted = [socket.socket(fileno=number) for number in numbers]
    for listener in adopted:
        listener.setblocking(False)
        listener.set_inheritable(False)
    return adopted


def address_of(listener: socket.socket) -> str:
    """`host:port`, `[::]:port`, the path of a Unix socket, or `@name` for an abstract one."""
    name = listener.getsockname()
    if isinstance(name, bytes):
        return "@" + name[1:].decode(errors="backslashreplace")
    if not isinstance(name, tuple):
        return str(name)
    return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"


def refuse_handshakes(listener: socket.socket) -> bool:
    """Let no new handshake begin, while those that began still end; before the last process closes the socket.

    A connection that completes between the last accept and close() is reset, with whatever the client has sent on
    it. A filter that drops SYN packets closes that gap; the client's system repeats the SYN and is refused then.
    Gives whether it was done: Linux and TCP only.
    """
    if sys.platform != "linux" or listener.family == socket.AF_UNIX:
        return False
    import ctypes  # only a stop needs it

    code = (
        (0x30, 0, 0, 13),  # load the byte of the TCP flags
        (0x54, 0, 0, 0x12),  # keep SYN and ACK
        (0x15, 0, 1, 0x02),  # SYN alone?
        (0x06, 0, 0, 0),  # drop
        (0x06, 0, 0, 0xFFFFFFFF),  # take
    )
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in code))
    try:
        listener.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("@HP", len(code), ctypes.addressof(program)))
    except OSError:
        return False
    return True


def raise_file_limit() -> int:
    """Raise the soft limit of open files to the hard one; gives the limit, 0 where there is none to raise."""
    if sys.platform == "win32":
        return 0
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):  # macOS: the hard limit may be above what the kernel takes
            return soft
    return hard
