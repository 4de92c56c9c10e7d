"""2 GB up and down, counted, chunked, as a file and as a stream: flat memory and the same bytes."""

from __future__ import annotations

import asyncio
import hashlib
import json
import tempfile

from rig import Service, connect, main, response

BLOCK = bytes(range(256)) * 4096  # 1 MiB


async def _upload(service: Service, megabytes: int, chunked: bool) -> tuple[bool, float]:
    before = peak = service.memory()
    reader, writer = await connect(service.port)
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {megabytes * len(BLOCK)}"
    writer.write(f"POST /upload HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n".encode())
    digest = hashlib.sha256()
    for number in range(megabytes):
        digest.update(BLOCK)
        writer.write(b"%x\r\n%b\r\n" % (len(BLOCK), BLOCK) if chunked else BLOCK)
        await writer.drain()
        if number % 32 == 0:
            peak = max(peak, service.memory())
    if chunked:
        writer.write(b"0\r\n\r\n")
    status, _, body = await response(reader)
    writer.close()
    told = json.loads(body)
    same = status == 200 and told == {"size": megabytes * len(BLOCK), "sha256": digest.hexdigest()}
    return same, peak - before


async def _download(service: Service, path: str, size: int, digest: str) -> tuple[bool, float]:
    before = peak = service.memory()
    reader, writer = await connect(service.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    found, got, steps = hashlib.sha256(), 0, 0
    while data := await reader.read(1 << 20):
        found.update(data)
        got += len(data)
        steps += 1
        if steps % 64 == 0:
            peak = max(peak, service.memory())
    writer.close()
    return got == size and found.hexdigest() == digest, peak - before


def measure(short: bool) -> tuple[bool, str]:
    megabytes = 100 if short else 2000
    size = megabytes * len(BLOCK)
    whole = hashlib.sha256()
    results: dict[str, tuple[bool, float]] = {}
    with Service() as service, tempfile.NamedTemporaryFile(dir=service.scratch) as file:
        for _ in range(megabytes):
            whole.update(BLOCK)
            file.write(BLOCK)
        file.flush()
        digest = whole.hexdigest()
        for chunked in (False, True):
            name = "chunked upload" if chunked else "upload"
            results[name] = asyncio.run(_upload(service, megabytes, chunked))
        results["file"] = asyncio.run(_download(service, f"/file?path={file.name}", size, digest))
        results["stream"] = asyncio.run(_download(service, f"/download?mb={megabytes}&length=1", size, digest))
    met = all(same and grown < 30 for same, grown in results.values())
    text = ", ".join(
        f"{name} {'same' if same else 'DIFFERENT'} +{grown:.0f} MiB" for name, (same, grown) in results.items()
    )
    return met, f"{megabytes} MiB each: {text}"


if __name__ == "__main__":
    main("big bodies", "same bytes, memory < +30 MiB", measure)
