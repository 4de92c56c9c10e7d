"""Downloads that fail on the server's side: the client can see each of them."""

from __future__ import annotations

import asyncio

from rig import Service, connect, exchange, limited, main

WAYS = [
    f"/broken?how={how}{length}{late}"
    for how in ("raise", "short", "cancel", "exit")
    for length in ("", "&length=1")
    for late in ("", "&late=1")
] + [
    "/download?mb=3&fail=1", "/download?mb=3&fail=2&length=1",
    "/shrinking?size=1000&left=10", "/shrinking?size=5000000&left=100000", "/shrinking?size=100000&left=0",
    "/shrinking?size=5000000&left=100000&part=1",
]  # fmt: skip
RANGES = ("", "Range: bytes=0-\r\n", "Range: bytes=0-9,-5\r\n")


def _request(number: int) -> tuple[str, str]:
    """Path and Range; only what is a file, or served like one, has ranges."""
    path = WAYS[number % len(WAYS)]
    return path, RANGES[number // len(WAYS) % len(RANGES)] if path.startswith("/shrinking") else ""


def measure(short: bool) -> tuple[bool, str]:
    count = 2 * len(WAYS) * len(RANGES) if short else 1056

    async def run(service: Service) -> list[object]:
        async def download(number: int) -> bool:
            peer = await connect(service.port)
            try:
                status, _, _ = await asyncio.wait_for(exchange(peer, *_request(number)), 10)
            except (EOFError, ConnectionError):
                return True
            finally:
                peer[1].close()
            return status >= 500

        return await limited(count, 10, download)

    with Service() as service:
        results = asyncio.run(run(service))
    seen = sum(1 for result in results if result is True)
    return seen == count, f"{seen}/{count} visible"


if __name__ == "__main__":
    main("failed downloads", "all visible to the client", measure)
