"""WebSockets on our own server: the handshake, frames good and bad, limits of size and time, the end."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.app.project import make_application
from tests.server.conftest import Client, Live
from tests.server.frames import (
    ACCEPT,
    BINARY,
    CLOSE,
    CONT,
    KEY,
    PING,
    PONG,
    TEXT,
    frame,
    handshake,
    read_close,
    read_frame,
    refused,
    shake,
)
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK

from waypost.server.websocket import upgrade

ROUTES = {
    "app/echo/route.py": """
async def WEBSOCKET(socket):
    async for message in socket:
        await socket.send(message)

async def GET():
    return {"get": True}
""",
    "app/only/route.py": """
import asyncio

async def WEBSOCKET(socket):
    seen.append("begun")
    try:
        while True:
            await socket.receive()
    finally:
        seen.append((socket.close_code, socket.close_reason, socket.signal.aborted))

async def POST():
    return {"seen": seen}

seen = []
""",
    "app/plain/route.py": "async def GET():\n    return {'plain': True}\n",
    "app/flood/route.py": """
import asyncio

state = {"sent": 0, "buffered": 0}

async def WEBSOCKET(socket):
    while True:
        await socket.send(b"x" * 65536)
        state["sent"] += 1
        state["buffered"] = max(state["buffered"], socket.buffered_amount)

async def POST():
    return state
""",
    "app/slow/route.py": """
import asyncio

state = {"received": 0}
gate = asyncio.Event()

async def WEBSOCKET(socket):
    await socket.accept()
    await gate.wait()
    async for message in socket:
        state["received"] += 1

async def POST():
    gate.set()
    return state
""",
}

Start = Callable[..., Live]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """`start(**limits)` → a Live server over ROUTES."""
    running: list[Live] = []

    def run(routes: dict[str, str] | None = None, *, uvloops: bool = True, **limits: Any) -> Live:
        application = make_application(tmp_path, routes or ROUTES, **limits)
        options = {"site": application.site, "upgrade": upgrade, **limits}
        live = Live(application.handle, options, uvloops)
        running.append(live)
        return live

    yield run
    for live in running:
        live.stop()
        assert not live.thread.is_alive()
        assert live.errors == []


def state(live: Live, path: str) -> dict[str, Any]:
    client = live.client()
    client.send(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".encode())
    result: dict[str, Any] = json.loads(client.answer()[2])
    return result


# -- the handshake


def test_the_handshake_of_the_standard(start: Start, loop_kind: str) -> None:
    client = start(uvloops=loop_kind == "uvloop").client()
    headers = shake(client)
    assert headers["sec-websocket-accept"] == ACCEPT
    assert (headers["upgrade"], headers["connection"]) == ("websocket", "Upgrade")
    assert not {"sec-websocket-protocol", "sec-websocket-extensions", "content-length"} & headers.keys()
    client.send(frame(TEXT, "é".encode()))
    assert read_frame(client) == (TEXT, "é".encode())


def test_what_is_sent_with_the_handshake_is_not_lost(start: Start) -> None:
    client = start().client()
    client.send(handshake() + frame(TEXT, b"early"))
    assert client.answer(head_only=True)[0] == 101
    assert read_frame(client) == (TEXT, b"early")


@pytest.mark.parametrize(
    ("sent", "status", "message"),
    [
        (handshake(version=b"8"), 426, "WebSocket version not supported"),
        (handshake(version=b"13, 8"), 426, "WebSocket version not supported"),
        (handshake("/echo", b"Sec-WebSocket-Version: 13"), 426, "WebSocket version not supported"),
        (handshake(key=b""), 400, "Invalid Sec-WebSocket-Key header"),
        (handshake(key=b"c2hvcnQ="), 400, "Invalid Sec-WebSocket-Key header"),
        (handshake(key=KEY[:-3] + b"z=="), 400, "Invalid Sec-WebSocket-Key header"),
        (handshake("/echo", b"Sec-WebSocket-Key: " + KEY), 400, "Invalid Sec-WebSocket-Key header"),
        (handshake("/echo", b"Sec-WebSocket-Protocol: a, b, a"), 400, "Invalid Sec-WebSocket-Protocol header"),
        (handshake("/echo", b"Sec-WebSocket-Protocol: \x80\xff"), 400, "Invalid Sec-WebSocket-Protocol header"),
        (handshake("/echo", b"Sec-WebSocket-Protocol: ,"), 400, "Invalid Sec-WebSocket-Protocol header"),
        (handshake("/echo", b"Sec-WebSocket-Protocol: " + b"\xff" * 50), 400, "Invalid Sec-WebSocket-Protocol header"),
        (handshake("/echo", b"Content-Length: 5") + b"hello", 400, "A WebSocket handshake has no body"),
        (handshake("/echo", b"Transfer-Encoding: chunked") + b"0\r\n\r\n", 400, "A WebSocket handshake has no body"),
        (handshake("/echo", b"Origin: https://evil.example"), 403, "Origin not allowed"),
        (handshake("/echo", b"Origin: null"), 403, "Origin not allowed"),
        (handshake("/echo", b"Origin: http://a", b"Origin: http://a"), 403, "Origin not allowed"),
        (handshake("/nothing"), 404, "Not found"),
    ],
    ids=[
        "version", "versions", "version-twice", "no-key", "short-key", "loose-key", "key-twice", "protocol-twice",
        "protocol-bytes", "protocol-empty", "protocol-long", "body", "chunked", "origin", "null-origin",
        "two-origins", "no-route",
    ],
)  # fmt: skip
def test_a_bad_handshake_is_refused(start: Start, sent: bytes, status: int, message: str) -> None:
    live = start()
    client = live.client()
    client.send(sent)
    found, headers, told = refused(client)
    assert (found, told) == (status, message)
    if status == 426:
        assert (headers["sec-websocket-version"], headers["upgrade"]) == ("13", "websocket")
    shake(live.client())  # the server is as well as before


def test_routes_without_websocket_answer_as_ever(start: Start) -> None:
    live = start()
    client = live.client()
    for bad in (handshake("/plain"), handshake("/plain", version=b"1", key=b"?")):
        client.send(bad)
        assert json.loads(client.answer()[2]) == {"plain": True}
    client.send(b"GET /echo HTTP/1.1\r\nHost: a\r\n\r\n")
    assert json.loads(client.answer()[2]) == {"get": True}
    client.send(handshake("/echo").replace(b"Upgrade: websocket", b"Upgrade: h2c"))
    assert json.loads(client.answer()[2]) == {"get": True}
    client.send(handshake("/echo").replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert json.loads(client.answer()[2]) == {"get": True}


def test_a_plain_get_of_a_route_for_sockets_needs_an_upgrade(start: Start) -> None:
    client = start().client()
    for method in ("GET", "HEAD"):
        client.send(f"{method} /only HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        status, headers, _ = client.answer(head_only=method == "HEAD")
        assert (status, headers["upgrade"], headers["connection"]) == (426, "websocket", "Upgrade")
    client.send(b"DELETE /only HTTP/1.1\r\nHost: a\r\n\r\n")
    status, headers, _ = client.answer()
    assert (status, headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")


@pytest.mark.parametrize("target", ["http://127.0.0.1:{canary}/echo", "//127.0.0.1:{canary}/echo", "ws://a/echo"])
def test_an_absolute_target_is_never_asked_elsewhere(start: Start, target: str) -> None:
    live = start()
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.settimeout(0.3)
        client = live.client()
        client.send(handshake(target.format(canary=canary.getsockname()[1])))
        status, headers, _ = client.answer()
        assert status in (400, 404) or re.match("/[^/]", headers["location"])
        with pytest.raises(TimeoutError):
            canary.accept()


def test_an_absolute_target_of_our_own_is_a_path(start: Start) -> None:
    client = start().client()
    client.send(handshake("http://a/echo"))
    assert client.answer(head_only=True)[0] == 101


# -- frames


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(TEXT, b"x", mask=None), 1002),
        (frame(TEXT, b"x", rsv=4), 1002),
        (frame(TEXT, b"x", rsv=1), 1002),
        (frame(3, b"x"), 1002),
        (frame(11, b"x"), 1002),
        (frame(CONT, b"x"), 1002),
        (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(PING, b"x", fin=False), 1002),
        (frame(CLOSE, b"\x03"), 1002),
        (frame(CLOSE, b"\x03\xed"), 1002),
        (frame(CLOSE, b"\x03\xe8\xff"), 1007),
        (frame(TEXT, b"\xff"), 1007),
        (frame(TEXT, b"\xed\xa0\x80"), 1007),
        (frame(TEXT, b"\xc3", fin=False) + frame(CONT, b"\x28"), 1007),
        (frame(BINARY, b"x" * 2001), 1009),
        (frame(BINARY, b"x" * 1500, fin=False) + frame(CONT, b"x" * 501), 1009),
        (b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00", 1009),
    ],
    ids=[
        "unmasked", "rsv1", "rsv3", "opcode-3", "opcode-11", "continuation-first", "text-in-text", "long-ping",
        "ping-in-parts", "close-of-one-byte", "close-1005", "close-reason-utf8", "utf8", "surrogate", "utf8-in-parts",
        "too-big", "too-big-in-parts", "too-big-announced",
    ],
)  # fmt: skip
def test_bad_frames_close_with_a_code(start: Start, sent: bytes, code: int) -> None:
    live = start(websocket_max_size=2000)
    client = live.client()
    shake(client)
    client.send(frame(TEXT, b"good") + sent + frame(TEXT, b"after"))
    assert read_close(client)[0] == code
    assert client.to_end() == b"", "nothing comes behind the close frame"
    client.close()
    live.eventually(lambda: not live.server.service.connections)


def test_a_message_of_the_largest_size_passes(start: Start) -> None:
    client = start(websocket_max_size=100_000).client()
    shake(client)
    client.send(frame(BINARY, b"y" * 100_000))
    assert read_frame(client) == (BINARY, b"y" * 100_000)


def test_parts_are_put_together_with_control_frames_in_between(start: Start) -> None:
    client = start().client()
    shake(client)
    for byte in (  # one byte at a time: every state of the reader is met
        frame(TEXT, "h\u00e9".encode()[:2], fin=False)
        + frame(PING, b"ping")
        + frame(CONT, b"", fin=False)
        + frame(CONT, "h\u00e9llo".encode()[2:])
    ):
        client.send(bytes([byte]))
    assert read_frame(client) == (PONG, b"ping")
    assert read_frame(client) == (TEXT, "h\u00e9llo".encode())
    client.send(frame(BINARY) + frame(PONG, b"unasked"))
    assert read_frame(client) == (BINARY, b"")


def test_a_storm_of_small_frames_leaves_others_their_turn(start: Start) -> None:
    live = start(websocket_max_queue=100_000)
    client = live.client()
    shake(client, "/only")
    storm = frame(TEXT, b"", mask=b"\0\0\0\0") * 20_000
    other = live.client()
    client.send(storm)
    other.send(b"GET /plain HTTP/1.1\r\nHost: a\r\n\r\n")
    assert other.answer()[0] == 200
    client.send(frame(CLOSE, b"\x0f\xa0end"))
    assert read_close(client) == (4000, "end")


def test_the_client_closes(start: Start) -> None:
    live = start()
    client = live.client()
    shake(client, "/only")
    client.send(frame(CLOSE, b"\x0f\xa1bye"))
    assert read_frame(client) == (CLOSE, b"\x0f\xa1bye")
    assert client.to_end() == b""
    assert state(live, "/only")["seen"] == ["begun", [4001, "bye", True]]
    live.eventually(lambda: live.server.service.active == 0)
    assert live.server.service.answers[1] == 1


def test_the_client_closes_without_a_code(start: Start) -> None:
    live = start()
    client = live.client()
    shake(client, "/only")
    client.send(frame(CLOSE))
    assert read_frame(client) == (CLOSE, b"")
    live.eventually(lambda: state(live, "/only")["seen"][1:] == [[1005, "", True]])


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_a_client_that_breaks_off(start: Start, loop_kind: str, leave: str) -> None:
    live = start(uvloops=loop_kind == "uvloop")
    client = live.client()
    shake(client, "/only")
    getattr(client, leave)()
    live.eventually(lambda: state(live, "/only")["seen"] == ["begun", [1006, "", True]])
    live.eventually(lambda: live.server.service.active == 0)
    assert [request.path for request in live.sent].count("/only") >= 1


# -- limits


def test_sending_waits_for_a_client_that_does_not_read(start: Start, loop_kind: str) -> None:
    live = start(uvloops=loop_kind == "uvloop", write_timeout=1.0)
    client = live.client()
    shake(client, "/flood")
    last = -1
    while (sent := state(live, "/flood"))["sent"] != last:
        last = sent["sent"]
        time.sleep(0.3)
    assert sent["buffered"] < 1_000_000
    # It goes on not reading: it is cut, and the handler with it.
    live.eventually(lambda: live.server.service.active == 0, 10)


def test_nothing_more_is_read_than_the_handler_takes(start: Start) -> None:
    live = start(websocket_max_queue=4)
    client = live.client()
    shake(client, "/slow")
    client.socket.settimeout(1)
    sent = 0
    data = frame(BINARY, b"z" * 100_000, mask=b"\0\0\0\0")
    with pytest.raises(TimeoutError):
        while sent < 400:
            client.send(data)
            sent += 1
    client.socket.settimeout(5)
    assert sent < 300
    state(live, "/slow")
    live.eventually(lambda: state(live, "/slow")["received"] >= sent)


def test_no_more_is_read_of_a_client_that_fills_the_queue_with_its_handshake(start: Start, loop_kind: str) -> None:
    live = start(uvloops=loop_kind == "uvloop")
    client = live.client()
    client.send(handshake("/slow") + frame(BINARY, b"x") * 40)
    assert client.answer(head_only=True)[0] == 101
    client.socket.settimeout(1)
    data = frame(BINARY, b"z" * 100_000, mask=b"\0\0\0\0")
    sent = 0
    with pytest.raises(TimeoutError):
        while sent < 200:
            client.send(data)
            sent += 1
    assert sent < 100
    client.socket.settimeout(5)
    state(live, "/slow")
    live.eventually(lambda: state(live, "/slow")["received"] >= 40 + sent)


def test_no_more_is_read_of_a_client_that_goes_on_after_our_close_than_is_parsed(start: Start) -> None:
    route = "async def WEBSOCKET(socket):\n    await socket.accept()\n    await socket.close()\n"
    live = start({"app/ends/route.py": route}, websocket_close_timeout=3)
    client = live.client()
    shake(client, "/ends")
    data = frame(BINARY, b"", mask=b"\0\0\0\0") * 100_000
    most = sent = 0
    client.socket.setblocking(False)
    began = time.monotonic()
    while time.monotonic() - began < 1.5:
        try:
            sent += client.socket.send(data[sent % len(data) :])
        except BlockingIOError:
            time.sleep(0.001)
        most = max(most, live.call(lambda: len(next(iter(live.server.service.connections)).taken._backlog)))
    assert 0 < most < 1_000_000


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_a_client_that_leaves_while_nobody_takes_its_messages(start: Start, loop_kind: str, leave: str) -> None:
    live = start(
        uvloops=loop_kind == "uvloop",
        websocket_max_queue=4,
        websocket_ping_interval=0.2,
        websocket_close_timeout=0.3,
    )
    client = live.client()
    shake(client, "/slow")
    client.send(frame(TEXT, b"x") * 10)
    time.sleep(0.3)
    assert live.server.service.active == 1
    getattr(client, leave)()
    live.eventually(lambda: live.server.service.active == 0, 10)


def test_a_silent_client_is_pinged_and_then_closed(start: Start) -> None:
    live = start(websocket_ping_interval=0.2, websocket_ping_timeout=0.4)
    client = live.client()
    shake(client, "/only")
    assert read_frame(client) == (PING, b"")
    client.send(frame(PONG))
    assert read_frame(client) == (PING, b""), "an answer begins the silence anew"
    assert read_close(client) == (1011, "No answer to a ping")
    live.eventually(lambda: state(live, "/only")["seen"][-1] == [1011, "No answer to a ping", True])


def test_an_idle_conversation_ends(start: Start) -> None:
    client = start(websocket_idle_timeout=0.3).client()
    shake(client)
    client.send(frame(TEXT, b"x"))
    assert read_frame(client) == (TEXT, b"x")
    began = time.monotonic()
    assert read_close(client) == (1001, "Idle")
    assert time.monotonic() - began >= 0.25


def test_a_close_that_is_not_answered_ends_after_its_time(start: Start) -> None:
    live = start(
        {"app/route.py": "async def WEBSOCKET(socket):\n    await socket.accept()\n"}, websocket_close_timeout=0.3
    )
    client = live.client()
    shake(client, "/")
    assert read_close(client) == (1000, "")
    assert client.to_end() == b""
    live.eventually(lambda: not live.server.service.connections)


def test_a_handler_that_waits_for_something_else_is_cancelled(start: Start) -> None:
    routes = {
        "app/route.py": """
import asyncio
seen = []
async def WEBSOCKET(socket):
    await socket.accept()
    socket.request.keep_running = "keep" in socket.next_url.search_params
    try:
        await asyncio.sleep(1.5 if socket.request.keep_running else 60)
        seen.append("ran on")
    except asyncio.CancelledError:
        seen.append("cancelled")
        raise
async def POST():
    return {"seen": seen}
"""
    }
    live = start(routes, websocket_close_timeout=0.3)
    for path in ("/", "/?keep"):
        client = live.client()
        shake(client, path)
        client.close()
    live.eventually(lambda: state(live, "/")["seen"] == ["cancelled", "ran on"])
    live.eventually(lambda: live.server.service.active == 0)


# -- compression


def test_messages_are_compressed_only_where_it_is_switched_on(start: Start) -> None:
    async def talk(port: int) -> str:
        async with connect(f"ws://127.0.0.1:{port}/echo") as socket:
            text = "waypost " * 10_000
            await socket.send(text)
            assert await socket.recv() == text
            assert socket.response is not None
            return str(socket.response.headers.get("Sec-WebSocket-Extensions", ""))

    assert asyncio.run(talk(start().port)) == ""
    assert asyncio.run(talk(start(websocket_compression=True).port)).startswith("permessage-deflate")


def test_a_small_frame_that_grows_past_the_limit(start: Start) -> None:
    async def talk(port: int) -> int:
        async with connect(f"ws://127.0.0.1:{port}/echo") as socket:
            await socket.send(b"\0" * 5_000_000)
            with pytest.raises(ConnectionClosedError) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            return closed.value.rcvd.code

    assert asyncio.run(talk(start(websocket_compression=True, websocket_max_size=100_000).port)) == 1009


def test_small_frames_that_grow_wait_for_their_handler(start: Start) -> None:
    routes = {
        "app/route.py": """
import asyncio

state = {"received": 0, "most": 0}
gate = asyncio.Event()

async def WEBSOCKET(socket):
    await socket.accept()
    await gate.wait()
    async for message in socket:
        state["received"] += 1
        state["most"] = max(state["most"], len(message) + socket._link.inbox._waiting)

async def GET():
    return state

async def POST():
    gate.set()
    return state
"""
    }
    live = start(routes, websocket_compression=True, websocket_max_size=100_000)
    client = live.client()
    shake(client, "/", b"Sec-WebSocket-Extensions: permessage-deflate")
    deflated = zlib.compressobj(wbits=-12)
    # 500 messages of 100,000 bytes, in a tenth of a megabyte.
    for _ in range(500):
        data = deflated.compress(bytes(100_000)) + deflated.flush(zlib.Z_SYNC_FLUSH)
        client.send(frame(BINARY, data.removesuffix(b"\0\0\xff\xff"), rsv=4))
    time.sleep(0.5)
    state(live, "/")
    live.eventually(lambda: state(live, "/")["received"] == 500)
    assert state(live, "/")["most"] < 2_000_000


def test_a_close_gets_through_what_waits_for_the_handler(start: Start) -> None:
    routes = {
        "app/route.py": """
import asyncio

async def WEBSOCKET(socket):
    await socket.accept()
    await asyncio.sleep(0.3)
    await socket.close(4001)
"""
    }
    live = start(routes, websocket_max_queue=4, websocket_close_timeout=30.0)
    client = live.client()
    shake(client, "/")
    client.send(frame(TEXT, b"x") * 20_000 + frame(CLOSE, b"\x03\xe8"))
    assert read_close(client)[0] == 4001
    live.eventually(lambda: live.server.service.active == 0, 10)


# -- the end of the server


def test_stopping_closes_every_socket_with_1001(start: Start) -> None:
    live = start()

    async def talk() -> list[int]:
        sockets = [await connect(f"ws://127.0.0.1:{live.port}/{path}") for path in ("echo", "only") for _ in range(10)]
        began = time.monotonic()
        stopping = asyncio.create_task(asyncio.to_thread(live.run, live.server.stop(2.0)))

        async def end(socket: Any) -> int:
            with pytest.raises(ConnectionClosedOK) as closed:
                await socket.recv()
            return int(closed.value.rcvd.code)

        codes = await asyncio.gather(*map(end, sockets))
        await stopping
        assert time.monotonic() - began < 2.5
        return codes

    assert asyncio.run(talk()) == [1001] * 20
    assert not live.server.service.connections


def test_a_handler_that_does_not_end_is_cancelled_with_the_grace(start: Start) -> None:
    code = "import asyncio\nasync def WEBSOCKET(socket):\n    await socket.accept()\n    await asyncio.sleep(60)\n"
    live = start({"app/route.py": code})
    client = live.client()
    shake(client, "/")
    began = time.monotonic()
    live.run(live.server.stop(0.5))
    assert time.monotonic() - began < 3
    assert read_close(client) == (1001, "The server is stopping")
    assert not live.server.service.connections


def test_a_client_of_a_library(start: Start, loop_kind: str) -> None:
    async def talk(port: int) -> None:
        async with connect(f"ws://127.0.0.1:{port}/echo", max_size=None) as socket:
            for message in ("text", b"bytes", "", "\U0001f600" * 1000, b"\0" * 500_000):
                await socket.send(message)
                assert await socket.recv() == message
            await socket.send(["in ", "three ", "parts"])
            assert await socket.recv() == "in three parts"
            await (await socket.ping())

    asyncio.run(talk(start(uvloops=loop_kind == "uvloop").port))


def test_many_at_once(start: Start) -> None:
    live = start()

    async def one(number: int) -> None:
        async with connect(f"ws://127.0.0.1:{live.port}/echo", compression=None) as socket:
            for turn in range(5):
                await socket.send(f"{number} {turn}")
                assert await socket.recv() == f"{number} {turn}"

    async def main() -> None:
        await asyncio.gather(*(one(number) for number in range(500)))

    asyncio.run(main())
    live.eventually(lambda: not live.server.service.connections)


def test_sockets_count_as_requests_that_are_answered(start: Start) -> None:
    live = start(max_concurrent_requests=2)
    for _ in range(2):
        shake(live.client())
    client: Client = live.client()
    client.send(handshake())
    assert client.answer()[0] == 503
