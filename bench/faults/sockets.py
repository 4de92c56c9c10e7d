"""1,000 WebSockets on one worker: every message comes back, little memory each, and SIGTERM closes all with 1001."""

from __future__ import annotations

import asyncio
import statistics
import time

from rig import SHORT_PATIENCE, Peer, Service, connect, main

HANDSHAKE = (
    b"GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SENT, ECHOED = b"\x81\x85\0\0\0\0hello", b"\x81\x05hello"  # masked with zeros
GRACE = 4


async def _open(port: int) -> Peer:
    reader, writer = await connect(port)
    writer.write(HANDSHAKE)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 "), head
    return reader, writer


async def _talk(peer: Peer, delay: float, seconds: float, took: list[float]) -> bool:
    reader, writer = peer
    await asyncio.sleep(delay)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        writer.write(SENT)
        if await reader.readexactly(len(ECHOED)) != ECHOED:
            return False
        took.append(time.perf_counter() - began)
        await asyncio.sleep(max(0.0, 1 - (time.perf_counter() - began)))
    return True


async def _closed(peer: Peer) -> bool:
    """Whether a close frame with 1001 comes; it is answered."""
    frame = await peer[0].read(64)
    peer[1].write(b"\x88\x82\0\0\0\0\x03\xe9")
    return frame[:1] == b"\x88" and frame[2:4] == b"\x03\xe9"


async def _run(service: Service, count: int, seconds: float) -> tuple[int, list[float], float, int, int, float]:
    took: list[float] = []
    first = await _open(service.port)
    await _talk(first, 0, 0.5, [])  # what the first one loads is not the others' memory
    before = service.memory()
    peers = [first]
    while len(peers) < count:
        peers += await asyncio.gather(*(_open(service.port) for _ in range(50)))
    good = await asyncio.gather(*(_talk(peer, number / len(peers), seconds, took) for number, peer in enumerate(peers)))
    each = (service.memory() - before) * 1024 / len(peers)
    stopping = asyncio.create_task(asyncio.to_thread(service.stop))
    closed = await asyncio.gather(*map(_closed, peers))
    code, seconds_to_stop = await stopping
    return sum(good) - (len(peers) - count), took, each, sum(closed) - (len(peers) - count), code, seconds_to_stop


def measure(short: bool) -> tuple[bool, str]:
    count, seconds = (500, 3.0) if short else (1000, 30.0)
    with Service("--shutdown-grace", str(GRACE)) as service:
        good, took, each, closed, code, stopped = asyncio.run(_run(service, count, seconds))
    p99 = statistics.quantiles(took, n=100)[98] * 1000
    met = good == closed == count and each < 20 and code == 0 and stopped < GRACE + 1
    met = met and p99 < 50 * (SHORT_PATIENCE if short else 1)
    return met, (
        f"{good} of {count} had every message back ({len(took)} in all, p99 {p99:.1f} ms), {each:.1f} KiB a socket,"
        f" {closed} closed with 1001, exit {code} after {stopped:.1f} s"
    )


if __name__ == "__main__":
    main(
        "WebSockets on one worker", "none lost, p99 < 50 ms, < 20 KiB a socket, all closed within grace + 1 s", measure
    )
