"""Uploads that break off: counted and chunked, by reset, end and half-close, anywhere. None looks complete."""

from __future__ import annotations

import asyncio
import random

from rig import Peer, Service, abort, connect, limited, main

BODY = random.Random(7).randbytes(20_000)


def _message(chunked: bool) -> tuple[bytes, bytes]:
    head = b"POST /upload HTTP/1.1\r\nHost: a\r\nX-Keep: 1\r\n"
    if not chunked:
        return head + b"Content-Length: %d\r\n\r\n" % len(BODY), BODY
    pieces = [BODY[at : at + 1500] for at in range(0, len(BODY), 1500)]
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    return head + b"Transfer-Encoding: chunked\r\n\r\n", body


async def _truncate(port: int, number: int) -> None:
    head, body = _message(number % 2 == 0)
    cut = (number * 7919) % (len(body) - 1)
    peer: Peer = await connect(port)
    peer[1].write(head + body[:cut])
    await peer[1].drain()
    await asyncio.sleep(0.005)
    how = number % 3
    if how == 0:
        abort(peer)
    elif how == 1:
        peer[1].close()
    else:
        peer[1].write_eof()
        # Whatever the answer is, it does not say that the upload is complete.
        answer = await asyncio.wait_for(peer[0].read(), 10)
        assert b"sha256" not in answer
        peer[1].close()


def measure(short: bool) -> tuple[bool, str]:
    count = 120 if short else 1000

    async def run(service: Service) -> tuple[dict[str, int], list[object], int]:
        failed = await limited(count, 20, lambda number: _truncate(service.port, number))
        for _ in range(100):
            ledger = await asyncio.to_thread(service.ledger)
            if ledger.get("upload broken", 0) + ledger.get("upload complete", 0) == ledger.get("upload begun", 0):
                break
            await asyncio.sleep(0.05)
        kept = sum(1 for item in service.scratch.iterdir() if item.name != "log")
        return ledger, [item for item in failed if item is not None], kept

    with Service() as service:
        ledger, failed, kept = asyncio.run(run(service))
    begun, broken, complete = (ledger.get(f"upload {name}", 0) for name in ("begun", "broken", "complete"))
    met = not failed and complete == 0 and begun == broken and begun >= count * 0.9 and kept == 0
    return (
        met,
        f"{count} sent, {begun} reached the handler, {broken} raised, {complete} looked complete, {kept} files left"
        f" {failed[:2] or ''}",
    )


if __name__ == "__main__":
    main("truncated uploads", "all raise in the handler, none is complete", measure)
