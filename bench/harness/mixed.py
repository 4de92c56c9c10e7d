"""Many different requests over keep-alive connections, exactly counted, each answer's status checked.

For the leak test: wrk can neither count to a number nor leave in the middle of an answer. One asyncio.Protocol for
each connection, no packages. Knows the routes of projects/plain.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

_HOST = b"host: 127.0.0.1\r\n"
_MULTIPART = (
    b'--x\r\ncontent-disposition: form-data; name="title"\r\n\r\nA title\r\n'
    b'--x\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\ncontent-type: text/plain\r\n\r\n'
    + b"some text " * 200
    + b"\r\n--x--\r\n"
)


def _get(path: str, extra: bytes = b"") -> bytes:
    return b"GET %b HTTP/1.1\r\n%b%b\r\n" % (path.encode(), _HOST, extra)


def _post(path: bytes, kind: bytes, body: bytes) -> bytes:
    head = b"POST %b HTTP/1.1\r\n%bcontent-type: %b\r\ncontent-length: %d\r\n\r\n"
    return head % (path, _HOST, kind, len(body)) + body


_FORM = _post(b"/form", b"application/x-www-form-urlencoded", b"name=Ada+Lovelace&tags=a&tags=b&note=%C3%A9")
_UPLOAD = _post(b"/form", b"multipart/form-data; boundary=x", _MULTIPART)
_CHUNKED = (
    b"POST /form HTTP/1.1\r\n%bcontent-type: application/x-www-form-urlencoded\r\ntransfer-encoding: chunked\r\n\r\n"
    b"5\r\nname=\r\n3\r\nAda\r\n0\r\n\r\n" % _HOST
)
_JSON, _FAIL, _STREAM = _get("/json"), _get("/fail"), _get("/sse")
_KINDS = 12
LEAVE = 0  # instead of a status: the client leaves before the end of the answer


def request(number: int) -> tuple[bytes, int]:
    """The bytes of request `number` and the status that is right for it.

    Paths of unknown routes, query values, cookies and header values differ from request to request:
    a cache that is keyed by what clients send would grow.
    """
    if number % 500 == 499:
        return _STREAM, LEAVE
    kind = number % _KINDS
    if kind in {0, 1}:
        return _get(f"/missing/{number}"), 404
    if kind in {2, 3}:
        cookie = b"cookie: session=%d; theme=dark\r\nx-trace: %d\r\n" % (number, number)
        return _get(f"/users/{number}?q=value%20{number}&limit=10", cookie), 200
    odd = {4: (_FORM, 200), 5: (_UPLOAD, 200), 6: (_CHUNKED, 200), 7: (_FAIL, 500), 8: (_STREAM, 200)}
    return odd.get(kind, (_JSON, 200))


@dataclass(slots=True)
class Tally:
    """What came back. wrong: "404 instead of 200" and the like, with counts."""

    sent: int = 0
    limit: int = 0
    wrong: Counter[str] = field(default_factory=Counter)


class _Client(asyncio.Protocol):
    """One connection: sends a request, waits for the whole answer, sends the next."""

    def __init__(self, tally: Tally, done: asyncio.Future[bool]) -> None:
        self.tally = tally
        self.done = done
        self.buffer = b""
        self.expected = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._next()

    def _next(self) -> None:
        tally = self.tally
        if tally.sent >= tally.limit:
            self._end()
            return
        data, self.expected = request(tally.sent)
        tally.sent += 1
        self.transport.write(data)

    def _end(self) -> None:
        self.transport.close()
        if not self.done.done():
            self.done.set_result(True)

    def data_received(self, data: bytes) -> None:
        if self.expected == LEAVE:
            self.transport.abort()  # a reset in the middle of a stream
            self._end()
            return
        self.buffer = self.buffer + data if self.buffer else data
        if _complete(self.buffer):
            status = int(self.buffer[9:12])
            if status != self.expected:
                self.tally.wrong[f"{status} instead of {self.expected}"] += 1
            closing = b"\r\nconnection: close" in self.buffer[:4096].lower()
            self.buffer = b""
            if closing:
                self._end()
            else:
                self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.tally.wrong["connection lost"] += 1
            self.done.set_result(True)


def _complete(buffer: bytes) -> bool:
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = buffer[:end].lower()
    at = head.find(b"\r\ncontent-length:")
    if at >= 0:
        length = int(head[at + 17 :].partition(b"\r\n")[0])
        return len(buffer) - end - 4 >= length
    return buffer.endswith(b"0\r\n\r\n")


async def _connection(port: int, tally: Tally) -> None:
    loop = asyncio.get_running_loop()
    while tally.sent < tally.limit:
        done = loop.create_future()
        await loop.create_connection(lambda done=done: _Client(tally, done), "127.0.0.1", port)  # type: ignore[misc]  # a default argument that mypy can't infer
        await asyncio.wait_for(done, 300)


async def send(port: int, tally: Tally, count: int, connections: int = 32) -> None:
    """Send the next `count` requests over `connections` connections and wait for all answers."""
    tally.limit = tally.sent + count
    await asyncio.gather(*(_connection(port, tally) for _ in range(connections)))
