"""10,000 idle kept connections: what each costs, and whether others notice."""

from __future__ import annotations

import asyncio

from rig import SHORT_PATIENCE, Peer, Service, connect, exchange, main, probing

SOURCES = ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5")


async def _run(service: Service, count: int) -> tuple[int, float, float, int]:
    async def hold(number: int) -> Peer:
        peer = await connect(service.port, source=SOURCES[number % 4])
        assert (await exchange(peer))[0] == 200
        return peer

    for _ in range(200):  # warm: what the first requests load is not the connections'
        await exchange(await connect(service.port))
    before = service.memory()
    peers: list[Peer] = []
    for number in range(count):
        try:
            peers.append(await hold(number))
        except OSError:
            break
    with probing(service.port) as probe:
        await asyncio.sleep(3)
    each = (service.memory() - before) * 1024 / max(1, len(peers))
    alive = 0
    for peer in peers[:: max(1, count // 500)]:
        alive += (await exchange(peer))[0] == 200
    for peer in peers:
        peer[1].transport.abort()
    return len(peers), each, probe.p99(), alive


def measure(short: bool) -> tuple[bool, str]:
    count = 1000 if short else 10_000
    with Service("--keep-alive-timeout", "300") as service:
        held, each, p99, alive = asyncio.run(_run(service, count))
    met = held == count and each <= 12 and p99 < 10 * (SHORT_PATIENCE if short else 1) and alive == 500
    return met, f"{held} held at {each:.1f} KiB each, GET p99 {p99:.1f} ms, {alive} of 500 still answer"


if __name__ == "__main__":
    main("idle connections", "all held, <= 12 KiB each, GET p99 < 10 ms", measure)
