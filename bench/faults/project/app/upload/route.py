"""Takes a body as it comes, with X-Keep into a file, and says what it was: its size and its SHA-256."""

import hashlib
import tempfile

from lib.ledger import seen

from waypost import Response, save_stream

max_body_size = 4 * 2**30


async def POST(request):
    digest = hashlib.sha256()
    size = 0
    seen["upload begun"] += 1

    async def watched():
        nonlocal size
        async for chunk in request.stream():
            digest.update(chunk)
            size += len(chunk)
            yield chunk

    try:
        if request.headers.get("x-keep") is not None:
            (await save_stream(watched(), tempfile.gettempdir())).unlink()
        else:
            async for _ in watched():
                pass
    except BaseException:
        seen["upload broken"] += 1
        raise
    seen["upload complete"] += 1
    return Response.json({"size": size, "sha256": digest.hexdigest()})
