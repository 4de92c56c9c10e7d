"""WebSocket frames by hand: what no client library would send."""

from __future__ import annotations

import json
import struct

from tests.server.conftest import Client

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # of that key, from RFC 6455 section 1.3


def handshake(
    path: str = "/echo", *fields: bytes, version: bytes = b"13", key: bytes = KEY, host: bytes = b"a"
) -> bytes:
    lines = [
        f"GET {path} HTTP/1.1".encode(),
        b"Host: " + host,
        b"Connection: keep-alive, Upgrade",
        b"Upgrade: websocket",
        b"Sec-WebSocket-Version: " + version,
        b"Sec-WebSocket-Key: " + key,
        *fields,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def frame(
    opcode: int, data: bytes = b"", *, fin: bool = True, rsv: int = 0, mask: bytes | None = b"\x01\x02\x03\x04"
) -> bytes:
    first = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0 if mask is None else 0x80
    size = len(data)
    if size < 126:
        length = bytes([bit | size])
    elif size < 65536:
        length = bytes([bit | 126]) + struct.pack("!H", size)
    else:
        length = bytes([bit | 127]) + struct.pack("!Q", size)
    if mask is None:
        return first + length + data
    return first + length + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))


def read_frame(client: Client) -> tuple[int, bytes]:
    """Opcode and payload of the server's next frame."""
    first, second = client.exactly(2)
    assert second < 128, "a server does not mask"
    size = second
    if size == 126:
        (size,) = struct.unpack("!H", client.exactly(2))
    elif size == 127:
        (size,) = struct.unpack("!Q", client.exactly(8))
    return first & 0x0F, client.exactly(size)


def read_close(client: Client) -> tuple[int, str]:
    """Code and reason of the close frame that comes after other frames, or next."""
    while True:
        opcode, data = read_frame(client)
        if opcode == CLOSE:
            return (struct.unpack("!H", data[:2])[0], data[2:].decode()) if data else (1005, "")


def refused(client: Client) -> tuple[int, dict[str, str], str]:
    """Status, headers and the message of an answer that is no 101."""
    status, headers, body = client.answer()
    return status, headers, json.loads(body)["error"]


def shake(client: Client, path: str = "/echo", *fields: bytes) -> dict[str, str]:
    """Open a WebSocket; gives the headers of the 101."""
    client.send(handshake(path, *fields))
    status, headers, _ = client.answer(head_only=True)
    assert status == 101, status
    return headers
