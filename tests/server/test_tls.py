"""TLS by certificate and key files."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.app.project import make_application
from tests.server.frames import BINARY, TEXT, frame, handshake, read_close, read_frame

from waypost.errors import StartupError
from waypost.http.payload import FilePayload
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.server.limits import ServerLimits
from waypost.server.tls import server_context
from waypost.server.websocket import upgrade

Serve = Callable[..., Any]
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command to make a certificate: install the package openssl")
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key),
         "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    return {"tls_certificate": str(certificate), "tls_key": str(key)}


def _wrap(client: Any, files: dict[str, str]) -> None:
    context = ssl.create_default_context(cafile=files["tls_certificate"])
    context.set_alpn_protocols(["h2", "http/1.1"])
    client.socket = context.wrap_socket(client.socket, server_hostname="localhost")


def test_requests_over_tls(serve: Serve, files: dict[str, str], loop_kind: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(os.urandom(300_000))

    async def handler(request: Request) -> Response:
        if request.path == "/file":
            return Response(FilePayload(os.open(file, os.O_RDONLY), 0, 300_000))
        if request.path == "/late":
            await asyncio.sleep(0.05)
        return Response(request.url)

    live = serve(handler, uvloops=loop_kind == "uvloop", **files)
    client = live.client()
    _wrap(client, files)
    assert client.socket.selected_alpn_protocol() == "http/1.1"
    client.send(GET)
    assert client.answer()[2] == b"https://localhost/"
    client.send(GET.replace(b"/ ", b"/late ", 1))
    assert client.answer()[2] == b"https://localhost/late"
    client.send(GET.replace(b"/ ", b"/file ", 1))
    assert client.answer()[2] == file.read_bytes()
    client.send(b"nonsense\r\n\r\n")
    assert client.answer()[0] == 400


def test_plain_http_to_a_tls_port_is_cut(serve: Serve, files: dict[str, str]) -> None:
    async def handler(request: Request) -> Response:
        return Response("x")

    live = serve(handler, **files)
    assert b"HTTP/1.1 200" not in live.talk(GET)
    assert server_context(*files.values()).minimum_version == ssl.TLSVersion.TLSv1_2


def test_bad_handshakes_at_a_stop_cost_nobody_else_anything(
    serve: Serve, files: dict[str, str], loop_kind: str
) -> None:
    async def handler(request: Request) -> Response:
        await asyncio.sleep(0.5)
        return Response("x")

    live = serve(handler, uvloops=loop_kind == "uvloop", **files)
    answers: list[Any] = []

    def talk(client: Any) -> None:
        _wrap(client, files)
        client.send(GET)
        answers.append(client.answer())
        client.close()

    def begin(client: Any) -> None:
        threads.append(threading.Thread(target=talk, args=(client,)))
        threads[-1].start()

    threads: list[threading.Thread] = []
    begin(live.client())
    live.eventually(lambda: live.server.service.active == 1)

    async def stop() -> float:
        # In the loop's thread, so that they wait to be accepted when the listeners are closed.
        garbage, left, silent, good = [live.client() for _ in range(4)]
        garbage.send(GET)
        left.reset()
        begin(good)
        began = time.monotonic()
        await live.server.stop(3.0, last=False)
        silent.socket.setblocking(False)
        assert silent.socket.recv(1) == b"", "it is let go"
        return time.monotonic() - began

    assert live.run(stop()) < 2.5
    for thread in threads:
        thread.join(5)
    assert [(status, headers["connection"]) for status, headers, _ in answers] == [(200, "close")] * 2


def test_mistakes_in_the_settings_are_told(files: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="there is no file"):
        server_context(str(tmp_path / "none"), files["tls_key"])
    with pytest.raises(StartupError, match="can't be used"):
        server_context(files["tls_key"], files["tls_key"])
    encrypted = tmp_path / "encrypted.pem"
    subprocess.run(
        ["openssl", "ec", "-in", files["tls_key"], "-aes256", "-passout", "pass:secret", "-out", str(encrypted)],
        check=True, capture_output=True,
    )  # fmt: skip
    with pytest.raises(StartupError, match="encrypted"):
        server_context(files["tls_certificate"], str(encrypted))
    with pytest.raises(StartupError, match="both a certificate and a key"):
        ServerLimits(tls_certificate="x").checked()
    with pytest.raises(StartupError, match="PROXY"):
        ServerLimits(tls_certificate="x", tls_key="y", proxy_protocol=True).checked()


def test_websockets_over_tls(serve: Serve, files: dict[str, str], loop_kind: str, tmp_path: Path) -> None:
    code = """
async def WEBSOCKET(socket):
    await socket.send(socket.url)
    async for message in socket:
        await socket.send(message)
"""
    application = make_application(tmp_path, {"app/echo/route.py": code})
    live = serve(
        application.handle,
        uvloops=loop_kind == "uvloop",
        site=application.site,
        upgrade=upgrade,
        websocket_max_size=200_000,
        **files,
    )
    client = live.client()
    _wrap(client, files)
    client.send(handshake("/echo", b"Origin: https://localhost", host=b"localhost"))
    assert client.answer(head_only=True)[0] == 101
    assert read_frame(client) == (TEXT, b"wss://localhost/echo")
    client.send(frame(BINARY, b"y" * 200_000))
    assert read_frame(client) == (BINARY, b"y" * 200_000)
    client.send(frame(BINARY, b"y" * 200_001))
    assert read_close(client)[0] == 1009
    assert client.to_end() == b""
    client = live.client()
    _wrap(client, files)
    client.send(handshake("/echo", b"Origin: http://localhost", host=b"localhost"))
    assert client.answer()[0] == 403, "who can change plain traffic must not use the cookie"
