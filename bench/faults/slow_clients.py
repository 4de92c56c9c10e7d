"""10,000 silent, 1,000 slow-header and 1,000 slow-body clients: others are served, the slow are ended in time."""

from __future__ import annotations

import asyncio
import time

from rig import SHORT_PATIENCE, Peer, Service, connect, main, probing

SOURCES = ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5")


async def _drip(peer: Peer, data: bytes, began: float) -> float:
    """One byte every two seconds until the server ends it; gives after how many seconds it did."""
    reader, writer = peer
    ended = asyncio.ensure_future(reader.read())
    try:
        for byte in data:
            writer.write(bytes([byte]))
            done, _ = await asyncio.wait([ended], timeout=2.0)
            if done:
                break
    except OSError:
        pass
    took = time.monotonic() - began
    ended.cancel()
    writer.transport.abort()
    return took


async def _run(service: Service, silent: int, slow: int) -> tuple[float, int, float, float, float, int]:
    held: list[Peer] = []
    began = time.monotonic()
    with probing(service.port) as probe:
        heads = [
            asyncio.ensure_future(
                _drip(await connect(service.port), b"GET / HTTP/1.1\r\nX: " + b"y" * 60, time.monotonic())
            )
            for _ in range(slow)
        ]
        bodies = []
        for _ in range(slow):
            peer = await connect(service.port)
            peer[1].write(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
            bodies.append(asyncio.ensure_future(_drip(peer, b"z" * 60, time.monotonic())))
        for number in range(silent):
            try:
                held.append(await connect(service.port, source=SOURCES[number % 4]))
            except OSError:
                break
        memory = service.memory()
        slowest_head = max(await asyncio.gather(*heads))
        slowest_body = max(await asyncio.gather(*bodies))
        ended = 0
        while time.monotonic() - began < 60 and ended < len(held):
            await asyncio.sleep(0.5)
            ended = sum(1 for reader, _ in held if reader.at_eof())
    for peer in held:
        peer[1].transport.abort()
    return memory, len(held), slowest_head, slowest_body, probe.p99(), ended


def measure(short: bool) -> tuple[bool, str]:
    silent, slow = (500, 50) if short else (10_000, 1000)
    options = ("--header-timeout", "3", "--body-timeout", "5") if short else ()
    head_limit, body_limit = (6, 11) if short else (15, 36)
    with Service(*options) as service:
        memory, held, head, body, p99, ended = asyncio.run(_run(service, silent, slow))
    met = (
        held == silent
        and p99 < 100 * (SHORT_PATIENCE if short else 1)
        and head <= head_limit
        and body <= body_limit
        and memory < 350
        and ended == held
    )
    return met, (
        f"{held} silent + 2 x {slow} slow: GET p99 {p99:.1f} ms, memory {memory:.0f} MiB, slow heads ended after"
        f" {head:.0f} s, slow bodies after {body:.0f} s, silent ended {ended}"
    )


if __name__ == "__main__":
    main("slow clients", "GET p99 < 100 ms, slow ones ended, memory < 350 MiB", measure)
