"""SIGTERM with 100 open event streams: each ends with its end mark, within the grace and a second."""

from __future__ import annotations

import asyncio

from rig import Service, connect, main


async def _run(service: Service, count: int) -> tuple[int, int, float]:
    peers = [await connect(service.port) for _ in range(count)]
    for _, writer in peers:
        writer.write(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
    for reader, _ in peers:
        await reader.readuntil(b"tick\n\n")
    code, took = await asyncio.to_thread(service.stop)
    ends = [await reader.read() for reader, _ in peers]
    return sum(1 for end in ends if end.endswith(b"data: end\n\n\r\n0\r\n\r\n")), code, took


def measure(short: bool) -> tuple[bool, str]:
    count, grace = (20, 2) if short else (100, 10)
    found = []
    for workers in (1, 2):
        with Service("--shutdown-grace", str(grace), workers=workers) as service:
            ended, code, took = asyncio.run(_run(service, count))
        met = ended == count and code == 0 and took <= grace + 1
        found.append((met, f"{workers} worker(s) {ended}/{count} ended properly, exit {code} after {took:.1f} s"))
    return all(met for met, _ in found), "; ".join(text for _, text in found)


if __name__ == "__main__":
    main("graceful stop with open event streams", "all end with their mark within grace + 1 s, exit 0", measure)
