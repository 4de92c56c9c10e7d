"""What a supervisor and its worker say to each other: JSON objects, one a line, over a socket pair.

From the supervisor: first the WorkerSpec, then {"do": "drain" | "stop", …}. From the worker: {"ready": true},
{"failed": text}, {"drained": true}, {"replace": reason}, {"stats": {…}}. "replace" is said once: the supervisor
remembers it until it is done. The end of the connection is the death of the other side.
"""

from __future__ import annotations

import contextlib
import json
import socket
from dataclasses import asdict, dataclass, field
from typing import Any

_LONGEST = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSpec:
    """What a worker process is told.

    factory: "module:function"; called with `arguments` (JSON values) it gives a `worker.Serving`.
    sockets: inherited descriptors to accept from. number: 1, 2, … of the worker. stats: whether to report figures.
    """

    factory: str
    arguments: dict[str, Any] = field(default_factory=dict)
    sockets: tuple[int, ...] = ()
    number: int = 1
    stats: bool = False

    def as_message(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> WorkerSpec:
        return cls(**{**message, "sockets": tuple(message["sockets"])})


class Channel:
    """One end. `receive` never blocks once the socket is non-blocking."""

    __slots__ = ("_buffer", "closed", "socket")

    def __init__(self, end: socket.socket) -> None:
        self.socket = end
        self.closed = False
        self._buffer = b""

    def send(self, message: dict[str, Any]) -> None:
        """A dead other side is noticed by `receive`; here it is ignored."""
        with contextlib.suppress(OSError):
            self.socket.sendall(json.dumps(message).encode() + b"\n")

    def receive(self) -> list[dict[str, Any]]:
        """The messages that have come; sets `closed` when the other side is gone."""
        try:
            data = self.socket.recv(65_536)
        except (BlockingIOError, InterruptedError):
            return []
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return []
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if len(self._buffer) > _LONGEST:
            self.closed = True
        return [json.loads(line) for line in lines if line]

    def wait_for_one(self) -> dict[str, Any]:
        """Block until the first message. Raises EOFError."""
        while not self.closed:
            for message in self.receive():
                return message
        raise EOFError("the other side is gone")

    def close(self) -> None:
        self.closed = True
        self.socket.close()
