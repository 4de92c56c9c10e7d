"""Takes a body as it comes, into a temporary file, and says what it was: its size and its SHA-256."""

import hashlib
import tempfile

from lib.ledger import seen

from waypost import Response

max_body_size = 4 * 2**30


async def POST(request):
    digest = hashlib.sha256()
    size = 0
    seen["upload begun"] += 1
    keep = request.headers.get("x-keep") is not None
    try:
        with tempfile.TemporaryFile() as file:
            async for chunk in request.stream():
                digest.update(chunk)
                size += len(chunk)
                if keep:
                    file.write(chunk)
    except BaseException:
        seen["upload broken"] += 1
        raise
    seen["upload complete"] += 1
    return Response.json({"size": size, "sha256": digest.hexdigest()})
