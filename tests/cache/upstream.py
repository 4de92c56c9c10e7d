"""A small HTTP server on loopback that counts what it is asked, for fetch()."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Upstream:
    """base: its URL. seen: every request, as method, path, headers (lower-case names), body."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []


class _Handler(http.server.BaseHTTPRequestHandler):
    upstream: Upstream
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        fields = {name.lower(): value for name, value in self.headers.items()}
        seen = self.upstream.seen
        seen.append((self.command, self.path, fields, body))
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/redirect":
            self._send(302, b"", {"location": "/hits", "content-length": "0"})
        elif url.path == "/cut":
            self._send(200, b"abc", {"content-length": "10"})
            self.close_connection = True
        elif url.path == "/big":
            size = int(query["size"])
            self._send(200, b"x" * size, {"content-length": str(size)})
        elif url.path == "/slow":
            threading.Event().wait(float(query["wait"]))
            self._send(200, b"ok", {"content-length": "2"})
        elif url.path == "/empty":
            self._send(204, b"", {})
        else:
            data = json.dumps({"n": len(seen), "query": query}).encode()
            headers = {"content-type": "application/json", "content-length": str(len(data)), "set-cookie": "sid=secret"}
            self._send(int(query.get("status", "200")), data, headers)

    do_GET = do_POST = do_PUT = do_HEAD = _answer  # noqa: N815  # the names that http.server calls

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a test's output is its own."""


@contextmanager
def upstream() -> Iterator[Upstream]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    made = Upstream(server.server_address[1])
    server.RequestHandlerClass = type("Handler", (_Handler,), {"upstream": made})
    thread = threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
