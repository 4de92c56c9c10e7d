"""Guide: FormData (File Uploads)."""

from __future__ import annotations

import secrets

from waypost import File, Request, Response

from lib.settings import DATA
from lib.with_auth import with_auth

max_body_size = "10mb"
UPLOADS = DATA / "uploads"


@with_auth
async def POST(request: Request) -> Response:
    form_data = await request.form_data()
    name = form_data.get("name")
    file = form_data.get("file")

    # A field may be a text or a file, as the client likes.
    if not isinstance(file, File) or not isinstance(name, str):
        return Response.json({"error": "No file provided"}, status=400)

    # The client's name and type are claims: the one on disk is ours.
    stored = secrets.token_hex(16)
    UPLOADS.mkdir(exist_ok=True)
    (UPLOADS / stored).write_bytes(await file.bytes())

    return Response.json({"id": stored, "name": file.name, "size": file.size, "type": file.type}, status=201)
