"""Uploads that break off, raw and as forms: counted and chunked, by reset, end and half-close, anywhere.

None looks complete, and none leaves a file.
"""

from __future__ import annotations

import asyncio
import random

from rig import Peer, Service, abort, connect, limited, main

RAW = random.Random(7).randbytes(20_000)
FORM = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n' + RAW + b"\r\n--b--\r\n"
WAYS = (("POST /upload", RAW), ("POST /form", FORM), ("PUT /form", FORM))


def _message(way: str, body: bytes, chunked: bool) -> tuple[bytes, bytes]:
    head = f"{way} HTTP/1.1\r\nHost: a\r\nX-Keep: 1\r\nContent-Type: multipart/form-data; boundary=b\r\n".encode()
    if not chunked:
        return head + b"Content-Length: %d\r\n\r\n" % len(body), body
    pieces = [body[at : at + 1500] for at in range(0, len(body), 1500)]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    return head + b"Transfer-Encoding: chunked\r\n\r\n", framed


async def _truncate(port: int, number: int) -> None:
    # Every way, framing and end meets every other: the three numbers have no common factor.
    head, body = _message(*WAYS[number // 6 % 3], number % 2 == 0)
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
