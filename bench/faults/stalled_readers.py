"""100 clients that ask for 100 MB and do not read: flat memory, others undisturbed, cut after the write time-out."""

from __future__ import annotations

import asyncio
import time

from rig import SHORT_PATIENCE, Peer, Service, connect, main, probing


async def _stall(port: int, path: str) -> Peer:
    peer = await connect(port)
    peer[1].transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads
    peer[1].write(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    return peer


async def _run(service: Service, count: int, seconds: float, patience: float) -> tuple[float, float, float, int]:
    before = service.memory()
    with probing(service.port) as probe:
        peers = [await _stall(service.port, f"/download?mb=100&length={number % 2}") for number in range(count)]
        peak = 0.0
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            peak = max(peak, service.memory() - before)
            await asyncio.sleep(0.1)
        began = time.monotonic()
        while time.monotonic() - began < patience:
            if service.ledger().get("download closed", 0) == count:
                break
            await asyncio.sleep(0.5)
        took = time.monotonic() - began
        closed = service.ledger().get("download closed", 0)
        for peer in peers:
            peer[1].transport.abort()
    return peak, probe.p99(), took, closed


def measure(short: bool) -> tuple[bool, str]:
    count, seconds, write_timeout = (30, 2.0, 3) if short else (100, 10.0, 20)
    with Service("--write-timeout", str(write_timeout)) as service:
        peak, p99, took, closed = asyncio.run(_run(service, count, seconds, write_timeout * 3 + 5))
    met = peak < 100 and p99 < 50 * (SHORT_PATIENCE if short else 1) and closed == count
    return met, (
        f"{count} readers: memory +{peak:.0f} MiB, p99 of others {p99:.1f} ms, {closed} cut"
        f" (write time-out {write_timeout} s, waited {seconds + took:.0f} s)"
    )


if __name__ == "__main__":
    main("stalled readers of 100 MB", "memory < +100 MiB, others' p99 < 50 ms, all cut", measure)
