from __future__ import annotations

import hashlib

from waypost import File, Request, Response


async def POST(request: Request) -> Response:
    form = await request.form_data()
    name = form.get("name")
    file = form.get("file")
    # A text field of that name is no file either: in the guide it is a TypeError and a 500.
    if not isinstance(file, File):
        return Response.json({"error": "No file provided"}, status=400)
    data = await file.array_buffer()
    return Response.json(
        {
            "name": file.name,
            "size": file.size,
            "type": file.type,
            "field": name,
            "sha": hashlib.sha256(data).hexdigest(),
        }
    )
