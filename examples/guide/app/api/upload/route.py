"""Guide: FormData (File Uploads)."""

from __future__ import annotations

from waypost import Request, Response

from lib.settings import DATA
from lib.with_auth import with_auth

max_body_size = "10mb"
UPLOADS = DATA / "uploads"


@with_auth
async def POST(request: Request) -> Response:
    form_data = await request.form_data(max_files=1, accept=("image/png", "image/jpeg", "text/plain"))
    name = form_data.text("name")  # 400 when it is missing, or a file
    file = form_data.file("file")  # 400 when it is missing, or a text

    # The client's name and type are claims. A folder as target gives the file a random name of ours.
    UPLOADS.mkdir(exist_ok=True)
    stored = await file.save(UPLOADS)

    return Response.json(
        {"id": stored.name, "title": name, "name": file.name, "size": file.size, "type": file.sniffed_type},
        status=201,
    )
