"""Raw HTTP/1.1 requests, each of which some server gets wrong, against ours.

Classes: R must be refused, A must work, E gets at most one final answer, Pn gets exactly n.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socket
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from waypost.http.request import Request
from waypost.http.response import Response

_PROBES = json.loads((Path(__file__).parent / "data" / "http1-probes.json").read_text())
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


def _bytes_of(probe: dict[str, Any]) -> bytes:
    if probe.get("request_hex"):
        return bytes.fromhex(probe["request_hex"])
    return zlib.decompress(base64.b64decode(probe["request_zlib_base64"]))


async def _handler(request: Request) -> Response:
    if "smuggled" in request.path:
        return Response("smuggled", 599)
    return Response(await request.bytes() if request.path == "/echo" else "fine")


def _statuses(port: int, data: bytes) -> tuple[list[int], bool]:
    """The final statuses that come within a moment of quiet, and whether the server closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        with contextlib.suppress(OSError):  # it may be refused before all was sent
            client.sendall(data)
        client.settimeout(0.4)
        received = b""
        closed = False
        try:
            while True:
                more = client.recv(1 << 20)
                if not more:
                    closed = True
                    break
                received += more
        except TimeoutError:
            pass
        except ConnectionResetError:
            closed = True
    return [int(status) for status in _STATUS.findall(received) if status != b"100"], closed


@pytest.mark.parametrize("split", [0, 1, 3], ids=["whole", "by-bytes", "by-three"])
def test_every_probe_is_safe(serve: Callable[..., Any], split: int) -> None:
    live = serve(_handler)
    wrong: list[tuple[str, list[int], bool]] = []
    for probe in _PROBES:
        data = _bytes_of(probe)
        if split and len(data) > 300:
            continue
        statuses, closed = _split(live.port, data, split) if split else _statuses(live.port, data)
        kind = probe["class"]
        safe = {
            "R": bool(statuses) and 400 <= statuses[0] <= 505 and len(statuses) == 1 and closed,
            "A": statuses == [200],
            "E": len(statuses) <= 1 and 599 not in statuses,
        }.get(kind, kind[0] == "P" and statuses == [200] * int(kind[1:] or 1))
        if split and kind[0] == "P" and statuses == [200] and closed:
            safe = True  # a chunked body that is not complete when its answer is: the connection ends with it
        if not safe:
            wrong.append((probe["id"], statuses, closed))
    assert wrong == []
    assert live.get()[0] == 200


def _split(port: int, data: bytes, size: int) -> tuple[list[int], bool]:
    """The same with the request in pieces, which must not change what it means."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        received = b""
        closed = False
        try:
            for at in range(0, len(data), size):
                client.sendall(data[at : at + size])
        except OSError:
            pass
        client.settimeout(0.3)
        try:
            while more := client.recv(1 << 20):
                received += more
            closed = True
        except TimeoutError:
            pass
        except ConnectionResetError:
            closed = True
    return [int(status) for status in _STATUS.findall(received) if status != b"100"], closed
