"""2 GB up and down, raw and as a form, as a file, in ranges and as a stream: flat memory and the same bytes."""

from __future__ import annotations

import asyncio
import hashlib
import json
import tempfile

from rig import Service, connect, main, response

BLOCK = bytes(range(256)) * 4096  # 1 MiB


PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
END = b"\r\n--b--\r\n"


async def _upload(service: Service, megabytes: int, way: str) -> tuple[bool, float]:
    before = peak = service.memory()
    reader, writer = await connect(service.port)
    chunked, form = way == "chunked", way in ("POST", "PUT")
    length = megabytes * len(BLOCK) + (len(PART) + len(END) if form else 0)
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {length}"
    head = f"{way} /form" if form else "POST /upload"
    kind = "Content-Type: multipart/form-data; boundary=b\r\n" if form else ""
    writer.write(f"{head} HTTP/1.1\r\nHost: a\r\n{kind}{framing}\r\n\r\n".encode() + (PART if form else b""))
    digest = hashlib.sha256()
    for number in range(megabytes):
        digest.update(BLOCK)
        writer.write(b"%x\r\n%b\r\n" % (len(BLOCK), BLOCK) if chunked else BLOCK)
        await writer.drain()
        if number % 32 == 0:
            peak = max(peak, service.memory())
    if chunked or form:
        writer.write(b"0\r\n\r\n" if chunked else END)
    status, _, body = await response(reader)
    writer.close()
    told = json.loads(body)
    same = status == 200 and told == {"size": megabytes * len(BLOCK), "sha256": digest.hexdigest()}
    return same, peak - before


async def _download(service: Service, path: str, size: int, digest: str, extra: str = "") -> tuple[bool, float]:
    before = peak = service.memory()
    reader, writer = await connect(service.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n{extra}Connection: close\r\n\r\n".encode())
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
        for way, name in {"counted": "upload", "chunked": "chunked upload", "POST": "form", "PUT": "parts"}.items():
            results[name] = asyncio.run(_upload(service, megabytes, way))
        path = f"/file?path={file.name}"
        results["file"] = asyncio.run(_download(service, path, size, digest))
        results["rest of a file"] = asyncio.run(_download(service, path, size, digest, "Range: bytes=0-\r\n"))
        results["stream"] = asyncio.run(_download(service, f"/download?mb={megabytes}&length=1", size, digest))
    met = all(same and grown < 30 for same, grown in results.values())
    text = ", ".join(
        f"{name} {'same' if same else 'DIFFERENT'} +{grown:.0f} MiB" for name, (same, grown) in results.items()
    )
    return met, f"{megabytes} MiB each: {text}"


if __name__ == "__main__":
    main("big bodies", "same bytes, memory < +30 MiB", measure)
