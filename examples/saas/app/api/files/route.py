"""/api/files: the user's files: list and upload."""

from __future__ import annotations

from waypost import Request, Response

from lib.auth import with_auth
from lib.files import ACCEPTED, MAX_FILE_SIZE, add_file, list_files
from lib.limits import uploads
from lib.schema import User

max_body_size = "11mb"  # the file, and the form around it


@with_auth
async def GET(user: User) -> Response:
    return Response.json({"data": [file.to_json() for file in await list_files(user)]})


@with_auth
@uploads
async def POST(request: Request, user: User) -> Response:
    """Upload the file in the field `file` of a form; its type is read from its bytes."""
    form = await request.form_data(max_files=1, max_fields=0, max_file_size=MAX_FILE_SIZE, accept=ACCEPTED)
    file = await add_file(user, form.file("file"))
    if file is None:
        return Response.json({"error": "There is no room for more files"}, status=409)
    return Response.json(file.to_json(), status=201, headers={"Location": f"/api/files/{file.id}"})
