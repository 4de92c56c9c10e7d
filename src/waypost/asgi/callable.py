"""scope/receive/send ↔ Handler: Waypost under any ASGI 3 server.

Knows no routes. `raw_path` keeps %2F apart from /; where a server gives none, the decoded path is escaped again.
Source: ASGI specification 3.0, HTTP and lifespan; extension http.response.pathsend.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from waypost.app.application import Application
from waypost.asgi.body import PulledBody
from waypost.asgi.messages import Receive, Scope, Send
from waypost.asgi.streaming import Streaming, send_path
from waypost.asgi.turns import Turns
from waypost.asgi.watch import Doorbell, Watch
from waypost.asgi.websocket import refuse, serve_websocket
from waypost.config import load_config
from waypost.environment import load_env
from waypost.garbage import settle
from waypost.http.headers import RawHeaders
from waypost.http.host import valid_host
from waypost.http.payload import BodyStream, FilePayload
from waypost.http.request import Request, arrived
from waypost.http.response import Response
from waypost.http.site import Connection
from waypost.openapi.serving import open_application
from waypost.routing.canonical import PATH_SAFE

log = logging.getLogger("waypost")

_LENGTHS_KEPT = 512
_lengths: dict[int, tuple[bytes, bytes]] = {}  # sizes of answers and their header field
_TARGETS_KEPT = 1024
_TARGET_KEPT = 128  # bytes
_targets: dict[tuple[bytes, bytes], tuple[str, str]] = {}  # good ones; bounded, since clients choose them
_BAD_HOST = b'{"error":"Invalid Host header"}'
_BAD_LENGTH = b'{"error":"Invalid Content-Length"}'
_BAD_TARGET = b'{"error":"Invalid request target"}'


class ASGI:
    """The ASGI callable over an Application; `create_app()` makes one."""

    __slots__ = ("_head", "_instant", "_length", "_peers", "_silence", "_turns", "application")

    def __init__(self, application: Application) -> None:
        self.application = application
        self._silence = application.config.stream_timeout
        self._turns = Turns()
        #: What answers from the cache without more ado; there once the application was started.
        self._instant: Callable[[Request], Response | None] | None = None
        # The Connection of a peer is the same for all its requests; a handful covers a keep-alive load.
        self._peers: dict[Any, Connection] = {}
        # The last head that was good, and its Content-Length: clients mostly repeat theirs, and what was judged once
        # need not be again. Not empty at first: a head without any field has no Host.
        self._head: RawHeaders = [(b"", b"")]
        self._length: int | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The whole way of a buffered answer in one coroutine: under a slow server each more is a measurable part.
        if scope["type"] != "http":
            await self._other(scope, receive, send)
            return
        if scope["headers"] != self._head:
            refusal = self._judge(scope["headers"])
            if refusal is not None:
                await _refuse(send, refusal)
                return
        raw = self._head
        try:
            path, query = _targets[scope["raw_path"], scope["query_string"]]
        except KeyError:
            path, query = _target(scope)
            if not path:
                await _refuse(send, _BAD_TARGET)
                return
        turns = self._turns
        turns.crowd.counted += 1
        method = scope["method"]
        body = None if method in ("GET", "HEAD") else PulledBody(self._length, _receive=receive)
        try:
            connection = self._peers[scope["client"][0], scope["server"], scope["scheme"]]
        except (KeyError, TypeError):  # new, or without one of the three
            connection = self._connection(scope)
        request = arrived(method, path, query, raw, body, connection)
        ready = response = None if self._instant is None else self._instant(request)
        if ready is None:
            request.on_signal = Doorbell(asyncio.get_running_loop(), receive)
        try:
            if response is None:
                response = await self.application.handle(request)
            payload = response._payload
            if isinstance(payload, BodyStream):
                await self._send_stream(scope, request, response, payload, receive, send)
                return
            data = payload or b""
            size = len(data)
            length = _lengths.get(size) or _length(size)
            if response._headers is None and response._content_type is not None:
                headers = [(b"content-type", response._content_type), length]
            else:
                headers = _with_length(response, length, data, method)
            if turns.waits:
                await turns.end()
            await send({"type": "http.response.start", "status": response._status, "headers": headers})
            await send({"type": "http.response.body", "body": b"" if method == "HEAD" else data})
        finally:
            if ready is None:
                # A server reports a disconnect after every response: a client that has the whole of it did not leave.
                watch, request.on_signal = request.on_signal, None
                if isinstance(watch, Watch):
                    watch.stop()
                self.application.response_sent(request)

    def _judge(self, head: Iterable[tuple[bytes, bytes]]) -> bytes | None:
        """Make a head `_head`, or give the refusal of one without a valid Host or with an odd Content-Length."""
        raw = [(name, value) for name, value in head]
        fields = dict(raw)
        # Most heads have no name twice, and a dict of theirs is quicker than a look at each.
        if not (valid_host(fields.get(b"host", b"")) if len(fields) == len(raw) else _one_valid_host(raw)):
            return _BAD_HOST
        length = fields.get(b"content-length")
        if length is not None and not (length.isdigit() and len(length) < 19):
            return _BAD_LENGTH
        # Without one the body is chunked, or of HTTP/2, where a body needs no header at all.
        self._head, self._length = raw, None if length is None else int(length)
        return None

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = [(name, value) for name, value in scope["headers"]]
        path, query = _target(scope)
        if not path or not _one_valid_host(raw):
            await receive()
            await refuse(scope, send, Response(_BAD_TARGET, 400, {"content-type": "application/json"}))
            return
        connection = self._connection({**scope, "scheme": "https" if scope.get("scheme") == "wss" else "http"})
        request = arrived("GET", path, query, raw, None, connection)
        application = self.application
        try:
            await serve_websocket(
                application.handle,
                scope,
                receive,
                send,
                request,
                max_queue=application.config.websocket_max_queue,
                max_size=application.config.websocket_max_size,
            )
        finally:
            application.response_sent(request)

    def _connection(self, scope: Scope) -> Connection:
        client, server, scheme = scope.get("client"), scope.get("server"), scope.get("scheme", "http")
        if server is not None and server.__class__ is not tuple:
            server = tuple(server)
        key = (client[0] if client else None, server, scheme)
        found = self._peers.get(key)
        if found is None:
            if len(self._peers) >= 1024:
                self._peers.clear()  # bounded: peers choose their addresses
            found = self._peers[key] = Connection(scheme, key[0] or None, server or None, self.application.site)
        return found

    async def _send_stream(
        self, scope: Scope, request: Request, response: Response, payload: BodyStream, receive: Receive, send: Send
    ) -> None:
        whole = payload if isinstance(payload, FilePayload) and payload.path is not None else None
        can_send_path = "http.response.pathsend" in (scope.get("extensions") or ())
        if whole is not None and can_send_path and request.method != "HEAD":
            await send_path(response, whole, send)
            return
        watch = request.on_signal
        if not isinstance(watch, Watch):
            watch = request.on_signal = Watch(request, asyncio.get_running_loop(), receive)
        await Streaming(request, response, payload, watch, send, self._silence).run(request.method)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self.application.startup()
                except Exception as error:
                    log.exception("the application could not start")
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                self._instant = self.application.instant()
                settle()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.application.shutdown()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _one_valid_host(raw: RawHeaders) -> bool:
    hosts = [value for name, value in raw if name == b"host"]
    return len(hosts) == 1 and valid_host(hosts[0])


def _target(scope: Scope) -> tuple[str, str]:
    """Path and query as they were sent; a path of "" for what can't be one."""
    raw_path, sent = scope.get("raw_path"), scope.get("query_string") or b""
    try:
        path = quote(scope["path"], safe=PATH_SAFE) if raw_path is None else raw_path.decode("ascii")
        query = sent.decode("ascii")
    except UnicodeDecodeError:
        return "", ""
    if "?" in path:  # some servers leave the query on raw_path
        path = path.partition("?")[0]
    if path[:1] != "/" and path != "*":
        return "", ""
    if raw_path is not None and len(raw_path) + len(sent) <= _TARGET_KEPT:
        if len(_targets) >= _TARGETS_KEPT:
            _targets.clear()
        _targets[raw_path, sent] = path, query
    return path, query


def _with_length(
    response: Response, length: tuple[bytes, bytes], payload: bytes, method: str
) -> list[tuple[bytes, bytes]]:
    headers = response.raw_headers()
    if b"content-length" in dict(headers):
        if method == "HEAD" and not payload:
            return headers  # an answer to HEAD may say what GET would send
        # A length that the author got wrong would desynchronise the connection.
        headers = [item for item in headers if item[0] != b"content-length"]
    return headers if response.null_body else [*headers, length]


def _length(size: int) -> tuple[bytes, bytes]:
    if len(_lengths) >= _LENGTHS_KEPT:
        _lengths.clear()
    field = _lengths[size] = (b"content-length", b"%d" % size)
    return field


async def _refuse(send: Send, body: bytes) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def create_app(path: str | Path = ".", *, dev: bool = False) -> ASGI:
    """The project at `path` as an ASGI application: `app = create_app()` in main.py.

    Loads the .env files and settings as `waypost start` does. Raises StartupErrors with every mistake found.
    """
    root = Path(path).resolve()
    mode: Literal["development", "production"] = "development" if dev else "production"
    env = load_env(root, mode)
    return ASGI(open_application(load_config(root, mode, places=env.places)))
