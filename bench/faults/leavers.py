"""Clients that leave, in a handler, a stream, a download or an upload: everything is released within 2 s."""

from __future__ import annotations

import asyncio
import tempfile
import time

from rig import SHORT_PATIENCE, Service, abort, connect, limited, main


def measure(short: bool) -> tuple[bool, str]:
    count = 100 if short else 1000

    async def run(service: Service, big: str) -> tuple[dict[str, int], dict[str, int], float, int]:
        before = service.ledger()

        async def leave(number: int) -> None:
            peer = await connect(service.port)
            way = number % 5
            request = (
                b"GET /slow?s=60",
                b"GET /events",
                b"GET /download?mb=50",
                b"GET /file?path=" + big.encode(),
                b"POST /upload",
            )[way]
            body = b"Content-Length: 100000\r\n\r\n" + b"x" * 3000 if way == 4 else b"\r\n"
            peer[1].write(request + b" HTTP/1.1\r\nHost: a\r\n" + body)
            await peer[1].drain()
            if way in (1, 2, 3):
                await peer[0].readuntil(b"\r\n\r\n")
            else:
                await asyncio.sleep(0.02)
            if number % 2:
                abort(peer)
            else:
                peer[1].close()

        await limited(count, 50, leave)
        began = time.monotonic()
        while time.monotonic() - began < 10:
            after = await asyncio.to_thread(service.ledger)
            ended = sum(
                after.get(name, 0) for name in ("slow cancelled", "events closed", "download closed", "upload broken")
            )
            if after["files"] <= before["files"] and ended == count - len(range(3, count, 5)):
                break
            await asyncio.sleep(0.05)
        left = sum(1 for item in service.scratch.iterdir() if item.name != "log")
        return before, after, time.monotonic() - began, left

    with Service() as service, tempfile.NamedTemporaryFile() as big:
        big.truncate(50_000_000)
        before, after, took, left = asyncio.run(run(service, big.name))
    each = count // 5
    ended = [after.get(name, 0) for name in ("slow cancelled", "events closed", "download closed", "upload broken")]
    met = (
        ended == [each] * 4
        and after["files"] <= before["files"]
        and took <= 2 * (SHORT_PATIENCE if short else 1)
        and left == 0
    )
    return met, (
        f"{count} left: {ended} of {each} each ended, descriptors {before['files']} -> {after['files']},"
        f" {left} temporary files, {took:.2f} s"
    )


if __name__ == "__main__":
    main("clients that leave", "generators, descriptors and files released within 2 s", measure)
