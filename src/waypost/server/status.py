"""The status endpoint: the health of the workers as Prometheus text, on a port of its own.

`GET /metrics` gives the figures, `GET /health` 200 while every worker serves and 503 while one is missing. Answered
by the supervisor, which runs none of the application's code: it tells the truth while the application hangs.
Source: Prometheus text exposition format 0.0.4.
"""

from __future__ import annotations

import json
import logging
import selectors
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from waypost.server.sockets import listen_tcp

logger = logging.getLogger("waypost.server")

_LONGEST_HEAD = 8192
_MOST_CLIENTS = 64


@dataclass(frozen=True, slots=True)
class Status:
    """wanted: workers there should be. restarts: workers that died. workers: pid, number, ready, stopping, figures."""

    wanted: int
    restarts: int
    addresses: list[str]
    workers: list[dict[str, Any]]

    @property
    def serving(self) -> int:
        return sum(1 for worker in self.workers if worker["ready"] and not worker["stopping"])

    @property
    def healthy(self) -> bool:
        return self.serving >= self.wanted


_FIGURES = (
    ("requests", "requests_total", "counter", "Requests that reached a handler."),
    ("active", "requests_active", "gauge", "Requests being answered."),
    ("connections", "connections", "gauge", "Open connections."),
    ("memory", "memory_bytes", "gauge", "Resident memory."),
    ("late", "loop_late_seconds", "gauge", "By how much the event loop was late at its last tick."),
)


def prometheus_text(status: Status) -> str:
    """The figures of all workers."""
    lines = [
        "# HELP waypost_workers Workers that serve.",
        "# TYPE waypost_workers gauge",
        f"waypost_workers {status.serving}",
        "# HELP waypost_workers_wanted Workers there should be.",
        "# TYPE waypost_workers_wanted gauge",
        f"waypost_workers_wanted {status.wanted}",
        "# HELP waypost_worker_deaths_total Workers that ended by accident.",
        "# TYPE waypost_worker_deaths_total counter",
        f"waypost_worker_deaths_total {status.restarts}",
    ]
    told = [worker for worker in status.workers if "requests" in worker]
    for key, name, kind, text in _FIGURES:
        lines += [f"# HELP waypost_{name} {text}", f"# TYPE waypost_{name} {kind}"]
        lines += [f'waypost_{name}{{pid="{worker["pid"]}"}} {worker[key]}' for worker in told]
    lines += ["# HELP waypost_responses_total Responses by class.", "# TYPE waypost_responses_total counter"]
    for worker in told:
        lines += [
            f'waypost_responses_total{{pid="{worker["pid"]}",class="{hundreds}xx"}} {worker["answers"][hundreds]}'
            for hundreds in range(2, 6)
        ]
    return "\n".join(lines) + "\n"


class StatusServer:
    """Answers on `address` from within a selector's loop; one short request a connection."""

    def __init__(
        self, address: tuple[str, int], selector: selectors.BaseSelector, status: Callable[[], Status]
    ) -> None:
        self._selector = selector
        self._status = status
        self._clients: dict[socket.socket, bytes] = {}
        self.listener = listen_tcp(address[0], address[1], _MOST_CLIENTS)
        selector.register(self.listener, selectors.EVENT_READ, self._accept)

    def _accept(self) -> None:
        try:
            client, _ = self.listener.accept()
        except OSError:
            return
        client.setblocking(False)
        if len(self._clients) >= _MOST_CLIENTS:
            # The oldest has had its time; a scraper sends its request at once.
            self._close(next(iter(self._clients)))
        self._clients[client] = b""
        self._selector.register(client, selectors.EVENT_READ, lambda: self._ready(client))

    def _ready(self, client: socket.socket) -> None:
        """A client has sent something. Never raises: the supervisor would end of it, and its workers with it."""
        if client not in self._clients:
            return  # it was closed for a newer one, earlier in the same turn of the selector
        try:
            over = self._read(client)
        except OSError:
            over = True
        except Exception:
            logger.exception("a request for the status failed")
            over = True
        if over:
            self._close(client)

    def _read(self, client: socket.socket) -> bool:
        """Take what was sent, and answer once it is a head. Gives whether the connection is over."""
        try:
            data = client.recv(_LONGEST_HEAD)
        except BlockingIOError:
            return False
        head = self._clients[client] = self._clients[client] + data
        if b"\r\n\r\n" in head:
            client.send(self._answer(head))
            return True
        return not data or len(head) >= _LONGEST_HEAD

    def _close(self, client: socket.socket) -> None:
        self._selector.unregister(client)
        del self._clients[client]
        client.close()

    def close(self) -> None:
        """End it all; the selector must still be open."""
        for client in list(self._clients):
            self._close(client)
        self._selector.unregister(self.listener)
        self.listener.close()

    def _answer(self, head: bytes) -> bytes:
        words = head.split(b" ", 2)
        path = words[1].partition(b"?")[0] if len(words) == 3 else b""
        status = self._status()
        if words[0] not in (b"GET", b"HEAD"):
            line, kind, text = "405 Method Not Allowed", "application/json", '{"error": "Method not allowed"}'
        elif path == b"/metrics":
            line, kind, text = "200 OK", "text/plain; version=0.0.4; charset=utf-8", prometheus_text(status)
        elif path == b"/health":
            line = "200 OK" if status.healthy else "503 Service Unavailable"
            kind, text = "application/json", json.dumps({"workers": status.serving, "wanted": status.wanted})
        else:
            line, kind, text = "404 Not Found", "application/json", '{"error": "Not found"}'
        body = text.encode()
        start = f"HTTP/1.1 {line}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        return start.encode() + (b"" if words[0] == b"HEAD" else body)
