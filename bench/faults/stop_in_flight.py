"""SIGTERM while 500 requests of 2 s are being answered: each gets its answer."""

from __future__ import annotations

import asyncio

from rig import Service, connect, exchange, main


async def _ask(service: Service, count: int, seconds: float) -> tuple[int, int, float]:
    peers = [await connect(service.port) for _ in range(count)]
    asked = [asyncio.ensure_future(exchange(peer, f"/slow?s={seconds}")) for peer in peers]
    await asyncio.sleep(seconds / 2)
    code, took = await asyncio.to_thread(service.stop)
    answers = await asyncio.gather(*asked, return_exceptions=True)
    return sum(1 for answer in answers if isinstance(answer, tuple) and answer[2] == b"done"), code, took


def measure(short: bool) -> tuple[bool, str]:
    count, seconds = (100, 1.0) if short else (500, 2.0)
    found = []
    for workers in (1, 2):
        with Service(workers=workers) as service:
            done, code, took = asyncio.run(_ask(service, count, seconds))
        found.append(
            (done == count and code == 0, f"{workers} worker(s) {done}/{count}, exit {code} after {took:.1f} s")
        )
    return all(met for met, _ in found), "; ".join(text for _, text in found)


if __name__ == "__main__":
    main("graceful stop, requests in flight", "all answered, exit 0", measure)
