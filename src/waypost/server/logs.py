"""Log lines of a server process: whole lines on standard error, as text or JSON, and one line for each request.

All workers write to the same file: a line, or a batch of them, goes out in one write of at most 4096 bytes, which a
pipe keeps in one piece. Control characters of a client never start a line of their own.
Source: POSIX write(2), PIPE_BUF.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
import traceback
from typing import Final

from waypost.http.request import Request
from waypost.http.request_id import current_request_id
from waypost.server.service import Access

_ATOMIC: Final = 4096
_CONTROL: Final = {number: f"\\x{number:02x}" for number in (*range(32), *range(127, 160))}
_KEPT: Final = {**_CONTROL, 9: "\t", 10: "\n"}


class WholeLines(logging.Handler):
    """Writes each record in one piece. shape: "text" or "json"; descriptor: of the file."""

    def __init__(self, shape: str = "text", descriptor: int = 2) -> None:
        super().__init__()
        self._shape = shape
        self._descriptor = descriptor

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self._json(record) if self._shape == "json" else self._text(record)
            write_all(self._descriptor, text.encode("utf-8", "backslashreplace") + b"\n")
        except OSError:
            pass  # nobody reads the log any more; that must not stop the service
        except Exception:
            self.handleError(record)

    def _text(self, record: logging.LogRecord) -> str:
        # A traceback has lines; a message has none.
        message = record.getMessage().translate(_CONTROL)
        request_id = current_request_id.get()
        source = record.name if request_id is None else f"{record.name} {request_id}"
        line = f"{_stamp(record.created)} {record.levelname} [{record.process}] {source}: {message}"
        if record.exc_info and record.exc_info[1] is not None:
            line += "\n" + "".join(traceback.format_exception(record.exc_info[1])).rstrip().translate(_KEPT)
        return line

    def _json(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = {
            "time": _stamp(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        if (request_id := current_request_id.get()) is not None:
            fields["request_id"] = request_id
        if record.exc_info and record.exc_info[1] is not None:
            fields["exception"] = "".join(traceback.format_exception(record.exc_info[1]))
        return json.dumps(fields, ensure_ascii=False)


def set_up(shape: str = "text", level: int = logging.INFO) -> None:
    """Let every logger of this process write whole lines; a handler that is there already is left in charge."""
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(WholeLines(shape))
        root.setLevel(level)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data`; one system call for what a pipe takes in one piece."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


class AccessLog:
    """One line for each request, written in batches: when 4096 bytes are full, or at `flush`."""

    __slots__ = ("_buffer", "_descriptor", "_json", "_second", "_size", "_time")

    def __init__(self, shape: str = "text", descriptor: int = 1) -> None:
        self._json = shape == "json"
        self._descriptor = descriptor
        self._buffer: list[bytes] = []
        self._size = 0
        self._second = 0
        self._time = ""

    @property
    def log(self) -> Access:
        return self._line

    def _line(self, request: Request, status: int, size: int, seconds: float, cut: bool) -> None:
        now = time.time()
        if int(now) != self._second:
            self._second = int(now)
            self._time = _stamp(now)
        target = f"{request.path}?{request.query_string}" if request.query_string else request.path
        if self._json:
            text = json.dumps(
                {
                    "time": self._time,
                    "ip": request.ip,
                    "method": request.method,
                    "target": target,
                    "status": status,
                    "bytes": size,
                    "ms": round(seconds * 1000, 3),
                    "request_id": request.id,
                    **({"cut": True} if cut else {}),
                }
            )
        else:
            # The target is printable ASCII: the server refuses any other.
            text = (
                f"{self._time} {request.ip or '-'} {request.method} {target} {status} {size} {seconds * 1000:.1f}ms"
                f" {request.id or '-'}{' cut' if cut else ''}"
            )
        data = text.encode("utf-8", "backslashreplace") + b"\n"
        if self._size + len(data) > _ATOMIC:
            self.flush()
        self._buffer.append(data)
        self._size += len(data)

    def flush(self) -> None:
        """Write what waits."""
        if not self._buffer:
            return
        data = b"".join(self._buffer)
        self._buffer.clear()
        self._size = 0
        with contextlib.suppress(OSError):  # nobody reads the log any more; that must not stop the service
            write_all(self._descriptor, data)


def _stamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
