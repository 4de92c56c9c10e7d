"""Ten minutes at 70 % of what the server can do: no error, no drift."""

from __future__ import annotations

import asyncio
import statistics
import time

from rig import SHORT_PATIENCE, Service, connect, exchange, main


async def _worker(service: Service, rate: float, end: float, seconds: list[float], failed: list[str]) -> None:
    peer = await connect(service.port)
    next_at = time.perf_counter()
    while next_at < end:
        await asyncio.sleep(max(0.0, next_at - time.perf_counter()))
        began = time.perf_counter()
        try:
            await exchange(peer)
        except (OSError, EOFError) as error:
            failed.append(repr(error))
            peer = await connect(service.port)
        seconds.append(time.perf_counter() - began)
        next_at = max(next_at + 1 / rate, time.perf_counter() - 0.1)


async def _run(service: Service, length: float) -> tuple[int, list[str], float, float, float]:
    seconds: list[float] = []
    failed: list[str] = []
    began = time.perf_counter()
    await asyncio.gather(*(_worker(service, 1e9, began + 2, seconds, failed) for _ in range(16)))
    rate = 0.7 * len(seconds) / 2 / 16
    seconds.clear()
    before = service.memory()
    began = time.perf_counter()
    await asyncio.gather(*(_worker(service, rate, began + length, seconds, failed) for _ in range(16)))
    fifth = len(seconds) // 5
    first, last = (statistics.quantiles(part, n=100)[98] * 1000 for part in (seconds[:fifth], seconds[-fifth:]))
    return len(seconds), failed, first, last, service.memory() - before


def measure(short: bool) -> tuple[bool, str]:
    with Service() as service:
        count, failed, first, last, grown = asyncio.run(_run(service, 4 if short else 600))
    limit = 20 * (SHORT_PATIENCE if short else 1)
    met = not failed and first < limit and last < limit and grown < 5
    return (
        met,
        f"{count} requests, {len(failed)} errors, p99 {first:.1f} ms at first and {last:.1f} at last,"
        f" memory +{grown:.1f} MiB",
    )


if __name__ == "__main__":
    main("sustained load", "no error, p99 < 20 ms, no drift", measure)
