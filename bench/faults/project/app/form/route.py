"""A form with one file, read whole (POST, large files spooled) or part by part into a file (PUT): size and SHA-256."""

import hashlib
import tempfile

from lib.ledger import seen

from waypost import Response

max_body_size = 4 * 2**30


async def POST(request):
    seen["upload begun"] += 1
    digest = hashlib.sha256()
    try:
        form = await request.form_data()
        file = form.file("file")
        async for chunk in file.stream():
            digest.update(chunk)
        if file.size < 2**20:
            (await file.save(tempfile.gettempdir())).unlink()
    except BaseException:
        seen["upload broken"] += 1
        raise
    seen["upload complete"] += 1
    return Response.json({"size": file.size, "sha256": digest.hexdigest()})


async def PUT(request):
    seen["upload begun"] += 1
    try:
        async for part in request.parts():
            path = await part.save(tempfile.gettempdir())
    except BaseException:
        seen["upload broken"] += 1
        raise
    seen["upload complete"] += 1
    digest = hashlib.sha256()
    with path.open("rb") as file:
        size = path.stat().st_size
        while chunk := file.read(2**20):
            digest.update(chunk)
    path.unlink()
    return Response.json({"size": size, "sha256": digest.hexdigest()})
